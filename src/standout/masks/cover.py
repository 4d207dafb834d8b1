"""The network's probability -> the pixels to be hidden, so that nobody is missed: too much rather than too little.

probability   float32 (H, W)   0..1, as the network gives it, enlarged; its own threshold lies at 0.5
cover         float32 (H, W)   1 where somebody may be, else 0; never anything between, which would let people shine
                               through
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from standout.masks.letterbox import resize
from standout.masks.people import shrink
from standout.types import Bytes, Mask

LEAST = 0.004
"""The least margin, as a share of the picture's longer side: about a pixel of the network, finer than which its
outline is not known."""

HOLE = 0.1
"""The largest gap inside a person's outline that is covered too, as a share of the area of the person."""


def cover(probability: Mask, *, threshold: float, margin: float) -> Mask:
    """1 wherever the probability is at least the threshold, and around that by the margin; 0 elsewhere.

    margin: a share of the size of each person, who is a connected part of the mask and whose size is the longer side
    of its box. Gaps inside a person are covered as well, such as a shirt that the network takes for a sofa, unless
    they are larger than HOLE of the person. It is worked out at no more than 1024 pixels, and then enlarged.

    >>> cover(np.float32([[0, 0, 0, 0.3, 0, 0]]), threshold=0.25, margin=1).tolist()
    [[0.0, 0.0, 1.0, 1.0, 1.0, 0.0]]
    """
    small = shrink(probability)
    height, width = small.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats((small >= threshold).astype(np.uint8), connectivity=8)
    found = np.zeros((height, width), np.uint8)
    for label in range(1, count):
        left, top, wide, high = stats[label, :4].tolist()
        radius = max(margin * max(wide, high), LEAST * max(height, width))
        reach = math.ceil(radius) + 1
        box = (
            slice(max(0, top - reach), top + high + reach),
            slice(max(0, left - reach), left + wide + reach),
        )
        found[box] |= _without_gaps(_grown((labels[box] == label).astype(np.uint8), radius))
    if found.shape == probability.shape:
        return found.astype(np.float32)
    # Whatever a pixel touches is covered: enlarged linearly, the outline is smooth and lies half a pixel further out.
    return np.asarray(resize(found.astype(np.float32), *probability.shape) > 0, np.float32)


def _grown(person: Bytes, radius: float) -> Bytes:
    """The person (0 or 1) with all pixels whose distance is at most radius."""
    return (cv2.distanceTransform(1 - person, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= radius).astype(np.uint8)


def _without_gaps(person: Bytes) -> Bytes:
    """The person (0 or 1) with the gaps inside covered that are at most HOLE of its area."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - person, connectivity=4)
    height, width = person.shape
    most = HOLE * int(person.sum())
    for label in range(1, count):
        left, top, wide, high, area = stats[label].tolist()
        inside = left > 0 and top > 0 and left + wide < width and top + high < height
        if inside and area <= most:
            person[labels == label] = 1
    return person
