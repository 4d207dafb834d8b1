"""The pixel work of a lens blur: each point of the background becomes a disc, in linear light.

image     uint8 or uint16 (H, W, 3)   RGB
mask      float32 (H, W)              share of each pixel that is person, 0..1
blurred   float32 (H,)                how blurred each row is, from 0 (not at all) to 1 (discs of the whole radius)
weighed   float32 (h, w, 4)           light times weight, and weight, of cells of 2^n x 2^n pixels
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.effects.compose import spread
from standout.effects.foreground import halved, three
from standout.effects.framing import halvings
from standout.effects.rounding import dithered
from standout.masks.tiles import TILE, cells, enlarged, levels
from standout.types import Doubles, Floats, Image, Mask, Picture

ROUND = 10.0
"""Radius, in pixels, up to which discs are drawn as they are; larger ones are drawn on a smaller picture."""

BRIGHTEST = 12.0
"""How many times as bright as white a highlight may have been that the photo shows as white."""


class Curve:
    """The light behind a photo's levels. What the photo shows as white may have been brighter than that.

    highlights: 0..1; at 1, white is taken for 13 times as bright. There and back, a level is what it was, so that
    points of light become bright discs while even areas keep their color. The photo's own curve may be another than
    that of sRGB: that changes little, since the same one leads back.
    """

    def __init__(self, highlights: float) -> None:
        knots = np.linspace(0, 1, 4097)
        linear = np.where(knots <= 0.04045, knots / 12.92, ((knots + 0.055) / 1.055) ** 2.4)
        self._knots: Doubles = knots
        self._light: Doubles = linear + BRIGHTEST * highlights * linear**8
        self._most = float(self._light[-1])
        # fourth roots lie about evenly over the levels
        self._back: Floats = np.interp(np.linspace(0, 1, 16385) ** 4 * self._most, self._light, knots).astype(
            np.float32
        )

    def table(self, white: int) -> Floats:
        """The light of each whole level up to white."""
        return np.interp(np.arange(white + 1) / white, self._knots, self._light).astype(np.float32)

    def levels(self, light: Floats) -> Floats:
        """The levels, 0..1, of that light, which is changed."""
        np.clip(light, 0, self._most, out=light)
        light *= np.float32(1 / self._most)
        root = np.sqrt(np.sqrt(light, out=light), out=light)
        root *= 16384
        return np.take(self._back, root.astype(np.int32))


def lens_blurred(
    image: Image, mask: Mask, *, radius: float, blurred: Floats, highlights: float = 0.5, alpha: Mask | None = None
) -> Picture:
    """The background of the image as a lens with a wide aperture shows it, RGB.

    radius: of the discs, in pixels. highlights: see Curve. alpha: the photo's own transparency. The average is taken of
    light, not of levels, and over background pixels alone (normalized convolution, Knutsson and Westin, CVPR 1993).
    """
    curve = Curve(highlights)
    times = halvings(radius / ROUND)
    weighed = _weighed(image, mask, alpha, curve, times)
    middles = np.minimum((np.arange(len(weighed)) + 0.5) * 2**times, len(blurred) - 1).astype(int)
    soft = curve.levels(_discs(weighed, blurred[middles] * np.float32(radius / 2**times)))
    # discs smaller than a cell and a half are not seen on the smaller picture
    share = np.minimum(blurred * np.float32(radius / 2**times / 1.5), 1) if (blurred < 1).any() else blurred
    return _enlarged(image, mask, soft, share, 2**times)


def _weighed(image: Image, mask: Mask, alpha: Mask | None, curve: Curve, times: int) -> Floats:
    """Light and weight of each cell of the picture. Light is made band by band, so that no large array is."""
    (height, width), cell = mask.shape, 2**times
    white = int(levels(image))
    table = curve.table(white)
    tall, wide = -(-height // cell), -(-width // cell)
    light = np.empty((tall, wide, 3), np.float32)
    step = max(1, TILE // cell) * cell
    for top in range(0, height, step):
        rows = image[top : top + step]
        pixels = np.asarray(cv2.LUT(rows, table) if white == 255 else table[rows], np.float32)
        light[top // cell : (top + step) // cell] = cells(pixels, cell)
    share: Floats = np.clip((1 if alpha is None else cells(alpha, cell)) - cells(mask, cell), 0, 1)
    for _ in range(3):  # the soft rim, still tinted by the person, counts next to nothing
        share *= share
    np.maximum(share, np.float32(1e-6), out=share)
    light *= three(share)
    return np.asarray(cv2.merge([*cv2.split(light), share]), np.float32)


def _discs(weighed: Floats, radii: Floats) -> Floats:
    """The light of discs, in each row of a radius of its own, in pixels of weighed."""
    largest = float(radii.max())
    soft = np.asarray(cv2.filter2D(weighed, -1, disc(largest), borderType=cv2.BORDER_REFLECT), np.float32)
    smaller = np.flatnonzero(radii < largest)
    if smaller.size:
        _gather(weighed, radii, smaller, soft)
    np.maximum(soft, 0, out=soft)  # OpenCV convolves by Fourier transform, which leaves a trace below 0
    # Deep inside a large person a disc finds no background: wider blurs fill in.
    far = spread(halved(weighed, 2), max(1.0, largest / 2), wider=1)
    far *= np.float32(1e-3)
    soft += cv2.resize(far, weighed.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    light = np.ascontiguousarray(soft[..., :3])
    light /= three(np.ascontiguousarray(soft[..., 3]))
    return light


def _gather(weighed: Floats, radii: Floats, rows: NDArray[np.intp], soft: Floats) -> None:
    """Writes the means over discs into these rows of soft.

    A disc is a stack of rows, and the sum over a part of a row is the difference of two sums from its beginning. So
    each row's disc may have its own radius; mixed of a few radii, points of light would have rings in them.
    """
    reach, width = math.ceil(float(radii[rows].max())) + 1, weighed.shape[1]
    padded = cv2.copyMakeBorder(weighed, reach, reach, reach + 1, reach + 1, cv2.BORDER_REFLECT)
    sums = np.zeros((len(padded), padded.shape[1] + 1, 4))
    np.cumsum(padded, axis=1, out=sums[:, 1:])

    def until(line: Doubles, edge: float) -> Doubles:
        """The sums up to so far from each pixel's middle; between two pixels, of a part of one."""
        first = math.floor(reach + 1.5 + edge)
        part = reach + 1.5 + edge - first
        return np.asarray(line[first : first + width] * (1 - part) + line[first + 1 : first + 1 + width] * part)

    for row in rows.tolist():
        radius = float(radii[row]) + 0.5  # from a pixel's middle to its border
        total, count = np.zeros((width, 4)), 0.0
        for away in range(math.ceil(radius)):
            half = math.sqrt(radius**2 - away**2)
            line = sums[reach + row] if away == 0 else sums[reach + row - away] + sums[reach + row + away]
            total += until(line, half) - until(line, -half)
            count += 2 * half * (1 if away == 0 else 2)
        soft[row] = total / count


def disc(radius: float) -> Floats:
    """The kernel of a disc, its edge as soft as a pixel.

    >>> disc(0.5).tolist(), float(disc(7.3).sum().round(4))
    ([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], 1.0)
    """
    reach = math.ceil(radius)
    along = np.arange(-reach, reach + 1, dtype=np.float32)
    kernel = np.clip(np.float32(max(radius, 0.5) + 0.5) - np.hypot(along[:, None], along[None]), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _enlarged(image: Image, mask: Mask, soft: Floats, share: Floats, cell: int) -> Picture:
    """Soft levels at the image's size and depth, mixed with the image in rows of which less than all is blurred."""
    picture = np.empty_like(image)
    soft *= np.float32(levels(image))
    for tile, colors in enlarged(soft, cell, *mask.shape):
        near = share[tile[0]]
        if near.min() < 1:
            # Where the photo stays sharp, its soft edges hold something of the person, who is painted over them again.
            blur = three(np.maximum(np.minimum(4 * mask[tile], 1), near[:, None]))
            pixels = image[tile].astype(np.float32)
            colors -= pixels
            colors *= blur
            colors += pixels
        picture[tile] = dithered(colors, tile, image.dtype)
    return picture
