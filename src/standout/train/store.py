"""Decoded photos, ready to be augmented: in memory while they fit, else read again each time they are drawn.

sample   Sample   see augment.py; longest side at most STORED_SIDE
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from standout.data import IGNORE, Pair, read_pair
from standout.masks.letterbox import resize
from standout.support.system import cores
from standout.train.augment import Sample, stands

STORED_SIDE = 448
"""Longest side of a stored photo: above the network's, so that zooming in stays sharp."""

BYTES_EACH = 5 * STORED_SIDE * STORED_SIDE * 3 // 4
"""Photo, mask and counts of a 3:4 photo."""


def read_sample(pair: Pair, side: int = STORED_SIDE) -> Sample:
    """The pair decoded and scaled down to side; a mask's soft edges stay soft."""
    image, mask = read_pair(pair)
    counts = np.where(mask == IGNORE, 0, 255).astype(np.uint8)
    mask = np.where(mask == IGNORE, 0, mask).astype(np.uint8)
    scale = side / max(mask.shape)
    planes = [image, mask, counts]
    if scale < 1:
        size = (max(1, round(mask.shape[0] * scale)), max(1, round(mask.shape[1] * scale)))
        planes = [resize(plane, *size) for plane in planes]
    return Sample(*(np.asarray(plane, np.uint8) for plane in planes))


class Store:
    """The samples of pairs by index. Decoding a photo again every epoch costs more than augmenting it."""

    def __init__(self, pairs: list[Pair], *, tick: Callable[[], None] = lambda: None) -> None:
        """Raises InputError naming the first pair that cannot be read. tick is called after each photo."""
        self.pairs = pairs
        self.kept: list[Sample] | None = None

        def read(pair: Pair) -> Sample:
            sample = read_sample(pair)
            tick()
            return sample

        with ThreadPoolExecutor(cores()) as pool:
            if len(pairs) * BYTES_EACH < _memory() // 2:
                self.kept = list(pool.map(read, pairs))
                facts = [_facts(sample) for sample in self.kept]
            else:
                facts = list(pool.map(lambda pair: _facts(read(pair)), pairs))
        self.upright = [upright for upright, _, _, _ in facts]
        self.people = [share for _, share, _, _ in facts]
        """Share of each photo that is person."""
        self.known = [known for _, _, known, _ in facts]
        """Whether every pixel of a photo counts."""
        self.standing = [standing for _, _, _, standing in facts]
        """Whether somebody stands in a photo: see augment.stands."""

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        return self.kept[index] if self.kept is not None else read_sample(self.pairs[index])


def _facts(sample: Sample) -> tuple[bool, float, bool, bool]:
    height, width = sample.mask.shape
    share = float(np.count_nonzero(sample.mask)) / sample.mask.size
    return height >= width, share, bool(sample.counts.all()), stands(sample.mask)


def _memory() -> int:
    """Bytes of memory that this machine can spare now."""
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 4 << 30
