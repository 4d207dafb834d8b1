"""MODNet, which mattes portraits, as its authors prepare a photo that is larger than the network's input.

Ke et al., "MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition" (arXiv 2011.11961). The photo's
short side becomes 512 pixels, both sides become multiples of 32, and levels go from -1 to 1. The authors do not enlarge
a photo whose long side is 512 or more. Here it is enlarged, too: the measured photos, of 512x384 and the like, stand
for photos from cameras, which MODNet sees at this size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort

SHORT = 512
"""The short side of what the network sees, in pixels."""

STEP = 32
"""Both sides are multiples of this."""


def load(settings: dict[str, Any], timed: Callable[..., Any]) -> Callable[[Any], Any]:
    """The segmenter. settings: model."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(settings["model"], options, providers=["CPUExecutionProvider"])
    network = timed(session.run)

    def segment(photo: Any) -> Any:
        height, width = photo.shape[:2]
        planes = resize(photo, *size(height, width)).transpose(2, 0, 1)[None].astype(np.float32)
        found = network(["output"], {"input": (planes - 127.5) / 127.5})[0][0, 0]
        return resize(found, height, width).clip(0, 1)

    return segment


def size(height: int, width: int) -> tuple[int, int]:
    """Height and width of what the network sees of a photo.

    >>> size(320, 240), size(1000, 3000)
    ((672, 512), (512, 1536))
    """
    scale = SHORT / min(height, width)
    return round(height * scale / STEP) * STEP, round(width * scale / STEP) * STEP


def resize(image: Any, height: int, width: int) -> Any:
    """The image at that size: the mean of areas where it shrinks, linear where it grows."""
    way = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=way)
