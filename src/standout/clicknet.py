"""The click network at work: a photo, its people mask and clicks -> the mask of the person clicked on.

image   uint8 or uint16 (H, W, 3)   RGB, at any size
mask    float32 (h, w)              the people mask, at the photo's size or smaller
at      (x, y)                      a click, in pixels of the photo
answer  float32 (H, W)              share of each pixel that is that person; never more than the people mask
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from standout.errors import InputError
from standout.masks import clicks
from standout.masks.clicks import At, Square
from standout.masks.everyone import Answers, everyone
from standout.masks.letterbox import resize
from standout.masks.people import WORK_SIDE, shrink
from standout.masks.share import Look, shares, without_scraps
from standout.models.registry import find_click
from standout.runtimes import Session, onnx
from standout.types import Bools, Floats, Image, Mask

ZOOM = 0.62
"""A person in a square smaller than this share of the one first looked at is looked at again, in that square."""
SMALL = 64
"""Pixels of the longer side of a connected part in which people are told apart: in fewer, nobody can be recognized."""
AROUND = 1.6
"""The side of that second square, as a multiple of the person's longer side."""


@dataclass(frozen=True)
class ClickNet:
    """Tells the people of a mask apart, on a photo of at most WORK_SIDE pixels; the mask stays at its own size."""

    session: Session

    @classmethod
    def open(cls, path: Path | None = None, *, threads: int | None = None) -> ClickNet:
        """The bundled click network, or that of a file. threads: of one call; None means all cores.

        Raises ModelError where the file is missing or damaged.
        """
        return cls(onnx.open(path or find_click(), threads=threads, channels=3 + clicks.PLANES))

    def person(self, image: Image, mask: Mask, *, at: Sequence[At], not_at: Sequence[At] = ()) -> Mask:
        """The mask of the person that the clicks in at are on, and those in not_at are not.

        A click beside the people counts as one a little inside of them. Where the mask is of nobody, the answer is
        empty.

        Raises InputError without a click in at, and for one outside the photo.
        """
        height, width = image.shape[:2]
        _check(at, not_at, height, width)
        photo, people = _worked(image, mask)
        scale = photo.shape[1] / width, photo.shape[0] / height
        on, off = ([(x * scale[0], y * scale[1]) for x, y in some] for some in (at, not_at))
        body = people > clicks.PERSON
        if not body.any():
            return np.zeros((height, width), np.float32)
        on = [clicks.inward(body, one) for one in on]
        part = clicks.parts_at(body, on)
        square = clicks.square_about(part)
        share = self._share(photo, people, part, square, on, off)
        closer = _closer((share > 0.5) & part, square)
        if closer is not None:
            share = self._share(photo, people, part, closer, on, off)
        share = without_scraps(share, part, on)
        answer: Mask = resize(mask, height, width) * resize(share, height, width)
        return answer

    def apart(self, image: Image, mask: Mask) -> list[Mask]:
        """A mask for every person, largest first; together they are the people mask.

        Everyone in a connected part is found by clicks that are chosen without a person, see masks.everyone. How many
        there are is a guess; docs/research/choose.md tells how often it is right.
        """
        height, width = image.shape[:2]
        photo, people = _worked(image, mask)
        whole = resize(mask, height, width)
        found: list[Mask] = []
        for part in clicks.parts(people):
            square = clicks.square_about(part)
            small = clicks.seen(part.astype(np.float32), square, fill=0) > clicks.PERSON
            if square.side < SMALL * clicks.MARGIN:
                answers = [np.ones(small.shape, np.float32)]
            else:
                answers = everyone(small, self._asked(photo, people, square))
            looks = [(square, answer) for answer in answers]
            done = shares(looks, part, photo, people)
            closer = self._closer(looks, [(one > 0.5) & part for one in done], photo, people)
            if any(one is not other for one, other in zip(looks, closer, strict=True)):
                done = shares(closer, part, photo, people)
            found += [whole * resize(one, height, width) for one in done]
        return sorted(found, key=lambda one: -float(one.sum()))

    def _closer(self, looks: list[Look], bodies: list[Bools], photo: Image, people: Mask) -> list[Look]:
        """The looks, with closer ones for those who are small in their square. bodies: the pixels of each."""
        places = [clicks.inmost(body)[0] for body in bodies]
        result = []
        for at, look in enumerate(looks):
            square = _closer(bodies[at], look[0])
            if square is not None:
                others = [clicks.place_in(square, one) for one in places[:at] + places[at + 1 :]]
                inside = [one for one in others if min(one) >= 0 and max(one) < clicks.SIDE]
                place = clicks.place_in(square, places[at])
                look = (square, self._asked(photo, people, square)([place], inside))
            result.append(look)
        return result

    def _share(
        self, photo: Image, people: Mask, part: Bools, square: Square, at: Sequence[At], not_at: Sequence[At]
    ) -> Floats:
        """The person's share of the pixels, at the size of the photo that is worked on."""
        on, off = ([clicks.place_in(square, one) for one in some] for some in (at, not_at))
        return shares([(square, self._asked(photo, people, square)(on, off))], part, photo, people)[0]

    def _asked(self, photo: Image, people: Mask, square: Square) -> Answers:
        """What the network answers to clicks in pixels of the square: those on the person, and those not."""
        colors, seen = clicks.colors(photo, square), clicks.seen(people, square, fill=0.0)

        def answers(at: Sequence[At], not_at: Sequence[At]) -> Floats:
            maps = np.stack([seen, *clicks.maps_of(at), *clicks.maps_of(not_at)])
            answer: Floats = self.session.run(np.concatenate([colors, maps])[None])[0, 0]
            return answer

        return answers


def _worked(image: Image, mask: Mask) -> tuple[Image, Mask]:
    """The photo and the people mask at the size at which people are told apart."""
    photo = shrink(image, WORK_SIDE)
    return photo, resize(mask, *photo.shape[:2])


def _closer(body: Bools, square: Square) -> Square | None:
    """The square about a person who is small in the one looked at first; None for others."""
    if not body.any():
        return None
    closer = clicks.square_about(body, margin=AROUND)
    return closer if closer.side < ZOOM * square.side else None


def _check(at: Sequence[At], not_at: Sequence[At], height: int, width: int) -> None:
    if not at:
        raise InputError("no click says which person is meant; give at least one point (x, y) on the person")
    for x, y in (*at, *not_at):
        if not (0 <= x < width and 0 <= y < height):
            raise InputError(
                f"the point {x:g},{y:g} lies outside the photo, which is {width}x{height} pixels; give x from 0 to "
                f"{width - 1} and y from 0 to {height - 1}"
            )
