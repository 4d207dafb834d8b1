"""What somebody looks like, as a histogram of colors, by which they are known again.

image    uint8   (h, w, 3)   RGB, small
bins     int32   (h, w)      0..BINS - 1, the color of each pixel
look     float32 (2, BINS)   share of each color in the upper and in the lower half of a person; each row sums to 1
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.types import Bools, Bytes, Floats, Image

Bins = NDArray[np.int32]

_LIGHT = 8
_TINT = np.array([-22, -12, -5, 5, 12, 22])
"""Edges of the bins of Lab's a and b: fine about gray, where most clothes are."""

BINS = _LIGHT * (len(_TINT) + 1) ** 2

_LIGHT_OF = (np.arange(256) * _LIGHT // 256).astype(np.int32)
_TINT_OF = np.searchsorted(_TINT, np.arange(256) - 128).astype(np.int32)


def lab_of(image: Image) -> Bytes:
    """The image in Lab."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.uint8)


def bins_of(image: Image) -> Bins:
    """The color bin of each pixel."""
    return bins_in(lab_of(image))


def bins_in(lab: Bytes) -> Bins:
    """The color bin of each pixel of a picture in Lab."""
    light, green, blue = cv2.split(lab)
    side = len(_TINT) + 1
    return np.asarray((_LIGHT_OF[light] * side + _TINT_OF[green]) * side + _TINT_OF[blue], np.int32)


def look_of(bins: Bins, person: Bools) -> Floats:
    """The look of the person who is seen there."""
    rows = np.flatnonzero(person.any(1))
    if not rows.size:
        return np.full((2, BINS), 1 / BINS, np.float32)
    middle = int(rows[0] + rows[-1] + 1) // 2
    return np.stack([_shares(bins[half][person[half]]) for half in (slice(None, middle), slice(middle, None))])


def likeness(one: Floats, other: Floats) -> float:
    """How alike two looks are, 0..1: the mean Bhattacharyya coefficient of their halves.

    >>> look = np.zeros((2, BINS), np.float32)
    >>> look[:, 5] = 1
    >>> likeness(look, look), likeness(look, look[:, ::-1])
    (1.0, 0.0)
    """
    return float(np.sqrt(one * other).sum() / 2)


def fit_of(look: Floats, bins: Bins) -> Floats:
    """How well each pixel's color fits the look, as a probability (h, w) that is never 0."""
    both = look.mean(0) + np.float32(0.1 / BINS)
    return np.asarray(both[bins], np.float32)


def _shares(colors: Bins) -> Floats:
    """The share of each bin, with some of it spread to the bins of the lightness beside it."""
    tally = np.bincount(colors, minlength=BINS).astype(np.float32).reshape(_LIGHT, -1)
    spread = 0.6 * tally
    spread[1:] += 0.2 * tally[:-1]
    spread[:-1] += 0.2 * tally[1:]
    flat = spread.ravel()
    return np.asarray(flat / max(1.0, float(flat.sum())), np.float32)


def gray_of(image: Image) -> Bytes:
    """The image in gray."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
