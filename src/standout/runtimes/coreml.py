"""Core ML, on macOS: .mlpackage files, one photo at a time, which they take as a picture of 8 bits."""

from __future__ import annotations

import sys
from pathlib import Path

import coremltools as ct
import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.card import CARD_KEY, ModelCard
from standout.errors import ModelError, SetupError
from standout.runtimes import Session, one_by_one

UNITS = {"auto": ct.ComputeUnit.ALL, "coreml": ct.ComputeUnit.ALL, "cpu": ct.ComputeUnit.CPU_ONLY}


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: Core ML chooses by itself.

    Raises ModelError when the package is damaged or not a standout model, SetupError when this is no Mac or the device
    is not known.
    """
    if device not in UNITS:
        raise SetupError(f"device {device!r} is not for Core ML; choose one of: {', '.join(UNITS)}")
    if sys.platform != "darwin":
        raise SetupError(f"{path}: Core ML runs on macOS alone, and this is {sys.platform}; use an .onnx file here")
    try:
        model = ct.models.MLModel(str(path), compute_units=UNITS[device])
    except Exception as error:  # whatever Apple's framework says
        raise ModelError(f"{path} cannot be loaded by Core ML ({error}); get the file again") from None
    text = model.user_defined_metadata.get(CARD_KEY)
    if text is None:
        raise ModelError(f"{path} holds no standout model card; export it with standout's own exporter")

    def run(photo: NDArray[np.float32]) -> NDArray[np.float32]:
        pixels = np.rint(photo[0].transpose(1, 2, 0) * 255).astype(np.uint8)
        found = model.predict({"image": images.to_pillow(pixels)})["probability"]
        return np.asarray(found, np.float32)[None, None]

    return Session(
        one_by_one(run), ModelCard.from_json(text, where=str(path)), "cpu" if device == "cpu" else "coreml", "coreml"
    )
