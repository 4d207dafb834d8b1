"""Masks of moving pictures, in the colors in which they come: clips in YUV 4:2:0, a camera's frames in RGB.

coarse  float32  (h, w)      person probability of the whole picture, at the size at which the network saw it
image   uint8    (h, w, 3)   RGB, the picture at a small size
pixels  Pixels               the picture at full size, (H, W)
mask    float32  (H, W)      0..1
"""

from __future__ import annotations

import cv2
import numpy as np

from standout.masks.letterbox import resize
from standout.masks.refine import fitted, refine
from standout.masks.tiles import EDGE, PERSON, Tile, enlarge, runs
from standout.types import Floats, Image, Mask, Pixels, Planes


def full_size_of_pixels(coarse: Mask, image: Image, pixels: Pixels, *, refined: bool = True) -> Mask:
    """The mask of a picture of which a small one is at hand; see full_size.

    Alpha is linear in color, and color is linear in Y, U and V; so what U and V say is added up at their own size, and
    only the product with Y at full size.
    """
    height, width = (pixels.y if isinstance(pixels, Planes) else pixels).shape[:2]
    if not refined:
        return resize(coarse, height, width)
    if not isinstance(pixels, Planes):
        return refine(coarse, pixels, image)
    lines, kinds = fitted(coarse, image, height, width)
    of_y, of_color = _in_yuv(lines, pixels.to_rgb)
    mask = np.zeros((height, width), np.float32)
    for tile, kind in runs(kinds, height, width):
        if kind == PERSON:
            mask[tile] = 1.0
        elif kind == EDGE:
            alpha = enlarge(of_y, tile, height, width)
            alpha *= pixels.y[tile]
            alpha += _of_color(of_color, pixels, tile)
            np.clip(alpha, 0.0, 1.0, out=mask[tile])
    return mask


def half(tile: Tile) -> Tile:
    """The tile in a plane of half the height and width.

    >>> half((slice(32, 64), slice(0, 90)))
    (slice(16, 32, None), slice(0, 45, None))
    """
    rows, columns = tile
    return slice(rows.start // 2, rows.stop // 2), slice(columns.start // 2, columns.stop // 2)


def _in_yuv(lines: Floats, to_rgb: Floats) -> tuple[Floats, Floats]:
    """The lines of Y (h, w), and of U, V and 1 (h, w, 3), of those of RGB and white (h, w, 4)."""
    white = np.array([[0, 0, 0, 255]], np.float32)
    changed = cv2.transform(lines, np.ascontiguousarray(np.vstack([to_rgb, white]).T))
    return np.ascontiguousarray(changed[..., 0]), np.ascontiguousarray(changed[..., 1:])


def _of_color(lines: Floats, planes: Planes, tile: Tile) -> Floats:
    """What U, V and the offset add to alpha in the tile, at full size."""
    part = half(tile)
    height, width = planes.u.shape
    share = enlarge(lines, part, height, width)
    added = share[..., 0] * planes.u[part]
    added += share[..., 1] * planes.v[part]
    added += share[..., 2]
    rows, columns = tile
    size = (columns.stop - columns.start, rows.stop - rows.start)
    return np.asarray(cv2.resize(added, size, interpolation=cv2.INTER_LINEAR), np.float32)
