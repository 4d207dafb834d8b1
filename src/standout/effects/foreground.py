"""The people's own color, free of the old background's: decontamination."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.effects.framing import halvings
from standout.masks.letterbox import resize
from standout.masks.tiles import Tile, enlarge, levels
from standout.types import Floats, Image, Mask

COLOR_SIDE = 512
"""Longest side, in pixels, at which the people's and the background's own colors are estimated: both are smooth."""


class Foreground:
    """The people's own color, free of the background's, in any tile of a photo.

    "Approximate Fast Foreground Colour Estimation" (Forte, ICIP 2021): foreground and background are first blurred
    from where each is sure, then corrected so that alpha * F + (1 - alpha) * B is the photo again. The blurred
    estimates are made on a smaller photo; the correction is at full size. We differ in weighing by the cube of alpha:
    by alpha itself, the tinted rim pulls its own fringe into the estimate.
    """

    def __init__(self, image: Image, mask: Mask) -> None:
        self._image, self._mask = image, mask
        # OpenCV enlarges four channels five times as fast as three.
        self._front, self._back = (
            np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2RGBA), np.float32) for one in sure_colors(image, mask)
        )

    def __call__(self, tile: Tile) -> Floats:
        """The colors of the tile, float32 (h, w, 3), in the photo's levels."""
        return np.asarray(cv2.cvtColor(self.four(tile), cv2.COLOR_RGBA2RGB), np.float32)

    def four(self, tile: Tile) -> Floats:
        """The colors of the tile with a fourth channel that means nothing, float32 (h, w, 4)."""
        height, width = self._mask.shape
        share = self._mask[tile]
        pixels = cv2.cvtColor(self._image[tile], cv2.COLOR_RGB2RGBA).astype(np.float32)
        fixed, back = enlarge(self._front, tile, height, width), enlarge(self._back, tile, height, width)
        shares = _four(share)
        error = fixed - back
        error *= shares
        np.subtract(pixels, back, out=back)
        back -= error
        back *= shares
        fixed += back  # fixed + share * (pixels - back - share * (fixed - back))
        # Where alpha nears 1 the photo itself is the answer; the estimate there would only cost detail.
        pixels -= fixed
        pixels *= _four(np.clip(share * 10 - 9, 0, 1))
        fixed += pixels
        return np.clip(fixed, 0, levels(self._image), out=fixed)


def three(plane: Floats) -> Floats:
    """The plane (h, w) three times over, (h, w, 3)."""
    return np.asarray(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB), np.float32)


def _four(plane: Floats) -> Floats:
    """The plane (h, w) three times over, and ones, (h, w, 4)."""
    return np.asarray(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGBA), np.float32)


def halved(picture: NDArray[Any], times: int) -> NDArray[Any]:
    """The picture with its sides halved so many times, rounded up."""
    height, width = (-(-side >> times) for side in picture.shape[:2])
    return resize(picture, height, width)


def sure_colors(image: Image, mask: Mask) -> tuple[Floats, Floats]:
    """Foreground and background color about each pixel, (h, w, 3) on a smaller photo: blurred wide, then near."""
    times = halvings(max(mask.shape) / COLOR_SIDE)
    small: Floats = halved(image, times).astype(np.float32)
    share: Floats = halved(mask, times)
    wide, near = (max(1, round(reach * max(share.shape))) for reach in (0.045, 0.006))
    # What is blurred that wide loses nothing at half the size.
    half, half_share = halved(small, 1), halved(share, 1)
    front = resize(_weighted_blur(half, half_share, -(-wide // 2)), *share.shape)
    back = resize(_weighted_blur(half, 1 - half_share, -(-wide // 2)), *share.shape)
    alpha = three(share)
    error = small
    error -= back
    error -= alpha * (front - back)
    back += error
    error *= alpha
    front += error
    back -= error
    np.clip(front, 0, levels(image), out=front)
    np.clip(back, 0, levels(image), out=back)
    return _weighted_blur(front, share, near), _weighted_blur(back, 1 - share, near)


def _weighted_blur(colors: Floats, share: Floats, radius: int) -> Floats:
    """The mean color around each pixel, by the cube of its share; where that is 0 all around, by nothing."""
    size = (2 * radius + 1, 2 * radius + 1)
    weight = share * share * share + np.float32(1e-5)
    total = np.asarray(cv2.blur(weight, size), np.float32)
    mean = np.asarray(cv2.blur(colors * three(weight), size), np.float32)
    mean /= three(total)
    return mean
