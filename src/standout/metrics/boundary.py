"""How near the outline of a mask is to the outline of the truth.

found    bool (H, W)            pixels called person
truth    bool (H, W)            pixels that are person
counts   bool (H, W) or None    pixels that count; None means all of them
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.types import Bools

TOLERANCE = 0.006
"""How far apart two outlines may be and still agree, as a share of the photo's diagonal."""


def boundary_f(found: Bools, truth: Bools, counts: Bools | None = None, *, tolerance: float = TOLERANCE) -> float:
    """F-score of the outline, 0..1: the harmonic mean of how much of each outline lies within tolerance of the other.

    tolerance: a share of the picture's diagonal; at least one pixel is allowed. Outlines where nothing counts are left
    out, and so is the picture's own frame. The score is 1 where nobody is there and nobody is found. After Csurka et
    al., "What is a good evaluation measure for semantic segmentation?" (BMVC 2013), for a single class.

    >>> square = np.zeros((40, 40), bool); square[10:30, 10:30] = True
    >>> boundary_f(square, square), boundary_f(np.roll(square, 8, 1), square, tolerance=0.02) < 0.6
    (1.0, True)
    """
    reach = max(1.0, tolerance * float(np.hypot(*truth.shape)))
    outlines = [outline_of(mask) if counts is None else outline_of(mask) & counts for mask in (found, truth)]
    drawn = [bool(outline.any()) for outline in outlines]
    if not all(drawn):
        return 0.0 if any(drawn) else 1.0
    near = [float((distance_to(other)[outline] <= reach).mean()) for outline, other in (outlines, reversed(outlines))]
    return 0.0 if sum(near) == 0 else 2 * near[0] * near[1] / (near[0] + near[1])


def outline_of(mask: Bools) -> Bools:
    """The mask's pixels that touch a pixel outside it, diagonally too; bool (H, W)."""
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    outline: Bools = mask & (np.asarray(inside) == 0)
    return outline


def distance_to(outline: Bools) -> NDArray[np.float32]:
    """Each pixel's distance to the nearest pixel of the outline, in pixels; float32 (H, W)."""
    return np.asarray(
        cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32
    )
