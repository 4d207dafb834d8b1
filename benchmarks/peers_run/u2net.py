"""U2-Net and U2-Net-P through the predict code of the package they came in; only the threads are set here.

That code stretches the photo to 320x320 and, after the network, each mask to the whole range 0..1.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image


def load(settings: dict[str, Any], timed: Callable[..., Any]) -> Callable[[Any], Any]:
    """The segmenter. settings: model."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(settings["model"], options, providers=["CPUExecutionProvider"])
    session.run = timed(session.run)
    package = importlib.import_module("rembg.session_simple")
    predict = package.SimpleSession(Path(settings["model"]).stem, session).predict

    def segment(photo: Any) -> Any:
        return np.asarray(predict(Image.fromarray(photo))[0])

    return segment
