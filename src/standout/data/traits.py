"""What a set of labeled photos is like: how many, how large, how much of them is person, how soft their edges are.

traits   Traits   counts, and quantiles over photos: the tenth, half and nine tenths
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from standout.data.pairs import IGNORE, Pair, read_pair
from standout.support.system import cores

LOOKED_AT = 400
"""Of more photos than this, every so many are looked at."""

SMALL = 0.05
"""The share of a photo up to which its people are called small, as in evaluation."""

Quantiles = tuple[float, float, float]


@dataclass(frozen=True)
class Traits:
    """The traits of a set of photos.

    train, val: how many photos it has of each part. looked_at: how many of them were read. long_side: in pixels.
    upright: the share of photos that are higher than wide. share: how much of a photo is person, over photos of people.
    small: the share of photos of people in which they fill at most SMALL of it. nobody: the share of photos that show
    nobody. soft: the share of masks with soft edges. undecided: the share of pixels that do not count.
    """

    train: int
    val: int
    sources: dict[str, int]
    looked_at: int
    long_side: Quantiles
    upright: float
    share: Quantiles
    small: float
    nobody: float
    soft: float
    undecided: float

    def lines(self) -> list[str]:
        """The traits as text."""
        low, middle, high = (f"{one:.1%}" for one in self.share)
        sources = ", ".join(f"{name} {count}" for name, count in self.sources.items())
        return [
            f"{self.train} photos to train on, {self.val} to validate ({sources})",
            f"long side {self.long_side[1]:.0f} pixels in half of the photos ({self.long_side[0]:.0f} to "
            f"{self.long_side[2]:.0f} in eight of ten); {self.upright:.0%} upright",
            f"people fill {middle} of a photo ({low} to {high} in eight of ten); small in {self.small:.0%}; "
            f"nobody in {self.nobody:.0%}",
            f"soft edges in {self.soft:.0%} of the masks; {self.undecided:.1%} of the pixels do not count",
        ]


def traits(train: Sequence[Pair], val: Sequence[Pair], *, tick: Callable[[], None] = lambda: None) -> Traits:
    """The traits of the pairs. tick: called after each pair that is read.

    Raises InputError, naming the file, when a photo or mask cannot be read.
    """
    some = looked_at(train)

    def look(pair: Pair) -> tuple[int, bool, float, bool, float]:
        _, mask = read_pair(pair)
        height, width = mask.shape
        counts = mask != IGNORE
        counted = max(1, int(counts.sum()))
        soft = np.count_nonzero((mask > 16) & (mask < 240) & counts)
        outline = np.count_nonzero(np.diff((mask > IGNORE).astype(np.int8), axis=1)) + 1
        tick()
        person = np.count_nonzero(mask > IGNORE) / counted
        return max(mask.shape), height >= width, float(person), bool(soft > outline / 2), 1 - counted / mask.size

    with ThreadPoolExecutor(cores()) as pool:
        found = list(pool.map(look, some))
    sides, upright, shares, soft, undecided = (list(column) for column in zip(*found, strict=True))
    shown = [share for share in shares if share > 0] or [0.0]
    return Traits(
        len(train),
        len(val),
        dict(Counter(pair.source for pair in train).most_common()),
        len(some),
        _quantiles(sides),
        float(np.mean(upright)),
        _quantiles(shown),
        float(np.mean([share <= SMALL for share in shown])),
        float(np.mean([share == 0 for share in shares])),
        float(np.mean(soft)),
        float(np.mean(undecided)),
    )


def looked_at(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that are read: every so many of them where there are more than LOOKED_AT."""
    return list(pairs[:: -(-len(pairs) // LOOKED_AT)])


def _quantiles(values: Sequence[float]) -> Quantiles:
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return float(low), float(middle), float(high)
