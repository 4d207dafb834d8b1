"""A picture in tiles, and what each of them shows, so that full-size work is done only where an edge runs.

least, most   float32 (h, w)   the bounds of the mask, at the picture's size or smaller
kinds         uint8            for each tile: NOBODY, EDGE or PERSON

Speed depends mostly on memory: a new array of more than about 128 KB costs the kernel more time than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.types import Bytes, Floats, Image

TILE = 32
"""The side, in pixels, of the squares in which full-size work is done."""

NOBODY, EDGE, PERSON = 0, 1, 2
"""What a tile shows."""

Tile: TypeAlias = tuple[slice, slice]
Kinds: TypeAlias = Bytes


def runs(kinds: Kinds, height: int, width: int) -> Iterator[tuple[Tile, int]]:
    """Tiles that cover height x width and what each shows; adjacent tiles of a row that show the same are joined.

    >>> kinds = np.array([[NOBODY, EDGE, EDGE]], np.uint8)
    >>> [(columns.start, columns.stop, kind) for (_, columns), kind in runs(kinds, 20, 3 * TILE - 1)]
    [(0, 32, 0), (32, 95, 1)]
    """
    for row, top in zip(kinds, range(0, height, TILE), strict=True):
        rows = slice(top, min(top + TILE, height))
        changes = [0, *(np.flatnonzero(row[1:] != row[:-1]) + 1).tolist(), len(row)]
        for first, last in pairwise(changes):
            yield (rows, slice(first * TILE, min(last * TILE, width))), int(row[first])


def bands(height: int, width: int) -> Iterator[Tile]:
    """Bands of rows, as wide as the picture, that together cover height x width.

    >>> [(rows.start, rows.stop, columns.stop) for rows, columns in bands(TILE + 1, 9)]
    [(0, 32, 9), (32, 33, 9)]
    """
    for top in range(0, height, TILE):
        yield slice(top, min(top + TILE, height)), slice(0, width)


def kinds_of(least: Floats, most: Floats, height: int, width: int, *, nobody: float, person: float) -> Kinds:
    """What each tile of height x width shows: nobody where most <= nobody, a person where least >= person.

    least, most: (h, w) of that size or smaller; the same array twice where the mask itself is at hand.
    """
    rows = [top * least.shape[0] // height for top in range(0, height, TILE)]
    columns = np.arange(0, width, TILE) * least.shape[1] // width
    bands = [slice(top, max(top + 1, bottom)) for top, bottom in pairwise([*rows, len(least)])]
    lowest = np.vstack([cv2.reduce(least[band], 0, cv2.REDUCE_MIN) for band in bands])
    highest = np.vstack([cv2.reduce(most[band], 0, cv2.REDUCE_MAX) for band in bands])
    none = np.maximum.reduceat(highest, columns, axis=1) <= nobody
    full = np.minimum.reduceat(lowest, columns, axis=1) >= person
    return np.where(none, NOBODY, np.where(full, PERSON, EDGE)).astype(np.uint8)


def enlarge(small: Floats, tile: Tile, height: int, width: int) -> Floats:
    """The tile of small (h, w, at most 4) enlarged to height x width; the rest is not computed."""
    rows, columns = tile
    step_y, step_x = small.shape[0] / height, small.shape[1] / width
    inverse = np.array(
        [
            [step_x, 0, (columns.start + 0.5) * step_x - 0.5],
            [0, step_y, (rows.start + 0.5) * step_y - 0.5],
        ]
    )
    size = (columns.stop - columns.start, rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(small, inverse, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def cells(plane: NDArray[Any], cell: int) -> NDArray[Any]:
    """The mean of each cell x cell pixels of a plane or a picture; the last cells are smaller where it ends.

    >>> cells(np.array([[1, 3, 5]], np.float32), 2).tolist()
    [[2.0, 5.0]]
    """
    if cell == 1:
        return plane
    height, width = plane.shape[:2]
    down, right = height // cell, width // cell
    means = np.empty((-(-height // cell), -(-width // cell), *plane.shape[2:]), plane.dtype)
    for rows in (slice(0, down), slice(down, len(means))):
        for columns in (slice(0, right), slice(right, means.shape[1])):
            part = means[rows, columns]
            if part.size:
                seen = plane[rows.start * cell : rows.stop * cell, columns.start * cell : columns.stop * cell]
                part[:] = cv2.resize(seen, part.shape[1::-1], interpolation=cv2.INTER_AREA).reshape(part.shape)
    return means


def cell_for(length: float, fine: float) -> int:
    """The side of cells, a power of 2 and at most 64, in which the length is at most `fine`, if 64 will do.

    >>> cell_for(3, 5), cell_for(30, 5), cell_for(1e9, 5)
    (1, 8, 64)
    """
    return int(2 ** min(6, max(0, math.ceil(math.log2(max(length, 1) / fine)))))


def enlarged(small: Floats, cell: int, height: int, width: int) -> Iterator[tuple[Tile, Floats]]:
    """Bands that cover height x width, and small (h, w, C) enlarged in them: each of its pixels to cell x cell.

    It may reach beyond height and width by less than a cell. All at once, it would take several times the memory.

    >>> [values[:, 0].tolist() for _, values in enlarged(np.array([[0.0], [4.0]], np.float32), 2, 3, 2)]
    [[0.0, 1.0, 3.0]]
    """
    step = max(1, 2 * TILE // cell)
    for first in range(0, len(small), step):
        above, below = min(first, 1), min(len(small) - min(first + step, len(small)), 1)
        seen = small[first - above : first + step + below]
        size = (small.shape[1] * cell, len(seen) * cell)
        band = np.asarray(cv2.resize(seen, size, interpolation=cv2.INTER_LINEAR), np.float32)
        top = first * cell
        rows = slice(top, min(top + step * cell, height))
        yield (rows, slice(0, width)), band[above * cell :][: rows.stop - top, :width]


def levels(image: Image) -> float:
    """The value of white: 255 or 65535."""
    return float(np.iinfo(image.dtype).max)
