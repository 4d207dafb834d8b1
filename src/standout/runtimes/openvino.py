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

from standout.card import CARD_KEY, ModelCard
from standout.errors import ModelError, SetupError
from standout.runtimes import Session, fixed_size, one_by_one

SMALL = 1_000_000
"""Weights below which bfloat16 costs more than it saves.

Over the validation photos, standout-tiny, of half as many, lost 0.002 of Dice to it, and up to 0.14 on one photo, for
three quarters of the time; standout-mobile, of twice as many, lost none.
"""


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: for one call of the network; None = all cores.

    Raises ModelError when the file is damaged or not a standout model, SetupError when the device is not here.
    """
    if device not in ("auto", "cpu"):
        raise SetupError(f"device {device!r} is not for OpenVINO here; use --device cpu, or --runtime onnx")
    core = ov.Core()
    settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    try:
        model = core.read_model(path)
        if _weights(model) < SMALL:
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = core.compile_model(model, "CPU", settings)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1][:200]
        raise ModelError(f"{path} cannot be loaded by OpenVINO ({reason}); get the file again") from None
    card = ModelCard.from_json(_card(model, path), where=str(path))
    takes, gives = (
        [[side.get_length() if side.is_static else None for side in port.get_partial_shape()] for port in ports]
        for ports in (model.inputs, model.outputs)
    )
    fixed = fixed_size(takes, gives, where=str(path))
    request, one_at_a_time = compiled.create_infer_request(), threading.Lock()

    def run(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        # several calls at once, each in a stream of its own, once waited for each other without end on a busy machine
        with one_at_a_time:
            found = request.infer([np.ascontiguousarray(batch)])[0]
            return np.array(found, np.float32)  # the request's own memory is written again at its next call

    return Session(one_by_one(run) if fixed else run, card, "cpu", "openvino", fixed)


def _weights(model: ov.Model) -> int:
    """How many, of all convolutions."""
    shapes = [list(one.get_output_shape(0)) for one in model.get_ops() if one.get_type_name() == "Constant"]
    return sum(int(np.prod(shape)) for shape in shapes if len(shape) >= 4)


def _card(model: ov.Model, path: Path) -> str:
    """The card's text: an ONNX file's metadata come under "framework"."""
    for place in ([CARD_KEY], ["framework", CARD_KEY]):
        if model.has_rt_info(place):
            return str(model.get_rt_info(place).astype(str))
    raise ModelError(f"{path} holds no standout model card; export it with standout's own exporter")
