"""ONNX -> OpenVINO's own pair of files, NAME.xml and NAME.bin, which load without conversion."""

from __future__ import annotations

from pathlib import Path

from standout.card import CARD_KEY


def to_openvino(source: Path, target: Path, *, half: bool = False) -> None:
    """Writes the ONNX file at source, of whatever precision, to target (.xml). half: weights are kept as float16."""
    import openvino as ov

    model = ov.Core().read_model(source)
    card = str(model.get_rt_info(["framework", CARD_KEY]).astype(str))
    model.set_rt_info(card, [CARD_KEY])
    ov.save_model(model, target, compress_to_fp16=half)
