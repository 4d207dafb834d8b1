"""Network -> ONNX, with the weights that training goes on from beside the folded ones (see net.trainable)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import nn

from standout.export.int8 import to_int8
from standout.models.card import CARD_KEY, ModelCard
from standout.net import trainable

if TYPE_CHECKING:
    from standout.export.source import Source

MANY = 16384
"""Tensors of so many weights may have fewer levels in 8 bits: they are most of a network, and bear it best."""


def convert(source: Source, made: Path, precision: str) -> None:
    """Writes the source as ONNX. In 8 bits it has no weights that can be trained: their scales are of other numbers."""
    if precision == "int8":
        made.write_bytes(quantized(source).read_bytes())
        return
    model = onnx.load(plain(source))
    if precision == "float16":
        to_float16(model)
    trainable.keep(model, *source.trainable())
    onnx.checker.check_model(model, full_check=True)
    made.write_bytes(model.SerializeToString())


def plain(source: Source) -> Path:
    """The source's float32 ONNX file, for inference alone: what other targets are made of."""
    return source.once("plain.onnx", lambda path: to_onnx(source.network(), source.card, path, fixed=source.fixed))


def quantized(source: Source) -> Path:
    """The source's 8-bit ONNX file."""
    return source.once("int8.onnx", lambda path: to_int8(plain(source), path, source.calibration()))


def to_onnx(
    network: nn.Module, card: ModelCard, target: Path, *, fixed: tuple[int, int] | None = None, channels: int = 3
) -> None:
    """Writes the network, which takes RGB and returns probability, with its card as an ONNX file.

    The file takes any number of photos of any height and width that are multiples of 32. fixed: it takes a single photo
    of that (h, w) instead. channels: of the input; what a click network takes has more than RGB.
    """
    free = {0: torch.export.Dim("n"), 2: 32 * torch.export.Dim("h32"), 3: 32 * torch.export.Dim("w32")}
    example = (1, channels, *fixed) if fixed else (2, channels, 96, 128)  # a dimension of 1 would become fixed
    program = torch.onnx.export(
        network,
        (torch.rand(example),),
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


def to_float16(model: onnx.ModelProto) -> None:
    """Turns the weights of a float32 model into float16, each widened by a Cast.

    Runtimes fold the casts when they load the file, so it is half as large and as fast. Arithmetic in float16 would be
    slower, since most processors do not have it and would convert each time.
    """
    casts = []
    for tensor in model.graph.initializer:
        weights = onnx.numpy_helper.to_array(tensor)
        if weights.dtype == np.float32 and weights.ndim > 1:  # biases are few, and hold the sums of batch norms
            name, stored = tensor.name, f"{tensor.name}{trainable.HALF}"
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights.astype(np.float16), stored))
            casts.append(onnx.helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def to_weights8(model: onnx.ModelProto, *, levels: int = 127) -> None:
    """Turns the weights of a float32 model into 8 bits with a scale for each output channel; arithmetic stays float32.

    levels: of the weights on either side of 0 in tensors of MANY weights, at most 127. With fewer, a file takes less
    space once it is compressed, as in a wheel. Smaller tensors always have 127. Scales and biases become float16.

    Runtimes widen and scale the weights when they load the file, so it is a quarter as large and as fast as before.
    """
    widened = []

    def widen(stored: str, name: str) -> None:
        widened.append(onnx.helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))

    for tensor in list(model.graph.initializer):
        weights, name = onnx.numpy_helper.to_array(tensor), tensor.name
        if weights.dtype == np.float32 and weights.ndim == 1:
            half = f"{name}{trainable.HALF}"
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights.astype(np.float16), half))
            widen(half, name)
        elif weights.dtype == np.float32 and weights.ndim == 4:
            most = levels if weights.size >= MANY else 127
            scale = (np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / most + 1e-6).astype(np.float16)
            whole = np.rint(weights / scale.astype(np.float32)).clip(-127, 127).astype(np.int8)
            tensor.CopyFrom(onnx.numpy_helper.from_array(whole, f"{name}.int8"))
            model.graph.initializer.append(onnx.numpy_helper.from_array(scale, f"{name}.scale{trainable.HALF}"))
            widen(f"{name}.int8", f"{name}.wide")
            widen(f"{name}.scale{trainable.HALF}", f"{name}.scale")
            widened.append(onnx.helper.make_node("Mul", [f"{name}.wide", f"{name}.scale"], [name]))
    nodes = [*widened, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _strip_names(model: onnx.ModelProto) -> None:
    """Removes the stack traces and module paths of the machine that exported the file."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    del model.graph.value_info[:]
    model.doc_string = ""
