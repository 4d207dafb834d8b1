"""Network -> LiteRT (TensorFlow Lite), for Android: a photo of a fixed size, channels last, as its GPU delegate wants.

It is converted by litert-torch and quantized by its ai-edge-quantizer, which are both Google's own. In 8 bits, ranges
are running averages over photos, as that quantizer computes them, and the steps that rounding would harm most stay in
float32; see _delicate.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import flatbuffers
import litert_torch
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping, quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.utils.tfl_flatbuffer_utils import get_op_scope
from torch import Tensor, nn

from standout.models.card import CARD_KEY

if TYPE_CHECKING:
    from standout.export.source import Source


class _ChannelsLast(nn.Module):
    """The network with channels last, and with names of inputs and outputs that apps can use."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"probability": self.network(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)}


def convert(source: Source, made: Path, precision: str) -> None:
    """Writes the source for LiteRT; where no size is asked for, the file takes upright photos of the card's size."""
    height, width = source.fixed or source.card.size

    def converted(path: Path) -> None:
        photo = torch.rand(1, height, width, 3)
        litert_torch.convert(_ChannelsLast(source.network()).eval(), sample_kwargs={"image": photo}).export(str(path))

    plain = source.once("plain.tflite", converted)
    made.write_bytes(
        plain.read_bytes() if precision == "float32" else _smaller(plain, precision, source, (height, width))
    )
    made.write_bytes(_with_metadata(made.read_bytes(), CARD_KEY, source.card.to_json()))


def _smaller(plain: Path, precision: str, source: Source, shape: tuple[int, int]) -> bytes:
    """The float32 file at plain with float16 weights, or in 8 bits by static quantization over photos.

    shape: (h, w) of the photos that the file takes.
    """
    work, steps = quantizer.Quantizer(str(plain)), qtyping.TFLOperationName
    found = None
    if precision == "float16":
        half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        how = qtyping.OpQuantizationConfig(
            weight_tensor_config=half, compute_precision=qtyping.ComputePrecision.FLOAT, explicit_dequantize=True
        )
        work.update_quantization_recipe(".*", steps.ALL_SUPPORTED, how, AlgorithmName.FLOAT_CASTING)
    else:
        work.load_quantization_recipe(recipe.static_wi8_ai8())
        floats = AlgorithmName.NO_QUANTIZE
        work.update_quantization_recipe(".*", steps.INPUT, algorithm_key=floats)
        for scope in _delicate(plain.read_bytes()):
            work.update_quantization_recipe(f"^{re.escape(scope)}$", steps.ALL_SUPPORTED, algorithm_key=floats)
        photos = [np.ascontiguousarray(one.transpose(0, 2, 3, 1)) for one in source.calibration(shape)]
        found = work.calibrate({"serving_default": [{"image": one} for one in photos]}, num_threads=2)
    return bytes(work.quantize(found).quantized_model)


def _delicate(file: bytes) -> list[str]:
    """The names, as the quantizer has them, of the steps that stay in float32.

    They are the steps up to the first addition (or up to the first convolution, in a network without additions), whose
    few channels have the most different ranges and share a scale; the concatenations of decoder and encoder, for which
    LiteRT has only one scale; and all steps after the last convolution.
    """
    model = schema.ModelT.InitFromPackedBuf(file, 0)
    graph = model.subgraphs[0]
    codes = [max(one.builtinCode, one.deprecatedBuiltinCode) for one in model.operatorCodes]
    kinds = [codes[step.opcodeIndex] for step in graph.operators]
    known = schema.BuiltinOperator
    first = kinds.index(known.ADD if known.ADD in kinds else known.CONV_2D)
    last = max(at for at, kind in enumerate(kinds) if kind == known.CONV_2D)
    kept = [
        step
        for at, (step, kind) in enumerate(zip(graph.operators, kinds, strict=True))
        if at <= first or kind == known.CONCATENATION or at > last
    ]
    return [get_op_scope(step, graph.tensors) for step in kept]


def _with_metadata(file: bytes, key: str, text: str) -> bytes:
    """The file with the text added to its metadata under that key, in a buffer of its own."""
    model = schema.ModelT.InitFromPackedBuf(file, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:  # the quantizer puts weights behind the table, where the new table will be
            buffer.data = np.frombuffer(file, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    held = schema.BufferT()
    held.data = np.frombuffer(text.encode(), np.uint8)
    model.buffers.append(held)
    row = schema.MetadataT()
    row.name, row.buffer = key, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), row]
    builder = flatbuffers.Builder(len(file) + len(text))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
