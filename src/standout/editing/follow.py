"""The people that an edit chooses, from frame to frame of a clip or of live pictures."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout.editing.people import People
from standout.errors import InputError
from standout.masks.letterbox import resize
from standout.masks.people.apart import Labels, nearest
from standout.masks.people.found import from_left
from standout.masks.people.tracker import Tracker
from standout.types import Image, Mask

PATIENCE = 5
"""Seconds for which somebody who was chosen by a word, such as largest, may be away before the choice is made anew."""


class Follower:
    """Chooses people once, and gives the mask of those people in every frame after that, in the order of time.

    The choice is made in the first frame, from people.at_time on, in which somebody is; numbers wait until so many are
    there. Those chosen by points and numbers stay chosen, however long they are away. Where everybody is chosen, masks
    are given back as they came.

    waits: while a point is on nobody, nobody is chosen, and the next frame is tried, instead of an error.
    """

    def __init__(self, people: People, *, waits: bool = False) -> None:
        self._people, self._waits = people, waits
        self._tracker = Tracker()
        self._chosen: frozenset[int] | None = None
        self._left_out: frozenset[int] = frozenset()
        self._last_seen = Fraction(0)

    def __call__(self, mask: Mask, image: Image, time: Fraction) -> Mask:
        """The mask (h, w) of the chosen people alone, of the network's mask of the next frame.

        Raises InputError where the choice cannot be made, and says who is there.
        """
        if self._people.is_everybody:
            return mask
        self._tracker.unforgotten = self._left_out | (self._chosen or frozenset())
        labels = self._tracker(mask, image, time)
        if self._chosen is not None and self._tracker.renamed:
            names = self._tracker.renamed
            self._chosen = frozenset(names.get(one, one) for one in self._chosen)
            self._left_out = frozenset(names.get(one, one) for one in self._left_out) - self._chosen
        if self._chosen is None:
            self._choose(labels, mask, image, time)
        if self._chosen is None:
            return np.zeros_like(mask)
        there = set(map(int, np.unique(labels))) - {0}
        others = self._people.who.word == "all" and not self._people.at
        own = there - self._left_out if others else there & self._chosen
        if own:
            self._last_seen = time
        elif there and self._may_change and time - self._last_seen > PATIENCE:
            self._chosen = None  # from the next frame on
        return _alone(mask, labels, own)

    @property
    def _may_change(self) -> bool:
        return bool(self._people.who.word) and not self._people.at

    def _choose(self, labels: Labels, mask: Mask, image: Image, time: Fraction) -> None:
        if time < Fraction(self._people.at_time):
            return
        size = (image.shape[0], image.shape[1])
        group, numbers = from_left(labels, mask, size)
        if len(numbers) < max(1, *self._people.who.indexes, 1):
            return
        try:
            own = {numbers[index - 1] for index in self._people.among(group, size)}
        except InputError as error:
            if self._waits:
                return
            raise InputError(f"{error}; another frame may be chosen by at_time") from None
        self._chosen, self._left_out = frozenset(own), frozenset(numbers) - own
        self._last_seen = time

    def state(self) -> dict[str, NDArray[Any]]:
        """What must be known to continue in another process, as arrays; nothing where everybody is chosen."""
        if self._people.is_everybody:
            return {}
        state = {f"tracker.{name}": value for name, value in self._tracker.state().items()}
        state["last_seen"] = np.array(str(self._last_seen))
        if self._chosen is not None:
            state |= {"chosen": np.array(sorted(self._chosen), np.int32)}
            state |= {"left_out": np.array(sorted(self._left_out), np.int32)}
        return state

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Makes this follower continue as the one whose state was saved."""
        prefix = "tracker."
        self._tracker.restore({name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)})
        self._chosen, self._left_out = None, frozenset()
        self._last_seen = Fraction(str(state["last_seen"])) if "last_seen" in state else Fraction(0)
        if "chosen" in state:
            self._chosen = frozenset(map(int, state["chosen"]))
            self._left_out = frozenset(map(int, state["left_out"]))


def _alone(mask: Mask, labels: Labels, own: set[int]) -> Mask:
    """The mask of those people alone; each pixel is of whoever is nearest."""
    if not own:
        return np.zeros_like(mask)
    theirs = np.isin(nearest(labels), list(own)).astype(np.float32)
    return np.asarray(mask * resize(theirs, *mask.shape), np.float32)
