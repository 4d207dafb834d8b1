"""Values of a mask -> label or alpha: they may be shares of a person, class numbers, or something else.

    stored   Stored            gray levels, palette indexes or colors
    label    uint8 (H, W)     255 person, 0 background, 128 does not count, anything else a soft edge
    alpha    float32 (H, W)   0..1

A mask that can be read in two ways is refused with UnclearMask, and never guessed at: a class number that is taken for
a dark gray would mean that nobody is there, and nothing later would show the mistake.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from standout.images.mask_values import (
    FEW,
    IGNORE,
    Classes,
    Stored,
    by_class,
    described,
    flat_colors,
    flat_levels,
    packed,
    present,
    unclear,
)
from standout.types import Bytes

VOID = (224, 224, 192)
"""The color of index 255 in PASCAL VOC's palette: pixels that do not count."""

LIKE_BLACK, LIKE_WHITE = 8, 247
"""Levels up to the first are black, and levels from the second on are white, apart from compression noise."""

LOSSY_NOISE = 24
"""The most levels by which the noise of a JPEG differs from black and white."""

LOSSY_IGNORE = 6, 8
"""In a JPEG, pixels do not count where their level is within the first number of 128, in areas as wide as the other."""

CLASS_NUMBERS = 40
"""Every mask that is made by hand or soft has a level above this one somewhere; class numbers are lower."""


def label(stored: Stored, classes: Classes | None, notes: list[str]) -> Bytes:
    """The label that the values stand for. classes: which values are person, where that is known.

    notes: gets what was not plain. Raises UnclearMask where the values may stand for something else.
    """
    if classes is not None and not stored.cut_out:
        return by_class(stored, classes)
    stored = _without_gray_palette(stored)
    if stored.palette is not None:
        return _by_index(stored, notes)
    if stored.values.ndim == 3:
        return _whole(stored, _along_color(stored, notes))
    if (only := _zero_one(stored, notes)) is not None:
        return only
    levels = _in_bytes(stored)
    if stored.lossy:
        levels = _without_noise(levels)
    if np.bincount(levels.ravel(), minlength=256)[[0, IGNORE, 255]].sum() < levels.size:
        _refuse_class_numbers(stored, levels)
    return levels if stored.lossy else _without_soft_ignores(levels)


def alpha(stored: Stored, notes: list[str]) -> NDArray[np.float32]:
    """The share of each pixel that is person, 0..1: every gray level is a share, 128 too.

    notes: gets what was not plain. Raises UnclearMask where the values are or may be class numbers.
    """
    stored = _without_gray_palette(stored)
    if stored.palette is not None:
        found = _by_index(stored, notes)
        if (found == IGNORE).any():
            raise unclear(
                stored,
                "its index 255 means pixels that do not count, which is neither person nor background here",
            )
        return found.astype(np.float32) / np.float32(255)
    if stored.values.ndim == 3:
        return _along_color(stored, notes)
    if (only := _zero_one(stored, notes)) is not None:
        return only.astype(np.float32) / np.float32(255)
    whole = _in_bytes(stored)
    most = int(stored.values.max())
    if 1 < most <= CLASS_NUMBERS and not _is_haze(whole):
        raise unclear(stored, described(stored))
    if stored.white == 65535 and most > 255:
        return stored.values.astype(np.float32) / np.float32(65535)
    return whole.astype(np.float32) / np.float32(255)


def _without_gray_palette(stored: Stored) -> Stored:
    """The values with gray levels in place of indexes, where the palette holds a different gray for each index."""
    palette, values = stored.palette, stored.values
    if palette is None or values.max() >= len(palette):
        return stored
    indexes = present(values)
    used = palette[indexes]
    if set(indexes) <= {0, 1} and 0 < used[-1].max() < LIKE_WHITE:
        return stored  # index 1 is a class number that is drawn in gray
    if np.ptp(used.astype(np.int16), axis=1).any() or len(np.unique(used[:, 0])) < len(used):
        return stored
    return Stored(stored.name, np.ascontiguousarray(palette[values][..., 0]))


def _zero_one(stored: Stored, notes: list[str]) -> Bytes | None:
    """The label of a mask whose levels are 0 and 1; None where they are others."""
    if stored.values.max() != 1:
        return None
    notes.append("its levels 0 and 1 were read as 0 and 255")
    return (stored.values > 0).astype(np.uint8) * np.uint8(255)


def _in_bytes(stored: Stored) -> Bytes:
    """The gray levels, 0..255. Levels of 16 bits that are no higher than 255 were saved without scaling."""
    values = stored.values
    if values.dtype == np.uint8 or values.max() <= 255:
        return values.astype(np.uint8)
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _without_noise(levels: Bytes) -> Bytes:
    """The levels of a JPEG without its noise around 0 and 255, and in areas of 128."""
    import cv2

    table = np.arange(256, dtype=np.uint8)
    table[: LOSSY_NOISE + 1], table[255 - LOSSY_NOISE :] = 0, 255
    clean = table[levels]
    within, wide = LOSSY_IGNORE
    near = (np.abs(clean.astype(np.int16) - IGNORE) <= within).astype(np.uint8)
    core = cv2.morphologyEx(near, cv2.MORPH_OPEN, np.ones((wide, wide), np.uint8))
    clean[clean == IGNORE] = IGNORE - 1
    clean[core > 0] = IGNORE
    return clean


def _without_soft_ignores(levels: Bytes) -> Bytes:
    """The label with 127 in place of 128 where that is part of a soft edge, not of an area three pixels wide."""
    import cv2

    out = (levels == IGNORE).astype(np.uint8)
    if not out.any():
        return levels
    _, areas = cv2.connectedComponents(out)
    wide = np.unique(areas[cv2.erode(out, np.ones((3, 3), np.uint8)) > 0])
    return np.where((out > 0) & ~np.isin(areas, wide), np.uint8(IGNORE - 1), levels).astype(np.uint8)


def _refuse_class_numbers(stored: Stored, levels: Bytes) -> None:
    """Raises UnclearMask where a few levels other than 0, 128 and 255 fill areas, as class numbers do."""
    found = present(levels)
    if found[-1] < IGNORE and _is_haze(levels):
        return
    if found[-1] < IGNORE:
        raise unclear(stored, described(stored))
    areas = flat_levels(levels)
    least = 1 if len(found) <= 8 else max(1, levels.size // 1000)
    odd = {level: n for level, n in areas.items() if n >= least and _means_something(level, found)}
    most = sum(odd.values()) > 0.5 * sum(n for level, n in areas.items() if level > LIKE_BLACK or level in odd)
    if odd and (len(found) <= FEW or (most and len(odd) <= FEW)):
        raise unclear(stored, described(stored, sorted({*odd, *({0, 255} & set(found))})))


def _is_haze(levels: Bytes) -> bool:
    """Whether a mask that is dark everywhere rises and falls softly, as that of a model that is sure of nobody.

    Class numbers have no steps between them.
    """
    import cv2

    most, least = int(levels.max()), int(levels.min())
    steps = cv2.morphologyEx(levels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return least < most / 2 and int(steps.max()) <= most / 3


def _means_something(level: int, found: list[int]) -> bool:
    """Whether an area of this level has a meaning of its own: it is not black, not white, and it counts.

    >>> _means_something(3, [0, 3, 255]), _means_something(3, [3, 250]), _means_something(250, [3, 250])
    (True, False, False)
    """
    if level in (0, IGNORE) or level >= LIKE_WHITE:
        return False
    if level > LIKE_BLACK:
        return True
    noise = len(found) > 8  # only compression leaves so many levels
    darkest = level == found[0] and found[-1] < 255
    return not (noise or darkest)


def _by_index(stored: Stored, notes: list[str]) -> Bytes:
    """The label of a mask with a colored palette.

    Its indexes are class numbers: 1 is person where it is the only one, and 255 does not count.
    """
    palette, values = stored.palette, stored.values
    assert palette is not None
    used = present(values)
    inside = used[-1] < len(palette)
    colors = {index: tuple(palette[index].tolist()) for index in used} if inside else {}
    black = [index for index, color in colors.items() if max(color) == 0]
    classes = set(used) - {0, 255}
    void = 255 in used and (bool(classes) or colors.get(255) == VOID)
    plain = classes <= {1} and (void or 255 not in used) and 1 not in black
    # a picture in few colors, not classes: black may be index 1, and person index 0
    swapped = used == [0] and not black and (len(palette) == 1 or not palette.any(1).all())
    if not plain or swapped:
        raise unclear(stored, described(stored))
    if 1 in used:
        notes.append("its palette's index 1 was read as person")
    return np.where(values == 1, 255, np.where(values == 255, IGNORE, 0)).astype(np.uint8)


def _along_color(stored: Stored, notes: list[str]) -> NDArray[np.float32]:
    """The shares, 0..1, of a mask that is one color on black, with soft edges. Raises UnclearMask for others."""
    pixels = stored.values.astype(np.float32)
    if not stored.lossy and (few := np.unique(packed(stored.values))).size <= FEW and few.size != 2:
        flat = set(flat_colors(stored.values).tolist())
        if len(flat) > 2:
            raise unclear(stored, described(stored))
    totals = pixels.sum(2)
    bright = pixels[np.unravel_index(int(totals.argmax()), totals.shape)]
    if stored.lossy:
        bright = np.median(pixels[totals >= 0.9 * totals.max()], axis=0).astype(np.float32)
    share = pixels @ bright / float(bright @ bright)
    away = np.abs(pixels - share[..., None] * bright).max(2)
    allowed = 40.0 if stored.lossy else 3.0
    strange = np.quantile(away, 0.99 if stored.lossy else 1.0) > allowed or share.min() > 0.1
    if strange or (stored.lossy and is_photo(share)):
        raise unclear(stored, described(stored))
    red, green, blue = (round(float(level)) for level in bright)
    notes.append(f"its color #{red:02x}{green:02x}{blue:02x} on black was read as person")
    return np.asarray(np.clip(share, 0, 1), np.float32)


def is_photo(share: NDArray[np.float32]) -> bool:
    """Whether so many shares, 0..1, are between black and white that they are a photo in one tint, and no mask.

    In a photo it is more than a third of the pixels; in a mask with a wide soft edge it is a tenth.
    """
    return float(((share > 0.15) & (share < 0.85)).mean()) > 0.25


def _whole(stored: Stored, share: NDArray[np.float32]) -> Bytes:
    """The label of shares 0..1. Raises UnclearMask where a level between black and white fills areas."""
    levels = np.rint(share * 255).astype(np.uint8)
    if stored.lossy:
        levels = _without_noise(levels)
    if any(LIKE_BLACK < level < LIKE_WHITE and n > levels.size // 1000 for level, n in flat_levels(levels).items()):
        raise unclear(stored, described(stored))
    levels[levels == IGNORE] = IGNORE - 1
    return levels
