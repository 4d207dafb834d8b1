"""Who is in a photo: people_in tells people apart, and somebody's mask is made when it is asked for.

mask     float32 (H, W)   0..1, the mask of everybody, at the photo's own size
labels   int32   (h, w)   0 nobody, n the person of that number; at most WORK_SIDE on its longer side
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np

from standout.masks.letterbox import resize
from standout.masks.people import shrink
from standout.masks.people.apart import Labels, apart, nearest
from standout.types import Bools, Floats, Mask

CRUMB = 0.02
"""What is too small for a person belongs to whoever is at most so much of the picture's longer side away."""


@dataclass(frozen=True)
class Person:
    """Somebody who was found.

    index: from left to right, the first is 1. box: left, top, right and bottom in pixels; the last two are the first
    column and row beyond. share: of the picture, 0..1. confidence: the mean probability within the outline, 0..1.
    """

    index: int
    box: tuple[int, int, int, int]
    share: float
    confidence: float

    def __str__(self) -> str:
        """The person in a few words, for errors.

        >>> str(Person(2, (10, 20, 110, 320), 0.083, 0.97))
        '2 at 10,20 to 110,320 (8.3 %)'
        """
        left, top, right, bottom = self.box
        return f"{self.index} at {left},{top} to {right},{bottom} ({100 * self.share:.1f} %)"


@dataclass(frozen=True)
class Group:
    """The people of a mask, from left to right.

    labels: the index of the person at each pixel, 0 where nobody is, -1 where there is something too small for a person
    and too far from everybody.
    """

    people: tuple[Person, ...]
    labels: Labels

    def at(self, x: float, y: float, *, size: tuple[int, int]) -> int:
        """The index of the person at that place of a picture of that size (H, W), or next to it; 0 where nobody is."""
        rows, columns = self.labels.shape
        row = min(rows - 1, max(0, int(y * rows / size[0])))
        column = min(columns - 1, max(0, int(x * columns / size[1])))
        if not self.labels[row, column]:
            distance = cv2.distanceTransform((self.labels == 0).astype(np.uint8), cv2.DIST_L2, 5)
            if not self.people or distance[row, column] > _reach(self.labels):
                return 0
        return max(0, int(nearest(self.labels)[row, column]))

    def mask(self, mask: Mask, indexes: Collection[int]) -> Mask:
        """The mask (H, W) of these people alone, out of that of everybody. Each soft pixel is of whoever is nearest."""
        if not (set(np.unique(self.labels).tolist()) - {0, *indexes}):
            return mask
        own = np.isin(nearest(self.labels), list(indexes)).astype(np.float32)
        return np.asarray(mask * resize(own, *mask.shape), np.float32)


def people_in(mask: Mask, *, sure: Mask | None = None) -> Group:
    """The people in the mask.

    sure: where their confidence is read from, at any size; the mask itself by default, which refinement may have made
    surer than the network was.
    """
    small = shrink(mask)
    group, _ = from_left(apart(small), small if sure is None else sure, (mask.shape[0], mask.shape[1]))
    group.labels[_crumbs(small, group.labels)] = -1
    return group


def from_left(labels: Labels, sure: Mask, size: tuple[int, int]) -> tuple[Group, tuple[int, ...]]:
    """The people of those labels, from left to right, in a picture of that size (H, W); and what their labels were."""
    order = sorted(map(int, np.unique(labels[labels > 0])), key=lambda number: _middle(labels == number))
    indexes = np.zeros(max(order, default=0) + 1, np.int32)
    indexes[order] = np.arange(1, len(order) + 1)
    renumbered = np.asarray(indexes[labels], np.int32)
    confidence = resize(sure, *labels.shape)
    people = [_person(renumbered == index, index, confidence, size) for index in range(1, len(order) + 1)]
    return Group(tuple(people), renumbered), tuple(order)


def _person(own: Bools, index: int, confidence: Floats, size: tuple[int, ...]) -> Person:
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    down, across = size[0] / own.shape[0], size[1] / own.shape[1]
    box = (columns[0] * across, rows[0] * down, (columns[-1] + 1) * across, (rows[-1] + 1) * down)
    left, top, right, bottom = (round(float(value)) for value in box)
    return Person(index, (left, top, right, bottom), float(own.mean()), float(confidence[own].mean()))


def _middle(own: Bools) -> float:
    """The column in the middle of somebody, who is there."""
    return float(np.nonzero(own)[1].mean())


def _crumbs(mask: Mask, labels: Labels) -> Bools:
    """Where the mask holds something that is nobody's and that is too far from everybody."""
    rest = (mask > 0.5) & (labels == 0)
    if not rest.any() or not labels.any():
        return np.asarray(rest, bool)
    distance = cv2.distanceTransform((labels == 0).astype(np.uint8), cv2.DIST_L2, 5)
    _, pieces = cv2.connectedComponents(rest.astype(np.uint8), connectivity=8)
    near = np.unique(pieces[rest & (distance <= _reach(labels))])
    return np.asarray(rest & ~np.isin(pieces, near), bool)


def _reach(labels: Labels) -> float:
    return float(max(1.5, CRUMB * max(labels.shape)))
