"""Core ML, on macOS: it reads .mlpackage files, which take one photo at a time as a picture of 8 bits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.errors import ModelError, SetupError
from standout.models.card import CARD_KEY, ModelCard
from standout.runtimes import Session, choose_device, loading, no_card, one_by_one
from standout.runtimes.sizes import Size

UNITS = {"coreml": ct.ComputeUnit.ALL, "cpu": ct.ComputeUnit.CPU_ONLY}


def devices() -> list[str]:
    """Either "coreml", where Core ML itself chooses among the processors of the Mac, or "cpu" for the CPU alone."""
    return list(UNITS)


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: ignored, as Core ML chooses them itself.

    Raises ModelError where the package is damaged or no standout model, SetupError where this is no Mac or the device
    is unknown.
    """
    if sys.platform != "darwin":
        raise SetupError(f"{path}: Core ML runs on macOS alone, and this is {sys.platform}; use an .onnx file here")
    chosen = "coreml" if device == "auto" else choose_device(device, runtime="coreml")[0]
    with loading(path, "coreml"):
        model = ct.models.MLModel(str(path), compute_units=UNITS[chosen])
        text = model.user_defined_metadata.get(CARD_KEY)
    if text is None:
        raise no_card(path)
    card = ModelCard.from_json(text, where=str(path))

    def run(photo: NDArray[np.float32]) -> NDArray[np.float32]:
        pixels = np.rint(photo[0].transpose(1, 2, 0) * 255).astype(np.uint8)
        found = model.predict({"image": images.to_pillow(pixels)})["probability"]
        return np.asarray(found, np.float32)[None, None]

    return Session(one_by_one(run), card, chosen, "coreml", sizes(model, card, path))


def sizes(model: Any, card: ModelCard, path: Path) -> tuple[Size, ...]:
    """The only (h, w) that the program takes, by its own description; empty where it takes any.

    For a program that does not describe its input, this is the size on its card, upright and lying.

    Raises ModelError where the input is not a picture.
    """
    try:
        kind = model.get_spec().description.input[0].type
    except Exception:  # coremltools raises various errors for a description that is missing or incomplete
        return card.size, card.size[::-1]
    if kind.WhichOneof("Type") != "imageType":
        raise ModelError(f"{path} is no person segmentation net: its input is no picture; export it with standout")
    picture = kind.imageType
    flexible = picture.WhichOneof("SizeFlexibility")
    if flexible == "enumeratedSizes":
        return tuple((int(one.height), int(one.width)) for one in picture.enumeratedSizes.sizes)
    return () if flexible == "imageSizeRange" else ((int(picture.height), int(picture.width)),)
