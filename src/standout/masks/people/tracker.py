"""The tracker: who is who from frame to frame of a clip, on the network's small masks.

mask     float32 (h, w)      person probability of the whole frame, the network's own, filtered over time
image    uint8   (H, W, 3)   RGB, the frame at any size
labels   int32   (h, w)      0 nobody, and the number of the person who is seen there; numbers are never given again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.masks.letterbox import resize
from standout.masks.people.apart import Labels, apart, parts
from standout.masks.people.body import (
    TrackedBody,
    body_of,
    likeness_in_place,
    moved_on,
    seen_alone,
    taken_from,
    window_of,
)
from standout.masks.people.claims import groups
from standout.masks.people.followed import Followed, forget, from_arrays, to_arrays
from standout.masks.people.looks import Bins, bins_in, gray_of, lab_of, likeness, look_of
from standout.masks.people.within import best_pairs, shared_pixels
from standout.types import Bools, Bytes, Floats, Image, Mask

SIDE = 256
"""The longest side, in pixels, of the masks and pictures in which people are followed."""

KNOWN = 0.75
"""How alike two looks must be for somebody who was away to be known again."""

ALIKE = 0.6
"""How alike a part must look to somebody hidden in the group that it leaves, to be them."""

LEARN, SURE = 0.1, 0.8
"""By how much a look is renewed in each frame in which its person stands alone, if they look that much as before; a
tenth of it if they do not."""

PARTLY = 0.6
"""Somebody alone of whom less than this share of their size is seen is seen in part, and teaches nothing new."""

SHRINK = 0.05
"""By how much the size of somebody who is seen whole, and smaller than before, is renewed in each frame."""

SMALL = 0.05
"""What comes into view and is smaller than this share of the largest person is nobody."""

STRANGER = 0.65
"""Somebody alone, and about as large as before, who is less like themselves (the mean of how alike the looks are, and
the colors in their places) is somebody else, who has come in the moment the first went out. In clips of people cut from
training photos, 99 in 100 pairs of strangers are at most 0.60 alike, and 95 in 100 pairs of views of the same person,
over a second apart, at least 0.71."""

GONE = 0.04
"""Somebody of whom less than this share of their size is left within a group is hidden by the others."""

PROBATION = Fraction(2)
"""Seconds for which somebody new may still turn out to be somebody who was away: at first they may be seen in part."""

FRAGMENT = 0.5
"""A part that lies so much above or below the rest of a person, as legs behind a table do, is still that person."""


@dataclass(frozen=True)
class _Scene:
    """A frame at the size at which people are followed, and where motion takes the people of the frame before.

    seconds: since the frame before. paint: see body.py.
    """

    time: Fraction
    seconds: float
    paint: Bytes
    bins: Bins
    before: Labels
    parts: Labels


class Tracker:
    """Follows everybody in a clip, frame after frame in their order.

    people: everybody who is remembered, by number (see forget). renamed: numbers that turned out in this frame to be
    those of somebody who was away, and whose. unforgotten: numbers of people who are to be remembered forever.

    Connected parts of the mask are given to the people whom dense optical flow takes there. Where several are taken to
    one part, each of its pixels goes to whoever was there before, whose body has its place there, and whose colors fit;
    bodies move on as they moved, also while they are hidden. Where a part comes apart again, its pieces are given out
    anew by overlap and by color, so that a mistake within a group ends with the group.
    Somebody who comes into view is compared with those who are away, and is somebody new if nobody is alike.
    """

    def __init__(self) -> None:
        self.people: dict[int, Followed] = {}
        self.renamed: dict[int, int] = {}
        self.unforgotten: frozenset[int] = frozenset()
        self._labels: Labels | None = None
        self._gray: Bytes | None = None
        self._time: Fraction | None = None
        self._placed: set[int] = set()
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(1)

    def __call__(self, mask: Mask, image: Image, time: Fraction) -> Labels:
        """The labels of the next frame, at most SIDE pixels on their longer side."""
        self.renamed, self._placed = {}, set()
        height, width = mask.shape
        scale = min(1.0, SIDE / max(height, width))
        size = max(16, round(height * scale)), max(16, round(width * scale))
        small, look = resize(mask, *size), np.asarray(resize(image, *size), np.uint8)
        gray, lab = gray_of(look), lab_of(look)
        is_first = self._labels is None or self._labels.shape != size
        before = np.zeros(size, np.int32) if is_first else self._moved(gray)
        seconds = 0.0 if self._time is None else max(0.0, float(time - self._time))
        paint = np.asarray(cv2.blur(lab, (3, 3)), np.uint8)
        scene = _Scene(time, seconds, paint, bins_in(lab), before, parts(small))
        labels = np.zeros(size, np.int32)
        visible = [one.number for one in self.people.values() if one.visible]
        for group in groups(scene.parts, scene.before, visible):
            self._give(scene, small, group, labels)
        self._remember(scene, labels)
        forget(self.people, time, kept=self.unforgotten)
        self._labels, self._gray, self._time = labels, gray, time
        return labels

    def _moved(self, gray: Bytes) -> Labels:
        """The last labels as motion takes them to the present frame."""
        assert self._labels is not None and self._gray is not None
        flow = np.asarray(self._flow.calc(gray, self._gray, None), np.float32)  # type: ignore[call-overload]
        rows, columns = np.indices(gray.shape, np.float32)
        moved = cv2.remap(
            self._labels.astype(np.float32), columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_NEAREST
        )
        return np.asarray(moved, np.int32)

    def _give(self, scene: _Scene, mask: Mask, group: tuple[list[int], list[int]], labels: Labels) -> None:
        """Writes into the labels who is in each part of the group."""
        numbers, people = group
        if not people:
            self._welcome(scene, mask, scene.parts == numbers[0], labels)
            return
        shares = self._shared_out(scene, numbers, people)
        for part, those in shares.items():
            where = scene.parts == part
            if not those:
                self._welcome(scene, mask, where, labels, known=people)
                continue
            hidden = self._hidden_by(those)
            if len(those) == 1 and self._is_stranger(scene, where, those[0]):
                self.people[those[0]] = replace(self.people[those[0]], visible=False, hidden_by=())
                self._welcome(scene, mask, where, labels)
            elif len(those) == 1 and not hidden:
                labels[where] = those[0]
            else:
                self._move_on(scene, [*those, *hidden])
                some = shared_pixels(
                    where, scene.before, scene.bins, scene.paint,
                    seen=[self.people[one] for one in those], hidden=[self.people[one] for one in hidden],
                )  # fmt: skip
                labels[where] = some[where]

    def _move_on(self, scene: _Scene, people: list[int]) -> None:
        """Finds out where those people, who are in one group, are by now: first those of whom most was seen."""
        free = (scene.parts > 0).astype(np.float32)
        seen = {number: (scene.before == number).mean() / max(1e-6, self.people[number].area) for number in people}
        for number in sorted(people, key=lambda one: -seen[one]):
            track = self.people[number]
            if number not in self._placed:
                body = moved_on(track.body, scene.paint, free, scene.seconds, seen=track.visible)
                track = self.people[number] = replace(track, body=body)
                self._placed.add(number)
            if not track.body.hidden:
                taken_from(free, track.body, scene.paint)

    def _shared_out(self, scene: _Scene, numbers: list[int], people: list[int]) -> dict[int, list[int]]:
        """Who is in which of the parts."""
        if len(numbers) == 1:
            return {numbers[0]: people}
        people = [*people, *self._who_returns(scene, numbers, people)]
        score = np.zeros((len(people), len(numbers)))
        for column, part in enumerate(numbers):
            where = scene.parts == part
            look, area = look_of(scene.bins, where), float(where.mean())
            for row, number in enumerate(people):
                track = self.people[number]
                there = int((scene.before[where] == number).sum()) / max(1, int((scene.before == number).sum()))
                size = min(area, track.area) / max(area, track.area)
                score[row, column] = there + 2 * likeness(look, track.look) + 0.5 * size
        shares: dict[int, list[int]] = {part: [] for part in numbers}
        if len(people) <= len(numbers):
            for row, column in enumerate(best_pairs(score)):
                shares[numbers[column]].append(people[row])
            self._attach(scene, shares)
        else:
            for column, row in enumerate(best_pairs(score.T)):
                shares[numbers[column]].append(people[row])
            given = {number for those in shares.values() for number in those}
            for number in people:
                if number not in given and self.people[number].visible:
                    held = [int(((scene.parts == part) & (scene.before == number)).sum()) for part in numbers]
                    shares[numbers[int(np.argmax(held))]].append(number)
        return shares

    def _hidden_by(self, people: list[int]) -> list[int]:
        """The numbers of those who were lost from sight behind any of these people."""
        return [one.number for one in self.people.values() if not one.visible and set(one.hidden_by) & set(people)]

    def _who_returns(self, scene: _Scene, numbers: list[int], people: list[int]) -> list[int]:
        """Those out of sight who look like one of the parts."""
        looks = [(look_of(scene.bins, scene.parts == part), float((scene.parts == part).mean())) for part in numbers]
        return [
            number
            for number, track in self.people.items()
            if not track.visible
            and any(
                area >= 0.3 * track.area
                and likeness(look, track.look) >= (ALIKE if set(track.hidden_by) & set(people) else KNOWN)
                for look, area in looks
            )
        ]

    def _is_stranger(self, scene: _Scene, where: Bools, number: int) -> bool:
        """Whether who is alone there is somebody else; see STRANGER."""
        track = self.people[number]
        alike_in_size = 0.6 <= float(where.mean()) / max(1e-6, track.area) <= 1.6
        if not alike_in_size:
            return False
        place = likeness_in_place(track.body, scene.paint, where)
        return (likeness(look_of(scene.bins, where), track.look) + place) / 2 < STRANGER

    def _attach(self, scene: _Scene, shares: dict[int, list[int]]) -> None:
        """Gives a part that is left over to whoever is above or below it and was there before."""
        for part in [one for one, those in shares.items() if not those]:
            where = scene.parts == part
            owners = np.bincount(scene.before[where])
            owners[0] = 0
            owner = int(np.argmax(owners)) if owners.any() else 0
            main = next((one for one, those in shares.items() if owner in those), None)
            if main is None:
                continue
            columns, other = where.any(0), (scene.parts == main).any(0)
            if (columns & other).sum() >= FRAGMENT * columns.sum():
                shares[part].append(owner)

    def _welcome(self, scene: _Scene, mask: Mask, where: Bools, labels: Labels, known: list[int] | None = None) -> None:
        """Writes into the labels who has come into view there: somebody who was away, or somebody new."""
        pieces = apart(np.where(where, mask, np.float32(0)))
        for piece in range(1, int(pieces.max()) + 1):
            own = pieces == piece
            if float(own.mean()) < SMALL * max((one.area for one in self.people.values() if one.visible), default=0.0):
                continue
            look = look_of(scene.bins, own)
            away = [(likeness(look, one.look), one.number) for one in self.people.values()
                    if not one.visible and not (labels == one.number).any()]  # fmt: skip
            alike, number = max(away, default=(0.0, 0))
            if alike < KNOWN:
                number = 1 + max(self.people, default=0)
                self.people[number] = Followed(number, look, float(own.mean()), scene.time, body_of(scene.paint, own))
            labels[own] = number

    def _remember(self, scene: _Scene, labels: Labels) -> None:
        """Renews what is known of everybody after a frame."""
        alone = {}
        for part in range(1, int(scene.parts.max()) + 1):
            inside = np.unique(labels[scene.parts == part])
            for number in map(int, inside):
                alone[number] = tuple(int(one) for one in inside if one not in (0, number))
        areas = np.bincount(labels.ravel(), minlength=max(self.people, default=0) + 1) / labels.size
        for number, track in list(self.people.items()):
            if number in self.renamed.values():
                continue
            area, others = float(areas[number]), alone.get(number, ())
            if others and area < GONE * track.area:
                labels[labels == number] = 0
                self.people[number] = replace(track, visible=False, hidden_by=others)
            elif area == 0:
                if track.visible:
                    self.people[number] = replace(track, visible=False, hidden_by=self._about(scene, number, labels))
            elif others or self._hidden_by([number]):  # who is hidden by them may be seen in part
                self.people[number] = replace(track, visible=True, hidden_by=())
            else:
                own = labels == number
                now = look_of(scene.bins, own)
                body = self._body(scene, track, own, whole=area >= PARTLY * track.area)
                rate = LEARN if likeness(now, track.look) >= SURE else LEARN / 10
                at_side = bool(own[:, 0].any() or own[:, -1].any())
                if area < PARTLY * track.area or (
                    at_side and area < track.area
                ):  # behind something, or leaving the frame
                    rate = 0.0
                if area < track.area:  # leaving the frame, or seen in part: not smaller at once
                    fade = SHRINK if area >= PARTLY * track.area else LEARN / 10
                    area = (1 - fade) * track.area + fade * area
                look = (1 - rate) * track.look + rate * now
                self.people[number] = replace(
                    track, look=np.asarray(look, np.float32), area=area, body=body, visible=True, hidden_by=()
                )
                if scene.time - track.born <= PROBATION:
                    self._recognize(scene, number, now, labels)

    def _body(self, scene: _Scene, track: Followed, own: Bools, *, whole: bool) -> TrackedBody:
        """The body of somebody who stands alone, whole or in part."""
        if whole:
            return seen_alone(track.body, scene.paint, own, scene.seconds)
        if track.number in self._placed:
            return track.body
        return moved_on(track.body, scene.paint, own.astype(np.float32), scene.seconds, seen=track.visible)

    def _recognize(self, scene: _Scene, number: int, look: Floats, labels: Labels) -> None:
        """Gives somebody new, who stands alone, the number of somebody who was away, where they are alike."""
        area = self.people[number].area
        away = [(likeness(look, one.look), one.number) for one in self.people.values()
                if not one.visible and one.born < self.people[number].born and area >= 0.4 * one.area]  # fmt: skip
        alike, other = max(away, default=(0.0, 0))
        if alike >= KNOWN:
            labels[labels == number] = other
            self.people[other] = replace(self.people[other], visible=True, hidden_by=())
            del self.people[number]
            self.renamed[number] = other

    def _about(self, scene: _Scene, number: int, labels: Labels) -> tuple[int, ...]:
        """The people who are seen where this one should be."""
        own = scene.before == number
        own[window_of(self.people[number].body, labels.shape)] = True
        there = labels[cv2.dilate(own.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0]
        return tuple(int(one) for one in np.unique(there) if one > 0)

    def state(self) -> dict[str, NDArray[Any]]:
        """What this tracker remembers, as arrays; one that is given them by restore continues as this one does."""
        if self._labels is None or self._gray is None:
            return {}
        time = np.array(str(self._time))
        return {"labels": self._labels, "gray": self._gray, "time": time, **to_arrays(list(self.people.values()))}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Makes this tracker continue as the one whose state was saved."""
        self.people, self._labels, self._gray, self._time = {}, None, None, None
        if state:
            self._labels, self._gray = state["labels"], state["gray"]
            self._time = Fraction(str(state["time"]))
            self.people = {one.number: one for one in from_arrays(state)}
