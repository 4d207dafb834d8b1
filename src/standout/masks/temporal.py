"""The temporal filter: masks of a clip, frame after frame, that do not flicker, and that need not all be found.

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
from standout.masks.motion import Glimpse, OpticalFlow, alike, apart_of, glimpse_of, is_cut, moved, way_of
from standout.types import Bytes, Floats, Image, Mask

HALF_LIFE = 0.2
"""Seconds; docs/research/temporal-filter.md shows what other values give."""

MATCH, STILL = 14.0, 10.0
"""Difference of two frames, in levels of 255, at which trust in a moved pixel, and in a still one, falls to 1/e."""

AGREE = 0.5
"""Difference of two masks, where the picture moves, at which trust in the past falls to 1/e."""

LONGEST = Fraction(1, 20)
"""Seconds after which a mask must be found, so that below 20 frames a second each frame has a mask of its own."""

LOST, BRIGHT = 20.0, 80.0
"""Difference, in levels of 255, at which a moved pixel is taken for another thing than the one that is there now, and
the mean gray level of a picture below which that difference is less, in proportion."""

MOST_LOST_NEAR, MOST_LOST_ANYWHERE, CELLS = 0.05, 0.5, 20
"""A mask is carried on where less than the first share of the people's own area is lost, on them and about them, and
less than the second of any square cell, which is where somebody new would come in. CELLS: along the longer side."""

NEAR, LEAST_PEOPLE = 15, 0.01
"""The side, in pixels of the look, of the square by which people are grown to what is about them; and the share of the
picture that people are taken to fill at least."""


@dataclass(frozen=True)
class _Moment:
    """What is remembered of a frame.

    shape: of the image and the mask. mask: filtered. trust: how far a mask that was carried to this frame can be
    trusted, 0..255, at the size of the look; None for a mask that was found.
    """

    time: Fraction
    shape: tuple[int, ...]
    mask: Mask
    look: Glimpse
    trust: Bytes | None = None


@dataclass(frozen=True)
class _Step:
    """How the last moment leads to a frame.

    past: its mask, moved along. match: how far that can be trusted by the pictures, 0..1, at the size of the look.
    lost: 1 where the moved picture shows another thing than the present one, 0 elsewhere.
    """

    image: Image
    time: Fraction
    look: Glimpse
    past: Mask
    match: Floats
    lost: Bytes


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

    Where the picture can be followed so well that the moved mask will do, `carried` gives it, and no network need see
    that frame. The next mask that is found is then trusted more where what was carried matched less. longest: seconds
    over which a mask is carried at most.

    >>> steady, still = TemporalFilter(half_life=1.0), np.full((64, 64, 3), 90, np.uint8)
    >>> before = steady(np.full((64, 64), 0.4, np.float32), still, Fraction(0))
    >>> now = steady(np.full((64, 64), 0.5, np.float32), still, Fraction(1))  # half of 0.4 and half of 0.5
    >>> round(float(now[32, 32]), 3)
    0.45
    """

    def __init__(self, half_life: float = HALF_LIFE, *, longest: Fraction = LONGEST) -> None:
        if not (math.isfinite(half_life) and half_life >= 0):
            raise InputError(f"half-life is {half_life}; wanted seconds, 0 or more")
        self.half_life, self.longest = half_life, longest
        self.cuts = 0
        self._last: _Moment | None = None
        self._step: _Step | None = None
        self._flow = OpticalFlow()

    def carried(self, image: Image, time: Fraction) -> Mask | None:
        """The last filtered mask moved to the next frame, which is then done; None where a mask must be found for it.

        A mask must be found for the first frame, for at least every other, and `longest` after the last that was; after
        a cut; where the people, or what is about them, moved in a way that cannot be followed; where a part of the
        picture is new; and wherever the filter is off.
        """
        last = self._last
        if last is None or last.trust is not None or self.half_life == 0 or image.shape != last.shape[:3]:
            return None
        if time <= last.time or time - last.time >= self.longest:
            return None
        _check(last.mask, image)
        look = glimpse_of(image, last.mask.shape)
        if is_cut(last.look, look):
            return None
        step = self._moved(last, look, image, time)
        if _is_lost(step):
            self._step = step  # the mask that is to be found will need it
            return None
        self._last = _Moment(time, last.shape, step.past, look, np.asarray(np.rint(255 * step.match), np.uint8))
        return step.past.copy()

    def __call__(self, mask: Mask, image: Image, time: Fraction) -> Mask:
        """The filtered mask of the next frame, at the size of the given mask."""
        if self.half_life == 0:
            return mask
        _check(mask, image)
        before, step, shape = self._last, self._step, (*image.shape, *mask.shape)
        self._step = None
        if before is not None and (before.shape != shape or time <= before.time):
            before = None
        if step is None or before is None or step.image is not image or step.time != time:
            step = None
        look = glimpse_of(image, mask.shape) if step is None else step.look
        if before is not None and step is None and is_cut(before.look, look):
            self.cuts += 1
            before = None
        if before is not None:
            mask = self._blended(before, step or self._moved(before, look, image, time), mask)
        self._last = _Moment(time, shape, mask.copy(), look)
        return self._last.mask.copy()  # the caller may paint on it

    def state(self) -> dict[str, NDArray[Any]]:
        """What this filter remembers, as arrays; a filter that is given them by restore continues as this one does."""
        last = self._last
        if last is None:
            return {}
        kept = last.look.to_dict() | {"mask": last.mask} | ({} if last.trust is None else {"trust": last.trust})
        return kept | {"time": np.array(str(last.time)), "shape": np.array(last.shape), "cuts": np.array(self.cuts)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Makes this filter continue as the one whose state was saved."""
        self._last, self._step, self.cuts = None, None, 0
        if state:
            time, shape = Fraction(str(state["time"])), tuple(map(int, state["shape"]))
            self._last = _Moment(time, shape, state["mask"], Glimpse.from_dict(state), state.get("trust"))
            self.cuts = int(state["cuts"])

    def _moved(self, before: _Moment, look: Glimpse, image: Image, time: Fraction) -> _Step:
        """How the moment before leads to the present frame."""
        flow = self._flow(before.look, look)
        size = look.look.shape[:2]
        way = way_of(flow, *size)
        past = moved(before.mask, way if size == before.mask.shape else way_of(flow, *before.mask.shape))
        apart = apart_of(moved(before.look.look, way), look.look)
        match = alike(apart, MATCH)
        if before.trust is not None:
            match *= moved(before.trust, way) / np.float32(255)
        lost = LOST * min(1.0, float(look.gray.mean()) / BRIGHT)
        return _Step(image, time, look, past, match, np.asarray(match < math.exp(-((lost / MATCH) ** 2)), np.uint8))

    def _blended(self, before: _Moment, step: _Step, mask: Mask) -> Mask:
        """The mask of the present frame, with the past blended in."""
        change = step.past - mask
        still = alike(apart_of(before.look.look, step.look.look), STILL)
        agree = np.exp(-np.square(resize(np.abs(change), *still.shape) / np.float32(AGREE)))
        trust = step.match * (still + (1 - still) * agree)
        doubt = 1 - np.abs(2 * mask - 1)
        half_life = self.half_life * doubt * resize(trust, *mask.shape)
        weight = np.exp2(-float(step.time - before.time) / np.maximum(half_life, 1e-6))
        return np.asarray(mask + weight * change, np.float32)


def _is_lost(step: _Step) -> bool:
    """Whether a mask must be found anew, because too much of the picture is not what was carried along."""
    height, width = step.lost.shape
    past = resize(step.past, height, width)
    people = max(LEAST_PEOPLE * past.size, cv2.countNonZero(np.asarray(past > 0.5, np.uint8)))
    about = cv2.dilate(np.asarray(past > 0.1, np.uint8), np.ones((NEAR, NEAR), np.uint8))
    if cv2.countNonZero(cv2.bitwise_and(step.lost, about)) >= MOST_LOST_NEAR * people:
        return True
    cell = max(1, round(max(height, width) / CELLS))
    cells = resize(255 * step.lost, max(1, height // cell), max(1, width // cell))
    return bool(cells.max() >= 255 * MOST_LOST_ANYWHERE)


def _check(mask: Mask, image: Image) -> None:
    """Raises InputError for a mask or image of another kind."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InputError(f"image is {image.dtype} {image.shape}; wanted uint8 (H, W, 3), RGB")
    if mask.ndim != 2 or mask.dtype != np.float32 or not mask.size:
        raise InputError(f"mask is {mask.dtype} {mask.shape}; wanted float32 (h, w)")
