"""How far a binary mask and the truth overlap: Dice, intersection over union, precision, recall, area.

found    bool (H, W)            pixels called person
truth    bool (H, W)            pixels that are person
counts   bool (H, W) or None    pixels that count; None = all
"""

from __future__ import annotations

import numpy as np

from standout.types import Bools


def dice(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Dice overlap of two binary masks, 0..1: 2 |A and B| / (|A| + |B|). Nobody there and nobody found is 1.

    >>> round(dice(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.667
    """
    both, called, there = _overlap(found, truth, counts)
    return 1.0 if called + there == 0 else 2.0 * both / (called + there)


def iou(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Intersection over union, 0..1, from Dice: d / (2 - d). Nobody there and nobody found is 1.

    >>> round(iou(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.5
    """
    overlap = dice(found, truth, counts)
    return overlap / (2.0 - overlap)


def precision(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Share of the pixels called person that are; 1 where none is called so.

    >>> precision(np.array([[True, True]]), np.array([[True, False]]))
    0.5
    """
    both, called, _ = _overlap(found, truth, counts)
    return 1.0 if called == 0 else both / called


def recall(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Share of the person's pixels that were found; 1 where there is nobody.

    >>> recall(np.array([[True, True]]), np.array([[True, False]]))
    1.0
    """
    both, _, there = _overlap(found, truth, counts)
    return 1.0 if there == 0 else both / there


def area(found: Bools, counts: Bools | None = None) -> float:
    """Share of the picture called person, 0..1.

    >>> area(np.array([[True, False]]))
    0.5
    """
    of = found.size if counts is None else int(np.count_nonzero(counts))
    return _overlap(found, found, counts)[1] / max(1, of)


def _overlap(found: Bools, truth: Bools, counts: Bools | None) -> tuple[int, int, int]:
    """How many pixels are in both, in found, in truth."""
    if counts is not None:
        found, truth = found & counts, truth & counts
    both, called, there = (int(np.count_nonzero(mask)) for mask in (found & truth, found, truth))
    return both, called, there
