"""ONNX in float32 -> ONNX in 8 bits, by static quantization over photos.

Each channel of weights has its own scale, and each tensor of activations has one. The scales of activations come from
the least and the greatest value in a photo, both averaged over the photos, since the extremes of a single odd photo
would make every step coarser (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-
Arithmetic-Only Inference", arXiv 1712.05877). The file is plain ONNX (QuantizeLinear, DequantizeLinear), which OpenVINO
runs too. OpenVINO's own quantizer, NNCF, reached the same Dice, was no faster, and is a heavy dependency.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

Inputs = Iterable[NDArray[np.float32]]
"""Photos as the network takes them, each float32 (1, 3, h, w) in 0..1."""


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """The photos in the form that ONNX Runtime's quantizer asks for."""

    def __init__(self, inputs: Inputs, name: str) -> None:
        self.rows: Iterator[NDArray[np.float32]] = iter(inputs)
        self.name = name

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        row = next(self.rows, None)
        return None if row is None else {self.name: row}


def to_int8(source: Path, target: Path, inputs: Inputs) -> None:
    """Writes the float32 ONNX file at source to target in 8 bits. inputs: about a hundred photos for calibration."""
    model = onnx.load(source)
    with tempfile.TemporaryDirectory() as folder:
        prepared, done = Path(folder) / "prepared.onnx", Path(folder) / "done.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(done),
            _Reader(inputs, model.graph.input[0].name),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_delicate(onnx.load(prepared)),
            extra_options={"CalibMovingAverage": True},
        )
        quantized = onnx.load(done)
    del quantized.metadata_props[:]
    quantized.metadata_props.extend(model.metadata_props)
    target.write_bytes(quantized.SerializeToString())


def _delicate(model: onnx.ModelProto) -> list[str]:
    """The names of the nodes that stay in float32, because they are fast and their rounding does the most harm.

    They are the first convolution and the depthwise convolution behind it, whose few channels have the most different
    ranges and share a scale, and all nodes after the last convolution.
    """
    nodes = list(model.graph.node)
    convolutions = [at for at, node in enumerate(nodes) if node.op_type == "Conv"]
    first, second = convolutions[:2]
    depthwise = any(one.name == "group" and one.i > 1 for one in nodes[second].attribute)
    kept = [first, *([second] if depthwise else []), *range(convolutions[-1] + 1, len(nodes))]
    return [nodes[at].name for at in kept]
