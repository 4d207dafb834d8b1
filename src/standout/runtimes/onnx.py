"""ONNX Runtime, the runtime of the base install.

To add a device: a row in PROVIDERS.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from standout.card import CARD_KEY, ModelCard
from standout.errors import ModelError, SetupError
from standout.runtimes import Session, fixed_size, one_by_one
from standout.system import cores

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
CURES = {
    "cuda": "install onnxruntime-gpu in place of onnxruntime, on a machine with an NVIDIA GPU",
    "coreml": "use macOS, where onnxruntime brings it",
    "directml": "install onnxruntime-directml in place of onnxruntime, on Windows",
}


def devices() -> list[str]:
    """The devices that this machine's ONNX Runtime can use, the default first.

    >>> "cpu" in devices()
    True
    """
    available = ort.get_available_providers()
    return [device for device, provider in PROVIDERS.items() if provider in available]


def choose(device: str) -> tuple[str, str]:
    """The device to run on, and why; "auto" takes the CPU, where a photo needs some hundredths of a second.

    Raises SetupError for a device that is unknown or not here: standout never falls back silently.
    """
    here = devices()
    if device == "auto":
        return "cpu", "the default: fast enough for photos, and the same result everywhere"
    if device not in PROVIDERS:
        raise SetupError(f"device {device!r} is not known; choose one of: auto, {', '.join(PROVIDERS)}")
    if device not in here:
        raise SetupError(
            f"device {device!r} is not available here (available: {', '.join(here)}); {CURES.get(device, '')}"
        )
    return device, "asked for"


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: for one network call; None = all cores.

    Raises ModelError when the file is damaged or not a standout model, SetupError when the device is not here.
    """
    chosen, _ = choose(device)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), options, providers=[PROVIDERS[chosen]])
    except Exception as error:  # ONNX Runtime raises a private class for each failure
        reason = str(error).strip().splitlines()[0][:200]
        raise ModelError(f"{path} cannot be loaded as an ONNX model ({reason}); get the file again") from None
    if PROVIDERS[chosen] not in session.get_providers():
        raise SetupError(
            f"ONNX Runtime lists {chosen!r} but could not start it; {CURES.get(chosen, 'try --device cpu')}"
        )
    text = session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
    if text is None:
        raise ModelError(f"{path} holds no standout model card; export it with standout's own exporter")
    card = ModelCard.from_json(text, where=str(path))
    takes, gives = (
        [[side if isinstance(side, int) else None for side in one.shape] for one in some]
        for some in (session.get_inputs(), session.get_outputs())
    )
    fixed = fixed_size(takes, gives, where=str(path))
    name = session.get_inputs()[0].name

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return cast("NDArray[np.float32]", session.run(None, {name: batch})[0])

    return Session(one_by_one(run) if fixed else run, card, chosen, "onnx", fixed)
