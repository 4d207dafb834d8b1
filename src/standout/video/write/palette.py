"""Picture -> 256 colors, for GIF: each frame gets a palette of its own, made of its most frequent colors.

    picture   uint8 (H, W, 1|3|4)   alpha below 128 becomes transparent, the rest opaque
    index     uint8 (H, W)          255 = transparent
    palette   uint8 (256, 4)        alpha, red, green, blue

Colors are counted in 32 steps a channel. Then the box of colors with the widest spread is cut in two at its mean, until
there are enough boxes (a variance-based median cut, after Heckbert 1982, DOI 10.1145/965145.801294, and Wan, Wong and
Prusinkiewicz 1988, DOI 10.1145/50063.50065). A fixed 8x8 pattern of noise hides the steps; error diffusion would
hide them better, but its noise crawls from frame to frame.
"""

from __future__ import annotations

import heapq
import itertools
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

SEE_THROUGH = 255
"""The index of a transparent pixel."""

_BITS = 5
"""Bits of a channel that are counted."""

_STEPS = 1 << _BITS


def _bayer(size: int) -> NDArray[np.float32]:
    """Bayer's ordered dither pattern, (size, size), -0.5 to 0.5."""
    pattern = np.zeros((1, 1), np.float32)
    while len(pattern) < size:
        pattern = np.block([[4 * pattern, 4 * pattern + 2], [4 * pattern + 3, 4 * pattern + 1]])
    return ((pattern + 0.5) / pattern.size - 0.5).astype(np.float32)


_PATTERN = np.repeat(np.rint(_bayer(8) * (256 / _STEPS)).astype(np.int16)[..., None], 3, 2)


def reduced(picture: NDArray[np.uint8], *, colors: int = SEE_THROUGH) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture in at most `colors` colors, 1 to 255: index uint8 (H, W), and palette uint8 (256, 4).

    >>> index, palette = reduced(np.full((1, 2, 3), 200, np.uint8))
    >>> palette[index].tolist()
    [[[255, 200, 200, 200], [255, 200, 200, 200]]]
    """
    rgb = np.repeat(picture, 3, 2) if picture.shape[2] == 1 else np.ascontiguousarray(picture[..., :3])
    opaque = picture[..., 3] >= 128 if picture.shape[2] == 4 else np.ones(picture.shape[:2], bool)
    palette = np.zeros((256, 4), np.uint8)
    palette[:SEE_THROUGH, 0] = 255
    if not opaque.any():
        return np.full(opaque.shape, SEE_THROUGH, np.uint8), palette
    bins = _binned(rgb)
    counts, means = _counted(bins.ravel(), rgb.reshape(-1, 3)) if opaque.all() else _counted(bins[opaque], rgb[opaque])
    used = np.flatnonzero(counts)
    chosen = _cut(means[used], counts[used], colors)
    palette[: len(chosen), 1:] = np.rint(chosen)
    if len(used) > len(chosen):
        height, width = opaque.shape
        noise = np.tile(_PATTERN, (height // 8 + 1, width // 8 + 1, 1))[:height, :width]
        bins = _binned(cv2.add(rgb, noise, dtype=cv2.CV_8U).astype(np.uint8, copy=False))
    index = _nearest(bins, chosen, means, counts)
    index[~opaque] = SEE_THROUGH
    return index, palette


def _binned(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The number of each pixel's bin, 0 to 32767."""
    red, green, blue = (rgb[..., channel].astype(np.int32) >> (8 - _BITS) for channel in range(3))
    return (red << 2 * _BITS) | (green << _BITS) | blue


def _counted(bins: NDArray[np.int32], rgb: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The number of pixels in each bin, and their mean color."""
    counts = np.bincount(bins, minlength=_STEPS**3)
    sums = np.stack([np.bincount(bins, rgb[:, channel], _STEPS**3) for channel in range(3)], 1)
    return counts, sums / np.maximum(counts, 1)[:, None]


def _cut(means: NDArray[np.float64], counts: NDArray[np.int64], most: int) -> NDArray[np.float64]:
    """At most `most` colors that stand for the means. counts: how often each mean occurs."""
    weights = counts.astype(np.float64)
    made = itertools.count()
    boxes = [_box(next(made), np.arange(len(means)), means, weights)]
    while len(boxes) < most and boxes[0].spread < 0:
        widest = heapq.heappop(boxes)
        low = means[widest.members, widest.channel] <= widest.middle[widest.channel]
        for members in (widest.members[low], widest.members[~low]):
            heapq.heappush(boxes, _box(next(made), members, means, weights))
    return np.array([box.middle for box in boxes])


class _Box(NamedTuple):
    """Colors that become one color of the palette. spread: negative, so that a heap has the widest box first."""

    spread: float
    number: int
    channel: int
    middle: NDArray[np.float64]
    members: NDArray[np.int64]


def _box(number: int, members: NDArray[np.int64], means: NDArray[np.float64], weights: NDArray[np.float64]) -> _Box:
    """The box of these colors; its spread is the summed squared distance along the channel where that is greatest."""
    own, values = weights[members], means[members]
    middle = own @ values / own.sum()
    if len(members) < 2:
        return _Box(0.0, number, 0, middle, members)
    squares = own @ (values - middle) ** 2
    channel = int(squares.argmax())
    return _Box(-float(squares[channel]), number, channel, middle, members)


def _nearest(
    bins: NDArray[np.int32], chosen: NDArray[np.float64], means: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The number of the chosen color nearest to each pixel's bin."""
    present = np.flatnonzero(np.bincount(bins.ravel(), minlength=_STEPS**3))
    coarse = np.stack([present >> 2 * _BITS, (present >> _BITS) & (_STEPS - 1), present & (_STEPS - 1)], 1)
    centers = np.where(counts[present, None] > 0, means[present], (coarse + 0.5) * (256 / _STEPS))
    single = chosen.astype(np.float32)
    distance = (single**2).sum(1) - 2 * centers.astype(np.float32) @ single.T
    table = np.zeros(_STEPS**3, np.uint8)
    table[present] = distance.argmin(1)
    return table[bins]
