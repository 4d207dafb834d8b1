"""Measures whether the estimate of cross-validation holds on photos that no fold has seen.

    .venv/bin/python benchmarks/folds.py [--data ../shared/people] [--photos 120] [--held-out 250]

For each set, that many training photos (drawn with seed 0) are divided into five folds, which start from standout-tiny
and learn without augmentation. Other training photos are held out: each fold's model is measured on them, and the mean
over folds is what the estimate promised. standout-tiny has been trained on all of these photos, those that are divided
and those that are held out alike, so the scores are higher than on new photos, and comparable. The runs go to
runs/folds-SET.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune import write_table

from standout.data import Pair, find_splits
from standout.evaluate.intervals import Mean, mean
from standout.runtimes import pytorch
from standout.segmenter import Segmenter
from standout.train.config import Recipe, load
from standout.train.folds import train_folds
from standout.train.folds.fold import answer
from standout.train.run import Compute

ROOT = Path(__file__).parents[1]
SETS = {"picsart": ("picsart",), "ccp": ("ccp",), "voc + cocoval": ("voc", "cocoval")}
COUNT = 5


def recipe(table: Path) -> Recipe:
    """What each fold is trained with: small and short, since the estimate is on trial here and not the model."""
    return load(
        None,
        {
            "name": table.parent.name,
            "data": {"folder": str(table)},
            "model": {"init": "standout-tiny"},
            "train": {
                "stages": [{"epochs": 2, "size": [160, 128], "compose": 0.0}],
                "batch": 8,
                "lr": 1e-3,
                "ema": 0.9,
            },
            "augment": {"set": "none"},
            "folds": {"count": COUNT},
            "sheet_every": 0,
        },
    )


def held_out(out: Path, pairs: Sequence[Pair]) -> Mean:
    """The mean Dice, over folds and photos, on photos that no fold has seen; its interval is over photos."""
    kept = out / "held_out.json"
    if not kept.exists():
        dices = []
        for number in range(1, COUNT + 1):
            segmenter = Segmenter(pytorch.open(out / f"fold-{number}" / "model.safetensors"))
            dices.append([score.dice for score in answer(pairs, segmenter) if not score.empty])
        kept.write_text(json.dumps(dices))
    found = json.loads(kept.read_text())
    return mean([sum(each) / COUNT for each in zip(*found, strict=True)])


def row(name: str, facts: dict[str, Any], held: Mean) -> str:
    """A row of the table."""
    told = Mean(**facts["out_of_fold"]["all"])
    apart = held.mean - told.mean
    both = (((told.high - told.low) / 2) ** 2 + ((held.high - held.low) / 2) ** 2) ** 0.5
    folds = [one["dice"]["mean"] for one in facts["folds"]]
    cells = (
        name,
        f"{told}, {told.n}",
        f"{min(folds):.3f} to {max(folds):.3f}",
        f"{held}, {held.n}",
        f"{apart:+.4f} ({apart - both:+.4f} to {apart + both:+.4f})",
        "yes" if told.low <= held.mean <= told.high else "no",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--held-out", type=int, default=250)
    options = parser.parse_args()
    training, validation = find_splits(options.data)
    print("| photos | photos left out of their fold, n | single folds | held-out photos, n | difference | within |")
    print("|---|---|---|---|---|---|")
    for name, sources in SETS.items():
        out = ROOT / "runs" / f"folds-{name.replace(' + ', '-')}"
        own = [pair for pair in training if pair.source in sources]
        random.Random(0).shuffle(own)
        divided, others = own[: options.photos], own[options.photos :][: options.held_out]
        judges = [pair for pair in validation if pair.source in sources][:16]
        write_table([*divided, *judges], out / "photos.csv")
        train_folds(recipe(out / "photos.csv"), out, Compute("cpu"))
        print(row(name, json.loads((out / "folds.json").read_text()), held_out(out, others)), flush=True)


if __name__ == "__main__":
    main()
