"""The values of a mask as its file holds them, and the words for errors where they are not plain.

Stored     gray levels, palette indexes or colors
Classes    which values are person, and which do not count, where somebody has named them
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from standout.errors import UnclearMask
from standout.types import Bytes

IGNORE = 128
"""Level of a label whose pixels count neither in training nor in scores."""

FEW = 48
"""A mask with at most so many levels has each of them on purpose; soft edges have more."""

Value: TypeAlias = int | tuple[int, int, int]


@dataclass(frozen=True)
class Classes:
    """Which values of a mask are person and which do not count; all others are background.

    Values are class numbers (gray levels or palette indexes) or colors (red, green, blue). where: the file that names
    them. sure: they were named for these masks, and not for all masks of such a data set.
    """

    person: frozenset[Value]
    ignore: frozenset[Value] = frozenset()
    background: frozenset[Value] = frozenset()
    where: str = ""
    sure: bool = True


@dataclass(frozen=True)
class Stored:
    """The values of a mask file.

    name: of the file. values: (H, W) whole numbers, or uint8 (H, W, 3) RGB. white: the level of a whole person, 255 or
    65535. palette: uint8 (N, 3), where the values are indexes. lossy: the values are only near to what was meant.
    cut_out: the values are the picture's transparency.
    """

    name: str
    values: NDArray[Any]
    white: int = 255
    palette: Bytes | None = None
    lossy: bool = False
    cut_out: bool = False


def by_class(stored: Stored, classes: Classes) -> Bytes:
    """The label of a mask whose classes are known. Raises UnclearMask where they do not fit its values."""
    values, palette = stored.values, stored.palette
    if stored.lossy:
        raise unclear(stored, f"it is compressed with loss, which blurs the values that {classes.where} names")
    numbers, colors = (
        [{v for v in group if isinstance(v, int) == whole} for group in (classes.person, classes.ignore)]
        for whole in (True, False)
    )
    if palette is not None and not numbers[0]:
        values, palette = colors_of(stored), None
    if values.ndim == 3:
        person, ignore = colors
        if not person:
            raise unclear(stored, f"it is in color, and {classes.where} names no color (#rrggbb) as person")
        values = packed(values)
        person, ignore = ({(r << 16) + (g << 8) + b for r, g, b in group} for group in (person, ignore))  # type: ignore[misc]
    else:
        person, ignore = numbers
        if not person:
            raise unclear(stored, f"it holds numbers, and {classes.where} names no number as person")
    mask = np.zeros(values.shape, np.uint8)
    mask[np.isin(values, list(ignore))] = IGNORE
    mask[np.isin(values, list(person))] = 255
    if palette is None and values.ndim == 2 and stored.values.ndim == 2:
        _refuse_binary(stored, classes)
    return mask


def _refuse_binary(stored: Stored, classes: Classes) -> None:
    """Raises UnclearMask for a gray mask of 0 and 255 alone where the classes do not name 255."""
    listed = classes.person | classes.background | (classes.ignore if classes.sure else set())
    if 255 not in listed and present(stored.values) in ([0, 255], [255]):
        raise unclear(stored, f"its levels are 0 and 255, and {classes.where} does not name 255 as person")


def present(values: NDArray[Any]) -> list[int]:
    """The values that occur, in ascending order. values: whole numbers up to 65535."""
    return [int(value) for value in np.flatnonzero(np.bincount(values.ravel()))]


def flat_levels(levels: Bytes) -> dict[int, int]:
    """By level, the number of pixels whose neighbors all have the same level."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    counts = np.bincount(levels[cv2.dilate(levels, kernel) == cv2.erode(levels, kernel)], minlength=256)
    return {int(level): int(counts[level]) for level in np.flatnonzero(counts)}


def flat_colors(image: Bytes) -> NDArray[Any]:
    """The colors, as 0xrrggbb, that occur in pixels whose neighbors all have the same color."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    flat = (cv2.dilate(image, kernel) == cv2.erode(image, kernel)).all(2)
    return np.unique(packed(image)[flat])


def packed(image: Bytes) -> NDArray[np.uint32]:
    """The colors, (H, W, 3), as numbers 0xrrggbb, (H, W)."""
    red, green, blue = (image[..., n].astype(np.uint32) for n in range(3))
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def colors_of(stored: Stored) -> Bytes:
    """The colors of a picture with a palette, uint8 (H, W, 3). Raises UnclearMask where its palette is too short."""
    assert stored.palette is not None
    if stored.values.max() >= len(stored.palette):
        raise unclear(stored, described(stored))
    return np.asarray(stored.palette[stored.values], np.uint8)


def described(stored: Stored, only: list[int] | None = None) -> str:
    """What the mask holds, in words, for an error. only: the levels to name; None names all."""
    if stored.values.ndim == 3:
        colors = np.unique(packed(stored.values))
        if stored.lossy or len(colors) > FEW:
            return "it is a picture in color, not one color on black"
        return f"it holds the colors {_list([f'#{color:06x}' for color in colors.tolist()])}"
    values = present(stored.values) if only is None or stored.values.max() > 255 else only
    kind = "palette indexes" if stored.palette is not None else "levels"
    return f"it holds the {kind} {_list([str(value) for value in values])}"


def _list(words: list[str]) -> str:
    """The words in a row; of more than twelve, the first eleven.

    >>> _list(["0", "11", "24"]), _list(["7"])
    ('0, 11 and 24', '7')
    """
    if len(words) > 12:
        return f"{', '.join(words[:11])} and {len(words) - 11} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def unclear(stored: Stored, what: str) -> UnclearMask:
    """The error that says what is wrong with the mask, and the cure."""
    return UnclearMask(
        f"{stored.name} does not say which part is person: {what}; wanted 255 (white) for person and 0 (black) for "
        "background. Save it so, or, in a folder of labels, name the values that are person in classes.csv"
    )
