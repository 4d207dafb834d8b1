"""The network's answers about people in a square -> each one's share of the photo's pixels.

answer   float32 (SIDE, SIDE)   probability that a pixel is of that person
share    float32 (h, w)         the part of the people's share of a pixel that is that person's, 0..1
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from standout.masks.clicks import PERSON, At, Square, seen
from standout.masks.letterbox import resize
from standout.types import Bools, Floats, Image, Mask

GAIN = 1.5
"""The factor by which an answer is moved away from one half, so that people meet at an edge and not in a haze."""
CLAIMED = 0.3
"""Shares that are less than this together claim nothing."""
DOUBT = 0.08
"""A share at least this far from 0 and from 1 is in doubt."""
LIKE = 0.12
"""Colors that differ by less than this, of 1, tell little."""
PULL = 0.6
"""How far a color that is clearly one of the two moves a share."""
SCRAP = 0.04
"""Pieces of a person smaller than this share of the largest, and not clicked on, belong to others."""


Look = tuple[Square, Floats]
"""A square and the network's answer about a person in it."""


def shares(looks: Sequence[Look], part: Bools, photo: Image, mask: Mask) -> list[Floats]:
    """The share of each person in the part; outside it 0. Those of several people are 1 together.

    The network is sure of nothing about the people's outline, since it only learned to tell people apart. So what it
    says inside the part is carried outward, and where the person ends and the background begins stays with the mask.
    Where two people meet, the border is drawn along edges of the photo.
    """
    reach = _reach(part, mask)
    if len(looks) == 1 and looks[0][1].min() >= 1:  # somebody alone, to the last strand of hair
        return [reach.astype(np.float32)]
    found = [_of_one(square, answer, part, photo) * reach for square, answer in looks]
    return found if len(found) == 1 else [one * reach for one in _together(found)]


def _of_one(square: Square, answer: Floats, part: Bools, photo: Image) -> Floats:
    """The share of one person; outside the square 0."""
    height, width = part.shape
    at, where = square.overlap(height, width), square.inner(height, width)
    core = seen(part.astype(np.float32), square, fill=0.0)[where] > PERSON
    sharp = outward(np.clip((answer[where] - 0.5) * GAIN + 0.5, 0, 1), core)
    window: Image = photo[at]
    whole = np.zeros((height, width), np.float32)
    whole[at] = by_color(resize(sharp, *window.shape[:2]), window, part[at])
    return whole


def _together(found: Sequence[Floats]) -> list[Floats]:
    """The shares made to be 1 together; a pixel that nobody claims goes to the owner of the nearest that somebody does.

    >>> [one.round(2).tolist() for one in _together([np.float32([[0.9, 0.6, 0, 0]]), np.float32([[0, 0.6, 0.5, 0]])])]
    [[[1.0, 0.5, 0.0, 0.0]], [[0.0, 0.5, 1.0, 1.0]]]
    """
    total = np.asarray(np.sum(found, 0), np.float32)
    owner = np.stack(found).argmax(0)
    claimed = total > CLAIMED
    if claimed.any() and not claimed.all():
        free = (~claimed).astype(np.uint8)
        _, label = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        owners = np.zeros(int(label.max()) + 1, owner.dtype)
        owners[label[claimed]] = owner[claimed]
        owner = owners[label]
    return [
        np.where(claimed, one / np.maximum(total, CLAIMED), owner == at).astype(np.float32)
        for at, one in enumerate(found)
    ]


def by_color(share: Floats, photo: Image, core: Bools) -> Floats:
    """The share, in which pixels that the network is in doubt about go to whose color they are nearer to.

    Where it is sure nearby, of the person or of another, tells the two colors.
    """
    doubt = core & (share > DOUBT) & (share < 1 - DOUBT)
    if not doubt.any():
        return share
    pixels = photo.astype(np.float32) / np.float32(255 if photo.dtype == np.uint8 else 65535)
    reach = max(3, round(max(core.shape) / 20)) | 1
    distances = []
    for sure in (core & (share >= 1 - DOUBT), core & (share <= DOUBT)):
        weight = np.asarray(cv2.blur(sure.astype(np.float32), (reach, reach)), np.float32)
        mean = cv2.blur(pixels * sure[..., None], (reach, reach)) / np.maximum(weight, 1e-6)[..., None]
        distances.append(np.where(weight > 1e-3, ((pixels - mean) ** 2).sum(2), np.nan))
    own, other = distances
    pull = (other - own) / (other + own + LIKE * LIKE)
    pulled = np.clip(share + PULL * np.nan_to_num(pull), 0, 1)
    return np.where(doubt, pulled, share).astype(np.float32)


def outward(share: Floats, core: Bools) -> Floats:
    """The share, with each pixel outside the core given that of the core near it."""
    sigma = max(1.0, max(core.shape) / 60)
    weight = core.astype(np.float32)
    near = cv2.GaussianBlur(weight, (0, 0), sigma)
    carried = cv2.GaussianBlur(weight * share, (0, 0), sigma) / np.maximum(near, 1e-4)
    return np.where(core, share, np.clip(carried, 0, 1)).astype(np.float32)


def _reach(part: Bools, mask: Mask) -> Bools:
    """The part and the soft outline around it, without that of other parts."""
    others = ((mask > PERSON) & ~part).astype(np.uint8)
    if not others.any():
        return np.ones(part.shape, bool)
    to_part = cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(to_part < cv2.distanceTransform(1 - others, cv2.DIST_L2, 3))


def without_scraps(share: Floats, part: Bools, at: Sequence[At]) -> Floats:
    """The share without small pieces away from the clicks."""
    body = ((share > 0.5) & part).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body, connectivity=8)
    if count < 3:
        return share
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0
    clicked = {int(labels[int(y), int(x)]) for x, y in at}
    scraps = [one for one in range(1, count) if areas[one] < SCRAP * areas.max() and one not in clicked]
    result = share.copy()
    result[np.isin(labels, scraps)] = 0
    return result
