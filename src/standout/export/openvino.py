"""ONNX -> OpenVINO's own pair of files, NAME.xml and NAME.bin, which OpenVINO loads without conversion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from standout.export.onnx import plain, quantized
from standout.models.card import CARD_KEY

if TYPE_CHECKING:
    from standout.export.source import Source


def convert(source: Source, made: Path, precision: str) -> None:
    """Writes the source for OpenVINO; in int8 it holds the quantization of the ONNX file."""
    file = quantized(source) if precision == "int8" else plain(source)
    _to_openvino(file, made, half=precision == "float16")


def _to_openvino(source: Path, target: Path, *, half: bool) -> None:
    """Writes the ONNX file at source, in its own precision, to target (.xml). half: whether weights become float16."""
    import openvino as ov

    model = ov.Core().read_model(source)
    card = str(model.get_rt_info(["framework", CARD_KEY]).astype(str))
    model.set_rt_info(card, [CARD_KEY])
    ov.save_model(model, target, compress_to_fp16=half)
