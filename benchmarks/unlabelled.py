"""Measures what photos without masks add to 50 labeled photos of general scenes, at equal numbers of training steps.

    .venv/bin/python benchmarks/unlabelled.py [--data ../shared/people] [--weights FILE] [--seeds 3] [--epochs 5]

For each seed, 50 training photos are drawn with their masks, and 2,000 others without. Every run starts from the same
encoder, trained on ImageNet alone, since the bundled models have seen these photos. The validation photos of general
scenes are measured as users get masks. Runs and the scores of each photo go to runs/unlabelled-SEED; runs that are
there already are not computed again.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from pathlib import Path
from typing import Any

from finetune import write_table

from standout.data import Pair, find_splits
from standout.evaluate import compare, measure
from standout.evaluate.intervals import Mean, paired
from standout.runtimes import pytorch
from standout.segmenter import Segmenter
from standout.train.config import load, merge
from standout.train.run import Compute, train

ROOT = Path(__file__).parents[1]
SCENES = ("voc", "coco", "cocoval")
"""The sources of general scenes in which everybody is labeled."""

DRAWS = 10
"""How often each labeled photo is drawn in an epoch, so that an epoch is not shorter than its validation."""

WAYS: dict[str, str] = {
    "labels": "50 labeled photos alone",
    "average": "and 2,000 without masks, taught by the running average",
    "teacher": "and 2,000 without masks, taught by the model of the 50",
}


def draw(data: Path, out: Path, seed: int, *, labels: int, others: int) -> Path:
    """Writes the seed's labeled photos and all validation photos as a table, links the others, returns the table."""
    training, validation = find_splits(data)
    scenes = [pair for pair in training if pair.source in SCENES]
    chosen = random.Random(seed).sample(scenes, labels)
    names = {pair.name for pair in chosen}
    pool = [pair for pair in training if pair.source in (*SCENES, "cocoweak") and pair.name not in names]
    folder = out / "without-masks"
    folder.mkdir(parents=True, exist_ok=True)
    for pair in random.Random(seed).sample(pool, others):
        link = folder / pair.image.name
        if not link.exists():
            link.symlink_to(pair.image.resolve())
    table = out / "photos.csv"
    write_table([*chosen, *(pair for pair in validation if pair.source in SCENES)], table)
    return table


def changes(table: Path, way: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """The recipe of one run, nested like TOML."""
    long, short = options.size
    found: dict[str, Any] = {
        "name": way,
        "data": {"folder": str(table), "draws": {source: float(DRAWS) for source in SCENES}},
        "model": {"encoder_weights": str(options.weights)},
        "train": {"stages": [{"epochs": options.epochs, "size": [long, short]}], "batch": 8, "seed": seed},
        "sheet_every": 0,
    }
    if way == "labels":
        return found
    distill: dict[str, Any] = {"unlabelled": str(table.parent / "without-masks")}
    if way == "teacher":
        distill |= {"teacher": str(table.parent / "labels" / "model.safetensors"), "burn_in": 0.0}
    return found | {"distill": distill}


def scores(way: str, seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The scores of the validation photos by the run of a way and a seed, which is trained if it is not there."""
    out = ROOT / "runs" / f"unlabelled-{seed}"
    table = draw(options.data, out, seed, labels=options.labels, others=options.others)
    kept = out / way / "scores.json"
    if not kept.exists():
        settings = merge(changes(table, way, seed, options), {"train": {"ships": "last"}})
        model = train(load(None, settings), out / way, Compute("cpu"))
        validation: list[Pair] = find_splits(table)[1]
        rows = [score.row() for score in measure(validation, Segmenter(pytorch.open(model, threads=1)))]
        kept.write_text(json.dumps(rows))
    found: list[dict[str, Any]] = json.loads(kept.read_text())
    return found


def pooled(runs: list[list[dict[str, Any]]]) -> list[float]:
    """The mean Dice of each photo over runs of different seeds."""
    return [statistics.mean(float(row["dice"]) for row in rows) for rows in zip(*runs, strict=True)]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = ROOT.parent / "shared"
    parser.add_argument("--data", type=Path, default=shared / "people")
    weights = shared / "weights" / "mobilenetv2_100.imagenet.safetensors"
    parser.add_argument("--weights", type=Path, default=weights, help="the encoder's first weights")
    parser.add_argument("--labels", type=int, default=50)
    parser.add_argument("--others", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5, help=f"of {DRAWS} draws of each labeled photo")
    parser.add_argument("--size", type=int, nargs=2, default=(128, 96))
    parser.add_argument("--ways", nargs="+", default=["labels", "average"], choices=list(WAYS))
    options = parser.parse_args()
    runs: dict[str, list[list[dict[str, Any]]]] = {way: [] for way in options.ways}
    for seed in range(options.seeds):
        for way in options.ways:
            runs[way].append(scores(way, seed, options))
            found = statistics.mean(row["dice"] for row in runs[way][-1])
            gain = compare(runs["labels"][-1], runs[way][-1]).dice if way != "labels" else ""
            print(f"seed {seed}, {way}: Dice {found:.4f}  {gain}", file=sys.stderr, flush=True)
    steps = options.epochs * (options.labels * DRAWS // 8)
    print("| learned from | Dice | of each draw | difference |\n|---|---|---|---|")
    base = pooled(runs["labels"])
    for way in options.ways:
        own = pooled(runs[way])
        each = ", ".join(f"{statistics.mean(row['dice'] for row in rows):.3f}" for rows in runs[way])
        apart: Mean | str = paired(base, own) if way != "labels" else ""
        print(f"| {WAYS[way]} | {statistics.mean(own):.3f} | {each} | {apart} |")
    size, drawn = f"{options.size[0]}x{options.size[1]}", f"{options.seeds} draws of the {options.labels} photos"
    print(
        f"\nMeans of {drawn}, {steps} steps at {size}; {len(base)} validation photos of general scenes; the difference"
    )
    print("photo by photo, with its 95 % interval over photos.")


if __name__ == "__main__":
    main()
