"""The network's mask -> a mask with edges at the photo's own size, by a guided filter.

coarse  float32  (h, w)             person probability of the whole photo, at the size at which the network saw it
mask    float32  (H, W)             0..1, at the photo's own size
image   uint8 or uint16 (H, W, 3)   RGB

Speed depends mostly on memory: a new array of more than about 128 KB costs the kernel more time than the arithmetic
in it. So large arrays are worked through in bands that stay in the cache, and full-size work is done only where an edge
runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np

from standout.masks.letterbox import resize
from standout.masks.tiles import EDGE, PERSON, Kinds, enlarge, kinds_of, levels, runs
from standout.types import Floats, Image, Mask

BAND = 16384
"""Pixels of a plane that are worked on at once; a dozen such float32 planes stay in the cache."""

SURE = 0.81
"""The probability that some pixel of an island of the mask must reach for the island to be kept."""

FADE = 0.04
"""How far below SURE an island vanishes completely; in between it fades."""

GAIN = 1.25
"""The factor by which fitted alpha is moved away from one half."""

FIT, MIX = 3.0, 1.4
"""The windows, as standard deviations of a Gaussian in pixels of the mask: lines are fitted in FIT, and the lines that
meet at a pixel are averaged in MIX.

A strand is told from the background by colors that the window must hold: surely a person's here, surely the
background's there. The network's soft edge alone is three or four of its pixels wide, so in narrower windows hair comes
out as a smooth cap. Wider ones mix up small people and what is beside them, so masks whose longer side is shorter than
FULL get narrower windows, down to NARROWEST.
"""

FULL, NARROWEST = 320, 1.1

NEAR, FAR = 6, 14
"""How far from what is taken for a person a mask may be soft, in pixels of a mask whose longer side is FULL: up to NEAR
as it is, beyond FAR not at all. No hair stands out so far, but things that the network half takes for a person do, such
as a flag beside one.
"""

TAKEN = 0.42, 0.5
"""The probabilities at which a pixel begins to be taken for a person, and is."""


def refine(coarse: Mask, image: Image, small: Image | None = None) -> Mask:
    """The mask at the photo's own size, whose edge follows the edges of the photo.

    small: the same photo scaled down, where that is at hand, to be looked at in place of the photo where it is scaled.

    This is a guided filter with color guidance (He, Sun, Tang, "Guided Image Filtering", TPAMI 2013): near the outline,
    alpha is a linear function of color, fitted around each of the network's pixels. As in "Fast Guided Filter" (He,
    Sun, arXiv 1505.00996), it is fitted on a smaller photo and applied at full size. We differ in three ways: the
    window is a small Gaussian; away from the outline the mask is held to 0 or 1, since the plain filter leaves a haze
    wherever colors repeat; and full-size work is done only in the tiles that an edge crosses.
    """
    height, width = image.shape[:2]
    lines, kinds = fitted(coarse, image if small is None else small, height, width)
    mask = np.zeros((height, width), np.float32)
    for tile, kind in runs(kinds, height, width):
        if kind == PERSON:
            mask[tile] = 1.0
        elif kind == EDGE:
            pixels = cv2.cvtColor(image[tile], cv2.COLOR_RGB2RGBA)
            shares = cv2.multiply(enlarge(lines, tile, height, width), pixels, dtype=cv2.CV_32F)
            total, *others = cv2.split(shares)  # cv2.transform by a row of ones takes four times as long
            for share in others:
                cv2.add(total, share, dst=total)
            np.clip(total, 0.0, 1.0, out=mask[tile])
    return mask


def fitted(coarse: Mask, image: Image, height: int, width: int) -> tuple[Floats, Kinds]:
    """What gives alpha at height x width: lines (h, w, 4) of red, green, blue and white, and what each tile shows.

    Alpha is their product with those of a pixel, cut off at 0 and 1. image: the picture at any size.
    """
    near = _near_people(coarse) * _without_islands(coarse)
    probability: Floats = resize(near, min(coarse.shape[0], height), min(coarse.shape[1], width))
    limits = _limits(probability)
    lines = np.zeros((4, *probability.shape), np.float32)
    part = _around_edges(limits)
    if part is not None:
        lines[:, part[0], part[1]] = _color_lines(image, probability, part)
    return _held(lines, limits, levels(image)), _kinds(limits, height, width)


def _around_edges(limits: Floats) -> tuple[slice, slice] | None:
    """Rows and columns that hold everything of which the lines about an edge are made; None where there is no edge.

    Elsewhere alpha is 0 or 1, and no lines are needed.
    """
    free = (np.abs(limits - 1.0) < 1.0).astype(np.uint8)
    left, top, across, down = cv2.boundingRect(free)
    if not across:
        return None
    margin = _reach(FIT, limits.shape) + _reach(MIX, limits.shape) + 1
    rows = slice(max(0, top - margin), min(limits.shape[0], top + down + margin))
    return rows, slice(max(0, left - margin), min(limits.shape[1], left + across + margin))


def _kinds(limits: Floats, height: int, width: int) -> Kinds:
    """What each tile shows, by the limits (h, w) of alpha: an edge wherever alpha is not fully determined."""
    # Enlarging a tile reads up to two small pixels outside it.
    around = np.ones((5, 5), np.uint8)
    least = np.asarray(cv2.erode(limits, around), np.float32)
    most = np.asarray(cv2.dilate(limits, around), np.float32)
    return kinds_of(least, most, height, width, nobody=0.0, person=2.0)


def _without_islands(coarse: Mask) -> Mask:
    """The mask without islands in which no pixel is surely a person, such as a haze over the background."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((coarse > 0.08).astype(np.uint8), connectivity=8)
    share = np.ones(count, np.float32)
    top = int(coarse.argmax())
    sure = int(labels.flat[top]) if coarse.flat[top] >= SURE else 0  # often the largest, and found without a search
    for island in range(1, count):
        if island == sure:
            continue
        left, top, width, height = stats[island, :4].tolist()
        box = slice(top, top + height), slice(left, left + width)
        most = np.where(labels[box] == island, coarse[box], 0.0).max()
        share[island] = np.clip((most - SURE) / FADE + 1.0, 0.0, 1.0)
    return coarse if share.min() == 1.0 else coarse * share[labels]


def _near_people(coarse: Mask) -> Floats:
    """1 on people and NEAR them, 0 beyond FAR, for the pixels of a mask; it is continuous in the mask, as of clips."""
    least, most = TAKEN
    taken = np.clip((coarse - least) * np.float32(255 / (most - least)), 0, 255).astype(np.uint8)
    scale = max(coarse.shape) / FULL
    across, ramp = (2 * round(scale * length / 2) + 1 for length in (NEAR + FAR, FAR - NEAR))
    grown = cv2.dilate(taken, np.ones((across, across), np.uint8))
    return cv2.blur(grown, (ramp, ramp)).astype(np.float32) / np.float32(255)


def _limits(probability: Floats) -> Floats:
    """The limits of alpha: 0 well outside, where it is 0; 1 around the outline, where it is free; 2 well inside."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    core = cv2.erode(np.clip((probability - 0.75) * 10 + 0.5, 0.0, 1.0), kernel)
    reach = cv2.dilate(np.clip((probability - 0.25) * 10 + 0.5, 0.0, 1.0), kernel)
    return np.asarray(cv2.blur(core + reach, (3, 3)), np.float32)


def _held(lines: Floats, limits: Floats, white: float) -> Floats:
    """The lines (4, h, w) with GAIN and held to the limits, as (h, w, 4), to be multiplied with RGB and white."""
    free = GAIN * (1.0 - np.abs(limits - 1.0))
    red, green, blue, offset = lines
    offset = (offset + (0.5 / GAIN - 0.5)) * free + np.maximum(limits - 1.0, 0.0)
    return np.asarray(cv2.merge([red * free, green * free, blue * free, offset / np.float32(white)]), np.float32)


def _color_lines(image: Image, alpha: Floats, part: tuple[slice, slice], *, epsilon: float = 2e-4) -> Floats:
    """(4, h, w): slopes of red, green and blue, and the offset, of the best linear alpha around each pixel of alpha.

    The photo is used at twice that size. part: the rows and columns of alpha for which they are wanted. epsilon: the
    variance (of colors in 0..1) below which a window counts as flat.
    """
    whole = alpha.shape
    around = tuple(slice(2 * one.start, 2 * one.stop) for one in part)
    photo = resize(image, 2 * whole[0], 2 * whole[1])[around]
    decided: Floats = np.clip((resize(alpha, 2 * whole[0], 2 * whole[1])[around] - 0.5) * 2.5 + 0.5, 0.0, 1.0)
    height, width = alpha[part].shape
    moments, lines = np.empty((13, height, width), np.float32), np.empty((4, height, width), np.float32)
    for rows in _bands(height, 4 * width):
        double = slice(2 * rows.start, 2 * rows.stop)
        red, green, blue = (channel.astype(np.float32) for channel in cv2.split(photo[double]))
        _means(moments[:, rows], red, green, blue, decided[double])
    for moment in moments:
        _average(moment, FIT, whole)
    for rows in _bands(height, width):
        lines[:, rows] = _solved(moments[:, rows], epsilon * levels(image) ** 2)
    for line in lines:
        _average(line, MIX, whole)
    return lines


def _bands(height: int, width: int) -> Iterator[slice]:
    """Slices of rows that together cover height; each holds about BAND pixels."""
    step = max(1, BAND // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def _average(values: Floats, window: float, whole: tuple[int, ...]) -> None:
    """Averages values (h, w), part of a mask of that whole shape, in place over the window, FIT or MIX."""
    side = 2 * _reach(window, whole) + 1
    cv2.GaussianBlur(values, (side, side), _sigma(window, whole), dst=values, borderType=cv2.BORDER_REFLECT)


def _sigma(window: float, whole: tuple[int, ...]) -> float:
    """The window's standard deviation in a mask of that shape."""
    return max(NARROWEST, window * min(1.0, max(whole) / FULL))


def _reach(window: float, whole: tuple[int, ...]) -> int:
    """How many pixels the window reaches to each side."""
    return math.ceil(2 * _sigma(window, whole))


def _means(moments: Floats, red: Floats, green: Floats, blue: Floats, alpha: Floats) -> None:
    """Fills moments (13, h, w) with means over 2x2 pixels: of red, green, blue, alpha, and of their products."""
    squares = (red * red, green * green, blue * blue, red * green, red * blue, green * blue)
    shares = (red * alpha, green * alpha, blue * alpha)
    for moment, product in zip(moments, (red, green, blue, alpha, *squares, *shares), strict=True):
        cv2.resize(product, moment.shape[::-1], dst=moment, interpolation=cv2.INTER_AREA)


def _solved(moments: Floats, flat: float) -> tuple[Floats, Floats, Floats, Floats]:
    """The slopes and the offset of the best linear alpha of color, from the means over a window."""
    r, g, b, a, rr, gg, bb, rg, rb, gb, ra, ga, ba = moments
    rr, gg, bb = rr - r * r + flat, gg - g * g + flat, bb - b * b + flat
    rg, rb, gb = rg - r * g, rb - r * b, gb - g * b
    ra, ga, ba = ra - r * a, ga - g * a, ba - b * a
    # the inverse of the symmetric 3x3 covariance, by cofactors
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1.0 / (rr * c_rr + rg * c_rg + rb * c_rb)
    slope_r = (c_rr * ra + c_rg * ga + c_rb * ba) * scale
    slope_g = (c_rg * ra + c_gg * ga + c_gb * ba) * scale
    slope_b = (c_rb * ra + c_gb * ga + c_bb * ba) * scale
    return slope_r, slope_g, slope_b, a - slope_r * r - slope_g * g - slope_b * b
