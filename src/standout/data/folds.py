"""Divides photos into folds for cross-validation, so that no photo has a near-duplicate in another fold.

pairs      list[Pair]   the photos that are divided
division   Division     the fold of each of them, 0 .. count - 1, and its group

What stays together: near-duplicates, photos of one name, the frames of a clip, and photos of one group of a file. The
folds depend on names and pictures alone, not on their order or on chance.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from standout.data.davis import ObjectMask
from standout.data.pairs import Pair
from standout.data.split import families_of, place
from standout.data.tables import read_rows
from standout.errors import InputError


@dataclass(frozen=True)
class Division:
    """The fold (0 is the first) and the group of each pair; a group is named by the first of its photos."""

    folds: list[int]
    groups: list[str]


def divide(
    pairs: Sequence[Pair], count: int, *, groups: Path | None = None, tick: Callable[[], None] = lambda: None
) -> Division:
    """The fold and the group of each pair. Every fold gets about as many photos of each source as the others.

    groups: a file that read_groups reads. tick: called after each photo that is read.

    Raises InputError when there are fewer groups than folds, when the file names a photo that is not there, and when a
    photo cannot be read.
    """
    known = read_groups(groups, pairs) if groups else {}
    known |= {pair.name: f"clip {pair.source}" for pair in pairs if isinstance(pair.mask, ObjectMask)}
    families = families_of(pairs, known=known, tick=tick)
    if len(families) < count:
        raise InputError(
            f"{len(pairs)} photos to train on are {len(families)} groups of photos that stay together, too few for "
            f"{count} folds; wanted a group for each fold: use fewer folds, or add photos"
        )
    return _balanced(pairs, families, count)


def _balanced(pairs: Sequence[Pair], families: dict[str, list[Pair]], count: int) -> Division:
    """The fold of each pair: the largest families first, each to the fold with the fewest photos of its source.

    An empty fold comes before all others, so none stays empty where there are enough families.
    """
    own: list[Counter[str]] = [Counter() for _ in range(count)]
    fold_of: dict[str, int] = {}
    for _, members in sorted(families.items(), key=lambda one: (-len(one[1]), place(one[0]))):
        source = Counter(pair.source for pair in members).most_common(1)[0][0]
        chosen = min(range(count), key=lambda fold: (own[fold][source], own[fold].total(), fold))
        own[chosen].update(pair.source for pair in members)
        fold_of |= {pair.name: chosen for pair in members}
    group_of = {pair.name: first for first, members in families.items() for pair in members}
    return Division([fold_of[pair.name] for pair in pairs], [group_of[pair.name] for pair in pairs])


def read_groups(path: Path, pairs: Sequence[Pair]) -> dict[str, str]:
    """Name -> group, as a CSV file with the columns name and group says; an empty cell means no group.

    Raises InputError when the file cannot be read, lacks a column, puts a name into two groups, or has none of the
    photos.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; give a CSV file with the columns name and group")
    columns, rows = read_rows(path)
    if not {"name", "group"} <= set(columns):
        raise InputError(f"{path} has the columns {', '.join(columns)}; it needs name and group")
    found: dict[str, str] = {}
    for row in rows:
        if row["name"] and row["group"] and found.setdefault(row["name"], row["group"]) != row["group"]:
            raise InputError(
                f"{path}, line {row['line']}: {row['name']} is in {row['group']} and in {found[row['name']]}; remove "
                "one of the lines"
            )
    names = {name for pair in pairs for name in (pair.name, pair.image.name)}
    if not names & found.keys():
        raise InputError(
            f"{path} names none of the {len(pairs)} photos to train on; wanted names such as {pairs[0].name}"
        )
    return found


def mask_names(pairs: Sequence[Pair]) -> list[str]:
    """A file in masks/ for the answer to each pair, relative to the folder of the folds.

    pairs: all that are divided, and then the validation pairs. Pairs of one name get different files.

    >>> mask_names([Pair(Path("a.jpg"), Path("a.png")), Pair(Path("other/a.jpg"), Path("b.png"))])
    ['masks/a.png', 'masks/a-2.png']
    """
    taken: set[str] = set()
    names = []
    for pair in pairs:
        stem = re.sub(r"[^\w.-]", "_", pair.name)
        name, number = f"masks/{stem}.png", 1
        while name.casefold() in taken:
            number += 1
            name = f"masks/{stem}-{number}.png"
        taken.add(name.casefold())
        names.append(name)
    return names
