"""Tells which photos of a public data set the bundled models have seen, so that the others can be measured.

    python benchmarks/held_out.py coco                          # writes coco/split.csv
    standout evaluate standout-mobile coco --part test          # measures the photos that no model has seen
    python benchmarks/held_out.py --write ../shared/people      # writes held_out.csv anew, from the training photos

held_out.csv has the source and the difference hash (standout.data.duplicates) of each photo that was trained on (part
train) or used to choose between models (part val). No photo can be made from a hash. A photo is taken for one of them
if its hash, or that of its mirror image, differs in at most NEAR of 64 bits. All others become part test, except those
that the data set itself puts into train.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from standout.data import Pair, find_splits
from standout.data import split as splitting
from standout.data.duplicates import Look, look_at
from standout.data.layouts import find_all, split_file
from standout.data.pairs import read_image
from standout.data.tables import read_rows
from standout.errors import OutputError, StandoutError
from standout.support.atomic import write_atomic
from standout.support.system import cores

LIST = Path(__file__).with_suffix(".csv")

NEAR = 5
"""In bits. All 2,608 photos of `eg1800` and `cocoval` are found again when they are enlarged to their makers' size and
compressed as JPEG of quality 60 to 96 (of 429, none was farther than 3). Of the 569 validation photos, 3 are within 5
of a training photo: one is another crop of it, and two show something else."""

Known = dict[str, NDArray[np.uint64]]
"""Part -> the hashes of its photos."""


def load(path: Path) -> Known:
    """The hashes of a list."""
    _, rows = read_rows(path)
    return {
        part: np.array([int(row["hash"], 16) for row in rows if row["part"] == part], np.uint64)
        for part in ("train", "val")
    }


def part_of(look: Look, known: Known, own: str) -> str:
    """The part of a photo that looks like that; own: its part by the data set itself.

    >>> known = {"train": np.array([0b1111], np.uint64), "val": np.array([2**64 - 1], np.uint64)}
    >>> small = np.zeros((24, 24), np.float32)
    >>> [part_of(Look(hash, 2**32 - 1, small), known, own="val") for hash in (0b0111, 2**63 - 1, 2**20 - 1)]
    ['train', 'val', 'test']
    >>> part_of(Look(2**20 - 1, 2**32 - 1, small), known, own="train")
    'train'
    """
    for part, hashes in known.items():
        seen = (np.bitwise_count(hashes ^ np.uint64(hash)) <= NEAR for hash in (look.hash, look.mirrored))
        if any(near.any() for near in seen):
            return part
    return "train" if own == "train" else "test"


def looks(pairs: Sequence[Pair]) -> Iterable[Look]:
    """The looks of the pairs' photos, in their order. Raises InputError when a photo cannot be read."""
    with ThreadPoolExecutor(cores()) as pool:
        for number, look in enumerate(pool.map(lambda pair: look_at(read_image(pair.image)), pairs), 1):
            yield look
            if number % 500 == 0 or number == len(pairs):
                print(f"{number} of {len(pairs)} photos", file=sys.stderr, flush=True)


def held_out(folder: Path, known: Known, *, overwrite: bool) -> list[Pair]:
    """The pairs of the folder with their parts, which are also written into its split.csv.

    Raises OutputError when that file exists and overwrite is not set, InputError as find_all does.
    """
    target = split_file(folder)
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists and is kept; move it away, or replace it with --overwrite")
    before = find_all(folder)
    pairs = [
        replace(pair, split=part_of(look, known, pair.split)) for pair, look in zip(before, looks(before), strict=True)
    ]
    write_atomic(target, splitting.to_csv(pairs), overwrite=overwrite)
    return pairs


def write_list(folder: Path, path: Path) -> int:
    """Writes the list of the photos in folder, and returns how many they are."""
    rows = [
        f"{pair.source},{pair.split},{look.hash:016x}"
        for part in find_splits(folder)
        for pair, look in zip(part, looks(part), strict=True)
    ]
    write_atomic(path, "\n".join(["source,part,hash", *sorted(rows), ""]).encode(), overwrite=True)
    return len(rows)


def main() -> int:
    """Writes the split or the list, and says how many photos are in each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the data set, in any layout of standout data check")
    parser.add_argument("--list", type=Path, default=LIST, metavar="FILE.csv", help="the photos that models have seen")
    parser.add_argument("--write", action="store_true", help="write the list, from the photos in DIR")
    parser.add_argument("--overwrite", action="store_true", help="replace a split.csv that exists")
    options = parser.parse_args()
    try:
        if options.write:
            print(f"wrote {write_list(options.folder, options.list)} photos into {options.list}")
            return 0
        parts = Counter(
            pair.split for pair in held_out(options.folder, load(options.list), overwrite=options.overwrite)
        )
    except StandoutError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"trained on: {parts['train']}; used to choose between models: {parts['val']}; never seen: {parts['test']}")
    print(f"wrote {split_file(options.folder)}; standout evaluate MODEL {options.folder} --part test measures the last")
    return 0


if __name__ == "__main__":
    sys.exit(main())
