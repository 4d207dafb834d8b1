"""The people of a connected part, found by clicks that are chosen by themselves.

part     bool (SIDE, SIDE)      the part, in the square that the network sees
answer   float32 (SIDE, SIDE)   probability that a pixel is of the person clicked on
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from standout.masks.clicks import PERSON, At, inmost
from standout.types import Bools, Floats

Answers = Callable[[Sequence[At], Sequence[At]], Floats]
"""Clicks on a person and clicks that are not, in pixels of the square -> the network's answer."""

MOST = 24
"""Clicks by which people are looked for in a part."""
SHALLOW = 0.2
"""A place not yet covered is clicked on where it is at least this share as deep as the part at its deepest."""
SAME = 0.4
"""The IoU from which two answers are the same person."""
LEAST = 0.03
"""The share of a part that a person has at least."""


def everyone(part: Bools, answers: Answers) -> list[Floats]:
    """An answer for each person in the part; a single one where the part is one person.

    The deepest place that nobody covers yet is clicked on until none is left. Then each person is asked about again,
    with clicks on the others as those that are not meant, and people found twice become one.
    """
    found = _first(part, answers)
    for _ in range(2):
        if len(found) < 2:
            break
        owner = np.stack(found).argmax(0)
        seeds = [inmost((owner == at) & part & (found[at] > PERSON))[0] for at in range(len(found))]
        asked = [answers([seed], _beside(seed, seeds)) for seed in seeds]
        found = _distinct(asked, part)
    return found if len(found) > 1 else [np.ones(part.shape, np.float32)]


def _first(part: Bools, answers: Answers) -> list[Floats]:
    """The answers to clicks until the part is covered; people who were found twice are left out."""
    left = part.copy()
    deepest = inmost(part)[1]
    seeds: list[At] = []
    found: list[Floats] = []
    for _ in range(MOST):
        at, depth = inmost(left)
        if depth < max(2.0, SHALLOW * deepest) or left.sum() < LEAST * part.sum():
            break
        answer = answers([at], [])
        body = (answer > PERSON) & part
        cv2.circle(covered := body.astype(np.uint8), (int(at[0]), int(at[1])), max(2, int(depth / 2)), 1, -1)
        left &= cv2.dilate(covered, np.ones((3, 3), np.uint8)) == 0
        known = any(
            _iou(body, (one > PERSON) & part) >= SAME or (_says(one, at) and _says(answer, seed))
            for seed, one in zip(seeds, found, strict=True)
        )
        if not known and body.sum() >= LEAST * part.sum():
            seeds.append(at)
            found.append(answer)
    return found


def _distinct(asked: list[Floats], part: Bools) -> list[Floats]:
    """The answers without those who own too little of the part, or are the same person as another."""
    kept: list[Floats] = []
    for answer in sorted(asked, key=lambda one: -float(one[part].sum())):
        body = (answer > PERSON) & part
        if body.sum() >= LEAST * part.sum() and all(_iou(body, (one > PERSON) & part) < SAME for one in kept):
            kept.append(answer)
    owner = np.stack(kept).argmax(0) if kept else None
    least = LEAST * part.sum()
    return [one for at, one in enumerate(kept) if ((owner == at) & part & (one > PERSON)).sum() >= least]


def _beside(seed: At, seeds: list[At], most: int = 4) -> list[At]:
    """The clicks on the others that are nearest."""
    others = [one for one in seeds if one != seed]
    return sorted(others, key=lambda one: (one[0] - seed[0]) ** 2 + (one[1] - seed[1]) ** 2)[:most]


def _says(answer: Floats, at: At) -> bool:
    """Whether an answer calls a place the person's."""
    return bool(answer[int(at[1]), int(at[0])] > PERSON)


def _iou(one: Bools, other: Bools) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))
