"""DeepLabv3 with a MobileNetV2 encoder, trained on the 21 classes of PASCAL VOC, of which person is one; by LiteRT.

Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation" (arXiv 1706.05587). As in its authors' own
demonstration, the photo's long side becomes the network's, and the rest is padded with gray. The mask is the sigmoid of
the score of person less the best score of another class: at threshold 0.5 it is the network's own decision.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

PERSON = 15
"""The class, as in PASCAL VOC."""

SCORES = "ResizeBilinear_2"
"""The tensor that holds the scores of all classes; the network's only output is the best class of each pixel."""

GRAY = 128
"""The level that the network takes for zero."""


def load(settings: dict[str, Any], timed: Callable[..., Any]) -> Callable[[Any], Any]:
    """The segmenter. settings: model."""
    litert = importlib.import_module("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(settings["model"], num_threads=1)
    interpreter.allocate_tensors()
    (source,) = interpreter.get_input_details()
    side = int(source["shape"][1])
    scores = next(tensor for tensor in interpreter.get_tensor_details() if tensor["name"] == SCORES)
    step = scores["quantization"][0]

    @timed
    def network(batch: Any) -> Any:
        interpreter.set_tensor(source["index"], batch)
        interpreter.invoke()
        return interpreter.get_tensor(scores["index"])

    def segment(photo: Any) -> Any:
        fitted, rows, columns = fit(photo, side)
        lead = ahead(network(fitted[None])[0, :rows, :columns])
        found = 1 / (1 + np.exp(-step * lead))
        return cv2.resize(found, (photo.shape[1], photo.shape[0]), interpolation=cv2.INTER_LINEAR)

    return segment


def fit(photo: Any, side: int) -> tuple[Any, int, int]:
    """The photo in the top left corner of a gray square of that side, and its rows and columns there."""
    height, width = photo.shape[:2]
    scale = side / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    square = np.full((side, side, 3), GRAY, np.uint8)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square[:rows, :columns] = cv2.resize(photo, (columns, rows), interpolation=way)
    return square, rows, columns


def ahead(scores: Any) -> Any:
    """By how much the score of person is ahead of the best other class, float32 (H, W). scores: uint8 (H, W, classes).

    >>> ahead(np.array([[[9] * 15 + [30] + [9] * 5, [50] + [0] * 20]], np.uint8)).tolist()
    [[21.0, -50.0]]
    """
    others = np.maximum(scores[..., :PERSON].max(-1), scores[..., PERSON + 1 :].max(-1))
    return scores[..., PERSON].astype(np.float32) - others
