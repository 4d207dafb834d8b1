"""Effects on pictures in YUV 4:2:0, as the frames of clips are: no pixel is brought into RGB at full size.

frame    PlanarFrame      planes at full size, and a small RGB picture of them
mask     float32 (H, W)   1 = person
planes   Planes           of the frame's size and color matrix; what is made belongs to the caller

Mixing colors is linear, and so is the step from RGB to YUV: what compose.py does to three colors at full size is done
here to Y at full size, and to U and V at half of it. Few pixels are neither wholly a person nor wholly background:
these are taken out of the planes, mixed as one row of numbers, and put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import cv2
import numpy as np

from standout.effects.compose import sigma_of, soft_background
from standout.effects.foreground import halved, sure_colors
from standout.effects.framing import halvings
from standout.masks.letterbox import shrunk
from standout.types import Bytes, Floats, Image, Mask, PlanarFrame, Planes

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
        self._frame, self._planes = frame, frame.planes
        self._share = mask
        height, width = frame.planes.u.shape
        self._half_share: Mask = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA), np.float32)

    @cached_property
    def _small(self) -> Mask:
        """The mask of the frame's small picture."""
        return shrunk(self._share, *self._frame.image.shape[:2])

    def blurred(self, strength: float) -> Planes:
        """The background, blurred; see compose.blurred."""
        planes, image = self._planes, self._frame.image
        if strength == 0:
            return replace(planes, y=planes.y.copy(), u=planes.u.copy(), v=planes.v.copy())
        soft = soft_background(image, self._small, sigma_of(strength, *image.shape[:2]), softest=SOFTEST)
        return as_planes(soft * np.float32(255), planes)

    def filled(self, rgb: tuple[float, float, float]) -> Planes:
        """A picture that is all of one color, of levels 0 to 255."""
        planes = self._planes
        levels = np.rint(_from_rgb(planes) @ np.array([*rgb, 1.0])).clip(0, 255).astype(np.uint8)
        y, u, v = (
            np.full(plane.shape, level, np.uint8)
            for plane, level in zip((planes.y, planes.u, planes.v), levels, strict=True)
        )
        return Planes(y, u, v, planes.to_rgb)

    def painted(self, behind: Planes, *, decontaminate: bool = True) -> Planes:
        """The people painted over what is behind them, in place; see compose.painted."""
        for soft, own, back, front in self._people(behind, decontaminate=decontaminate):
            mixed = soft.taken(back)
            mixed += soft.share * (front - mixed)
            soft.put(own, mixed, back)
        return behind

    def cut(self, *, decontaminate: bool = True) -> Planes:
        """The people on transparency; what is hidden is black. See compose.cut."""
        picture = self.filled((0, 0, 0))
        for soft, own, back, front in self._people(picture, decontaminate=decontaminate):
            soft.put(own, front, back)
        return replace(picture, alpha=_levels(self._share))

    def _people(self, behind: Planes, *, decontaminate: bool) -> Iterator[tuple[_Soft, Bytes, Bytes, Floats]]:
        """Of Y, U and V in turn: the soft pixels, the frame's plane, the one behind, and the people's own levels."""
        planes = self._planes
        colors = self._colors() if decontaminate else None
        for share, owns, backs, part in (
            (self._share, (planes.y,), (behind.y,), slice(0, 1)),
            (self._half_share, (planes.u, planes.v), (behind.u, behind.v), slice(1, 3)),
        ):
            soft = _Soft(share)
            both = None if colors is None else [soft.near(one[..., part]) for one in colors]
            for number, (own, back) in enumerate(zip(owns, backs, strict=True)):
                near = None if both is None else (both[0][number], both[1][number])
                yield soft, own, back, soft.front(own, near)

    def _colors(self) -> list[Floats]:
        """The people's and the background's own colors about each pixel of a small picture: YUV, float32 (h, w, 3)."""
        image, from_rgb = self._frame.image, _from_rgb(self._planes)
        times = halvings(max(image.shape) / COLOR_SIDE)
        both = sure_colors(np.asarray(halved(image, times), np.uint8), halved(self._small, times))
        return [np.asarray(cv2.transform(one, from_rgb), np.float32) for one in both]


class _Soft:
    """The pixels of a mask that are neither wholly a person nor wholly background, in one row. share: of a person."""

    def __init__(self, mask: Mask) -> None:
        levels = _levels(mask)
        self._whole: Bytes = np.asarray(cv2.inRange(levels, _WHOLE, _WHOLE), np.uint8)
        at = np.flatnonzero(levels - np.uint8(1) < 254)  # 0 wraps around to 255
        self._shape = mask.shape
        self._rows, self._columns = np.divmod(at, mask.shape[1])
        self.share: Floats = mask.ravel()[at]
        self._sure = np.clip(self.share * 10 - 9, 0, 1)

    def taken(self, plane: Bytes) -> Floats:
        """The plane's levels at these pixels."""
        return plane[self._rows, self._columns].astype(np.float32)

    def put(self, own: Bytes, levels: Floats, plane: Bytes) -> None:
        """Puts levels of these pixels into the plane, and those of the people's own plane where they are whole."""
        cv2.copyTo(own, self._whole, plane)
        plane[self._rows, self._columns] = np.rint(levels).clip(0, 255).astype(np.uint8)

    def front(self, plane: Bytes, near: tuple[Floats, Floats] | None) -> Floats:
        """The people's own levels at these pixels of the plane; see foreground.Foreground.

        near: those of the people and of the background about each pixel; None = as the plane has them.
        """
        own = self.taken(plane)
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


def as_planes(picture: Image | Floats, like: Planes) -> Planes:
    """An RGB picture (h, w, 3) of levels 0 to 255, brought to the size and the color matrix of planes."""
    yuv = cv2.transform(picture, _from_rgb(like))
    if 2 * yuv.shape[0] < like.u.shape[0]:
        yuv = cv2.resize(yuv, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    levels = [cv2.convertScaleAbs(np.maximum(one, 0)) for one in cv2.split(yuv)]
    y, u, v = (
        np.array(cv2.resize(level, plane.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        for level, plane in zip(levels, (like.y, like.u, like.v), strict=True)
    )
    return Planes(y, u, v, like.to_rgb)


def _levels(mask: Mask) -> Bytes:
    """The mask in whole levels, 0 to 255."""
    return np.asarray(cv2.convertScaleAbs(mask, alpha=255), np.uint8)


def _from_rgb(planes: Planes) -> Floats:
    """float32 (3, 4): (y, u, v) of (red, green, blue, 1)."""
    by, plus = planes.to_rgb[:, :3].astype(np.float64), planes.to_rgb[:, 3].astype(np.float64)
    inverse = np.linalg.inv(by)
    return np.column_stack([inverse, -inverse @ plus]).astype(np.float32)
