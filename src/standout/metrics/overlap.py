"""How far a binary mask and the truth overlap: Dice, intersection over union, precision, recall, area.

found    bool (H, W)            pixels called person
truth    bool (H, W)            pixels that are person
counts   bool (H, W) or None    pixels that count; None means all of them
sums     Sums                   numbers of pixels; the sums of several masks add up
scores   Scores                 each 0..1

Every Dice in this package is computed by `compute(update(found, truth, counts))`: in training, in evaluation and in the
curves over the threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standout.types import Bools


class Sums(NamedTuple):
    """How many of the pixels that count are person in both masks, in found and in truth, and how many count at all."""

    both: int = 0
    found: int = 0
    truth: int = 0
    counted: int = 0


NONE = Sums()
"""The sums of no mask at all."""


class Scores(NamedTuple):
    """What the sums say. area is the share of the counted pixels that found calls person."""

    dice: float
    iou: float
    precision: float
    recall: float
    area: float


def update(found: Bools, truth: Bools, counts: Bools | None = None, *, sums: Sums = NONE) -> Sums:
    """The sums with the pixels of one more pair of masks added.

    >>> update(np.array([True, True]), np.array([True, False]))
    Sums(both=1, found=2, truth=1, counted=2)
    """
    if counts is not None:
        found, truth = found & counts, truth & counts
    more = (np.count_nonzero(found & truth), np.count_nonzero(found), np.count_nonzero(truth))
    counted = found.size if counts is None else np.count_nonzero(counts)
    return Sums(*(int(old + new) for old, new in zip(sums, (*more, counted), strict=True)))


def compute(sums: Sums) -> Scores:
    """The scores of the pixels summed up; with nobody there and nobody found, Dice and IoU are 1.

        dice = 2 both / (found + truth)    iou = dice / (2 - dice)    precision = both / found    recall = both / truth

    precision is 1 where nothing is called person, recall is 1 where nobody is there.

    >>> [round(score, 3) for score in compute(Sums(both=1, found=2, truth=1, counted=4))]
    [0.667, 0.5, 0.5, 1.0, 0.5]
    """
    both, found, truth, counted = sums
    dice = 1.0 if found + truth == 0 else 2.0 * both / (found + truth)
    return Scores(
        dice=dice,
        iou=dice / (2.0 - dice),
        precision=1.0 if found == 0 else both / found,
        recall=1.0 if truth == 0 else both / truth,
        area=found / max(1, counted),
    )


def dice(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Dice overlap of two binary masks, 0..1: 2 |A and B| / (|A| + |B|). It is 1 for nobody there and nobody found.

    >>> round(dice(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.667
    """
    return compute(update(found, truth, counts)).dice


def iou(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Intersection over union of two binary masks, 0..1. It is 1 for nobody there and nobody found.

    >>> round(iou(np.array([[True, True]]), np.array([[True, False]])), 3)
    0.5
    """
    return compute(update(found, truth, counts)).iou


def precision(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Share of the pixels called person that are person, 0..1; 1 where no pixel is called person.

    >>> precision(np.array([[True, True]]), np.array([[True, False]]))
    0.5
    """
    return compute(update(found, truth, counts)).precision


def recall(found: Bools, truth: Bools, counts: Bools | None = None) -> float:
    """Share of the person's pixels that are found, 0..1; 1 where nobody is there.

    >>> recall(np.array([[True, True]]), np.array([[True, False]]))
    1.0
    """
    return compute(update(found, truth, counts)).recall


def area(found: Bools, counts: Bools | None = None) -> float:
    """Share of the picture that is called person, 0..1.

    >>> area(np.array([[True, False]]))
    0.5
    """
    return compute(update(found, found, counts)).area
