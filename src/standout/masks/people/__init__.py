"""The people of a mask: how soft their edge is, where they are, who is who.

mask   float32 (H, W)   0..1, at the photo's own size

apart.py     tells people who touch apart
found.py     lists the people of a photo, and gives each one's mask
tracker.py   follows people through a clip; looks.py knows them again by their colors
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
    """The mask with only its largest person, whose soft edge stays; the mask itself where nobody is.

    >>> keep_largest(np.array([[1, 1, 0, 0, 0, 1]], np.float32)).tolist()
    [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]
    """
    from standout.masks.people.found import people_in

    group = people_in(mask)
    if not group.people:
        return mask
    return group.mask(mask, (max(group.people, key=lambda one: one.share).index,))


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
