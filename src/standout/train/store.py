"""Decoded photos, ready to be augmented: kept in memory if all of them fit, otherwise read each time they are drawn.

sample   Sample   as in augment.py; its longest side is at most STORED_SIDE
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from standout.data import IGNORE, Pair, read_pair
from standout.errors import InputError
from standout.masks.letterbox import resize
from standout.support.system import cores
from standout.train.augment import Sample, stands
from standout.types import Bytes

STORED_SIDE = 448
"""Longest side of a stored photo in pixels: larger than the network's, so that photos stay sharp when scaled up."""

BYTES_EACH = 5 * STORED_SIDE * STORED_SIDE * 3 // 4
"""Bytes that photo, mask and counts of a 3:4 photo take."""


def read_sample(pair: Pair, side: int = STORED_SIDE) -> Sample:
    """The pair, decoded and scaled down so that its longest side is at most side; a mask's soft edges stay soft.

    Raises InputError as data.read_pair does.
    """
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
    """The samples of pairs by index, kept in memory since decoding a photo costs more than augmenting it.

    pairs: what is stored. tick: called after each photo that is read.
    """

    def __init__(self, pairs: list[Pair], *, tick: Callable[[], None] = lambda: None) -> None:
        """Raises InputError naming the first pair that cannot be read."""
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
        """For each photo, the share that is person, 0..1."""
        self.known = [known for _, _, known, _ in facts]
        """For each photo, whether every pixel counts."""
        self.standing = [standing for _, _, _, standing in facts]
        """For each photo, whether somebody stands in it; see augment.stands."""

    def people_of(self, index: int) -> Bytes | None:
        """The photo's people told apart, uint8 (H, W) as in augment.one_person; None where no file tells.

        Raises InputError for a file that is no such picture.
        """
        path = instances_of(self.pairs[index])
        if path is None:
            return None
        people = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if people is None or people.ndim != 2 or people.dtype != np.uint8:
            raise InputError(f"{path} is no gray picture of 8 bits; wanted 0 for nobody and 1, 2, ... for each person")
        return np.asarray(people, np.uint8)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        return self.kept[index] if self.kept is not None else read_sample(self.pairs[index])


def instances_of(pair: Pair) -> Path | None:
    """The file that tells a photo's people apart: of the mask's name, in a folder instances/ beside the mask's."""
    if not isinstance(pair.mask, Path):
        return None
    path = pair.mask.parent.parent / "instances" / pair.mask.name
    return path if path.is_file() else None


def _facts(sample: Sample) -> tuple[bool, float, bool, bool]:
    """Whether the photo is upright, what share of it is person, whether all of it counts, whether somebody stands."""
    height, width = sample.mask.shape
    share = float(np.count_nonzero(sample.mask)) / sample.mask.size
    return height >= width, share, bool(sample.counts.all()), stands(sample.mask)


def _memory() -> int:
    """How many bytes of memory are free on this machine now; 4 GB where the system does not tell."""
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 4 << 30
