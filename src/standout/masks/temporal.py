"""The temporal filter: masks of a clip, frame after frame, that do not flicker.

mask    float32  (h, w)      person probability of the whole frame, preferably the network's own, before refinement
image   uint8    (H, W, 3)   RGB, the frame at any size
time    Fraction             seconds from the start of the clip
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.errors import InputError
from standout.masks.letterbox import resize
from standout.types import Bytes, Floats, Image, Mask

HALF_LIFE = 0.2
"""Seconds; docs/research/temporal-filter.md shows what other values give."""

SIDE, FLOW_SIDE = 320, 256
"""The longest side, in pixels, of the pictures that are compared, and of those in which motion is found."""

MATCH, STILL = 14.0, 10.0
"""Difference of two frames, in levels of 255, at which trust in a moved pixel, and in a still one, falls to 1/e."""

AGREE = 0.5
"""Difference of two masks, where the picture moves, at which trust in the past falls to 1/e."""

CUT_LIKENESS, CUT_COLORS = 0.7, 0.25
"""At a cut the likeness of the layouts is below the first, and the distance of the colors above the second."""


@dataclass(frozen=True)
class _Moment:
    """What is remembered of a frame: its filtered mask, and small pictures of it."""

    time: Fraction
    shape: tuple[int, ...]
    mask: Mask
    look: Bytes
    gray: Bytes
    layout: Floats
    colors: Floats


_PICTURES = ("mask", "look", "gray", "layout", "colors")
"""Fields of _Moment that are arrays."""


class TemporalFilter:
    """Filters the masks of one clip, frame after frame in their order, so that they do not flicker.

    half_life: the seconds after which half of the past is forgotten where the network cannot tell (p = 1/2); 0 gives
    each mask back unchanged. The surer the network is, the faster the filter forgets: at once where p is 0 or 1, and
    also where the picture moves in a way that cannot be followed. cuts: how many cuts were seen.

    This is a recursive filter along the motion: the last filtered mask is moved to the present frame by dense optical
    flow (DIS: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", arXiv 1603.03590) and blended in by the
    weight

        2^(-dt / h),    h = half_life * (1 - |2p - 1|) * match * agree

    match: how alike the moved picture and the present one are in color. agree: how alike the two masks are; it counts
    only where the picture moves, since in a still picture a mask that changes is flicker. So no hand leaves a ghost
    behind: what comes into view matches nothing in the past. As the weight is a power of dt, the filter is the same at
    any frame rate. Blending where colors along the flow match is as in Lang et al., "Practical Temporal Consistency for
    Image-Based Graphics Applications" (SIGGRAPH 2012), and Karis, "High Quality Temporal Supersampling" (SIGGRAPH
    courses 2014); we differ in that the network's own doubt sets the half-life.

    The past is dropped at cuts, where frames or masks change their size, and where time does not increase.

    >>> steady, still = TemporalFilter(half_life=1.0), np.full((64, 64, 3), 90, np.uint8)
    >>> before = steady(np.full((64, 64), 0.4, np.float32), still, Fraction(0))
    >>> now = steady(np.full((64, 64), 0.5, np.float32), still, Fraction(1))  # half of 0.4 and half of 0.5
    >>> round(float(now[32, 32]), 3)
    0.45
    """

    def __init__(self, half_life: float = HALF_LIFE) -> None:
        if not (math.isfinite(half_life) and half_life >= 0):
            raise InputError(f"half-life is {half_life}; wanted seconds, 0 or more")
        self.half_life = half_life
        self.cuts = 0
        self._last: _Moment | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(1)  # the 2 of the preset is too coarse for an arm

    def __call__(self, mask: Mask, image: Image, time: Fraction) -> Mask:
        """The filtered mask of the next frame, at the size of the given mask."""
        if self.half_life == 0:
            return mask
        _check(mask, image)
        now, before = _moment(mask, image, time), self._last
        if before is not None and (before.shape != now.shape or time <= before.time):
            before = None
        if before is not None and _is_cut(before, now):
            self.cuts += 1
            before = None
        self._last = now if before is None else self._blended(before, now)
        return self._last.mask.copy()  # the caller may paint on it

    def state(self) -> dict[str, NDArray[Any]]:
        """What this filter remembers, as arrays; a filter that is given them by restore continues as this one does."""
        last = self._last
        if last is None:
            return {}
        kept = {name: np.asarray(getattr(last, name)) for name in _PICTURES}
        return kept | {"time": np.array(str(last.time)), "shape": np.array(last.shape), "cuts": np.array(self.cuts)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Makes this filter continue as the one whose state was saved."""
        self._last, self.cuts = None, 0
        if state:
            time, shape = Fraction(str(state["time"])), tuple(map(int, state["shape"]))
            self._last = _Moment(time, shape, *(state[name] for name in _PICTURES))
            self.cuts = int(state["cuts"])

    def _blended(self, before: _Moment, now: _Moment) -> _Moment:
        """The present moment, with the past blended into its mask."""
        flow = np.asarray(self._flow.calc(now.gray, before.gray, None), np.float32)  # type: ignore[call-overload]
        size = now.look.shape[:2]
        way = _way(flow, *size)
        past = _moved(before.mask, way if size == now.mask.shape else _way(flow, *now.mask.shape))
        apart = np.abs(past - now.mask)
        trust = _trust(before.look, _moved(before.look, way), now.look, resize(apart, *size))
        doubt = 1 - np.abs(2 * now.mask - 1)
        half_life = self.half_life * doubt * resize(trust, *now.mask.shape)
        weight = np.exp2(-float(now.time - before.time) / np.maximum(half_life, 1e-6))
        mask = np.asarray(now.mask + weight * (past - now.mask), np.float32)
        return _Moment(now.time, now.shape, mask, now.look, now.gray, now.layout, now.colors)


def _check(mask: Mask, image: Image) -> None:
    """Raises InputError for a mask or image of another kind."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InputError(f"image is {image.dtype} {image.shape}; wanted uint8 (H, W, 3), RGB")
    if mask.ndim != 2 or mask.dtype != np.float32 or not mask.size:
        raise InputError(f"mask is {mask.dtype} {mask.shape}; wanted float32 (h, w)")


def _moment(mask: Mask, image: Image, time: Fraction) -> _Moment:
    """What is to be remembered of a frame, whose mask is not filtered yet."""
    look = np.asarray(resize(image, *_within(mask.shape, SIDE)), np.uint8)
    small = resize(look, *_within(mask.shape, FLOW_SIDE))
    gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    layout = cv2.GaussianBlur(resize(gray, 24, 32), (0, 0), 1.0).astype(np.float32)
    tally = cv2.calcHist([resize(look, 60, 80)], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel()
    colors = np.asarray(tally / tally.sum(), np.float32)
    return _Moment(time, (*image.shape, *mask.shape), mask.copy(), look, gray, layout, colors)


def _within(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """That shape (h, w) scaled down to at most that side; each is at least 16, which the optical flow needs."""
    scale = min(1.0, side / max(shape))
    return max(16, round(shape[0] * scale)), max(16, round(shape[1] * scale))


def _way(flow: Floats, height: int, width: int) -> tuple[Floats, Floats]:
    """Where each pixel of the present frame, of height x width, was in the earlier one: (x, y)."""
    by = resize(flow, height, width)
    rows, columns = np.indices((height, width), np.float32)
    x = columns + by[..., 0] * np.float32(width / flow.shape[1])
    y = rows + by[..., 1] * np.float32(height / flow.shape[0])
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _moved(picture: Any, way: tuple[Floats, Floats]) -> Any:
    """The earlier picture as it lies in the present frame."""
    return cv2.remap(picture, *way, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _trust(before: Bytes, moved: Bytes, now: Bytes, apart: Floats) -> Floats:
    """How far the past of each pixel can be trusted, 0..1. apart: the difference of the moved and the present mask."""
    match = _alike(moved, now, MATCH)
    still = _alike(before, now, STILL)
    agree = np.exp(-np.square(apart / np.float32(AGREE)))
    return np.asarray(match * (still + (1 - still) * agree), np.float32)


def _alike(one: Bytes, other: Bytes, scale: float) -> Floats:
    """1 where two pictures are equal, 1/e where the worst channel differs by `scale` in the mean of 3x3 pixels."""
    red, green, blue = cv2.split(cv2.absdiff(one, other))
    apart = cv2.max(cv2.max(red, green), blue).astype(np.float32)
    return np.asarray(np.exp(-np.square(cv2.blur(apart, (3, 3)) / np.float32(scale))), np.float32)


def _is_cut(before: _Moment, now: _Moment) -> bool:
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
