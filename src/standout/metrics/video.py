"""How steady the masks of a clip are.

frames   Frame, in order    the frames of a clip, all of the same size
alphas   float32 (H, W)     share of each pixel that is person, 0..1; all of the same size, which may differ from the
                            size of the frames
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
from standout.masks.letterbox import resize
from standout.metrics.boundary import distance_to, outline_of
from standout.types import Frame, Image, Mask

BAND = 0.02
"""How far from an outline flicker is measured, to either side, as a share of the picture's diagonal."""

FLICKER_SIDE = 384
"""Longest side, in pixels, to which frames are scaled before flicker is measured."""

FLICKER_COLORS = 12.0
"""Color difference, in levels of 255, at which a pixel of the warped picture has weight 1/e."""


def dtssd(found: Sequence[Mask], truth: Sequence[Mask]) -> float:
    """How far the changes of a clip's alpha from frame to frame are from the true changes, in percent; 0 is perfect.

        dtssd = mean over pairs of frames of  100 sqrt(mean over pixels of ((found' - found) - (truth' - truth))^2)

    Erofeev et al., "Perceptually Motivated Benchmark for Video Matting" (BMVC 2015), where it is a sum over pixels.
    With this normalization, in percent of alpha, it is the figure of Robust Video Matting (Lin et al., arXiv
    2108.11515) and of those who compare with it. A wrong mask that keeps still scores 0, and so do fewer than two
    frames. Raises InputError when there are not as many masks as true ones.

    >>> half, full = np.full((1, 1), 0.5, np.float32), np.ones((1, 1), np.float32)
    >>> dtssd([full, half], [full, full]), dtssd([half, half], [full, full])
    (50.0, 0.0)
    """
    if len(found) != len(truth):
        raise InputError(f"{len(found)} masks against {len(truth)} true ones; give one true mask for each mask")
    apart = (np.subtract(mine, true, dtype=np.float64) for mine, true in zip(found, truth, strict=True))
    pairs = [100 * float(np.sqrt(np.square(now - before).mean())) for before, now in pairwise(apart)]
    return sum(pairs) / max(1, len(pairs))


def flicker(frames: Iterable[Frame], alphas: Iterable[Mask]) -> float:
    """How much a clip's mask changes beyond what the picture's motion explains, in percent of alpha a 30th of a second.

    For each pair of frames the earlier mask is moved to the later frame by dense optical flow (DIS: Kroeger et al.,
    "Fast Optical Flow using Dense Inverse Search", arXiv 1603.03590). What is left, |later - moved|, is averaged within
    BAND of either outline. A pixel is weighted by how well the moved picture matches there, so that uncovered
    background and errors of the flow have no influence. After the warping error of Lai et al., "Learning Blind Video
    Temporal Consistency" (arXiv 1808.00449), which measures the picture itself, with a hard mask of occlusions and
    without a band.

    The mean over a clip's pixels is divided by the mean time between its frames, so that clips of different frame rates
    can be compared: 5 means that alpha near the outline changes for no reason by 5 percent in each frame of a clip of
    30 frames a second. No truth is needed; a wrong mask that keeps still scores 0, and so does a clip without people.

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
    """Measures `flicker` frame by frame, for several alphas of the same clip; only the last frame is kept, scaled down.

    masks: how many alphas are given with each frame.
    """

    def __init__(self, masks: int) -> None:
        self._sums = np.zeros((masks, 2))
        self._seconds, self._pairs = 0.0, 0
        self._last: tuple[Fraction, Image, list[Mask]] | None = None

    def add(self, frame: Frame, *alphas: Mask) -> None:
        """Takes the next frame of the clip with its alphas."""
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
        """The flicker of each of the alphas over the frames taken so far."""
        per_second = 100 * self._pairs / (30 * self._seconds) if self._seconds > 0 else 0.0
        return [float(change / weight) * per_second if weight > 0 else 0.0 for change, weight in self._sums]

    def state(self) -> dict[str, NDArray[Any]]:
        """All that it remembers, as arrays; another Flicker that restores them continues exactly where this one is."""
        sums = {"sums": self._sums.copy(), "seconds": np.array(self._seconds), "pairs": np.array(self._pairs)}
        if self._last is None:
            return sums
        time, image, alphas = self._last
        return sums | {"time": np.array(str(time)), "image": image, "alphas": np.stack(alphas)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continues from the state of another Flicker."""
        self._sums = state["sums"].copy()
        self._seconds, self._pairs = float(state["seconds"]), int(state["pairs"])
        if "time" in state:
            self._last = Fraction(str(state["time"])), state["image"], list(state["alphas"])


def _unexplained(old: Image, before: Sequence[Mask], new: Image, now: Sequence[Mask]) -> NDArray[np.float64]:
    """For each alpha, the weighted sum of its differences to the earlier alpha moved along, and the sum of the weights.

    The result is float64 (number of alphas, 2).
    """
    size = old.shape[:2]
    gray = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (new, old)]
    flow = np.asarray(cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*gray, None))  # type: ignore[call-overload]
    rows, columns = np.indices(size, np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    seen = cv2.remap(old, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    red, green, blue = cv2.split(cv2.absdiff(seen, new))
    unlike = np.asarray(cv2.blur(cv2.max(cv2.max(red, green), blue).astype(np.float32), (5, 5)))
    inside = (x >= 0) & (y >= 0) & (x <= size[1] - 1) & (y <= size[0] - 1)
    likely = np.exp(-np.square(unlike / FLICKER_COLORS)) * inside
    reach = BAND * float(np.hypot(*size))
    sums = []
    for earlier, later in zip(before, now, strict=True):
        moved = np.asarray(cv2.remap(earlier, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
        band = distance_to(outline_of(later > 0.5) | outline_of(moved > 0.5)) <= reach
        counts = likely * band
        sums.append(((counts * np.abs(later - moved)).sum(dtype=np.float64), counts.sum(dtype=np.float64)))
    return np.array(sums)
