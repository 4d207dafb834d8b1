"""Scores for person masks.

found   float or bool (H, W)   probability or mask, 0..1
truth   bool (H, W)            person or not
counts  bool (H, W)            pixels that count
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_], counts: NDArray[np.bool_] | None = None) -> float:
    """Dice overlap of two binary masks, 0..1: 2 |A and B| / (|A| + |B|). Nobody there and nobody found is 1.

    >>> round(dice(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.667
    """
    if counts is not None:
        found, truth = found & counts, truth & counts
    both = int(np.count_nonzero(found & truth))
    total = int(np.count_nonzero(found)) + int(np.count_nonzero(truth))
    return 1.0 if total == 0 else 2.0 * both / total


def iou(found: NDArray[np.bool_], truth: NDArray[np.bool_], counts: NDArray[np.bool_] | None = None) -> float:
    """Intersection over union, 0..1, from Dice: d / (2 - d). Nobody there and nobody found is 1.

    >>> round(iou(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.5
    """
    overlap = dice(found, truth, counts)
    return overlap / (2.0 - overlap)


def area(found: NDArray[np.bool_]) -> float:
    """Share of the picture called person, 0..1."""
    return float(np.count_nonzero(found)) / found.size
