"""What the values of a mask mean: shares of a person, class numbers, or something that only its maker knows.

    Stored     values of a mask as its file has them: gray levels, palette indexes or colors
    Classes    which values are person, and which do not count, where somebody has said so
    label      uint8 (H, W)     255 person, 0 background, 128 does not count, anything else a soft edge
    alpha      float32 (H, W)   0..1

A mask that can be read in two ways is refused with UnclearMask, never guessed at: a class number taken for a gray level
would say that nobody is there, and nothing later would tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from standout.errors import UnclearMask

IGNORE = 128
"""Level of a label whose pixels count neither in training nor in scores."""

VOID = (224, 224, 192)
"""The color of index 255 in PASCAL VOC's palette: pixels that do not count."""

FEW = 48
"""A mask with at most so many different levels has them on purpose; soft edges have more."""

LIKE_BLACK, LIKE_WHITE = 8, 247
"""Levels up to which (and from which) noise of compression is black (and white)."""

LOSSY_NOISE = 24
"""How far from black and white the noise of a JPEG reaches."""

LOSSY_IGNORE = 6, 8
"""In a JPEG, 128 means "does not count" where the level is within so many of it, in areas so many pixels wide."""

CLASS_NUMBERS = 40
"""A mask that is hand-made or soft has brighter levels than this one somewhere."""

Value: TypeAlias = int | tuple[int, int, int]
Bytes: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Classes:
    """Which values of a mask are person and which do not count; all others are background.

    Values are class numbers (gray levels or palette indexes) or colors (red, green, blue). where: who says so.
    """

    person: frozenset[Value]
    ignore: frozenset[Value] = frozenset()
    background: frozenset[Value] = frozenset()
    where: str = ""


@dataclass(frozen=True)
class Stored:
    """The values of a mask file.

    values: (H, W) of whole numbers, or (H, W, 3) uint8 RGB. white: the level of a full person, 255 or 65535.
    palette: (N, 3) uint8, where the values are indexes. lossy: values are near what was meant. cut_out: the values are
    the picture's transparency.
    """

    name: str
    values: NDArray[Any]
    white: int = 255
    palette: Bytes | None = None
    lossy: bool = False
    cut_out: bool = False


def label(stored: Stored, classes: Classes | None, notes: list[str]) -> Bytes:
    """The label that the values stand for. What is not plain about it is told in notes.

    Raises UnclearMask when they may stand for something else.
    """
    if classes is not None and not stored.cut_out:
        return _by_class(stored, classes)
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
    """The share of each pixel that is person: every gray level is a share, 128 too.

    Raises UnclearMask when the values are class numbers, or may be.
    """
    if stored.palette is not None:
        found = _by_index(stored, notes)
        if (found == IGNORE).any():
            raise _unclear(stored, "index 255 does not count in labels; it is neither person nor background here")
        return found.astype(np.float32) / np.float32(255)
    if stored.values.ndim == 3:
        return _along_color(stored, notes)
    if (only := _zero_one(stored, notes)) is not None:
        return only.astype(np.float32) / np.float32(255)
    whole = _in_bytes(stored)
    found, most = np.unique(whole), int(stored.values.max())
    if 1 < most <= CLASS_NUMBERS and len(found) <= FEW:
        raise _unclear(stored, _said(stored))
    if stored.white == 65535 and most > 255:
        return stored.values.astype(np.float32) / np.float32(65535)
    return whole.astype(np.float32) / np.float32(255)


def _zero_one(stored: Stored, notes: list[str]) -> Bytes | None:
    """The label of a mask whose levels are 0 and 1; None if it is another."""
    if stored.values.max() != 1:
        return None
    notes.append("its levels 0 and 1 were read as 0 and 255")
    return (stored.values > 0).astype(np.uint8) * np.uint8(255)


def _in_bytes(stored: Stored) -> Bytes:
    """Gray levels 0..255. Those of 16 bits that reach no higher were saved without scaling them."""
    values = stored.values
    if values.dtype == np.uint8 or values.max() <= 255:
        return values.astype(np.uint8)
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _without_noise(levels: Bytes) -> Bytes:
    """Levels of a JPEG without its noise around 0, around 255, and in areas of 128."""
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
    """The label with 127 for 128 wherever that is part of an edge: of no area that is three pixels wide somewhere."""
    import cv2

    unclear = (levels == IGNORE).astype(np.uint8)
    if not unclear.any():
        return levels
    _, areas = cv2.connectedComponents(unclear)
    wide = np.unique(areas[cv2.erode(unclear, np.ones((3, 3), np.uint8)) > 0])
    return np.where((unclear > 0) & ~np.isin(areas, wide), np.uint8(IGNORE - 1), levels).astype(np.uint8)


def flat_levels(levels: Bytes) -> dict[int, int]:
    """How many pixels lie in areas of one level, by level: all of their neighbors have it, too."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    counts = np.bincount(levels[cv2.dilate(levels, kernel) == cv2.erode(levels, kernel)], minlength=256)
    return {int(level): int(counts[level]) for level in np.flatnonzero(counts)}


def _refuse_class_numbers(stored: Stored, levels: Bytes) -> None:
    """Raises UnclearMask where levels other than 0, 128 and 255 stand for something: they fill areas, and are few."""
    present = np.flatnonzero(np.bincount(levels.ravel(), minlength=256)).tolist()
    if present[-1] < IGNORE:
        raise _unclear(stored, _said(stored))
    areas = flat_levels(levels)
    least = 1 if len(present) <= 8 else max(1, levels.size // 1000)
    odd = {level: n for level, n in areas.items() if n >= least and _means_something(level, present)}
    most = sum(odd.values()) > 0.5 * sum(n for level, n in areas.items() if level > LIKE_BLACK or level in odd)
    if odd and (len(present) <= FEW or (most and len(odd) <= FEW)):
        raise _unclear(stored, _said(stored, sorted({*odd, *({0, 255} & set(present))})))


def _means_something(level: int, present: list[int]) -> bool:
    """Whether an area of this level is neither black nor white nor one that does not count.

    >>> _means_something(3, [0, 3, 255]), _means_something(3, [3, 250]), _means_something(250, [3, 250])
    (True, False, False)
    """
    if level in (0, IGNORE) or level >= LIKE_WHITE:
        return False
    if level > LIKE_BLACK:
        return True
    noise = len(present) > 8  # compression leaves many levels near black
    darkest = level == present[0] and present[-1] < 255
    return not (noise or darkest)


def _by_class(stored: Stored, classes: Classes) -> Bytes:
    """The label of a mask whose classes are known."""
    values, palette = stored.values, stored.palette
    if stored.lossy:
        raise _unclear(stored, f"it is compressed with loss, which blurs the values that {classes.where} names")
    numbers, colors = (
        [{v for v in group if isinstance(v, int) == whole} for group in (classes.person, classes.ignore)]
        for whole in (True, False)
    )
    if palette is not None and not numbers[0]:
        values, palette = _colors_of(stored), None
    if values.ndim == 3:
        person, ignore = colors
        if not person:
            raise _unclear(stored, f"it is in color, and {classes.where} names no color (#rrggbb) as person")
        values = _packed(values)
        person, ignore = ({(r << 16) + (g << 8) + b for r, g, b in group} for group in (person, ignore))  # type: ignore[misc]
    else:
        person, ignore = numbers
        if not person:
            raise _unclear(stored, f"it holds numbers, and {classes.where} names no number as person")
    mask = np.zeros(values.shape, np.uint8)
    mask[np.isin(values, list(ignore))] = IGNORE
    mask[np.isin(values, list(person))] = 255
    if palette is None and values.ndim == 2 and stored.values.ndim == 2:
        _refuse_binary(stored, classes)
    return mask


def _refuse_binary(stored: Stored, classes: Classes) -> None:
    """Raises UnclearMask for a gray mask of 0 and 255 alone, where 255 is said to be no person."""
    listed = classes.person | classes.background
    if 255 not in listed and set(np.unique(stored.values).tolist()) in ({0, 255}, {255}):
        raise _unclear(stored, f"its levels are 0 and 255, and {classes.where} does not name 255 as person")


def _by_index(stored: Stored, notes: list[str]) -> Bytes:
    """The label of a mask with a palette.

    Grays are read as grays. Of colors the indexes count, which are class numbers: 1 is person where there are no
    others, and 255 does not count.
    """
    palette, values = stored.palette, stored.values
    assert palette is not None
    used = np.unique(values).tolist()
    inside = used[-1] < len(palette)
    colors = {index: tuple(palette[index].tolist()) for index in used} if inside else {}
    if inside and len(set(colors.values())) == len(used) and all(len(set(color)) == 1 for color in colors.values()):
        return label(Stored(stored.name, palette[values][..., 0]), None, notes)
    black = [index for index, color in colors.items() if max(color) == 0]
    classes = set(used) - {0, 255}
    void = 255 in used and (bool(classes) or colors.get(255) == VOID)
    plain = classes <= {1} and (void or 255 not in used) and not (colors and 1 in black and 0 in used)
    if not plain or (used == [0] and not black and len(palette) == 1):
        raise _unclear(stored, _said(stored))
    if 1 in used:
        notes.append("its palette's index 1 was read as person")
    return np.where(values == 1, 255, np.where(values == 255, IGNORE, 0)).astype(np.uint8)


def _along_color(stored: Stored, notes: list[str]) -> NDArray[np.float32]:
    """Shares 0..1 of a mask that is one color on black, edges between them. Raises UnclearMask for another."""
    pixels = stored.values.astype(np.float32)
    if not stored.lossy and (few := np.unique(_packed(stored.values))).size <= FEW and few.size != 2:
        flat = set(flat_levels_of_colors(stored.values).tolist())
        if len(flat) > 2:
            raise _unclear(stored, _said(stored))
    totals = pixels.sum(2)
    bright = pixels[np.unravel_index(int(totals.argmax()), totals.shape)]
    if stored.lossy:
        bright = np.median(pixels[totals >= 0.9 * totals.max()], axis=0).astype(np.float32)
    share = pixels @ bright / float(bright @ bright)
    away = np.abs(pixels - share[..., None] * bright).max(2)
    allowed = 40.0 if stored.lossy else 3.0
    if np.quantile(away, 0.99 if stored.lossy else 1.0) > allowed or share.min() > 0.1:
        raise _unclear(stored, _said(stored))
    red, green, blue = (round(float(level)) for level in bright)
    notes.append(f"its color #{red:02x}{green:02x}{blue:02x} on black was read as person")
    return np.asarray(np.clip(share, 0, 1), np.float32)


def _whole(stored: Stored, share: NDArray[np.float32]) -> Bytes:
    """The label of shares 0..1, in which every third level is soft. Raises UnclearMask where one fills areas."""
    levels = np.rint(share * 255).astype(np.uint8)
    if stored.lossy:
        levels = _without_noise(levels)
    if any(LIKE_BLACK < level < LIKE_WHITE and n > levels.size // 1000 for level, n in flat_levels(levels).items()):
        raise _unclear(stored, _said(stored))
    levels[levels == IGNORE] = IGNORE - 1
    return levels


def flat_levels_of_colors(image: Bytes) -> NDArray[Any]:
    """The colors, as 0xrrggbb, that fill areas."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    flat = (cv2.dilate(image, kernel) == cv2.erode(image, kernel)).all(2)
    return np.unique(_packed(image)[flat])


def _packed(image: Bytes) -> NDArray[np.uint32]:
    """Colors (H, W, 3) as numbers 0xrrggbb (H, W)."""
    red, green, blue = (image[..., n].astype(np.uint32) for n in range(3))
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def _colors_of(stored: Stored) -> Bytes:
    """A palette picture's colors. Raises UnclearMask where its palette is too short."""
    assert stored.palette is not None
    if stored.values.max() >= len(stored.palette):
        raise _unclear(stored, _said(stored))
    return np.asarray(stored.palette[stored.values], np.uint8)


def _said(stored: Stored, present: list[int] | None = None) -> str:
    """What a mask holds, in words, for an error."""
    if stored.values.ndim == 3:
        colors = np.unique(_packed(stored.values))
        if stored.lossy or len(colors) > FEW:
            return "it is a picture in color, not one color on black"
        return f"it holds the colors {_list([f'#{color:06x}' for color in colors.tolist()])}"
    if stored.values.max() > 255:
        present = None
    values = np.unique(stored.values).tolist() if present is None else present
    kind = "palette indexes" if stored.palette is not None else "levels"
    return f"it holds the {kind} {_list([str(value) for value in values])}"


def _list(words: list[str]) -> str:
    """Words in a row, the first few of many.

    >>> _list(["0", "11", "24"]), _list(["7"])
    ('0, 11 and 24', '7')
    """
    if len(words) > 12:
        return f"{', '.join(words[:11])} and {len(words) - 11} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _unclear(stored: Stored, what: str) -> UnclearMask:
    return UnclearMask(
        f"{stored.name} does not say which part is person: {what}; wanted 255 (white) for person and 0 (black) for "
        "background. Save it so, or, in a folder of labels, name the values that are person in classes.csv"
    )
