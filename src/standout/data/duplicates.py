"""Near-duplicates: the same picture again, scaled, recompressed, brightened or mirrored.

look     Look              what is compared of each photo, from one decoding
groups   list[list[int]]   indices of photos that are near-duplicates of each other, at least two in each group
near     set[int]          indices of photos that are near-duplicates of photos of another set
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.types import Bytes

SIDE = 24
"""Side in pixels of the small gray pictures that are compared."""

FAR = 14
"""Two pictures whose hashes differ in more bits than this, of 64, are not compared; unrelated ones differ in 32."""

BLOCK = 1024
"""How many hashes are compared with all others at a time."""


@dataclass(frozen=True)
class Look:
    """What is compared of a photo: its difference hash, that of its mirror image, and a small gray picture.

    small: float32 (SIDE, SIDE), 0..255.
    """

    hash: int
    mirrored: int
    small: NDArray[np.float32]


def look_at(image: Bytes) -> Look:
    """The look of a photo, uint8 (H, W, 3)."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    tiny = cv2.resize(gray, (9, 8), interpolation=cv2.INTER_AREA)
    small = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return Look(_hash(tiny), _hash(tiny[:, ::-1]), small)


def _hash(tiny: NDArray[Any]) -> int:
    """The difference hash (dHash, after Krawetz): 64 bits, each says of two neighbors whether the right is brighter."""
    bits = np.packbits(tiny[:, 1:] > tiny[:, :-1])
    return int.from_bytes(bits.tobytes(), "big")


def groups(looks: Sequence[Look]) -> list[list[int]]:
    """The groups of near-duplicates, each sorted, in the order of their first members.

    Two photos that are alike bring their groups together.
    """
    joined = Joined(len(looks))
    for i, j in _candidates(looks, looks):
        if i < j and joined.root(i) != joined.root(j) and _same(looks[i], looks[j]):
            joined.join(i, j)
    return [members for members in joined.groups() if len(members) > 1]


def near(looks: Sequence[Look], others: Sequence[Look]) -> set[int]:
    """The indices of the looks that are near-duplicates of any of the others."""
    return {i for i, j in _candidates(looks, others) if _same(looks[i], others[j])}


def _same(one: Look, two: Look) -> bool:
    return alike(one, two) or alike(one, two, mirrored=True)


class Joined:
    """The numbers from 0 to count - 1 in groups that are joined pair by pair (a disjoint-set forest)."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, i: int) -> int:
        """The smallest number of i's group."""
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        """Joins the groups of i and j.

        >>> four = Joined(4)
        >>> four.join(3, 1)
        >>> four.groups()
        [[0], [1, 3], [2]]
        """
        roots = self.root(i), self.root(j)
        self._parent[max(roots)] = min(roots)

    def groups(self) -> list[list[int]]:
        """All groups, each sorted, in the order of their first members."""
        found: dict[int, list[int]] = {}
        for i in range(len(self._parent)):
            found.setdefault(self.root(i), []).append(i)
        return list(found.values())


def alike(one: Look, two: Look, *, mirrored: bool = False) -> bool:
    """Whether the small pictures are the same apart from brightness and contrast.

    Pictures with almost no contrast must be the same in brightness too, since nothing else is left to compare.
    mirrored: whether the mirror image of two is compared.
    """
    a, b = one.small, two.small[:, ::-1] if mirrored else two.small
    spread_a, spread_b = float(a.std()), float(b.std())
    if min(spread_a, spread_b) < 6:
        return float(np.abs(a - b).mean()) < 1.5
    return float(((a - a.mean()) * (b - b.mean())).mean()) / (spread_a * spread_b) > 0.965


def _candidates(looks: Sequence[Look], others: Sequence[Look]) -> Iterator[tuple[int, int]]:
    """The pairs i of looks, j of others whose hashes, or hash and mirrored hash, are close.

    They are found block by block, so that memory stays small.
    """
    rows = np.array([look.hash for look in looks], np.uint64)
    plain = np.array([look.hash for look in others], np.uint64)
    mirrored = np.array([look.mirrored for look in others], np.uint64)
    for start in range(0, len(looks), BLOCK):
        block = rows[start : start + BLOCK, None]
        close = (np.bitwise_count(block ^ plain) <= FAR) | (np.bitwise_count(block ^ mirrored) <= FAR)
        for i, j in np.argwhere(close):
            yield int(i) + start, int(j)
