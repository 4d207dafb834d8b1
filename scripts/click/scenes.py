"""Scenes that the click network learns from: composed crowds, real groups and single people, seen as at inference.

photo    uint8 (SIDE, SIDE, 3)             the square about a connected part of the people mask
planes   float32 (CLICKS, 5, SIDE, SIDE)   the mask and the maps of each set of clicks
target   uint8 (CLICKS, SIDE, SIDE)        1 the person clicked on, 0 another person, 255 does not count
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from crowds import CROWDED, SIDE_BY_SIDE, crowd, finished
from cutouts import HELD_OUT, Kept

from standout.masks.clicks import At, Square, maps_of, place_in, seen, square_about
from standout.masks.letterbox import FILL
from standout.types import Bools, Bytes, Floats

CLICKS = 3
SKIP = 255
ALONE_SKIPPED = 0.35
"""How often a part that is one person alone is passed over: it is easy, and photos are full of such parts."""
GROUP_SIZES = (0.14, 0.28, 0.25, 0.18, 0.15)
"""The shares of crowds of 1 to 5 people."""


@dataclass
class Scene:
    """What the network is shown and what it is to answer; see the table above."""

    photo: Bytes
    planes: Floats
    target: Bytes


@dataclass
class Pool:
    """What scenes are drawn from."""

    singles: Kept
    empty: Kept
    groups: Kept
    composed: float = 0.5
    """The share of composed crowds; the rest are real groups."""

    def training(self) -> list[int]:
        """The groups that are not held out."""
        return [at for at in range(len(self.groups)) if at % HELD_OUT]

    def draw(self, rng: np.random.Generator) -> Scene:
        """A scene; people who cannot be clicked on are passed over."""
        while True:
            if rng.random() < self.composed:
                count = 1 + int(rng.choice(len(GROUP_SIZES), p=GROUP_SIZES))
                layout = SIDE_BY_SIDE if rng.random() < 0.5 else CROWDED
                photo, instances = crowd(self.singles, self.empty, count, rng, layout=layout)
                mask = rough((instances > 0).astype(np.uint8) * 255, rng)
            else:
                kept = self.groups[int(rng.choice(self.training()))]
                photo, instances = kept[..., :3], kept[..., 3]
                told = np.where(instances == SKIP, kept[..., 4], (instances > 0).astype(np.uint8) * 255)
                mask = kept[..., 4] if rng.random() < 0.6 else rough(told, rng)
                if rng.random() < 0.5:
                    photo, instances, mask = (np.ascontiguousarray(one[:, ::-1]) for one in (photo, instances, mask))
            scene = seen_about(photo, instances, mask, rng)
            if scene is not None:
                return scene


def rough(mask: Bytes, rng: np.random.Generator) -> Bytes:
    """A mask as a person finder might draw it: too wide or narrow in places, soft, some of it missing."""
    done = mask.astype(np.float32) / 255
    if rng.random() < 0.6:
        height, width = mask.shape
        coarse = rng.normal(0, 1, (max(2, height // 24), max(2, width // 24))).astype(np.float32)
        noise = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        sigma = rng.uniform(0.8, 3.0)
        wavy = np.asarray(cv2.GaussianBlur(done, (0, 0), sigma), np.float32) + 0.18 * noise
        done = np.clip((wavy - 0.5) * rng.uniform(1.5, 4) + 0.5, 0, 1).astype(np.float32)
    else:
        done = np.asarray(cv2.GaussianBlur(done, (0, 0), rng.uniform(0.4, 1.2)), np.float32)
    return np.asarray(done * 255 + 0.5, np.uint8)


def part_at(mask: Bytes, at: At) -> Bools:
    """The connected part of a mask at a click."""
    _, labels = cv2.connectedComponents((mask > 127).astype(np.uint8), connectivity=8)
    return cast("Bools", labels == labels[round(at[1]), round(at[0])])


def seen_about(photo: Bytes, instances: Bytes, mask: Bytes, rng: np.random.Generator) -> Scene | None:
    """A scene about one of the connected parts, with clicks on people in it; None where nobody can be clicked on."""
    found = np.where((mask > 127) & (instances > 0) & (instances < SKIP), instances, 0)
    areas = np.bincount(found.reshape(-1), minlength=SKIP)[:SKIP]
    areas[0] = 0
    numbers = np.flatnonzero(areas > 60)
    if not len(numbers):
        return None
    weight = np.sqrt(areas[numbers].astype(np.float64))
    number = int(rng.choice(numbers, p=weight / weight.sum()))
    at = click_in(found == number, rng)
    part = part_at(mask, at)
    beside = np.bincount(found[part], minlength=SKIP)[1:SKIP]
    if (beside > 40).sum() < 2 and rng.random() < ALONE_SKIPPED:
        return None
    square = square_about(part, margin=float(rng.uniform(1.05, 1.35)))
    own = square_about(part & (found == number), margin=float(rng.uniform(1.3, 2.6)))
    if own.side < square.side and rng.random() < (0.75 if own.side < 0.45 * square.side else 0.2):
        square = own
    shift = rng.integers(-square.side // 16, square.side // 16 + 1, 2)
    square = Square(square.left + int(shift[0]), square.top + int(shift[1]), square.side)
    rows, columns = square.overlap(*mask.shape)
    inside = np.bincount(found[rows, columns].reshape(-1), minlength=SKIP)[:SKIP]
    there = [one for one in numbers if inside[one] > 40 and one != number]
    rng.shuffle(there)
    small = seen(mask, square, fill=0)
    numbered = _nearest(instances, square)
    planes, targets = [], []
    for who in [number, *there, *[number] * CLICKS][:CLICKS]:
        body = (found == who) & (mask > 127)
        window = np.zeros_like(body)
        window[rows, columns] = body[rows, columns]
        if who == number:
            window &= part
        if window.sum() < 20:
            window[rows, columns] = body[rows, columns]
        good, bad = _clicks(window, (found > 0) & (found != who), square, rng)
        maps = [*maps_of([place_in(square, one) for one in good]), *maps_of([place_in(square, one) for one in bad])]
        planes.append(np.stack([small.astype(np.float32) / 255, *maps]))
        skip = (numbered == SKIP) | ((small < 60) & (numbered != who))
        targets.append(np.where(skip, SKIP, (numbered == who) & (small > 30)).astype(np.uint8))
    view = np.full((*small.shape, 3), FILL, np.uint8)
    within = square.inner(*mask.shape)
    view[within] = finished(seen(photo, square, fill=FILL), rng)[within]
    return Scene(view, np.stack(planes), np.stack(targets))


def _nearest(instances: Bytes, square: Square) -> Bytes:
    """The square of an instance map, whose numbers must not be averaged."""
    rows, columns = square.overlap(*instances.shape)
    to_rows, to_columns = square.inner(*instances.shape)
    whole = seen(np.zeros_like(instances), square, fill=0)
    size = (to_columns.stop - to_columns.start, to_rows.stop - to_rows.start)
    part = np.ascontiguousarray(instances[rows, columns])
    whole[to_rows, to_columns] = cv2.resize(part, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return whole


def click_in(body: Bools, rng: np.random.Generator, *, middle: float = 0.25) -> At:
    """A click on a body, mostly away from its edge. middle: how often it is the innermost pixel."""
    left, top, width, height = cv2.boundingRect(body.astype(np.uint8))
    part = np.pad(body[top : top + height, left : left + width].astype(np.uint8), 1)
    depth = cv2.distanceTransform(part, cv2.DIST_L2, 3)[1:-1, 1:-1]
    if rng.random() < middle:
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    else:
        least = depth.max() * rng.choice([0.05, 0.3, 0.6], p=[0.25, 0.4, 0.35])
        rows, columns = np.nonzero(depth >= least)
        one = int(rng.integers(len(rows)))
        row, column = rows[one], columns[one]
    return float(left + column), float(top + row)


def _clicks(body: Bools, others: Bools, square: Square, rng: np.random.Generator) -> tuple[list[At], list[At]]:
    """Clicks on a body, and now and then on what is not of it, mostly on other people near by."""
    good = [click_in(body, rng)]
    while rng.random() < 0.2 and len(good) < 4:
        good.append(click_in(body, rng, middle=0.0))
    bad: list[At] = []
    rows, columns = square.overlap(*body.shape)
    there = np.zeros_like(others)
    there[rows, columns] = others[rows, columns]
    if there.sum() < 20 or rng.random() > 0.35:
        return good, bad
    reach = max(3, square.side // 12) | 1
    near = there & (cv2.dilate(body.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0)
    for _ in range(1 + int(rng.random() < 0.3)):
        bad.append(click_in(near if near.sum() > 8 and rng.random() < 0.6 else there, rng))
    return good, bad
