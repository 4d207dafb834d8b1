"""Who is where within one part of the mask that holds several people, by place and by color.

labels   int32 (h, w)    0 nobody, and the number of the person who is seen there
bins     int32 (h, w)    the color of each pixel; see looks.py
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.masks.people.apart import Labels, nearest
from standout.masks.people.body import alike, laid_out
from standout.masks.people.followed import Followed
from standout.masks.people.looks import Bins, fit_of
from standout.types import Bools, Bytes, Floats

SURPRISE, RETURN = 0.4, 0.1
"""How likely, beforehand, a pixel of a group shows somebody who is hidden in it; and the share of their size from which
on they count as seen again."""

MATCH, UNMATCHED = 1.0, 0.2
"""How much the colors of a body count in their place against those of the look as a whole; and how well a pixel
beyond the outline matches."""


def shared_pixels(
    where: Bools, before: Labels, bins: Bins, paint: Bytes, *, seen: Sequence[Followed], hidden: Sequence[Followed]
) -> Labels:
    """The labels of one part of the frame; 0 elsewhere.

    before: the labels of the last frame, as motion takes them here. seen: those who are in the part. hidden: those who
    were lost from sight in it, and may come into view.
    """
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    inside = where[box]
    scores: list[Floats] = []
    for one in (*seen, *hidden):
        outline, colors = laid_out(one.body, where.shape, box)
        match = np.where(outline > 0.1, alike(paint[box].astype(np.float32), colors), np.float32(UNMATCHED))
        fit = cv2.blur(np.log(fit_of(one.look, bins[box])), (7, 7))
        fit = fit + MATCH * cv2.blur(np.log(match + np.float32(0.05)), (5, 5))
        if len(scores) < len(seen):
            prior = cv2.blur((before[box] == one.number).astype(np.float32), (7, 7)) + np.float32(0.1)
        else:
            prior = np.full(inside.shape, SURPRISE, np.float32)
        scores.append(np.log(prior) + np.log(outline + np.float32(0.05)) + fit)
    winner = np.argmax(np.stack(scores), 0)
    for index, one in enumerate(hidden, len(seen)):
        if (inside & (winner == index)).sum() < RETURN * one.area * where.size:
            scores[index][:] = -np.inf
    winner = np.argmax(np.stack(scores), 0)
    numbers = np.array([one.number for one in (*seen, *hidden)], np.int32)
    labels = np.zeros(where.shape, np.int32)
    labels[box] = np.where(inside, _whole(np.where(inside, numbers[winner], 0)), 0)
    return labels


def best_pairs(score: NDArray[np.float64]) -> tuple[int, ...]:
    """The column for each row, all different, whose scores sum to the most; rows are at most as many as columns.

    >>> best_pairs(np.array([[5.0, 4.0], [4.0, 0.0]]))
    (1, 0)
    """
    rows, columns = score.shape
    if columns > 6:  # too many to try them all: each in turn takes the best that is left
        left, chosen = list(range(columns)), []
        for row in range(rows):
            chosen.append(max(left, key=lambda column: score[row, column]))
            left.remove(chosen[-1])
        return tuple(chosen)
    return max(
        permutations(range(columns), rows), key=lambda some: sum(score[row, one] for row, one in enumerate(some))
    )


def _whole(labels: Labels) -> Labels:
    """The labels of one part, in which crumbs of a person go to whoever is about them."""
    kept = np.zeros_like(labels)
    for number in np.unique(labels[labels > 0]):
        own = labels == number
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8), connectivity=4)
        large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= 0.1 * own.sum())
        kept[np.isin(pieces, large[large > 0])] = number
    return nearest(kept)
