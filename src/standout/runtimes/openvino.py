"""OpenVINO, on a CPU: it reads ONNX files and files of its own.

It computes in bfloat16 where that is faster on the processor, which halves the time of a photo; docs/benchmarks.md
shows what that does to the scores. Small networks stay in float32.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from standout.models.card import CARD_KEY, ModelCard
from standout.runtimes import Session, choose_device, loading, no_card, one_by_one
from standout.runtimes.sizes import sizes_of

SMALL = 1_000_000
"""The number of weights below which bfloat16 costs more accuracy than it saves time.

On the validation photos standout-tiny, with half as many weights, lost 0.002 of Dice to it, and up to 0.14 on a single
photo, while it took three quarters of the time; standout-mobile, with twice as many weights, lost nothing.
"""


def devices() -> list[str]:
    """The CPU alone: the other devices of OpenVINO are not tested."""
    return ["cpu"]


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: of the network for one call; None means all cores.

    Raises ModelError where the file is damaged or no standout model, SetupError where the device is not available.
    """
    choose_device(device, runtime="openvino")
    core = ov.Core()
    settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    with loading(path, "openvino", line=-1):
        model = core.read_model(path)
        if _weights(model) < SMALL:
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = core.compile_model(model, "CPU", settings)
        text = _card(model)
    if text is None:
        raise no_card(path)
    card = ModelCard.from_json(text, where=str(path))
    takes, gives = (
        [[side.get_length() if side.is_static else None for side in port.get_partial_shape()] for port in ports]
        for ports in (model.inputs, model.outputs)
    )
    sizes = sizes_of(takes, gives, where=str(path))
    request, one_at_a_time = compiled.create_infer_request(), threading.Lock()

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        # Simultaneous calls, each in a stream of its own, waited for each other forever on a busy machine.
        with one_at_a_time:
            found = request.infer([np.ascontiguousarray(batch)])[0]
            return np.array(found, np.float32)  # a copy, since the next call overwrites the memory of the request

    return Session(run if takes[0][0] is None else one_by_one(run), card, "cpu", "openvino", sizes)


def _weights(model: ov.Model) -> int:
    """The number of weights of all convolutions."""
    shapes = [list(one.get_output_shape(0)) for one in model.get_ops() if one.get_type_name() == "Constant"]
    return sum(int(np.prod(shape)) for shape in shapes if len(shape) >= 4)


def _card(model: ov.Model) -> str | None:
    """The text of the card; the metadata of an ONNX file lie under "framework"."""
    for place in ([CARD_KEY], ["framework", CARD_KEY]):
        if model.has_rt_info(place):
            return str(model.get_rt_info(place).astype(str))
    return None
