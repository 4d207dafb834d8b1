"""Splits photos into training, validation and test parts; the split is stable, and near-duplicates stay together.

The part of a photo depends only on its name, or on the first name of its group of near-duplicates. So photos that are
added later hardly move others: only a near-duplicate whose name comes first can move its group, and a source that had a
group forced into validation gives it back once another group of the source is there by its hash. Once a split file
records the parts, nothing moves: new photos are added to it, and near-duplicates of recorded photos go to the part in
which most of these are.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from standout.data.duplicates import Joined, Look, groups, look_at
from standout.data.pairs import Pair, read_image
from standout.data.tables import PARTS, meant, part_of, read_cells, read_rows
from standout.errors import InputError
from standout.support.system import cores

VAL_SHARE = 0.15
"""Share of the photos that are kept for validation where nothing else is asked for, 0..1."""


def split(
    pairs: Sequence[Pair],
    *,
    val_share: float = VAL_SHARE,
    test_share: float = 0.0,
    mend: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> list[Pair]:
    """The pairs, each with its part as split; pairs that have a part already keep it.

    Near-duplicates, and photos of the same name, form a group that belongs to one part. It is the part of most of its
    members that have one; between equal numbers, the first of them decides. If no member has a part, the hash of the
    group's first name decides, with the same thresholds for every source. If that leaves a source, all of whose photos
    are new, without validation photos, its training group of the lowest hash is moved there, unless it is the only one.

    val_share, test_share: the shares of photos for validation and test, 0..1. mend: whether members whose part differs
    from their group's move to the group's, so that no leak is left. tick: called after each photo that is read.

    Raises InputError when the shares leave nothing to train on, and when a photo cannot be read.
    """
    if min(val_share, test_share) < 0 or val_share + test_share >= 1:
        raise InputError(
            f"shares of {val_share:g} to validate and {test_share:g} to test leave nothing to train on; their sum must "
            "be below 1"
        )

    families = families_of(pairs, tick=tick)
    parts = {}
    for first, members in families.items():
        told = Counter(pair.split for pair in members if pair.split)
        parts[first] = told.most_common(1)[0][0] if told else _part(first, val_share, test_share)
    if val_share > 0:
        for first in _forced(families, parts):
            parts[first] = "val"
    whole = {pair.name: parts[first] for first, members in families.items() for pair in members}
    known: dict[str, set[str]] = {}
    for pair in pairs:
        known.setdefault(pair.name, set()).add(pair.split)
    stays = {name for name, told in known.items() if not mend and len(told) == 1 and told != {""}}
    return [pair if pair.name in stays else replace(pair, split=whole[pair.name]) for pair in pairs]


def families_of(
    pairs: Sequence[Pair], *, known: Mapping[str, str] | None = None, tick: Callable[[], None] = lambda: None
) -> dict[str, list[Pair]]:
    """First name -> the pairs that stay together: near-duplicates, pairs of the same name, pairs of a known group.

    known: the groups of photos by their names; photos that it lacks are in no group. tick: called after each photo that
    is read. Raises InputError when a photo cannot be read.
    """

    def look(pair: Pair) -> Look:
        found = look_at(read_image(pair.image))
        tick()
        return found

    with ThreadPoolExecutor(cores()) as pool:
        looks = list(pool.map(look, pairs))
    return _families(pairs, groups(looks), known or {})


def _families(
    pairs: Sequence[Pair], alike: Sequence[Sequence[int]], known: Mapping[str, str] = MappingProxyType({})
) -> dict[str, list[Pair]]:
    """First name -> the pairs that stay together.

    alike: groups of near-duplicates, as indices of pairs. known: the groups of photos by their names.
    """
    by_name: dict[str, list[int]] = {}
    by_group: dict[str, list[int]] = {}
    for i, pair in enumerate(pairs):
        by_name.setdefault(pair.name, []).append(i)
        if group := known.get(pair.name) or known.get(pair.image.name):
            by_group.setdefault(group, []).append(i)
    joined = Joined(len(pairs))
    for members in [*alike, *by_name.values(), *by_group.values()]:
        for i in members[1:]:
            joined.join(i, members[0])
    families = ([pairs[i] for i in members] for members in joined.groups())
    return {min(pair.name for pair in members): members for members in families}


def _forced(families: dict[str, list[Pair]], parts: dict[str, str]) -> list[str]:
    """The first names of the groups that are moved to validation because a source would have no validation photos."""
    forced = []
    for source in sorted({pair.source for members in families.values() for pair in members}):
        own = {first: members for first, members in families.items() if any(p.source == source for p in members)}
        known = any(pair.split for members in own.values() for pair in members)
        free = [first for first in own if parts[first] == "train"]
        if not known and len(free) > 1 and not any(parts[first] == "val" for first in own):
            forced.append(min(free, key=place))
    return forced


def _part(first: str, val_share: float, test_share: float) -> str:
    """The part of a group, which its first name decides.

    >>> [_part(name, 0.2, 0.1) for name in ("a", "b", "c", "d")]
    ['train', 'val', 'val', 'test']
    """
    at = place(first)
    return "test" if at < test_share else "val" if at < test_share + val_share else "train"


def place(first: str) -> float:
    """A number from 0 to 1 for a name: names are evenly spread, in the same way on every machine."""
    return int.from_bytes(hashlib.sha256(first.encode()).digest()[:8], "big") / 2**64


def load(path: Path) -> dict[str, str]:
    """Name -> part, as a split file records them and in its order; empty where there is no file.

    Raises InputError when the file lacks the columns name and split, names an unknown part, or has a name in two parts.
    """
    if not path.is_file():
        return {}
    columns, rows = read_rows(path)
    if not {"name", "split"} <= set(columns):
        raise InputError(f"{path} needs the columns name and split; standout data split writes such a file")
    parts: dict[str, str] = {}
    for row in rows:
        where = f"{path}, line {row['line']}"
        part = meant(row["split"], PARTS, where)
        if parts.setdefault(row["name"], part) != part:
            raise InputError(f"{where}: {row['name']} is in {part} and in {parts[row['name']]}; remove one line")
    return parts


def with_parts(pairs: Sequence[Pair], parts: Mapping[str, str]) -> list[Pair]:
    """The pairs with the parts that a split file records by name or file name; other pairs are unchanged."""
    return [replace(pair, split=parts.get(pair.name) or parts.get(pair.image.name) or pair.split) for pair in pairs]


def lacking(pairs: Sequence[Pair], parts: Mapping[str, str]) -> list[Pair]:
    """The pairs that a split file does not record."""
    return [pair for pair in pairs if pair.name not in parts and pair.image.name not in parts]


def read(path: Path, pairs: list[Pair]) -> list[Pair]:
    """The pairs with the parts that the split file records; unchanged where there is no such file.

    Raises InputError as load does, and when the file lacks a pair.
    """
    if not path.is_file():
        return pairs
    parts = load(path)
    if lost := lacking(pairs, parts):
        raise InputError(
            f"{path} lacks {len(lost)} of {len(pairs)} photos, {lost[0].name} among them; "
            "run standout data split again, with --overwrite: the photos that it has keep their part"
        )
    return with_parts(pairs, parts)


def to_csv(pairs: Sequence[Pair], path: Path | None = None) -> bytes:
    """The pairs as the text of a split file, in UTF-8.

    path: a split file that exists already. Its lines and columns are kept, with new parts for the pairs that moved, and
    lines for pairs that it lacks are added at the end.
    """
    old, separator = read_cells(path) if path is not None and path.is_file() else ([["name", "split", "source"]], ",")
    head, lines = [cell.strip().lower() for cell in old[0]], old[1:]
    name, part = head.index("name"), head.index("split")
    known = {pair.name: pair for pair in pairs} | {pair.image.name: pair for pair in pairs}
    there = set()
    for line in lines:
        if len(line) > max(name, part) and (pair := known.get(line[name].strip())) is not None:
            there.add(pair.name)
            line[part] = line[part] if part_of(line[part]) == pair.split else pair.split
    for key in sorted({pair.name for pair in pairs} - there):
        cells = {"name": key, "split": known[key].split, "source": known[key].source}
        lines.append([cells.get(column, "") for column in head])
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows([old[0], *lines])
    return text.getvalue().encode()
