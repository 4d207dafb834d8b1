"""Two frames of a clip -> how the picture moved from one to the other, how alike they are, and whether there was a cut.

look    uint8   (h, w, 3)   RGB, the frame at no more than SIDE pixels
flow    float32 (h, w, 2)   how far each pixel of the present frame was away in the earlier one: (x, y)
way     float32 (h, w, 2)   where each pixel of the present frame was in the earlier one: (x, y)
apart   uint8   (h, w)      difference of two looks: that of the worst channel, in the mean of 3x3 pixels
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.masks.letterbox import resize
from standout.types import Bytes, Floats, Image

SIDE, FLOW_SIDE = 320, 256
"""The longest side, in pixels, of the pictures that are compared, and of those in which motion is found."""

CUT_LIKENESS, CUT_COLORS = 0.7, 0.25
"""At a cut the likeness of the layouts is below the first, and the distance of the colors above the second."""


@dataclass(frozen=True)
class Glimpse:
    """Small pictures of a frame: in color, in gray for the optical flow, its layout, and its colors as a histogram."""

    look: Bytes
    gray: Bytes
    layout: Floats
    colors: Floats

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """The pictures by name, as arrays."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_dict(cls, pictures: Mapping[str, NDArray[Any]]) -> Glimpse:
        """What to_dict gave; other names are left aside."""
        return cls(*(pictures[one.name] for one in fields(cls)))


def glimpse_of(image: Image, shape: tuple[int, ...]) -> Glimpse:
    """The small pictures of a frame whose mask has that shape (h, w)."""
    look = np.asarray(resize(image, *_within(shape, SIDE)), np.uint8)
    gray = np.asarray(resize(cv2.cvtColor(look, cv2.COLOR_RGB2GRAY), *_within(shape, FLOW_SIDE)), np.uint8)
    layout = cv2.GaussianBlur(resize(gray, 24, 32), (0, 0), 1.0).astype(np.float32)
    tally = cv2.calcHist([resize(look, 60, 80)], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel()
    return Glimpse(look, gray, layout, np.asarray(tally / tally.sum(), np.float32))


def _within(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """That shape (h, w) scaled down to at most that side; each is at least 16, which the optical flow needs."""
    scale = min(1.0, side / max(shape))
    return max(16, round(shape[0] * scale)), max(16, round(shape[1] * scale))


class OpticalFlow:
    """Dense optical flow between two frames of a clip (DIS: Kroeger et al., arXiv 1603.03590)."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(1)  # the 2 of the preset is too coarse for an arm

    def __call__(self, before: Glimpse, now: Glimpse) -> Floats:
        """The flow from the present frame back to the one before."""
        return np.asarray(self._flow.calc(now.gray, before.gray, None), np.float32)  # type: ignore[call-overload]


def way_of(flow: Floats, height: int, width: int) -> Floats:
    """Where each pixel of the present frame, of height x width, was in the earlier one."""
    by = resize(flow, height, width)
    way = _pixels(height, width).copy()
    for axis, scale in ((0, width / flow.shape[1]), (1, height / flow.shape[0])):
        way[..., axis] += by[..., axis] * np.float32(scale)
    return way


@lru_cache(maxsize=4)
def _pixels(height: int, width: int) -> Floats:
    """The (x, y) of each pixel."""
    rows, columns = np.indices((height, width), np.float32)
    return np.ascontiguousarray(np.dstack([columns, rows]))


def moved(picture: Any, way: Floats) -> Any:
    """The earlier picture as it lies in the present frame."""
    return cv2.remap(picture, way, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]


def apart_of(one: Bytes, other: Bytes) -> Bytes:
    """How far two looks are apart at each pixel, in levels of 255."""
    red, green, blue = cv2.split(cv2.absdiff(one, other))
    return np.asarray(cv2.blur(cv2.max(cv2.max(red, green), blue), (3, 3)), np.uint8)


def alike(apart: Bytes, scale: float) -> Floats:
    """1 where two looks are equal, 1/e where they are `scale` levels apart."""
    return np.asarray(cv2.LUT(apart, _falling(scale)), np.float32)


@lru_cache(maxsize=4)
def _falling(scale: float) -> Floats:
    """The likeness for each difference of 0..255 levels."""
    return np.asarray(np.exp(-np.square(np.arange(256, dtype=np.float32) / np.float32(scale))), np.float32)


def is_cut(before: Glimpse, now: Glimpse) -> bool:
    """Whether the layout and the colors changed at the same time.

    A flash or a fade keeps the layout (the correlation of small gray pictures, which brightness does not change), and a
    fast pan keeps the colors (the Hellinger distance of their histograms). A cut that keeps one of them is not seen,
    nor is a cut to or from an empty picture; there, the past is forgotten pixel by pixel, as nothing matches.
    """
    one, other = before.layout - before.layout.mean(), now.layout - now.layout.mean()
    noise = 4.0 * one.size  # two levels, squared; without them a blank picture would correlate with anything
    likeness = ((one * other).sum() + noise) / (np.sqrt((one * one).sum() * (other * other).sum()) + noise)
    distance = math.sqrt(max(0.0, 1.0 - float(np.sqrt(before.colors * now.colors).sum())))
    return bool(likeness < CUT_LIKENESS) and distance > CUT_COLORS
