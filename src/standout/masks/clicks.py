"""Clicks on a person -> what the click network sees, and its answer -> masks at the photo's size.

image    uint8 or uint16 (H, W, 3)   RGB
mask     float32 (H, W)              the people mask at the photo's size, 0..1
at       (x, y)                      a click, in pixels of the photo
planes   float32 (5, SIDE, SIDE)     the people mask, then a near and a far map of the clicks on the person, then the
                                     same two of the clicks on what is not the person
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.masks.letterbox import FILL, resize
from standout.types import Bools, Floats, Image, Mask

At = tuple[float, float]

SIDE = 160
"""The side of the square in which the network sees the people about a click, in pixels."""

NEAR, FAR = 4.0, 40.0
"""How many pixels of the square away from a click its near map has fallen to exp(-1/2), and its far map to exp(-1)."""

PLANES = 5

PERSON = 0.5
"""The share from which a pixel of the people mask belongs to a connected part."""

LEAST_PART = 0.0004
"""Connected parts smaller than this share of the photo are passed over where people are counted."""

REACH = 0.015
"""How far a click beside the people is moved into them, as a share of the photo's diagonal."""

MARGIN = 1.15
"""The side of the square, as a multiple of the longer side of what is looked at."""


@dataclass(frozen=True)
class Square:
    """The part of a photo that the network sees, in whole pixels of the photo; it may reach beyond the photo."""

    left: int
    top: int
    side: int

    def overlap(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns of a photo of that size which lie in the square; never empty for a square about one."""
        rows = slice(max(0, self.top), min(height, self.top + self.side))
        return rows, slice(max(0, self.left), min(width, self.left + self.side))

    def inner(self, height: int, width: int) -> tuple[slice, slice]:
        """Where in SIDE x SIDE that part of the photo comes to lie."""
        rows, columns = self.overlap(height, width)
        scale = SIDE / self.side

        def at(start: int, stop: int, origin: int) -> slice:
            first = min(SIDE - 1, round((start - origin) * scale))
            return slice(first, min(SIDE, max(first + 1, round((stop - origin) * scale))))

        return at(rows.start, rows.stop, self.top), at(columns.start, columns.stop, self.left)


def parts(mask: Mask) -> list[Bools]:
    """The connected parts of a people mask that are not scraps."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > PERSON).astype(np.uint8), connectivity=8)
    least = max(12.0, LEAST_PART * mask.size)
    return [labels == one for one in range(1, count) if stats[one, cv2.CC_STAT_AREA] >= least]


def parts_at(people: Bools, at: Sequence[At]) -> Bools:
    """The connected parts on which the clicks are."""
    _, labels = cv2.connectedComponents(people.astype(np.uint8), connectivity=8)
    numbers = {int(labels[int(y), int(x)]) for x, y in at}
    return np.isin(labels, list(numbers - {0}))


def inward(people: Bools, at: At) -> At:
    """The click; one beside the people is moved to the deepest place near the pixel of theirs that is nearest to it.

    At an outline the network sees little of the person. "Near" is within REACH of the diagonal.
    """
    if people[int(at[1]), int(at[0])]:
        return at
    rows, columns = np.nonzero(people)
    one = int(((rows - int(at[1])) ** 2 + (columns - int(at[0])) ** 2).argmin())
    row, column = int(rows[one]), int(columns[one])
    reach = max(1, round(REACH * float(np.hypot(*people.shape))))
    top, left = max(0, row - 2 * reach), max(0, column - 2 * reach)
    window = people[top : row + 2 * reach + 1, left : column + 2 * reach + 1].astype(np.uint8)
    _, part = cv2.connectedComponents(window, connectivity=8)
    depth = cv2.distanceTransform(window, cv2.DIST_L2, 5) * (part == part[row - top, column - left])
    near = np.zeros_like(window)
    cv2.circle(near, (column - left, row - top), reach, 1, -1)
    down, across = divmod(int((depth * near).argmax()), window.shape[1])
    return float(left + across), float(top + down)


def inmost(region: Bools) -> tuple[At, float]:
    """The pixel of a region that is farthest from its edge, and how far that is."""
    depth = cv2.distanceTransform(np.pad(region.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = divmod(int(depth.argmax()), region.shape[1])
    return (float(column), float(row)), float(depth[row, column])


def square_about(region: Bools, *, margin: float = MARGIN) -> Square:
    """The square about the middle of the region's box, whose side is the box's longer side times the margin."""
    left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
    side = max(16, round(max(width, height) * margin))
    return Square(round(left + width / 2 - side / 2), round(top + height / 2 - side / 2), side)


def seen(picture: NDArray[Any], square: Square, *, fill: float) -> NDArray[Any]:
    """The square of a picture (H, W) or (H, W, C) at SIDE x SIDE; fill is the level beyond the picture."""
    height, width = picture.shape[:2]
    part = picture[square.overlap(height, width)]
    rows, columns = square.inner(height, width)
    whole = np.full((SIDE, SIDE, *picture.shape[2:]), fill, picture.dtype)
    whole[rows, columns] = resize(np.ascontiguousarray(part), rows.stop - rows.start, columns.stop - columns.start)
    return whole


def back(answer: Floats, square: Square, height: int, width: int) -> tuple[tuple[slice, slice], Floats]:
    """The rows and columns of the photo in the square, and the network's answer (SIDE, SIDE) at that size."""
    at = square.overlap(height, width)
    part = np.ascontiguousarray(answer[square.inner(height, width)])
    return at, resize(part, at[0].stop - at[0].start, at[1].stop - at[1].start)


def colors(image: Image, square: Square) -> Floats:
    """The square of a photo as the network takes it, float32 (3, SIDE, SIDE) in 0..1."""
    depth = 255 if image.dtype == np.uint8 else 65535
    view = seen(image, square, fill=FILL * depth // 255)
    return np.ascontiguousarray(view.transpose(2, 0, 1), np.float32) / np.float32(depth)


def planes(mask: Mask, square: Square, *, at: Sequence[At], not_at: Sequence[At] = ()) -> Floats:
    """The people mask and the maps of the clicks, (5, SIDE, SIDE)."""
    maps = [seen(mask, square, fill=0.0)]
    for points in (at, not_at):
        maps += maps_of([place_in(square, point) for point in points])
    return np.stack(maps).astype(np.float32)


def place_in(square: Square, at: At) -> At:
    """Where in SIDE x SIDE a click comes to lie. A pixel's middle is half a pixel off its index."""
    scale = SIDE / square.side
    return (at[0] + 0.5 - square.left) * scale - 0.5, (at[1] + 0.5 - square.top) * scale - 0.5


def maps_of(points: Sequence[At]) -> tuple[Floats, Floats]:
    """The near and the far map of clicks in SIDE x SIDE, 1 at a click; all 0 without clicks.

    >>> near, far = maps_of([(10.0, 20.0)])
    >>> float(near[20, 10]), round(float(far[20, 50]), 3), float(maps_of([])[1].max())
    (1.0, 0.368, 0.0)
    """
    far = np.zeros((SIDE, SIDE), np.float32)
    near = np.zeros((SIDE, SIDE), np.float32)
    axis = np.arange(SIDE, dtype=np.float32)
    for x, y in points:
        squared = (axis[None, :] - np.float32(x)) ** 2 + (axis[:, None] - np.float32(y)) ** 2
        np.maximum(near, np.exp(squared / np.float32(-2 * NEAR * NEAR)), out=near)
        np.maximum(far, np.exp(np.sqrt(squared) / np.float32(-FAR)), out=far)
    return near, far
