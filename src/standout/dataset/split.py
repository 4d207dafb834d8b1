"""Training, validation and test photos: a stable split in which near-duplicates stay together.

A photo's part depends on its name alone (through its group's first name), so photos that join later move no others.
Only where a new photo is alike to two groups do these become one, and the part of the first name is that of all.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from standout.dataset.duplicates import Look, groups, look_at
from standout.dataset.pairs import Pair, read_image
from standout.errors import InputError
from standout.system import cores

VAL_SHARE = 0.15


def split(
    pairs: Sequence[Pair],
    *,
    val_share: float = VAL_SHARE,
    test_share: float = 0.0,
    tick: Callable[[], None] = lambda: None,
) -> list[Pair]:
    """The pairs with their part as split.

    Every source is split by the same thresholds on the hash of a group's first name, so it gets about the same shares;
    where that leaves a source of several groups without validation, its group of lowest hash goes there. tick is called
    after each photo read.

    Raises InputError for shares that leave nothing to train on, and for photos that cannot be read.
    """
    if min(val_share, test_share) < 0 or val_share + test_share >= 1:
        raise InputError(f"shares of {val_share:g} to validate and {test_share:g} to test leave nothing to train on")

    def look(pair: Pair) -> Look:
        found = look_at(read_image(pair.image))
        tick()
        return found

    with ThreadPoolExecutor(cores()) as pool:
        looks = list(pool.map(look, pairs))
    firsts = [pair.name for pair in pairs]
    for members in groups(looks):
        first = min(firsts[i] for i in members)
        for i in members:
            firsts[i] = first
    parts = {first: _part(first, val_share, test_share) for first in firsts}
    if val_share > 0:
        for source in {pair.source for pair in pairs}:
            own = {first for pair, first in zip(pairs, firsts, strict=True) if pair.source == source}
            if len(own) > 1 and not any(parts[first] == "val" for first in own):
                parts[min(own, key=_place)] = "val"
    return [replace(pair, split=parts[first]) for pair, first in zip(pairs, firsts, strict=True)]


def _part(first: str, val_share: float, test_share: float) -> str:
    """The part of a group by its first name.

    >>> [_part(name, 0.2, 0.1) for name in ("a", "b", "c", "d")]
    ['train', 'val', 'val', 'test']
    """
    place = _place(first)
    return "test" if place < test_share else "val" if place < test_share + val_share else "train"


def _place(first: str) -> float:
    """A name's place in 0..1, evenly spread and the same on every machine."""
    return int.from_bytes(hashlib.sha256(first.encode()).digest()[:8], "big") / 2**64


def read(path: Path, pairs: list[Pair]) -> list[Pair]:
    """The pairs with the parts that the split file says; as they are where there is no such file.

    Raises InputError when the file has not the columns name and split, or lacks a pair.
    """
    if not path.is_file():
        return pairs
    with path.open(newline="") as text:
        rows = csv.DictReader(text)
        if not {"name", "split"} <= set(rows.fieldnames or ()):
            raise InputError(f"{path} needs the columns name and split; standout data split writes such a file")
        parts = {row["name"]: row["split"] for row in rows}
    lost = [pair.name for pair in pairs if pair.name not in parts]
    if lost:
        raise InputError(
            f"{path} lacks {len(lost)} of {len(pairs)} photos, {lost[0]} among them; "
            "run standout data split again, with --overwrite: photos it has keep their part"
        )
    return [replace(pair, split=parts[pair.name]) for pair in pairs]


def to_csv(pairs: Sequence[Pair]) -> bytes:
    """The pairs as a split file."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("name", "split", "source"))
    rows.writerows((pair.name, pair.split, pair.source) for pair in sorted(pairs, key=lambda pair: pair.name))
    return text.getvalue().encode()
