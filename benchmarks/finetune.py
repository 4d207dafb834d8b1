"""Measures what fine-tuning the bundled model on 50 photos gains on other photos of the same kind.

    .venv/bin/python benchmarks/finetune.py [--data ../shared/people] [--sources picsart eg1800 ccp] [--photos 50]

For each source, that many training photos (drawn with seed 0) stand for the photos that a user has. Its validation
photos are measured before and after, as users get masks: at the photo's size, with refined edges. The runs go to
runs/finetune-SOURCE.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from pathlib import Path

from standout.data import Pair, find_splits
from standout.evaluate import compare, evaluate
from standout.models.registry import find_checkpoint
from standout.runtimes import pytorch
from standout.segmenter import Segmenter
from standout.train.config import load
from standout.train.run import Compute, train

ROOT = Path(__file__).parents[1]


def write_table(pairs: list[Pair], path: Path) -> None:
    """Writes the pairs as a data set, a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "mask", "source", "split"))
        rows.writerows((one.image.resolve(), Path(str(one.mask)).resolve(), one.source, one.split) for one in pairs)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--sources", nargs="+", default=["picsart", "eg1800", "ccp"])
    parser.add_argument("--photos", type=int, default=50)
    options = parser.parse_args()
    training, validation = find_splits(options.data)
    print("| photos | before | after | difference | boundary F | minutes |\n|---|---|---|---|---|---|")
    for source in options.sources:
        own = [pair for pair in training if pair.source == source]
        seen = random.Random(0).sample(own, options.photos)
        unseen = [pair for pair in validation if pair.source == source]
        out = ROOT / "runs" / f"finetune-{source}"
        write_table([*seen, *unseen], out / "photos.csv")
        recipe = load(
            None, {"name": source, "data": {"folder": str(out / "photos.csv")}, "model": {"init": "standout-mobile"}}
        )
        began = time.monotonic()
        model = train(recipe, out, Compute("cpu"))
        minutes = (time.monotonic() - began) / 60
        models = (Segmenter(pytorch.open(path, threads=1)) for path in (find_checkpoint("standout-mobile"), model))
        before, after = (evaluate(unseen, segmenter) for segmenter in models)
        apart = compare(*([score.row() for score in report.scores] for report in (before, after)))
        dices = [report.by_source["all"]["dice"].mean for report in (before, after)]
        cells = (source, *(f"{dice:.4f}" for dice in dices), apart.dice, apart.boundary_f, f"{minutes:.1f}")
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        (out / "result.json").write_text(json.dumps({"before": dices[0], "after": dices[1], "minutes": minutes}))


if __name__ == "__main__":
    main()
