"""MediaPipe's selfie segmentation, run by LiteRT as MediaPipe's own graph says.

selfie_segmentation_cpu.binarypb, beside the model in the wheel: the photo is stretched to the network's rectangle, not
letterboxed (keep_aspect_ratio off), levels go to 0..1, and the network's answer is enlarged as it is (no activation).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np


def load(settings: dict[str, Any], timed: Callable[..., Any]) -> Callable[[Any], Any]:
    """The segmenter. settings: model."""
    litert = importlib.import_module("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(settings["model"], num_threads=1)
    interpreter.allocate_tensors()
    (source,), (sink,) = interpreter.get_input_details(), interpreter.get_output_details()
    height, width = map(int, source["shape"][1:3])

    @timed
    def network(batch: Any) -> Any:
        interpreter.set_tensor(source["index"], batch)
        interpreter.invoke()
        return interpreter.get_tensor(sink["index"])

    def segment(photo: Any) -> Any:
        stretched = cv2.resize(photo, (width, height), interpolation=cv2.INTER_LINEAR)
        found = network(stretched[None].astype(np.float32) / 255)[0, :, :, 0]
        return cv2.resize(found, (photo.shape[1], photo.shape[0]), interpolation=cv2.INTER_LINEAR).clip(0, 1)

    return segment
