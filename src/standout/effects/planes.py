"""Effects on moving pictures, in the colors in which they come: clips in YUV 4:2:0, a camera's frames in RGB.

frame    PlanarFrame      pixels at full size, and a small RGB picture of them
mask     float32 (H, W)   1 = person
pixels   Pixels           of the frame's size and colors; what is made belongs to the caller

Mixing colors is linear, and so is the step from RGB to YUV: what compose.py does to three colors at full size is done
here to Y at full size, and to U and V at half of it. Few pixels are neither wholly a person nor wholly background:
these are taken out of the picture, mixed in one go, and put back. What is behind the people is made of the small
picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from standout.effects.compose import sigma_of, soft_background
from standout.effects.foreground import halved, sure_colors
from standout.effects.framing import halvings
from standout.masks.letterbox import shrunk
from standout.types import Bytes, Floats, Image, Mask, Picture, Pixels, PlanarFrame, Planes

SOFTEST = 2.5
"""As in framing.py. Less will do here, since pictures that small are enlarged in a curve first."""

COLOR_SIDE = 160
"""The longest side, in pixels, at which the people's and the background's own colors are estimated."""

_WHOLE = np.array([255])

_ROW = 256
"""Points in a row of the maps that OpenCV looks up; it takes no rows of more than 32,767."""


class Scene:
    """A frame and the mask of its people, from which pictures are made."""

    def __init__(self, frame: PlanarFrame, mask: Mask) -> None:
        self._frame, self._pixels = frame, frame.planes
        self._share = mask

    @cached_property
    def _small(self) -> Mask:
        """The mask of the frame's small picture."""
        return shrunk(self._share, *self._frame.image.shape[:2])

    def blurred(self, strength: float) -> Pixels:
        """The background, blurred; see compose.blurred."""
        image = self._frame.image
        if strength == 0:
            return copied(self._pixels)
        soft = soft_background(image, self._small, sigma_of(strength, *image.shape[:2]), softest=SOFTEST)
        return as_pixels(soft * np.float32(255), self._pixels)

    def filled(self, rgb: tuple[float, float, float]) -> Pixels:
        """A picture that is all of one color, of levels 0 to 255."""
        pixels = self._pixels
        levels = np.rint(_from_rgb(pixels) @ np.array([*rgb, 1.0])).clip(0, 255).astype(np.uint8)
        if not isinstance(pixels, Planes):
            return np.asarray(cv2.merge([np.full(pixels.shape[:2], level, np.uint8) for level in levels]), np.uint8)
        y, u, v = (
            np.full(plane.shape, level, np.uint8)
            for plane, level in zip((pixels.y, pixels.u, pixels.v), levels, strict=True)
        )
        return Planes(y, u, v, pixels.to_rgb)

    def painted(self, behind: Pixels, *, decontaminate: bool = True) -> Pixels:
        """The people painted over what is behind them, in place; see compose.painted."""
        for soft, own, back, front in self._people(behind, decontaminate=decontaminate):
            mixed = soft.taken(back)
            mixed += soft.share * (front - mixed)
            soft.put(own, mixed, back)
        return behind

    def cut(self, *, decontaminate: bool = True) -> Planes | Picture:
        """The people on transparency; what is hidden is black. See compose.cut."""
        picture = self.filled((0, 0, 0))
        for soft, own, back, front in self._people(picture, decontaminate=decontaminate):
            soft.put(own, front, back)
        alpha = _levels(self._share)
        if isinstance(picture, Planes):
            return replace(picture, alpha=alpha)
        return np.asarray(cv2.merge([*cv2.split(picture), alpha]), np.uint8)

    def _people(self, behind: Pixels, *, decontaminate: bool) -> Iterator[tuple[_Soft, Bytes, Bytes, Floats]]:
        """Of each array of pixels: the soft ones, the frame's array, the one behind, and the people's own levels."""
        colors = self._colors() if decontaminate else None
        for share, arrays, part in self._arrays(behind):
            soft = _Soft(share)
            both = None if colors is None else [soft.near(one[..., part]) for one in colors]
            first = 0
            for own, back in arrays:
                last = first + (own.shape[2] if own.ndim == 3 else 1)
                near = None if both is None else (both[0][first:last], both[1][first:last])
                yield soft, own, back, soft.front(own, near)
                first = last

    def _arrays(self, behind: Pixels) -> Iterator[tuple[Mask, list[tuple[Bytes, Bytes]], slice]]:
        """The frame's arrays of one size and those behind: the mask at that size, the arrays, and their channels."""
        pixels = self._pixels
        if isinstance(pixels, Planes) and isinstance(behind, Planes):
            yield self._share, [(pixels.y, behind.y)], slice(0, 1)
            height, width = pixels.u.shape
            half = np.asarray(cv2.resize(self._share, (width, height), interpolation=cv2.INTER_AREA), np.float32)
            yield half, [(pixels.u, behind.u), (pixels.v, behind.v)], slice(1, 3)
        else:
            yield self._share, [(np.asarray(pixels), np.asarray(behind))], slice(0, 3)

    def _colors(self) -> list[Floats]:
        """The people's and the background's own colors about each pixel of a small picture: float32 (h, w, 3)."""
        image = self._frame.image
        times = halvings(max(image.shape) / COLOR_SIDE)
        both = sure_colors(np.asarray(halved(image, times), np.uint8), halved(self._small, times))
        return [np.asarray(_of_rgb(one, self._pixels), np.float32) for one in both]


class _Soft:
    """The pixels of a mask that are neither wholly a person nor wholly background. share: of a person.

    What is said of them has a row for each channel of a picture: float32 (C, pixels).
    """

    def __init__(self, mask: Mask) -> None:
        levels = _levels(mask)
        self._whole: Bytes = np.asarray(cv2.inRange(levels, _WHOLE, _WHOLE), np.uint8)
        at = np.flatnonzero(levels - np.uint8(1) < 254)  # 0 wraps around to 255
        self._shape = mask.shape
        self._rows, self._columns = np.divmod(at, mask.shape[1])
        self.share: Floats = mask.ravel()[at]
        self._sure = np.clip(self.share * 10 - 9, 0, 1)

    def taken(self, array: Bytes) -> Floats:
        """The levels of the picture, or of the plane, at these pixels."""
        found = array[self._rows, self._columns]
        return np.ascontiguousarray(np.atleast_2d(found.T), np.float32)

    def put(self, own: Bytes, levels: Floats, array: Bytes) -> None:
        """Puts levels of these pixels into the array, and those of the people's own array where they are whole."""
        cv2.copyTo(own, self._whole, array)
        rounded = np.rint(levels).clip(0, 255).astype(np.uint8)
        array[self._rows, self._columns] = rounded[0] if array.ndim == 2 else rounded.T

    def front(self, array: Bytes, near: tuple[Floats, Floats] | None) -> Floats:
        """The people's own levels at these pixels of the array; see foreground.Foreground.

        near: those of the people and of the background about each pixel; None = as the array has them.
        """
        own = self.taken(array)
        if near is None:
            return own
        people, background = near
        fixed = people + self.share * (own - background - self.share * (people - background))
        fixed += self._sure * (own - fixed)
        return np.asarray(np.clip(fixed, 0, 255, out=fixed), np.float32)

    def near(self, colors: Floats) -> Floats:
        """The colors (h, w, C), enlarged to the mask's size, at these pixels: (C, pixels)."""
        count = len(self._rows)
        maps = np.zeros((2, -(-max(count, 1) // _ROW) * _ROW), np.float32)
        for line, index, own, whole in zip(
            maps, (self._columns, self._rows), (colors.shape[1], colors.shape[0]), self._shape[::-1], strict=True
        ):
            line[:count] = (index + 0.5) * (own / whole) - 0.5
        x, y = maps.reshape(2, -1, _ROW)
        seen = cv2.remap(np.ascontiguousarray(colors), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.ascontiguousarray(seen.reshape(-1, colors.shape[2])[:count].T, np.float32)


def as_pixels(picture: Image | Floats, like: Pixels) -> Pixels:
    """An RGB picture (h, w, 3) of levels 0 to 255, brought to the size and the colors of a frame's pixels."""
    small = _of_rgb(picture, like)
    height, width = (like.y if isinstance(like, Planes) else like).shape[:2]
    if 2 * small.shape[0] < height // 2:
        small = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    levels = cv2.convertScaleAbs(np.maximum(small, 0))
    if not isinstance(like, Planes):
        return np.array(cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    y, u, v = (
        np.array(cv2.resize(level, plane.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        for level, plane in zip(cv2.split(levels), (like.y, like.u, like.v), strict=True)
    )
    return Planes(y, u, v, like.to_rgb)


def copied(pixels: Pixels) -> Pixels:
    """Pixels of the caller's own."""
    if not isinstance(pixels, Planes):
        return pixels.copy()
    return replace(pixels, y=pixels.y.copy(), u=pixels.u.copy(), v=pixels.v.copy())


def kind_of(pixels: Pixels) -> tuple[object, ...]:
    """What two frames have in common whose pixels are of one size and in the same colors; it can be a key."""
    return (pixels.y.shape, pixels.to_rgb.tobytes()) if isinstance(pixels, Planes) else pixels.shape


def _levels(mask: Mask) -> Bytes:
    """The mask in whole levels, 0 to 255."""
    return np.asarray(cv2.convertScaleAbs(mask, alpha=255), np.uint8)


def _of_rgb(picture: Image | Floats, like: Pixels) -> Any:
    """The RGB picture in the colors of a frame's pixels, of its own dtype."""
    return cv2.transform(picture, _from_rgb(like)) if isinstance(like, Planes) else picture


def _from_rgb(pixels: Pixels) -> Floats:
    """float32 (3, 4): the colors of a frame's pixels, of (red, green, blue, 1)."""
    if not isinstance(pixels, Planes):
        return np.eye(3, 4, dtype=np.float32)
    by, plus = pixels.to_rgb[:, :3].astype(np.float64), pixels.to_rgb[:, 3].astype(np.float64)
    inverse = np.linalg.inv(by)
    return np.column_stack([inverse, -inverse @ plus]).astype(np.float32)
