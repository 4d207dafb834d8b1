"""Where a person's head is: crown, eyes and chin, by the mask, and by the face where the face model is installed.

    Head   the rows of crown, eyes and chin, and the column of its middle, in pixels
    find   the head of the person whose face, or whose part of the mask, is the largest

The crown is the highest row of the mask above the face, hair and hats included.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.editing.frame import View
from standout.errors import InputError, MissingExtra
from standout.faces import Face, faces
from standout.masks.people import shrink
from standout.types import Bools, Image, Mask

WORK_SIDE = 512
"""The longest side, in pixels, of the mask in which a neck is looked for."""

EYES = 0.52
"""Where the eyes are without a face model: this share of the way from the crown down to the chin."""
DIP = 1.1
"""A neck: the head above it and the shoulders below are so many times as wide."""
NECK, SHOULDERS = 0.88, 1.03
"""How far down from the crown a neck is narrowest, and shoulders begin, where 1 is the chin. A neck is narrowest beside
the jaw: its sides are seen from above the chin on. These and WIDTH are medians of 260 training portraits."""
LEAP = 1.35
"""Shoulders begin where a person is so many times as wide as the head, if no neck is seen: long hair hides it."""
WIDTH = 0.9
"""The height of a head with long hair, by its width, where neither neck nor shoulders are seen."""
STRAND = 0.12
"""What is narrower than this share of the widest row is no head yet, but a strand of hair."""
LEAST, MOST = 0.8, 1.6
"""The height of any head by its width, hair included."""


@dataclass(frozen=True)
class Head:
    """A head. crown, eyes, chin: rows. middle: a column. All in pixels of the image."""

    crown: float
    eyes: float
    chin: float
    middle: float

    @property
    def height(self) -> float:
        """From the crown to the chin."""
        return self.chin - self.crown


def find(image: Image, mask: Mask) -> Head:
    """The head, by the face model where it is installed and finds a face on a person, else by the mask's shape.

    Raises InputError where the mask shows no head.
    """
    try:
        seen = [face for face in faces(image) if _is_on(mask, face)]
    except MissingExtra:
        seen = []
    return by_face(mask, seen[0]) if seen else by_shape(mask)


def by_face(mask: Mask, face: Face) -> Head:
    """The head of a face in the mask of its person."""
    x, y = face.eyes
    return Head(crown(mask, face), y, face.chin, x)


def crown(mask: Mask, face: Face) -> float:
    """The highest row of the mask above the face that hangs together with it: hands held up beside it do not count."""
    left, right = face.box[0] - 0.1 * face.width, face.box[2] + 0.1 * face.width
    columns = mask[: max(1, int(face.eyes[1])), max(0, int(left)) : max(1, round(right))] > 0.5
    wide = columns.sum(1) >= max(1, 0.05 * face.width)
    gaps = np.flatnonzero(~wide)
    return float(gaps[-1] + 1) if gaps.size else 0.0


def _is_on(mask: Mask, face: Face) -> bool:
    """Whether the middle of the face is person in the mask."""
    x, y = ((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2)
    height, width = mask.shape
    return 0 <= x < width and 0 <= y < height and bool(mask[int(y), int(x)] > 0.5)


def by_shape(mask: Mask) -> Head:
    """The head of the largest person, by the widths of the rows from the crown down to the shoulders.

    Raises InputError where nobody is in the mask.
    """
    small = shrink(mask, WORK_SIDE)
    person = _largest(small > 0.5)
    scale = mask.shape[0] / small.shape[0]
    widths, middles, top = _rows(person)
    chin = _chin(widths)
    wide = float(widths[: max(1, round(chin))].max())
    chin = float(np.clip(chin, LEAST * wide, MOST * wide))
    middle = float(np.median(middles[: max(1, round(chin))]))
    rows = [(top + row) * scale for row in (0.0, EYES * chin, chin)]
    return Head(rows[0], rows[1], rows[2], (middle + 0.5) * mask.shape[1] / small.shape[1])


def _chin(widths: NDArray[np.float64]) -> float:
    """How many rows below the crown the chin is, by the widths of the rows from the crown down."""
    count = len(widths)
    smooth = np.convolve(np.pad(widths, count // 120, "edge"), np.ones(count // 120 * 2 + 1), "valid")
    smooth /= count // 120 * 2 + 1
    above = np.maximum.accumulate(smooth)
    strands = int(np.argmax(above >= STRAND * above[-1]))
    for row in range(max(2, strands), count - 2):
        near = smooth[max(0, row - max(2, row // 8)) : row + max(2, row // 8) + 1]
        beyond = min(above[row], smooth[row : 2 * row + 1].max())
        # A head is at least as high as it is wide: what is narrow before that is hair.
        if row >= above[row] and smooth[row] <= near.min() and beyond > DIP * smooth[row]:
            return row / NECK
    for row in range(max(4, strands), count):
        head = smooth[int(0.3 * row) : int(0.8 * row) + 1].max()
        if row > 0.8 * head and smooth[row] > LEAP * head:
            return row / SHOULDERS
    return max(2.0, WIDTH * float(above[-1]))


def _largest(there: Bools) -> Bools:
    """The largest part that hangs together."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(there.astype(np.uint8), connectivity=8)
    if count < 2:
        raise InputError("no head was found, since nobody was; leave head out, or give a photo of a person")
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def _rows(person: Bools) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """The widths and middles of the person's rows from the crown down, and the crown's row.

    Of each row it is the stretch that touches the one above: arms beside the head do not count.
    """
    top = int(np.flatnonzero(person.any(1))[0])
    left, right = (int(one) for one in np.flatnonzero(person[top])[[0, -1]])
    widths, middles = [], []
    for row in person[top:]:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]])))
        both = zip(edges[::2], edges[1::2], strict=True)
        runs = [(first, last) for first, last in both if first <= right + 1 and last >= left]
        if not runs:  # a strand of hair ended
            runs = list(zip(edges[::2], edges[1::2], strict=True)) or [(left, right + 1)]
        left, right = max(
            runs, key=lambda run: min(run[1], right + 1) - max(run[0], left)
        )  # negative where it is beside
        right -= 1
        widths.append(right - left + 1)
        middles.append((left + right) / 2)
    return np.array(widths, float), np.array(middles, float), top


def view(head: Head, shape: tuple[int, ...], canvas: tuple[int, int], *, height: float, eyes: float) -> View:
    """The view of a photo of that shape in which the head has that height, and its eyes are in that row, centered.

    canvas: height and width of the result.
    """
    factor = height / max(1.0, head.height)
    top, left = round(eyes - head.eyes * factor), round(canvas[1] / 2 - head.middle * factor)
    tall, wide = max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))
    return View((0, 0, shape[0], shape[1]), (top, left, top + tall, left + wide), *canvas)
