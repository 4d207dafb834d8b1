"""Colors that run softly over a picture, brought to whole levels without bands: dithering.

colors   float32 (h, w, C)   in the levels of the picture
tile                         where they stand in it
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from standout.masks.tiles import Tile
from standout.types import Floats, Picture


def whole(colors: Floats, depth: DTypeLike) -> Picture:
    """The colors, none of them below 0, in the nearest whole levels.

    >>> whole(np.float32([[[0.5, 1.5, 254.6]]]), np.uint8).tolist()
    [[[0, 2, 255]]]
    """
    if np.dtype(depth).itemsize == 1:
        return np.asarray(cv2.convertScaleAbs(colors), np.uint8)  # a quarter of NumPy's time
    deep: NDArray[np.uint16] = np.rint(colors).astype(np.uint16)
    return deep


def dithered(colors: Floats, tile: Tile, depth: DTypeLike) -> Picture:
    """The colors in whole levels. In 8 bits each is rounded up as often as its fraction says, whole ones never.

    Rounded as usual, a shade that takes a hundred pixels for one level shows as a band. Of 16 bits no eye sees one.

    >>> dithered(np.full((1, 8, 3), 7.5, np.float32), (slice(0, 1), slice(0, 8)), np.uint8).mean()
    np.float64(7.5)
    """
    if np.dtype(depth).itemsize == 1:
        noise = threshold(tile)
        # OpenCV adds, rounds and converts in one go; NumPy takes three times as long
        return np.asarray(cv2.add(colors, cv2.merge([noise] * colors.shape[2]), dtype=cv2.CV_8U), np.uint8)
    return whole(colors, depth)


def threshold(tile: Tile) -> Floats:
    """The part of a level, -0.5 to 0.5 (h, w), that is added to each pixel of the tile before it is rounded.

    It depends on the pixel's place alone, so that the frames of a clip do not flicker. Neighbors are as different as
    they can be: the R2 sequence of M. Roberts, "The Unreasonable Effectiveness of Quasirandom Sequences" (2018).
    """
    rows, columns = (
        (np.arange(side.start, side.stop) * step % 1).astype(np.float32)
        for side, step in zip(tile, (0.5698402909980532, 0.7548776662466927), strict=True)
    )
    places = rows[:, None] + columns[None]
    places -= places >= 1
    places -= np.float32(0.5)
    places *= np.float32(0.998)  # so that whole levels stay what they are
    return places
