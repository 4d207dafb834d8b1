"""Network -> ONNX, in float32 and with float16 weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from standout.models.card import CARD_KEY, ModelCard
from standout.net.unet import UNet

if TYPE_CHECKING:
    from standout.export.source import Source


def convert(source: Source, made: Path, precision: str) -> None:
    """Writes the source as ONNX."""
    if precision == "float16":
        to_float16(source.plain, made)
    else:
        made.write_bytes((source.quantized if precision == "int8" else source.plain).read_bytes())


def to_onnx(network: nn.Module, card: ModelCard, target: Path, *, fixed: tuple[int, int] | None = None) -> None:
    """Writes the network, which takes RGB and returns probability, with its card as an ONNX file.

    The file takes any number of photos of any height and width that are multiples of 32. fixed: it takes a single photo
    of that (h, w) instead.
    """
    free = {0: torch.export.Dim("n"), 2: 32 * torch.export.Dim("h32"), 3: 32 * torch.export.Dim("w32")}
    program = torch.onnx.export(
        network,
        (torch.rand(1, 3, *fixed) if fixed else torch.rand(2, 3, 96, 128),),  # a dimension of 1 would become fixed
        dynamo=True,
        input_names=["image"],
        output_names=["probability"],
        dynamic_shapes=None if fixed else (free,),
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model_proto
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    _strip_names(model)
    onnx.checker.check_model(model, full_check=True)
    target.write_bytes(model.SerializeToString())


def to_float16(source: Path, target: Path) -> None:
    """Writes the float32 ONNX file at source to target with its weights as float16, each widened by a Cast.

    Runtimes fold the casts when they load the file, so it is half as large and as fast. Arithmetic in float16 would be
    slower, since most processors do not have it and would convert each time.
    """
    model = onnx.load(source)
    casts = []
    for tensor in model.graph.initializer:
        weights = onnx.numpy_helper.to_array(tensor)
        if weights.dtype == np.float32 and weights.ndim > 1:  # biases are few, and hold the sums of batch norms
            name, stored = tensor.name, f"{tensor.name}_float16"
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights.astype(np.float16), stored))
            casts.append(onnx.helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    target.write_bytes(model.SerializeToString())


def fold_batch_norms(net: UNet) -> None:
    """Folds every batch norm into the convolution before it, which gives the same function with fewer steps."""

    def fold(module: nn.Module) -> None:
        before: tuple[str, nn.Module] | None = None
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
                setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
                # timm's batch norms carry the activation that follows them
                setattr(module, name, getattr(child, "act", nn.Identity()))
            else:
                fold(child)
            before = (name, child)

    fold(net.eval())


def _strip_names(model: onnx.ModelProto) -> None:
    """Removes the stack traces and module paths of the machine that exported the file."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    del model.graph.value_info[:]
    model.doc_string = ""
