"""What each way to a better model brings by itself: short runs, each different from the first in one thing.

    .venv/bin/python benchmarks/ways.py [--data ../shared/people] [--only compose teacher]
    .venv/bin/python benchmarks/publish.py ways        # all of it, and the table in docs/research/methods.md

All go on for one epoch at 256x192, unless their way says otherwise, from the same weights: a network of standout-tiny's
kind that has learnt for two epochs in none of these ways. (From weights that have learnt nothing yet, chance alone
moved the Dice of general scenes by 0.06.) That is long enough to see what a way is worth early on, not what it is worth
in the end. All are judged on the validation photos as users get masks, photo by photo against the first; another seed
tells how much is chance.

Runs go to runs/ways/ and go on where they were stopped; results are kept in results/ways.json as they come. It takes
about an hour on two cores. To add a way: a row in WAYS.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standout.data import find_splits
from standout.evaluate import Report, compare, evaluate
from standout.evaluate.intervals import Mean, mean
from standout.segmenter import Segmenter
from standout.support.atomic import write_atomic
from standout.train.config import load, merge

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "runs" / "ways"
KEPT = Path(__file__).parent / "results" / "ways.json"
STAGE: dict[str, Any] = {"epochs": 1, "size": [256, 192], "compose": 0.0}
SCENES = ("voc", "coco")

BASE: dict[str, Any] = {
    "model": {"encoder": "mobilenetv2_050", "decoder": "slim", "prune": "standout-mobile"},
    "train": {"stages": [STAGE | {"epochs": 2}], "lr": 3e-3, "ships": "last"},
    "sheet_every": 0,
}
"""What all start from: photos and labels as they are, mirrored and moved a little."""

FIRST: dict[str, Any] = {
    "model": {"init": str(RUNS / "base" / "model.safetensors")},
    "train": {"stages": [STAGE], "lr": 2e-3, "ships": "last"},
    "sheet_every": 0,
}
"""The run that all others are held against: more of the same."""


@dataclass(frozen=True)
class Way:
    """says: for the table. changes: of FIRST, as in a recipe."""

    says: str
    changes: dict[str, Any] = field(default_factory=dict)


WAYS = {
    "first": Way("**none of these**"),
    "seed": Way("another seed: chance alone", {"train": {"seed": 1}}),
    "longer": Way("twice as long", {"train": {"stages": [STAGE | {"epochs": 2}]}}),
    "compose": Way(
        "people of other photos pasted on, in a quarter of the photos",
        {"train": {"stages": [STAGE | {"compose": 0.25}]}},
    ),
    "background": Way("people put before a photo of nobody, in 15 of 100", {"augment": {"background": 0.15}}),
    "quarters": Way("four photos side by side, in 10 of 100", {"augment": {"quarters": 0.1}}),
    "scenes": Way("general scenes drawn 2.5 times as often", {"data": {"draws": {"voc": 2.5, "coco": 2.5}}}),
    "teacher": Way(
        "a fifth of the loss is the larger model's answers", {"distill": {"teacher": "standout-mobile", "share": 0.2}}
    ),
    "cloth": Way("rags of clothes behind the people, in 20 of 100", {"augment": {"cloth": 0.2}}),
    "strong": Way("lamp light, night and defocus too", {"augment": {"set": "strong"}}),
    "colours": Way("the same, and a third of the photos in other hues or gray", {"augment": {"set": "colorful"}}),
    "boundary": Way("a tenth of the loss is the boundary loss", {"loss": {"bce": 0.45, "dice": 0.45, "boundary": 0.1}}),
    "border": Way("no weight on the outline", {"loss": {"border_boost": 1.0}}),
    "average": Way("no running average of the weights", {"train": {"ema": 0.0}}),
}


def trained(name: str, settings: dict[str, Any], data: Path) -> Path:
    """The model of a run; it is trained if it is not yet."""
    # torch is for training alone: publish.py imports this file for its table.
    from standout.train.run import Compute, train

    recipe = load(None, merge(settings, {"name": name, "data": {"folder": str(data)}}))
    return train(recipe, RUNS / name, Compute("cpu"))


def measure(name: str, data: Path) -> Report:
    """Trains one way and judges it."""
    model = trained(name, merge(FIRST, WAYS[name].changes), data)
    return evaluate(find_splits(data)[1], Segmenter(model, threads=1))


def minutes(name: str) -> float:
    """How long a run trained, all its sessions together."""
    sessions = json.loads((RUNS / name / "run.json").read_text())["sessions"]
    return round(sum(float(session.get("seconds", 0)) for session in sessions) / 60, 1)


def shown(score: Mean, sign: str = "") -> str:
    """A score or a difference, with its interval.

    >>> shown(Mean(0.0123, -0.001, 0.02, 70), "+")
    '+0.012 (-0.001 to +0.020)'
    """
    return f"{score.mean:{sign}.3f} ({score.low:{sign}.3f} to {score.high:{sign}.3f})"


def against(first: Report, one: Report) -> dict[str, Any]:
    """What the table shows of a way: means of the photos' differences to the first run, with their intervals."""
    before, after = ([score.row() for score in report.scores] for report in (first, one))
    every = compare(before, after)
    scenes = compare(before, [row for row in after if row["source"] in SCENES])
    assert every.dice and scenes.dice and every.boundary_f, "some validation photos show people"
    return {
        "dice": shown(every.dice, "+"),
        "scenes": shown(scenes.dice, "+"),
        "boundary_f": shown(every.boundary_f, "+"),
        # A comparison counts what is better as more: here, more area of nobody is worse.
        "nobody": -every.area.mean if every.area else 0.0,
    }


def alone(one: Report) -> dict[str, Any]:
    """The same of the first run, whose own figures they are."""
    return {
        "dice": shown(one.by_source["all"]["dice"]),
        "scenes": shown(mean([score.dice for score in one.people if score.source in SCENES])),
        "boundary_f": shown(one.by_source["all"]["boundary_f"]),
        "nobody": one.nobody.mean if one.nobody else 0.0,
    }


def table(kept: str) -> str:
    """A row a way; of all but the first, differences to it."""
    lines = ["| alone | Dice | Dice of general scenes | boundary F | nobody there | minutes |", "|" + "---|" * 6]
    for name, one in json.loads(kept).items():
        sign = "" if name == "first" else "+"
        cells = [WAYS[name].says, one["dice"], one["scenes"], one["boundary_f"]]
        cells += [f"{100 * one['nobody']:{sign}.1f} %", f"{one['minutes']:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Runs the ways asked for, and keeps what came of each at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--only", nargs="+", metavar="WAY", choices=list(WAYS), help=f"of {', '.join(WAYS)}")
    options = parser.parse_args()
    trained("base", BASE, options.data)
    first = measure("first", options.data)
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    for name in options.only or WAYS:
        print(f"{name}: {WAYS[name].says}", file=sys.stderr)
        figures = alone(first) if name == "first" else against(first, measure(name, options.data))
        kept[name] = {"minutes": minutes(name), **figures}
        ordered = {one: kept[one] for one in WAYS if one in kept}
        write_atomic(KEPT, (json.dumps(ordered, indent=1) + "\n").encode(), overwrite=True)
    print(KEPT.read_text(), end="")


if __name__ == "__main__":
    main()
