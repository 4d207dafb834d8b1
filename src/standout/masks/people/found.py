"""Who is in a photo: people_in tells people apart, and somebody's mask is made when it is asked for.

mask     float32 (H, W)   0..1, the mask of everybody, at the photo's own size
labels   int32   (h, w)   0 nobody, n the person of that number; at most WORK_SIDE on its longer side
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from standout.masks.letterbox import resize
from standout.masks.people import shrink
from standout.masks.people.apart import LEAST, LEAST_OF_LARGEST, Labels, apart, nearest, parts
from standout.types import Bools, Floats, Mask

CRUMB = 0.02
"""What is too small for a person belongs to whoever is at most so much of the picture's longer side away."""

WHOLE = 0.85
"""Somebody who fills so much of a connected part fills it all."""

SAME_COLUMNS, OVERLAP = 0.7, 0.2
"""Two pieces that touch are the two halves of one person if they share at least so much of the narrower one's columns,
and overlap in at most so much of the lower one's rows."""


@dataclass(frozen=True)
class Person:
    """Somebody who was found.

    index: from left to right, the first is 1. box: left, top, right and bottom in pixels; the last two are the first
    column and row beyond. share: of the picture, 0..1. confidence: the mean probability within the outline, 0..1. mask:
    float32 (H, W), 0..1, this person alone; it is made whenever it is asked for.
    """

    index: int
    box: tuple[int, int, int, int]
    share: float
    confidence: float
    _masks: Callable[[int], Mask] | None = field(default=None, repr=False, compare=False)

    @property
    def mask(self) -> Mask:
        """See the class. Raises ValueError for a person of a clip's frame, who has none."""
        if self._masks is None:
            raise ValueError("a person of a clip's frame has no mask of their own; see Follower")
        return self._masks(self.index)

    def to_dict(self) -> dict[str, Any]:
        """The person as plain values, as JSON holds them; box: left, top, right, bottom."""
        return {
            "index": self.index,
            "box": list(self.box),
            "share": round(self.share, 6),
            "confidence": round(self.confidence, 4),
        }

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
    and too far from everybody. shares: of each person by index, at the size of the labels; where they are not known, a
    pixel is of whoever is nearest.
    """

    people: tuple[Person, ...]
    labels: Labels
    shares: tuple[Floats, ...] = ()

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
        """The mask (H, W) of these people alone, out of that of everybody."""
        if not (set(np.unique(self.labels).tolist()) - {0, *indexes}):
            return mask
        if self.shares:
            own = np.minimum(1, sum((self.shares[one - 1] for one in indexes), np.zeros(self.labels.shape, np.float32)))
        else:
            own = np.isin(nearest(self.labels), list(indexes)).astype(np.float32)
        return np.asarray(mask * resize(own, *mask.shape), np.float32)


def people_in(mask: Mask, *, sure: Mask | None = None, masks: Sequence[Mask] = ()) -> Group:
    """The people in the mask.

    sure: where their confidence is read from, at any size; the mask itself by default, which refinement may have made
    surer than the network was. masks: of the people one by one, where they are known from elsewhere, such as a network
    that tells them apart; by default parts and heads tell.
    """
    small = shrink(mask)
    shares = [np.asarray(resize(one, *small.shape) / np.maximum(small, 1e-3), np.float32) for one in masks]
    shares = _without_halves(small, shares)
    labels = _labels_of(small, shares) if shares else apart(small)
    group, order = from_left(labels, small if sure is None else sure, (mask.shape[0], mask.shape[1]))
    group.labels[_crumbs(small, group.labels)] = -1

    def alone(index: int) -> Mask:
        return whole.mask(mask, (index,))

    people = tuple(replace(one, _masks=alone) for one in group.people)
    whole = Group(people, group.labels, tuple(np.minimum(1, shares[number - 1]) for number in order if shares))
    return whole


def or_whole_part(mask: Mask, one: Mask, at: tuple[float, float]) -> Mask:
    """The mask of one person, who was asked for at that point; all of the connected part if they fill most of it.

    A part in which nobody else stands is kept to its last strand of hair, whatever the network makes of it.
    """
    small = shrink(mask)
    labels = parts(small)
    group, numbers = from_left(labels, small, (mask.shape[0], mask.shape[1]))
    index = group.at(*at, size=(mask.shape[0], mask.shape[1]))
    part = labels == (numbers[index - 1] if index else -1)
    if not part.any() or ((resize(one, *small.shape) > 0.5) & part).sum() < WHOLE * part.sum():
        return one
    return group.mask(mask, (index,))


def _without_halves(small: Mask, shares: Sequence[Floats]) -> list[Floats]:
    """The shares, in which legs that were taken for somebody else belong to whoever stands right above them."""
    left = sorted(shares, key=lambda one: -float(one.sum()))
    whole: list[Floats] = []
    for one in left:
        owner = next((index for index, other in enumerate(whole) if _are_halves(small, other, one)), None)
        if owner is None:
            whole.append(one)
        else:
            whole[owner] = np.minimum(1, whole[owner] + one)
    return whole


def _are_halves(small: Mask, one: Floats, other: Floats) -> bool:
    """Whether one stands right above the other, within the same columns."""
    first, second = ((small > 0.5) & (share > 0.5) for share in (one, other))
    if not first.any() or not second.any():
        return False
    rows = [np.flatnonzero(own.any(1)) for own in (first, second)]
    columns = [own.any(0) for own in (first, second)]
    upper, lower = sorted(rows, key=lambda some: int(some[0]))
    shared = int((columns[0] & columns[1]).sum()) / min(int(columns[0].sum()), int(columns[1].sum()))
    overlap = max(0, int(upper[-1]) - int(lower[0])) / min(len(upper), len(lower))
    touch = bool(((cv2.dilate(first.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & second).any())
    return touch and shared >= SAME_COLUMNS and overlap <= OVERLAP


def _labels_of(small: Mask, shares: Sequence[Floats]) -> Labels:
    """The labels where everybody's share is known: whoever has the largest."""
    owner = np.argmax(np.stack(shares), 0).astype(np.int32) + 1
    labels = np.where((small > 0.5) & (np.max(np.stack(shares), 0) > 0.05), owner, 0)
    areas = np.bincount(labels.ravel(), minlength=len(shares) + 1)
    least = max(1.0, LEAST * small.size, LEAST_OF_LARGEST * float(areas[1:].max()))
    return np.asarray(np.where((areas >= least)[labels], labels, 0), np.int32)


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
