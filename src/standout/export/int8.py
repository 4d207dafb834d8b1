"""ONNX in float32 -> ONNX in 8 bits, by static quantization over photos.

Weights get a scale a channel, activations one a tensor, from the least and the greatest value in a photo, both averaged
over the photos (Jacob et al., arXiv 1712.05877): the extremes of one odd photo would make every step coarser. The file
is plain ONNX (QuantizeLinear, DequantizeLinear), which OpenVINO runs too. OpenVINO's own quantizer, NNCF, came out at
the same Dice and no faster, and is a heavy dependency.
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


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """The photos as ONNX Runtime's quantizer asks for them."""

    def __init__(self, inputs: Inputs, name: str) -> None:
        self.rows: Iterator[NDArray[np.float32]] = iter(inputs)
        self.name = name

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        row = next(self.rows, None)
        return None if row is None else {self.name: row}


def to_int8(source: Path, target: Path, inputs: Inputs) -> None:
    """Writes the float32 ONNX file at source in 8 bits. inputs: photos as the network takes them, a hundred or so."""
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
    """Names of the nodes that stay in float32: they are quick, and their rounding shows most.

    The first convolution and the depthwise one behind it, whose few channels reach least alike far and share one scale,
    and what follows the last convolution.
    """
    nodes = list(model.graph.node)
    convolutions = [at for at, node in enumerate(nodes) if node.op_type == "Conv"]
    first, second = convolutions[:2]
    depthwise = any(one.name == "group" and one.i > 1 for one in nodes[second].attribute)
    kept = [first, *([second] if depthwise else []), *range(convolutions[-1] + 1, len(nodes))]
    return [nodes[at].name for at in kept]
