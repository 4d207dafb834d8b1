"""RobustVideoMatting with MobileNetV3, which carries what it has seen from frame to frame; by ONNX Runtime.

Lin et al., "Robust High-Resolution Video Matting with Temporal Guidance" (arXiv 2108.11515). As its authors advise, the
frame is scaled down inside the network to a longest side of about 512. One process sees one clip, frame by frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime as ort

SIDE = 512
"""Longest side of what the network's inner part sees, in pixels."""


def load(settings: dict[str, Any], timed: Callable[..., Any]) -> Callable[[Any], Any]:
    """The segmenter. settings: model."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(settings["model"], options, providers=["CPUExecutionProvider"])
    network = timed(session.run)
    memory = [np.zeros((1, 1, 1, 1), np.float32)] * 4

    def segment(frame: Any) -> Any:
        scale = np.array([min(1.0, SIDE / max(frame.shape[:2]))], np.float32)
        planes = frame.transpose(2, 0, 1)[None].astype(np.float32) / 255
        carried = {f"r{number}i": one for number, one in enumerate(memory, 1)}
        alpha, *memory[:] = network(
            ["pha", "r1o", "r2o", "r3o", "r4o"], {"src": planes, "downsample_ratio": scale} | carried
        )
        return alpha[0, 0]

    return segment
