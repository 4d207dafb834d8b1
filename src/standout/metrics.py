"""Scores for person masks.

found    bool (H, W)            pixels called person
truth    bool (H, W)            pixels that are person
counts   bool (H, W) or None    pixels that count; None = all
alpha    float (H, W)           share of each pixel that is person, 0..1
frames   Frame, in order        of a clip, all of one size; with their alphas, all of one size, any
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.errors import InputError
from standout.pixels import resize
from standout.types import Frame, Image, Mask

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]

TOLERANCE = 0.006
"""How far apart two outlines may be and still agree, as a share of the photo's diagonal."""

BAND = 0.02
"""How far to either side of an outline flicker is looked for, as a share of the photo's diagonal."""

FLICKER_SIDE = 384
"""Longest side, in pixels, at which flicker is looked for."""

FLICKER_COLOURS = 12.0
"""Difference of a warped picture, in levels of 255, at which its pixels count for 1/e."""


def dice(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Dice overlap of two binary masks, 0..1: 2 |A and B| / (|A| + |B|). Nobody there and nobody found is 1.

    >>> round(dice(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.667
    """
    both, called, there = _overlap(found, truth, counts)
    return 1.0 if called + there == 0 else 2.0 * both / (called + there)


def iou(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Intersection over union, 0..1, from Dice: d / (2 - d). Nobody there and nobody found is 1.

    >>> round(iou(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.5
    """
    overlap = dice(found, truth, counts)
    return overlap / (2.0 - overlap)


def precision(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Share of the pixels called person that are; 1 where none is called so.

    >>> precision(np.array([[True, True]]), np.array([[True, False]]))
    0.5
    """
    both, called, _ = _overlap(found, truth, counts)
    return 1.0 if called == 0 else both / called


def recall(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Share of the person's pixels that were found; 1 where there is nobody.

    >>> recall(np.array([[True, True]]), np.array([[True, False]]))
    1.0
    """
    both, _, there = _overlap(found, truth, counts)
    return 1.0 if there == 0 else both / there


def area(found: Bools, counts: Bools | None = None) -> float:
    """Share of the picture called person, 0..1.

    >>> area(np.array([[True, False]]))
    0.5
    """
    of = found.size if counts is None else int(np.count_nonzero(counts))
    return _overlap(found, found, counts)[1] / max(1, of)


def mad(found: NDArray[np.float32], truth: NDArray[np.float32], counts: Bools | None = None) -> float:
    """Mean absolute difference of two alphas, 0..1.

    >>> mad(np.float32([[0.5, 1.0]]), np.float32([[0.0, 1.0]]))
    0.25
    """
    apart = np.abs(found - truth)
    if counts is None:
        return float(apart.mean(dtype=np.float64))
    return float(apart[counts].mean(dtype=np.float64)) if counts.any() else 0.0


def boundary_f(found: Bools, truth: Bools, counts: Bools | None = None, *, tolerance: float = TOLERANCE) -> float:
    """F-score of the outline, 0..1: pixels of either outline that lie within tolerance of the other one.

    tolerance: a share of the diagonal, at least one pixel. Outlines where nothing counts are left aside, and so is the
    picture's own frame. Nobody there and nobody found is 1. After Csurka et al., "What is a good evaluation measure for
    semantic segmentation?" (BMVC 2013), for a single class.

    >>> square = np.zeros((40, 40), bool); square[10:30, 10:30] = True
    >>> boundary_f(square, square), boundary_f(np.roll(square, 8, 1), square, tolerance=0.02) < 0.6
    (1.0, True)
    """
    reach = max(1.0, tolerance * float(np.hypot(*truth.shape)))
    outlines = [_outline(mask) if counts is None else _outline(mask) & counts for mask in (found, truth)]
    drawn = [bool(outline.any()) for outline in outlines]
    if not all(drawn):
        return 0.0 if any(drawn) else 1.0
    near = [float((_distance_to(other)[outline] <= reach).mean()) for outline, other in (outlines, reversed(outlines))]
    return 0.0 if sum(near) == 0 else 2 * near[0] * near[1] / (near[0] + near[1])


def dtssd(found: Sequence[Mask], truth: Sequence[Mask]) -> float:
    """How far the changes of a clip's alpha, from frame to frame, are from the true ones: 0 is perfect.

        dtssd = mean over pairs of frames of  100 sqrt(mean over pixels of ((found' - found) - (truth' - truth))^2)

    Erofeev et al., "Perceptually Motivated Benchmark for Video Matting" (BMVC 2015), where it is a sum over pixels.
    With this normalization, in percent of alpha, it is the figure of Robust Video Matting (Lin et al., arXiv
    2108.11515) and of those who compare with it. A wrong mask that keeps still scores 0; so do fewer than two frames.

    >>> half, full = np.full((1, 1), 0.5, np.float32), np.ones((1, 1), np.float32)
    >>> dtssd([full, half], [full, full]), dtssd([half, half], [full, full])
    (50.0, 0.0)
    """
    if len(found) != len(truth):
        raise InputError(f"{len(found)} masks against {len(truth)} true ones; wanted as many of both")
    apart = (np.subtract(mine, true, dtype=np.float64) for mine, true in zip(found, truth, strict=True))
    pairs = [100 * float(np.sqrt(np.square(now - before).mean())) for before, now in pairwise(apart)]
    return sum(pairs) / max(1, len(pairs))


def flicker(frames: Iterable[Frame], alphas: Iterable[Mask]) -> float:
    """How much a clip's mask changes beyond what the picture's motion explains, in percent of alpha a 30th of a second.

    For each pair of frames the earlier mask is moved to the later frame by dense optical flow (DIS: Kroeger et al.,
    "Fast Optical Flow using Dense Inverse Search", arXiv 1603.03590). What is left, |later - moved|, is averaged within
    BAND of either outline. A pixel counts by how well the moved picture matches there: newly seen background, and what
    the flow got wrong, say nothing. After the warping error of Lai et al., "Learning Blind Video Temporal Consistency"
    (arXiv 1808.00449), which measures the picture itself, with a hard mask of occlusions and without a band.

    The mean over a clip's pixels is divided by the mean distance of its frames in time, so that clips of other frame
    rates compare: 5 means that alpha near the outline changes for no reason by 5 percent in each frame of a clip of 30
    frames a second. No truth is needed; a wrong mask that keeps still scores 0, and so does a clip without people.

    >>> from fractions import Fraction
    >>> frames = [Frame(np.full((40, 40, 3), 90, np.uint8), Fraction(i, 30)) for i in range(2)]
    >>> mask = np.full((40, 40), 0.2, np.float32)
    >>> mask[:20] = 0.8
    >>> round(flicker(frames, [mask, mask - np.float32(0.1)]), 3)  # in a still picture, all alpha falls by 0.1
    10.0
    """
    found = Flicker(1)
    for frame, alpha in zip(frames, alphas, strict=True):
        found.add(frame, alpha)
    return found.values()[0]


class Flicker:
    """flicker, frame after frame, of several alphas of the same clip; only the last frame is held, small.

    masks: how many alphas each frame has.
    """

    def __init__(self, masks: int) -> None:
        self._sums = np.zeros((masks, 2))
        self._seconds, self._pairs = 0.0, 0
        self._last: tuple[Fraction, Image, list[Mask]] | None = None

    def add(self, frame: Frame, *alphas: Mask) -> None:
        """The next frame, and its alphas."""
        scale = min(1.0, FLICKER_SIDE / max(frame.image.shape))
        size = max(16, round(frame.image.shape[0] * scale)), max(16, round(frame.image.shape[1] * scale))
        image, *small = (np.asarray(resize(plane, *size)) for plane in (frame.image, *alphas))
        if self._last is not None:
            time, earlier, before = self._last
            self._sums += _unexplained(earlier, before, image, small)
            self._seconds += float(frame.time - time)
            self._pairs += 1
        self._last = frame.time, image, small

    def values(self) -> list[float]:
        """What flicker gives for each of the alphas, of the frames so far."""
        per_second = 100 * self._pairs / (30 * self._seconds) if self._seconds > 0 else 0.0
        return [float(change / weight) * per_second if weight > 0 else 0.0 for change, weight in self._sums]

    def state(self) -> dict[str, NDArray[Any]]:
        """What it remembers, as arrays: whoever is given it by restore goes on as this one does."""
        sums = {"sums": self._sums.copy(), "seconds": np.array(self._seconds), "pairs": np.array(self._pairs)}
        if self._last is None:
            return sums
        time, image, alphas = self._last
        return sums | {"time": np.array(str(time)), "image": image, "alphas": np.stack(alphas)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Remembers what another one did."""
        self._sums = state["sums"].copy()
        self._seconds, self._pairs = float(state["seconds"]), int(state["pairs"])
        if "time" in state:
            self._last = Fraction(str(state["time"])), state["image"], list(state["alphas"])


def _unexplained(old: Image, before: Sequence[Mask], new: Image, now: Sequence[Mask]) -> NDArray[np.float64]:
    """For each alpha (how far it is from the earlier one moved along, how many pixels count), each a sum of 0..1."""
    size = old.shape[:2]
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (new, old)]
    flow = np.asarray(cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*grey, None))  # type: ignore[call-overload]
    rows, columns = np.indices(size, np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    seen = cv2.remap(old, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    red, green, blue = cv2.split(cv2.absdiff(seen, new))
    unlike = np.asarray(cv2.blur(cv2.max(cv2.max(red, green), blue).astype(np.float32), (5, 5)))
    inside = (x >= 0) & (y >= 0) & (x <= size[1] - 1) & (y <= size[0] - 1)
    likely = np.exp(-np.square(unlike / FLICKER_COLOURS)) * inside
    reach = BAND * float(np.hypot(*size))
    sums = []
    for earlier, later in zip(before, now, strict=True):
        moved = np.asarray(cv2.remap(earlier, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
        band = _distance_to(_outline(later > 0.5) | _outline(moved > 0.5)) <= reach
        counts = likely * band
        sums.append(((counts * np.abs(later - moved)).sum(dtype=np.float64), counts.sum(dtype=np.float64)))
    return np.array(sums)


def _overlap(found: Bools, truth: Bools, counts: Bools | None) -> tuple[int, int, int]:
    """How many pixels are in both, in found, in truth."""
    if counts is not None:
        found, truth = found & counts, truth & counts
    both, called, there = (int(np.count_nonzero(mask)) for mask in (found & truth, found, truth))
    return both, called, there


def _outline(mask: Bools) -> Bools:
    """The mask's pixels that touch one outside it."""
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    outline: Bools = mask & (np.asarray(inside) == 0)
    return outline


def _distance_to(outline: Bools) -> NDArray[np.float32]:
    """Each pixel's distance to the nearest pixel of the outline."""
    return np.asarray(
        cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32
    )
