"""Scores for person masks.

found    bool (H, W)            pixels called person
truth    bool (H, W)            pixels that are person
counts   bool (H, W) or None    pixels that count; None = all
alpha    float (H, W)           share of each pixel that is person, 0..1
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

TOLERANCE = 0.006
"""How far apart two outlines may be and still agree, as a share of the photo's diagonal."""


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


def mad(found: NDArray[np.float32], truth: NDArray[np.float32], counts: Bools | None = None) -> float:
    """Mean absolute difference of two alphas, 0..1.

    >>> mad(np.float32([[0.5, 1.0]]), np.float32([[0.0, 1.0]]))
    0.25
    """
    apart = np.abs(found - truth)
    if counts is None:
        return float(apart.mean(dtype=np.float64))
    return float(apart[counts].mean(dtype=np.float64)) if counts.any() else 0.0


def boundary_f(found: Bools, truth: Bools, counts: Bools | None = None, *, tolerance: float = TOLERANCE) -> float:
    """F-score of the outline, 0..1: pixels of either outline that lie within tolerance of the other one.

    tolerance: a share of the diagonal, at least one pixel. Outlines where nothing counts are left aside, and so is the
    picture's own frame. Nobody there and nobody found is 1. After Csurka et al., "What is a good evaluation measure for
    semantic segmentation?" (BMVC 2013), for a single class.

    >>> square = np.zeros((40, 40), bool); square[10:30, 10:30] = True
    >>> boundary_f(square, square), boundary_f(np.roll(square, 8, 1), square, tolerance=0.02) < 0.6
    (1.0, True)
    """
    reach = max(1.0, tolerance * float(np.hypot(*truth.shape)))
    outlines = [_outline(mask) if counts is None else _outline(mask) & counts for mask in (found, truth)]
    drawn = [bool(outline.any()) for outline in outlines]
    if not all(drawn):
        return 0.0 if any(drawn) else 1.0
    near = [float((_distance_to(other)[outline] <= reach).mean()) for outline, other in (outlines, reversed(outlines))]
    return 0.0 if sum(near) == 0 else 2 * near[0] * near[1] / (near[0] + near[1])


def _overlap(found: Bools, truth: Bools, counts: Bools | None) -> tuple[int, int, int]:
    """How many pixels are in both, in found, in truth."""
    if counts is not None:
        found, truth = found & counts, truth & counts
    both, called, there = (int(np.count_nonzero(mask)) for mask in (found & truth, found, truth))
    return both, called, there


def _outline(mask: Bools) -> Bools:
    """The mask's pixels that touch one outside it."""
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    outline: Bools = mask & (np.asarray(inside) == 0)
    return outline


def _distance_to(outline: Bools) -> NDArray[np.float32]:
    """Each pixel's distance to the nearest pixel of the outline."""
    return np.asarray(
        cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32
    )
