"""Checkpoint -> ONNX."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from standout.card import CARD_KEY
from standout.net import checkpoint
from standout.net.unet import Probability, UNet


def to_onnx(source: Path, target: Path) -> None:
    """Writes the checkpoint as ONNX: batch norms folded, any N and any H, W that are multiples of 32."""
    net, card = checkpoint.load(source)
    _fold_batch_norms(net)
    program = torch.onnx.export(
        Probability(net).eval().to(memory_format=torch.contiguous_format),
        (torch.rand(2, 3, 96, 128),),  # any size but 1 in a dimension that is to stay free
        dynamo=True,
        input_names=["image"],
        output_names=["probability"],
        dynamic_shapes=({0: torch.export.Dim("n"), 2: 32 * torch.export.Dim("h32"), 3: 32 * torch.export.Dim("w32")},),
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
    """Writes the float32 ONNX file at source with weights and arithmetic in float16; input and output stay float32."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = convert_float_to_float16(onnx.load(source), keep_io_types=True)
    target.write_bytes(model.SerializeToString())


def _fold_batch_norms(net: UNet) -> None:
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
    """Drops stack traces and module paths of the machine that exported."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    del model.graph.value_info[:]
    model.doc_string = ""
