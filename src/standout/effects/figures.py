"""The figures in a mask, and where they stand: what shadows and the lens blur measure by.

mask   float32 (H, W)   share of each pixel that is person, 0..1
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from standout.masks.people import shrink
from standout.types import Mask

SIDE = 512
"""Longest side, in pixels, of the mask in which figures are looked for."""

LEAST = 0.1
"""The smallest figure that counts, as a share of the area of the largest: anything smaller may be a wrong speck."""


class Figure(NamedTuple):
    """A person, or people who touch, in pixels of the mask: the first row and column, and those after the last.

    stands: the lowest part is in the picture. Of a portrait that the lower edge cuts off, no feet are seen.
    """

    top: float
    left: float
    bottom: float
    right: float
    stands: bool

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top


def figures(mask: Mask) -> list[Figure]:
    """The figures of a mask, the largest first.

    >>> mask = np.zeros((100, 60), np.float32)
    >>> mask[20:80, 10:30] = 1
    >>> figures(mask)
    [Figure(top=20.0, left=10.0, bottom=80.0, right=30.0, stands=True)]
    """
    small = shrink(mask, SIDE)
    height, width = small.shape
    down, right = mask.shape[0] / height, mask.shape[1] / width
    _, _, parts, _ = cv2.connectedComponentsWithStats((small > 0.5).astype(np.uint8), connectivity=8)
    people = sorted(parts[1:].tolist(), key=lambda part: -part[cv2.CC_STAT_AREA])
    found = []
    for left, top, wide, high, area in people:
        if area >= LEAST * people[0][cv2.CC_STAT_AREA]:
            # the last row or two of a mask may have faded where the picture ends
            stands = top + high < height - max(1, round(0.01 * height))
            found.append(Figure(top * down, left * right, (top + high) * down, (left + wide) * right, stands))
    return found


def tallest(mask: Mask) -> float:
    """The height of the tallest figure, in pixels; that of the picture where nobody is."""
    return max((figure.height for figure in figures(mask)), default=float(mask.shape[0]))
