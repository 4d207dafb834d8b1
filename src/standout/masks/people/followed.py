"""Somebody whom the tracker follows: a value, and as arrays that another process reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout.masks.people.body import GRID, TrackedBody
from standout.masks.people.looks import BINS
from standout.types import Floats

_BODY: dict[str, tuple[int, ...]] = {"outline": GRID, "colors": (*GRID, 3), "box": (4,), "speed": (2,), "hidden": ()}
"""The fields of a body, and their shapes."""

MOST_AWAY = 100
"""People out of sight who are remembered at most: before a camera that runs for hours, thousands pass by."""


@dataclass(frozen=True)
class Followed:
    """Somebody who is followed.

    look: see looks.py. area: when last seen alone and whole, as a share of the frame. born: when they were first seen,
    in seconds. body: see body.py. visible: whether they are in the last frame. hidden_by: the numbers of those in whose
    group they were lost from sight. seen: when they were last in sight, in seconds.
    """

    number: int
    look: Floats
    area: float
    born: Fraction
    body: TrackedBody
    visible: bool = True
    hidden_by: tuple[int, ...] = ()
    seen: Fraction = Fraction(0)


def forget(people: dict[int, Followed], time: Fraction, *, kept: frozenset[int]) -> None:
    """Forgets those out of sight but for the MOST_AWAY who were seen last. kept: numbers that are not forgotten.

    Nor is the highest number, since the next one is given after it. time: of this frame.
    """
    for number, one in people.items():
        if one.visible:
            people[number] = replace(one, seen=time)
    kept |= {max(people, default=0)}
    away = [one for one in people.values() if not one.visible and one.number not in kept]
    for one in sorted(away, key=lambda one: one.seen)[: max(0, len(away) - MOST_AWAY)]:
        del people[one.number]


def to_arrays(people: Sequence[Followed]) -> dict[str, NDArray[Any]]:
    """The people as arrays."""
    return {
        "numbers": np.array([one.number for one in people], np.int32),
        "looks": np.array([one.look for one in people], np.float32).reshape(-1, 2, BINS),
        "areas": np.array([one.area for one in people], np.float64),
        "born": np.array([str(one.born) for one in people], np.str_),
        "visible": np.array([one.visible for one in people], bool),
        **{
            name: np.array([getattr(one.body, name) for one in people]).reshape(-1, *shape)
            for name, shape in _BODY.items()
        },
        "seen": np.array([str(one.seen) for one in people], np.str_),
        "hidden_by": np.array([" ".join(map(str, one.hidden_by)) for one in people], np.str_),
    }


def from_arrays(state: Mapping[str, NDArray[Any]]) -> list[Followed]:
    """The people that to_arrays wrote."""
    return [
        Followed(
            int(number),
            state["looks"][index],
            float(state["areas"][index]),
            Fraction(str(state["born"][index])),
            TrackedBody(
                state["outline"][index],
                state["colors"][index],
                state["box"][index],
                state["speed"][index],
                float(state["hidden"][index]),
            ),
            bool(state["visible"][index]),
            tuple(map(int, str(state["hidden_by"][index]).split())),
            Fraction(str(state["seen"][index])),
        )
        for index, number in enumerate(state["numbers"])
    ]
