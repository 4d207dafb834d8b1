"""Which people of a mask are kept, how soft their edge is, and where they are.

mask   float32 (H, W)   0..1, at the photo's own size
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.masks.letterbox import resize
from standout.types import Mask

WORK_SIDE = 1024
"""The longest side, in pixels, of the mask in which people are told apart."""


def shrink(image: NDArray[Any], side: int = WORK_SIDE) -> NDArray[Any]:
    """The image, scaled down by averaging to at most `side` pixels on its longer side."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resize(image, max(1, round(height * scale)), max(1, round(width * scale)))


def keep_largest(mask: Mask) -> Mask:
    """The mask with only its largest connected person, whose soft edge stays.

    >>> keep_largest(np.array([[1, 1, 0, 0, 0, 1]], np.float32)).tolist()
    [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]
    """
    small = shrink(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((small > 0.5).astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    others = ((labels > 0) & (labels != largest)).astype(np.uint8)
    # each soft pixel belongs to whichever is nearer: the largest person, or any other
    near_largest = cv2.distanceTransform((labels != largest).astype(np.uint8), cv2.DIST_L2, 3)
    near_others = cv2.distanceTransform(1 - others, cv2.DIST_L2, 3)
    mine = (near_largest < near_others).astype(np.float32)
    return np.asarray(mask * resize(mine, *mask.shape), np.float32)


def grow(mask: Mask, radius: float) -> Mask:
    """The mask with its outline moved outward by `radius` pixels, or inward where it is negative; 0 leaves it.

    Its soft edge stays as soft as it is. Fractions of a pixel are blended between the two nearest whole ones.

    >>> grow(np.array([[0, 0, 1, 0, 0]], np.float32), 1).tolist(), grow(np.ones((1, 3), np.float32), -1).tolist()
    ([[0.0, 1.0, 1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0]])
    """
    if radius == 0:
        return mask
    change = cv2.dilate if radius > 0 else cv2.erode
    whole, part = divmod(abs(radius), 1)

    def changed(by: int) -> Mask:
        if by == 0:
            return mask
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
        return np.asarray(change(mask, disc), np.float32)  # beyond the picture's frame nothing counts

    if part == 0:
        return changed(int(whole))
    return np.asarray((1 - part) * changed(int(whole)) + part * changed(int(whole) + 1), np.float32)


def feather(mask: Mask, radius: float) -> Mask:
    """The mask with its edge softened over about `radius` pixels on either side; a radius of 0 changes nothing."""
    if radius <= 0:
        return mask
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), radius / 2), np.float32)


def bounds(mask: Mask, *, least: float = 0.1) -> tuple[int, int, int, int] | None:
    """(top, left, bottom, right) of the pixels that are at least `least`; None where none are.

    Bottom and right are the first row and column beyond them.

    >>> bounds(np.array([[0, 0, 0], [0, 1, 1]], np.float32))
    (1, 1, 2, 3)
    """
    there = mask >= least
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if not rows.size:
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
