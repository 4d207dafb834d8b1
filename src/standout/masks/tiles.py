"""A picture in tiles, and what each of them shows, so that full-size work is done only where an edge runs.

least, most   float32 (h, w)   the bounds of the mask, at the picture's size or smaller
kinds         uint8            for each tile: NOBODY, EDGE or PERSON

Speed depends mostly on memory: a new array of more than about 128 KB costs the kernel more time than the arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np

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


def levels(image: Image) -> float:
    """The value of white: 255 or 65535."""
    return float(np.iinfo(image.dtype).max)
