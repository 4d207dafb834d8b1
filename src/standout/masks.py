"""Mask -> better mask: edges at the photo's own size, fewer people, softer edges.

coarse  float32  (h, w)   person probability of the whole photo, at any smaller size
mask    float32  (H, W)   0..1, the photo's own size
image   uint8 or uint16 (H, W, 3)   RGB
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.pixels import resize
from standout.types import Image, Mask

WORK_SIDE = 1024
"""Longest side, in pixels, at which edges are studied; the result is applied at full size."""

TILE = 128
"""Side of the squares in which full-size work is done: only those that an edge crosses cost anything."""

SURE = 0.8
"""Probability that an island of the mask must reach somewhere, or it is dropped."""

Tile = tuple[slice, slice]
Floats = NDArray[np.float32]


def shrink(image: NDArray[Any], side: int = WORK_SIDE) -> NDArray[Any]:
    """The image scaled down, by area, to at most `side` pixels on its longer side; itself where it is smaller."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resize(image, max(1, round(height * scale)), max(1, round(width * scale)))


def tiles(height: int, width: int) -> Iterator[Tile]:
    """Squares that cover height x width, row by row."""
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            yield slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))


def enlarge(small: Floats, tile: Tile, height: int, width: int) -> Floats:
    """The tile of a height x width enlargement of small (h, w, at most 4), without making the rest of it."""
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


def under(small: Floats, tile: Tile, height: int, width: int) -> Floats:
    """The part of small from which the tile of its height x width enlargement is made."""
    rows, columns = tile
    step_y, step_x = small.shape[0] / height, small.shape[1] / width
    return small[
        max(0, int(rows.start * step_y) - 1) : int(rows.stop * step_y) + 2,
        max(0, int(columns.start * step_x) - 1) : int(columns.stop * step_x) + 2,
    ]


def levels(image: Image) -> float:
    """The value of white: 255 or 65535."""
    return float(np.iinfo(image.dtype).max)


def refine(coarse: Mask, image: Image) -> Mask:
    """The mask at the photo's own size, its edge drawn to the photo's edges.

    Guided filter with colour guidance (He, Sun, Tang, "Guided Image Filtering", TPAMI 2013): near the outline, alpha
    is a linear function of colour, fitted in a window of a few network pixels. As in "Fast Guided Filter" (He, Sun,
    arXiv 1505.00996) it is fitted on a smaller photo and applied at full size. We differ in two ways: away from the
    outline the mask is held to 0 or 1, since the plain filter leaves a haze wherever colours repeat; and full-size
    work is done only in the squares that an edge crosses.
    """
    height, width = image.shape[:2]
    small = shrink(image).astype(np.float32) / levels(image)
    probability: Floats = resize(_without_islands(coarse), *small.shape[:2])
    pixel = max(small.shape[1] / coarse.shape[1], 1.0)  # one network pixel, in pixels of the small photo
    radius = max(2, round(2.0 * pixel))
    least, most = _limits(probability, radius)
    slopes = _colour_lines(small, _decide(probability), radius)
    bounds = np.dstack([least, most])
    mask = np.empty((height, width), np.float32)
    for tile in tiles(height, width):
        if under(least, tile, height, width).min() >= 1.0:
            mask[tile] = 1.0
            continue
        if under(most, tile, height, width).max() <= 0.0:
            mask[tile] = 0.0
            continue
        lower, upper = np.moveaxis(enlarge(bounds, tile, height, width), -1, 0)
        line = enlarge(slopes, tile, height, width)
        pixels = image[tile].astype(np.float32) / levels(image)
        alpha = np.einsum("yxc,yxc->yx", line[..., :3], pixels) + line[..., 3]
        mask[tile] = np.clip(_decide(alpha, gain=1.25), lower, upper)
    return mask


def _decide(alpha: Floats, *, gain: float = 2.5) -> Floats:
    """Alpha pushed away from one half: what is nearly sure becomes sure, what is half stays half."""
    decided: Floats = np.clip((alpha - 0.5) * gain + 0.5, 0.0, 1.0).astype(np.float32)
    return decided


def _without_islands(coarse: Mask) -> Mask:
    """The mask without the islands that are nowhere surely a person: a haze over background."""
    labels = np.asarray(cv2.connectedComponents((coarse > 0.08).astype(np.uint8), connectivity=8)[1], np.intp)
    surest = np.zeros(int(labels.max()) + 1, np.float32)
    np.maximum.at(surest, labels.ravel(), coarse.ravel())
    surest[0] = 1.0
    return np.where(surest[labels] >= SURE, coarse, np.float32(0.0))


def _limits(probability: Floats, radius: int) -> tuple[Floats, Floats]:
    """The least and the most that alpha may be: 1 and 1 well inside, 0 and 0 well outside, 0 and 1 at the outline."""
    width = 4 * radius + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    blur = (2 * (radius // 2) + 1, 2 * (radius // 2) + 1)
    core = cv2.blur(cv2.erode((probability > 0.75).astype(np.float32), kernel), blur)
    reach = cv2.blur(cv2.dilate((probability > 0.25).astype(np.float32), kernel), blur)
    return np.asarray(core, np.float32), np.asarray(reach, np.float32)


def _colour_lines(image: Floats, alpha: Floats, radius: int, *, epsilon: float = 2e-4) -> Floats:
    """(H, W, 4): red, green, blue slope and offset of the best linear alpha about each pixel.

    epsilon: variance (of 0..1 colours) below which a window counts as flat.
    """
    box = (2 * radius + 1, 2 * radius + 1)

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.blur(values, box, borderType=cv2.BORDER_REFLECT), np.float32)

    red, green, blue = (np.ascontiguousarray(image[..., i]) for i in range(3))
    r, g, b, a = mean(red), mean(green), mean(blue), mean(alpha)
    rr, gg, bb = (mean(c * c) - m * m + epsilon for c, m in ((red, r), (green, g), (blue, b)))
    rg, rb, gb = mean(red * green) - r * g, mean(red * blue) - r * b, mean(green * blue) - g * b
    ra, ga, ba = mean(red * alpha) - r * a, mean(green * alpha) - g * a, mean(blue * alpha) - b * a
    # the inverse of the symmetric 3x3 covariance, by cofactors
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1.0 / (rr * c_rr + rg * c_rg + rb * c_rb)
    slope_r = (c_rr * ra + c_rg * ga + c_rb * ba) * scale
    slope_g = (c_rg * ra + c_gg * ga + c_gb * ba) * scale
    slope_b = (c_rb * ra + c_gb * ga + c_bb * ba) * scale
    offset = a - slope_r * r - slope_g * g - slope_b * b
    return mean(np.dstack([slope_r, slope_g, slope_b, offset]))


def keep_largest(mask: Mask) -> Mask:
    """The mask with only its largest connected person; its soft edge stays.

    >>> keep_largest(np.array([[1, 1, 0, 0, 0, 1]], np.float32)).tolist()
    [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]
    """
    small = shrink(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((small > 0.5).astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    others = ((labels > 0) & (labels != largest)).astype(np.uint8)
    # each soft pixel belongs to the nearer of the two: the largest, or any other
    near_largest = cv2.distanceTransform((labels != largest).astype(np.uint8), cv2.DIST_L2, 3)
    near_others = cv2.distanceTransform(1 - others, cv2.DIST_L2, 3)
    mine = (near_largest < near_others).astype(np.float32)
    return np.asarray(mask * resize(mine, *mask.shape), np.float32)


def feather(mask: Mask, radius: float) -> Mask:
    """The mask with its edge softened over about `radius` pixels to either side; 0 leaves it as it is."""
    if radius <= 0:
        return mask
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), radius / 2), np.float32)


def bounds(mask: Mask, *, least: float = 0.1) -> tuple[int, int, int, int] | None:
    """(top, left, bottom, right) of where the mask is at least `least`, bottom and right beyond; None where nowhere.

    >>> bounds(np.array([[0, 0, 0], [0, 1, 1]], np.float32))
    (1, 1, 2, 3)
    """
    there = mask >= least
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if not rows.size:
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
