"""Image and mask -> the image with its people hidden, for good: what anonymize.py paints.

    image    uint8 or uint16 (H, W, 3)   RGB
    mask     float32 (H, W)              everything is hidden where it is not 0, soft edges too
    part     HiddenPart                  a connected part of what is hidden: a person, or several that touch
    blocks   of the image's dtype        (rows, columns, 3)   one color for each block of a part's box

A part is painted from its blocks alone, each of which is the mean color of its pixels in STEPS steps. So photos with
the same means give the same result, byte for byte, and no blur can be undone beyond the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.masks.letterbox import resize
from standout.masks.tiles import levels
from standout.types import Bytes, Doubles, Floats, Image, Mask, Picture

SMALLEST = 8
"""The least side of a block, in pixels; the faces of people who are that small are a block or less."""

STEPS = 32
"""Levels of each channel of a block's color. The mean of a block whose pixels are mostly visible would otherwise tell
its few hidden pixels, and the means of many frames would add up to a finer picture."""

SMOOTH = 16
"""Pixels to a block in which the smooth blur is worked out, before it is enlarged."""


class HiddenPart(NamedTuple):
    """A connected part of what is hidden: its box, and 1 where its pixels are in the box."""

    top: int
    left: int
    inside: Bytes

    @property
    def box(self) -> tuple[slice, slice]:
        """Its rows and columns in the image."""
        height, width = self.inside.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def parts(mask: Mask) -> Iterator[HiddenPart]:
    """The connected parts of all that is not 0."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8), connectivity=8)
    for label in range(1, count):
        left, top, wide, high = stats[label, :4].tolist()
        yield HiddenPart(top, left, (labels[top : top + high, left : left + wide] == label).astype(np.uint8))


def coarsened(image: Image, mask: Mask, *, blocks: int, smooth: bool, alpha: Mask | None = None) -> Picture:
    """The image with each part in blocks of one color, or in a blur that holds nothing finer than these blocks.

    blocks: how many go along the longer side of a part; a block has at least SMALLEST pixels a side. alpha: the image's
    own transparency; colors that it hides take no part.
    """
    picture = image.copy()
    for part in parts(mask):
        side = max(SMALLEST, max(part.inside.shape) / blocks)
        rows, columns = (_span(span, side, length) for span, length in zip(part.box, mask.shape, strict=True))
        shown = None if alpha is None else alpha[rows, columns]
        colors, edges = _blocks(image[rows, columns], side, shown)
        whole = _interpolated(colors, edges) if smooth else _repeated(colors, edges)
        offset = part.top - rows.start, part.left - columns.start
        height, width = part.inside.shape
        painted = np.ascontiguousarray(whole[offset[0] : offset[0] + height, offset[1] : offset[1] + width])
        _paint(picture, part, painted)
    return picture


def filled(image: Image, mask: Mask, *, rgb: tuple[float, float, float], rounded: bool) -> Picture:
    """The image with each part in one color, rgb in 0..255 as the image's own profile counts.

    rounded: the convex hull of each part is filled, so that neither hair nor build nor pose shows in its outline.
    """
    picture = image.copy()
    color = np.rint(np.array(rgb) * (levels(image) / 255)).astype(image.dtype)
    for part in parts(mask):
        if rounded:
            part = part._replace(inside=_hull(part.inside))
        painted: NDArray[Any] = np.empty_like(image, shape=(*part.inside.shape, 3))
        painted[:] = np.tile(color, (painted.shape[1], 1))  # row by row: pixel by pixel takes ten times as long
        _paint(picture, part, painted)
    return picture


def _paint(picture: Picture, part: HiddenPart, painted: NDArray[Any]) -> None:
    """Paints the part's pixels, of the same box, into the picture."""
    cv2.copyTo(painted, part.inside, picture[part.box])


def _hull(inside: Bytes) -> Bytes:
    """The convex hull of the pixels."""
    outlines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = inside.copy()
    cv2.fillConvexPoly(hull, cv2.convexHull(np.vstack(outlines)), 1)
    return hull | inside


def _span(span: slice, least: float, length: int) -> slice:
    """The rows or columns, made at least so long where the picture is, so that no block is narrower."""
    lacks = int(np.ceil(least)) - (span.stop - span.start)
    if lacks <= 0:
        return span
    start = max(0, min(span.start - lacks // 2, length - int(np.ceil(least))))
    return slice(start, min(length, start + int(np.ceil(least))))


_Edges: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]
"""The first rows of the blocks and the end, and their first columns and the end."""


def _blocks(pixels: Image, side: float, shown: Mask | None) -> tuple[Picture, _Edges]:
    """The colors of the blocks of a box, and where they lie: none is narrower or lower than side, where the box is."""
    height, width = pixels.shape[:2]
    rows, columns = edges = _edges(height, int(height // side)), _edges(width, int(width // side))
    if shown is None:
        sums = _sums(pixels, edges)
        weights = np.multiply.outer(np.diff(rows), np.diff(columns)).astype(np.float64)
    else:
        sums = _sums(pixels * shown[..., None].astype(np.float64), edges)
        weights = np.maximum(_sums(shown[..., None].astype(np.float64), edges)[..., 0], 1e-9)
    step = levels(pixels) / (STEPS - 1)
    means: Doubles = sums / weights[..., None]
    colors: NDArray[Any] = np.rint(np.rint(means / step) * step).astype(pixels.dtype)
    return colors, edges


def _edges(length: int, count: int) -> NDArray[np.intp]:
    """The first pixels of so many blocks of a side, at least one, and its end.

    >>> _edges(10, 3).tolist(), _edges(10, 0).tolist()
    ([0, 3, 6, 10], [0, 10])
    """
    return np.arange(max(1, count) + 1, dtype=np.intp) * length // max(1, count)


def _sums(values: NDArray[Any], edges: _Edges) -> Doubles:
    """The sum (rows, columns, C) of each block of values (H, W, C)."""
    rows, columns = edges
    bands = [cv2.reduce(values[top:bottom], 0, cv2.REDUCE_SUM, dtype=cv2.CV_64F) for top, bottom in pairwise(rows)]
    down = np.stack([band.reshape(values.shape[1], -1) for band in bands])
    return np.asarray(np.add.reduceat(down, columns[:-1], axis=1), np.float64)


def _repeated(colors: Picture, edges: _Edges) -> Picture:
    """The box in blocks of these colors."""
    rows, columns = edges
    whole: NDArray[Any] = np.empty_like(colors, shape=(rows[-1], columns[-1], 3))
    for (top, bottom), band in zip(pairwise(rows), np.repeat(colors, np.diff(columns), axis=1), strict=True):
        whole[top:bottom] = band
    return whole


def _interpolated(colors: Picture, edges: _Edges) -> Picture:
    """The box in colors that run smoothly from the middle of each block to the next: a blur of the blocks."""
    height, width = int(edges[0][-1]), int(edges[1][-1])
    fine: Floats = resize(colors.astype(np.float32), *(SMOOTH * count for count in colors.shape[:2]))
    fine = np.asarray(cv2.GaussianBlur(fine, (0, 0), SMOOTH / 2, borderType=cv2.BORDER_REPLICATE), np.float32)
    smooth: Picture = np.rint(resize(fine, height, width)).astype(colors.dtype)
    return smooth
