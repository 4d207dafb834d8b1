"""OpenVINO: ONNX files and its own, on a CPU. It computes in bfloat16 where the processor does so faster.

That halves a photo's time on such processors; docs/benchmarks.md has what it does to the scores. Small networks stay in
float32.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from standout.models.card import CARD_KEY, ModelCard
from standout.runtimes import Session, choose_device, loading, no_card, one_by_one, sizes_of

SMALL = 1_000_000
"""Weights below which bfloat16 costs more than it saves.

Over the validation photos, standout-tiny, of half as many, lost 0.002 of Dice to it, and up to 0.14 on one photo, for
three quarters of the time; standout-mobile, of twice as many, lost none.
"""


def devices() -> list[str]:
    """The CPU: what else OpenVINO could use is not tested here."""
    return ["cpu"]


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: for one call of the network; None = all cores.

    Raises ModelError when the file is damaged or not a standout model, SetupError when the device is not here.
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
        # several calls at once, each in a stream of its own, once waited for each other without end on a busy machine
        with one_at_a_time:
            found = request.infer([np.ascontiguousarray(batch)])[0]
            return np.array(found, np.float32)  # the request's own memory is written again at its next call

    return Session(run if takes[0][0] is None else one_by_one(run), card, "cpu", "openvino", sizes)


def _weights(model: ov.Model) -> int:
    """How many, of all convolutions."""
    shapes = [list(one.get_output_shape(0)) for one in model.get_ops() if one.get_type_name() == "Constant"]
    return sum(int(np.prod(shape)) for shape in shapes if len(shape) >= 4)


def _card(model: ov.Model) -> str | None:
    """The card's text: an ONNX file's metadata come under "framework"."""
    for place in ([CARD_KEY], ["framework", CARD_KEY]):
        if model.has_rt_info(place):
            return str(model.get_rt_info(place).astype(str))
    return None
