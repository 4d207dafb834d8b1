"""A line about the people, and their silhouette with it: the distance to the mask's edge decides.

mask       float32 (H, W)   share of each pixel that is person, 0..1
distance   float32 (h, w)   how far outside the edge each cell of 2^n x 2^n pixels lies, in pixels; inside 0 or less
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from standout.masks.tiles import Tile, cell_for, cells, enlarged
from standout.types import Bools, Floats, Mask

FINE = 6.0
"""Width, in pixels, up to which the distance is measured at full size; for wider lines on a smaller mask."""


class Outline:
    """A line of some width, in pixels, about the people. Its outer edge is rounded, and as soft as a pixel."""

    def __init__(self, mask: Mask, width: float) -> None:
        self._shape, self._width = mask.shape, width
        self._cell = cell_for(width, FINE)
        away = distance(cells(mask, self._cell), width / self._cell + 2)
        self._distance = _without_holes(away, width / self._cell) * np.float32(self._cell)

    def bands(self) -> Iterator[tuple[Tile, Floats]]:
        """Its cover, 0..1, in bands of the picture. It goes on beneath the people, where their soft edges show it."""
        for tile, away in enlarged(self._distance, self._cell, *self._shape):
            np.subtract(np.float32(self._width + 0.5), away, out=away)
            yield tile, np.clip(away, 0, 1, out=away)

    def silhouette(self, cell: int) -> Floats:
        """The share of each cell x cell pixels that is within the line or inside of it."""
        soft = np.float32(self._width) - self._distance
        cover = np.clip(soft / np.float32(self._cell) + np.float32(0.5), 0, 1)
        if cell > self._cell:
            return cells(cover, cell // self._cell)
        size = [-(-side // cell) for side in self._shape]
        larger = self._cell // cell
        whole = cv2.resize(cover, None, fx=larger, fy=larger, interpolation=cv2.INTER_LINEAR)
        return np.asarray(whole[: size[0], : size[1]], np.float32)


def distance(mask: Mask, reach: float) -> Floats:
    """How far outside the edge, where the mask is a half, each pixel lies, in pixels. Inside it is at most 0.

    It is measured up to reach; beyond, it is at least that. The nearest pixel that is more than half person is looked
    up, and how far the edge is beyond its center: by (mask - 0.5) / slope there (after S. Gustavson and R. Strand,
    "Anti-aliased Euclidean distance transform", Pattern Recognition Letters 32, 2011).

    >>> distance(np.array([[1, 1, 0.5, 0, 0, 0, 0, 0, 0, 0]], np.float32), 3)[0, 3:6].round(1).tolist()
    [1.0, 2.0, 3.0]
    """
    inside = mask >= 0.5
    away = np.full(mask.shape, reach + 1, np.float32)
    if not inside.any():
        return away
    top, left, bottom, right = _box(inside, int(reach) + 3)
    window = slice(top, bottom), slice(left, right)
    inside, mask = inside[window], mask[window]
    rough, labels = cv2.distanceTransformWithLabels(
        (~inside).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seeds = np.flatnonzero(inside)
    places = np.zeros(int(labels.max()) + 1, np.intp)
    places[labels.reshape(-1)[seeds]] = seeds
    near = np.flatnonzero((rough > 0) & (rough < reach + 1))
    nearest = places[labels.reshape(-1)[near]]
    wide = mask.shape[1]
    exact = np.hypot(near // wide - nearest // wide, near % wide - nearest % wide)
    slope = np.hypot(cv2.Sobel(mask, cv2.CV_32F, 1, 0), cv2.Sobel(mask, cv2.CV_32F, 0, 1)).reshape(-1)[nearest] / 8
    beyond = (mask.reshape(-1)[nearest] - 0.5) / np.maximum(slope, 1e-3)
    rough.reshape(-1)[near] = np.maximum(exact - np.minimum(beyond, 1), 0)
    # The nearest center is not always that of the nearest edge: a step of a part of a pixel. A line that is wide looks
    # cut with scissors where it does not follow each hair.
    away[window] = cv2.GaussianBlur(np.minimum(rough, reach + 1), (0, 0), max(0.8, reach / 4))
    return away


def _without_holes(away: Floats, width: float) -> Floats:
    """The distance, with holes of the line that are no wider than it is filled: they look like mistakes."""
    _, labels, holes, _ = cv2.connectedComponentsWithStats((away > width).astype(np.uint8), connectivity=4)
    small = holes[:, cv2.CC_STAT_AREA] < 2 * width**2
    small[0] = False  # all that is no hole
    if small.any():  # with the pixels about them, which the line covers in part
        away[cv2.dilate(small[labels].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = 0
    return away


def _box(inside: Bools, margin: int) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what is inside, with a margin, within the picture."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return (
        max(0, int(rows[0]) - margin),
        max(0, int(columns[0]) - margin),
        int(rows[-1]) + 1 + margin,
        int(columns[-1]) + 1 + margin,
    )
