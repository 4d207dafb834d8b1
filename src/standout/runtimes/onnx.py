"""ONNX Runtime, the runtime of the base install.

To add a device: a row in PROVIDERS.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from standout.errors import SetupError
from standout.models.card import CARD_KEY, ModelCard
from standout.runtimes import GPU_BATCH, RUNTIMES, Session, choose_device, loading, no_card, one_by_one
from standout.runtimes.sizes import sizes_of
from standout.support.system import cores

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}


def devices() -> list[str]:
    """The devices that this machine's ONNX Runtime can use, the default first.

    >>> "cpu" in devices()
    True
    """
    available = ort.get_available_providers()
    return [device for device, provider in PROVIDERS.items() if provider in available]


def open(path: Path, *, device: str = "auto", threads: int | None = None, channels: int = 3) -> Session:
    """The model at path, ready to run. threads: of the network for one call; None means all cores.

    channels: of the model's input, 3 for what finds people; see sizes_of.

    Raises ModelError where the file is damaged or no standout model, SetupError where the device is not available.
    """
    chosen, _ = choose_device(device, runtime="onnx")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    with loading(path, "onnx"):
        session = ort.InferenceSession(str(path), options, providers=[PROVIDERS[chosen]])
    if PROVIDERS[chosen] not in session.get_providers():
        cure = RUNTIMES["onnx"].cures.get(chosen, "try --device cpu")
        raise SetupError(f"ONNX Runtime lists {chosen!r} but could not start it; {cure}")
    with loading(path, "onnx"):
        text = session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
    if text is None:
        raise no_card(path)
    card = ModelCard.from_json(text, where=str(path))
    takes, gives = (
        [[side if isinstance(side, int) else None for side in one.shape] for one in some]
        for some in (session.get_inputs(), session.get_outputs())
    )
    sizes = sizes_of(takes, gives, where=str(path), channels=channels)
    name = session.get_inputs()[0].name

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return cast("NDArray[np.float32]", session.run(None, {name: batch})[0])

    if takes[0][0] is not None:
        return Session(one_by_one(run), card, chosen, "onnx", sizes)
    return Session(run, card, chosen, "onnx", sizes, batch=1 if chosen == "cpu" else GPU_BATCH)
