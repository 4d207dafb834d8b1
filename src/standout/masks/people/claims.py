"""Which parts of a frame's mask belong together, because somebody may be in several of them, or several in one.

parts    int32 (h, w)   0 nobody, 1..n the connected parts of the mask
before   int32 (h, w)   the labels of the frame before, as motion takes them to this one
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from standout.masks.people.apart import Labels

CLAIM = 0.15
"""A person claims a part of the mask that holds at least so much of where motion takes them."""


def groups(parts: Labels, before: Labels, visible: Iterable[int]) -> list[tuple[list[int], list[int]]]:
    """(numbers of parts, numbers of people) that belong together, because somebody claims several of the parts.

    >>> groups(np.array([[1, 1, 1, 0, 2, 2, 2]], np.int32), np.array([[7, 7, 7, 0, 0, 0, 0]], np.int32), [7])
    [([1], [7]), ([2], [])]
    """
    claims: dict[int, set[int]] = {part: set() for part in range(1, int(parts.max()) + 1)}
    for number in visible:
        held = np.bincount(parts[before == number], minlength=len(claims) + 1)[1:]
        total = max(1, int(held.sum()))
        for part, count in enumerate(held, 1):
            if count >= max(3, CLAIM * total):
                claims[part].add(number)
    found: list[tuple[set[int], set[int]]] = []
    for part, people in claims.items():
        joined = [one for one in found if one[1] & people]
        found = [one for one in found if not one[1] & people]
        found.append(({part}.union(*(one[0] for one in joined)), people.union(*(one[1] for one in joined))))
    return [(sorted(some), sorted(people)) for some, people in found]
