"""The pixel work of a lens blur: each point of the background becomes a disc, in linear light.

image     uint8 or uint16 (H, W, 3)   RGB
mask      float32 (H, W)              share of each pixel that is person, 0..1
blurred   float32 (H,)                how blurred each row is, from 0 (not at all) to 1 (discs of the whole radius)
weighed   float32 (h, w, 4)           light times weight, and weight, of cells of 2^n x 2^n pixels
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np

from standout.effects.compose import spread
from standout.effects.foreground import halved, three
from standout.effects.framing import halvings
from standout.effects.rounding import dithered
from standout.masks.tiles import TILE, cells, enlarged, levels
from standout.types import Doubles, Floats, Image, Mask, Picture

ROUND = 10.0
"""Radius, in pixels, up to which discs are drawn as they are; larger ones are drawn on a smaller picture."""

STEPS = (0.25, 0.5, 1.0)
"""The radii that are made, as shares of the largest; what lies between two of them is mixed."""

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
    steps = STEPS if (blurred < 1).any() else STEPS[-1:]
    times = halvings(radius / ROUND)
    weighed = _weighed(image, mask, alpha, curve, times)
    soft = _discs(weighed, steps[0] * radius / 2**times)
    middles = np.minimum((np.arange(len(soft)) + 0.5) * 2**times, len(blurred) - 1).astype(int)
    rows = blurred[middles][:, None, None]
    for nearer, step in pairwise(steps):
        softer = _discs(weighed, step * radius / 2**times)
        softer -= soft
        softer *= np.clip((rows - np.float32(nearer)) / np.float32(step - nearer), 0, 1)
        soft += softer
    soft = curve.levels(soft)
    return _enlarged(image, mask, soft, np.minimum(blurred / np.float32(steps[0]), 1), 2**times)


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
    return np.dstack([light, share])


def _discs(weighed: Floats, radius: float) -> Floats:
    """The light of discs of that radius, in pixels of weighed."""
    soft = np.asarray(cv2.filter2D(weighed, -1, disc(radius), borderType=cv2.BORDER_REFLECT), np.float32)
    np.maximum(soft, 0, out=soft)  # OpenCV convolves by Fourier transform, which leaves a trace below 0
    # Deep inside a large person a disc finds no background: wider blurs fill in.
    far = spread(halved(weighed, 2), max(1.0, radius / 2), wider=1)
    far *= np.float32(1e-3)
    soft += cv2.resize(far, weighed.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    light = np.ascontiguousarray(soft[..., :3])
    light /= three(np.ascontiguousarray(soft[..., 3]))
    return light


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
