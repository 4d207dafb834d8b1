"""What the folder of the folds holds beside the runs.

folds.csv     name, source, fold (1 is the first) and group of each training photo; what stays together has one group
folds.json    data, number of folds, the scores of the answers, the comparison, what ships, a row for each photo
masks/        the answer to each photo, by a model that has not seen it
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from standout.data import Pair, fingerprint
from standout.data.folds import Division, divide
from standout.data.tables import read_rows
from standout.errors import InputError
from standout.evaluate.intervals import Mean, clustered, mean
from standout.support.atomic import write_atomic
from standout.train.config import Recipe
from standout.train.record import say
from standout.train.run import Splits

TABLE, FACTS = "folds.csv", "folds.json"

WEIGHTS, OUTPUTS = "weights", "outputs"
SAID = {WEIGHTS: "mean of weights", OUTPUTS: "mean of outputs"}
"""The ways in which folds make one model, and what they are called in texts."""


class FoldsRecord:
    """Keeps folds.csv and folds.json.

    out: the folder of the folds. splits: the pairs that are divided, and the validation pairs.
    """

    def __init__(self, out: Path, recipe: Recipe, splits: Splits) -> None:
        """Raises InputError when out holds folds of other data or another number of them, or a plain run."""
        self.out = out
        self.facts: dict[str, Any] = {
            "count": recipe.folds.count,
            "data": {
                "folder": str(recipe.data.folder.resolve()),
                "sources": list(recipe.data.sources),
                "train": len(splits[0]),
                "val": len(splits[1]),
                "fingerprint": fingerprint([*splits[0], *splits[1]]),
            },
        }
        if (out / "run.json").exists():
            raise InputError(f"{out} holds a run without folds; give another --out")
        if not (out / FACTS).exists():
            return
        before = json.loads((out / FACTS).read_text())
        changed = [f"folds were {before['count']}, are {recipe.folds.count}"] * (before["count"] != recipe.folds.count)
        if before["data"]["fingerprint"] != self.facts["data"]["fingerprint"]:
            changed.append(
                f"the data were {before['data']['train']} + {before['data']['val']} pairs, are {len(splits[0])} + "
                f"{len(splits[1])} pairs or different ones"
            )
        if changed:
            raise InputError(
                f"{out} holds other folds: {'; '.join(changed)}. Restore the old values to continue, or give "
                "another --out"
            )
        self.facts = before

    def division(self, pairs: list[Pair], groups: Path | None, *, tick: Callable[[], None]) -> Division:
        """The division that folds.csv records, or a new one, which is then recorded.

        Raises InputError as divide does, and when folds.csv lacks a photo.
        """
        path, count = self.out / TABLE, int(self.facts["count"])
        if not path.exists():
            made = divide(pairs, count, groups=groups, tick=tick)
            write_atomic(path, _to_csv(pairs, made))
            self.write()
            return made
        kept = {(row["name"], row["source"]): row for row in read_rows(path)[1]}
        lost = [pair.name for pair in pairs if (pair.name, pair.source) not in kept]
        if lost:
            raise InputError(f"{path} lacks {lost[0]} and {len(lost) - 1} more photos; give another --out")
        own = [kept[pair.name, pair.source] for pair in pairs]
        return Division([int(row["fold"]) - 1 for row in own], [row["group"] for row in own])

    def write(self) -> None:
        """Writes folds.json."""
        write_atomic(self.out / FACTS, json.dumps(self.facts, indent=1).encode(), overwrite=True)

    @property
    def spent(self) -> float:
        """Seconds that the finished folds have taken."""
        return float(self.facts.get("seconds", 0.0))

    def take(self, seconds: float) -> None:
        """Records how many seconds the finished folds have taken."""
        self.facts["seconds"] = round(seconds, 1)
        self.write()

    def done(self, recipe: Recipe) -> bool:
        """Whether all folds have ended, and their model is still what the recipe asks for."""
        return "comparison" in self.facts and self.facts["ships"] == recipe.folds.ships

    def keep_answers(self, rows: list[dict[str, Any]]) -> None:
        """Records the scores of the answers for the training photos: the estimate for new photos of the same kind."""
        group_of = {(row["name"], row["source"]): row["group"] for row in read_rows(self.out / TABLE)[1]}
        found = scores_by_source(rows, [group_of[row["name"], row["source"]] for row in rows])
        self.facts["out_of_fold"] = {name: one.row() for name, one in found.items()}
        numbers = range(1, int(self.facts["count"]) + 1)
        own = [[row["dice"] for row in rows if row["fold"] == number and row["share"] > 0] for number in numbers]
        self.facts["folds"] = [
            {"fold": number, "photos": sum(row["fold"] == number for row in rows)}
            | ({"dice": mean(dices).row()} if dices else {})
            for number, dices in zip(numbers, own, strict=True)
        ]
        self.facts["photos"] = rows
        self.write()

    def end(self, comparison: dict[str, Any], rows: list[dict[str, Any]], recipe: Recipe) -> None:
        """Records the comparison on the validation photos, and their rows."""
        self.facts["comparison"], self.facts["ships"] = comparison, recipe.folds.ships
        self.facts["photos"] = [row for row in self.facts["photos"] if row["part"] == "train"] + rows
        self.write()

    def tell_answers(self) -> None:
        """Prints the scores of the answers for photos that were left out."""
        for one in self.facts["folds"]:
            dice = Mean(**one["dice"]) if "dice" in one else "no photo of people"
            say(f"fold {one['fold']}: Dice {dice} on {one['photos']} photos left out")
        for name, row in self.facts["out_of_fold"].items():
            what = "share of nobody called person" if name == "nobody" else f"Dice of photos left out, {name}"
            say(f"{what}: {Mean(**row)}, {row['n']} photos")

    def tell(self, model: Path) -> None:
        """Prints how the folds compare, and what ships."""
        found = self.facts["comparison"]
        say(f"on {found['photos']} validation photos, which no fold has seen (1 is best):")
        say(f"  a single fold    {_mean(found['single folds'])}")
        for name in SAID.values():
            if name in found:
                more = found[name]["more than a single fold"]
                say(f"  {name:16s} {_mean(found[name])}, {signed(Mean(**more))} more than a single fold")
        say(f"the {SAID[found['ships']]} ships: {found['why']}")
        say(f"trained; the model is {model}")
        say(f"standout data suspects {self.out} shows the labels that disagree with these answers")


def _mean(row: dict[str, Any]) -> Mean:
    return Mean(*(row[key] for key in ("mean", "low", "high", "n")))


def _to_csv(pairs: Sequence[Pair], made: Division) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("name", "source", "fold", "group"))
    lines.writerows(
        (pair.name, pair.source, fold + 1, group)
        for pair, fold, group in zip(pairs, made.folds, made.groups, strict=True)
    )
    return text.getvalue().encode()


def signed(one: Mean) -> str:
    """A difference with its interval.

    >>> signed(Mean(0.004, -0.001, 0.009, 40))
    '+0.0040 (-0.0010 to +0.0090)'
    """
    return f"{one.mean:+.4f} ({one.low:+.4f} to {one.high:+.4f})"


def scores_by_source(rows: Sequence[dict[str, Any]], groups: Sequence[str]) -> dict[str, Mean]:
    """The mean Dice with its interval over all photos that show somebody ("all") and by source.

    "nobody" is the mean share called person of the photos that show nobody. groups: the group of each row; photos of
    one group are drawn together for the intervals.
    """
    both = list(zip(rows, groups, strict=True))
    shown = [(row, group) for row, group in both if row["share"] > 0]
    found = {}
    sources = sorted({row["source"] for row, _ in shown})
    for name in ("all", *sources):
        own = [(row["dice"], group) for row, group in shown if name in ("all", row["source"])]
        if own:
            found[name] = clustered([dice for dice, _ in own], [group for _, group in own])
    empty = [row["area"] for row, _ in both if row["share"] == 0]
    return found | ({"nobody": mean(empty)} if empty else {})
