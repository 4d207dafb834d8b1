"""Measures what the confidence of masks is worth, on photos that its fit has not seen.

    .venv/bin/python benchmarks/confidence.py [--data ../shared/people/val] [--models standout-mobile ...]

Each photo is judged by fits to other photos (ten parts at random, five times), and once more by a fit to photos of
other sources. Counted are photos that show somebody, and photos of nobody in which somebody was found, at Dice 0. The
worst are the 5% with the lowest Dice, the flagged the 10% with the lowest confidence.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from standout.data import find_pairs
from standout.evaluate.confidence import JudgedPhoto, by_photo, by_source, collect
from standout.masks.confidence import signs_of
from standout.models import registry
from standout.segmenter import Segmenter
from standout.types import Bools, Doubles

ROOT = Path(__file__).parents[1]
WORST, FLAGGED = 0.05, 0.10
BANDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


def ranks(values: Doubles) -> Doubles:
    """The rank of each value; equal ones get the mean of their ranks."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[index], np.float64)


def caught(confidence: Doubles, dice: Doubles) -> tuple[int, int]:
    """How many of the worst are flagged, and how many worst there are."""
    worst = np.argsort(dice, kind="stable")[: round(WORST * len(dice))]
    flagged = np.argsort(confidence, kind="stable")[: round(FLAGGED * len(dice))]
    return len({*worst.tolist()} & {*flagged.tolist()}), len(worst)


def area_under_roc(chance: Doubles, is_so: Bools) -> float:
    """The share of pairs (one that is so, one that is not) in which the chance is higher for the first."""
    there = int(is_so.sum())
    return float((ranks(chance)[is_so].sum() - there * (there + 1) / 2) / (there * (len(is_so) - there)))


def rows(name: str, samples: Sequence[JudgedPhoto]) -> tuple[list[str], list[str], list[str]]:
    """The rows of the three tables for one model."""
    random, sources = by_photo(samples), by_source(samples)
    dice = np.array([one.dice for one in samples])
    empty, found, tta = (
        np.array([getattr(one, field) for one in samples]) for field in ("is_empty", "is_found", "has_tta")
    )
    first, second, third = [], [], []
    for way, said in ((tta, "yes"), (~tta, "no")):
        use = way & (~empty | found)
        own, truth = random.dice[use], dice[use]
        hit, of = caught(own, truth)
        other, _ = caught(sources.dice[use], truth)
        spearman, pearson = np.corrcoef(ranks(own), ranks(truth))[0, 1], np.corrcoef(own, truth)[0, 1]
        apart = np.corrcoef(ranks(sources.dice[use]), ranks(truth))[0, 1]
        first.append(
            f"| {name} | {said} | {use.sum()} | {hit} of {of} ({hit / of:.0%}) | {spearman:.2f} | {pearson:.2f} | "
            f"{np.abs(own - truth).mean():.3f} | {other} of {of} ({other / of:.0%}) | {apart:.2f} |"
        )
        chance, nobody = random.nobody[way], empty[way]
        small = np.array([one.is_empty or one.signs["area"] < np.log(0.03) for one in samples])[way]
        brier = float(((chance - nobody) ** 2).mean())
        surely = chance >= 0.5
        second.append(
            f"| {name} | {said} | {area_under_roc(chance, nobody):.3f} | "
            f"{area_under_roc(chance[small], nobody[small]):.3f} | {brier:.3f} | "
            f"{(surely & nobody).sum()} of {nobody.sum()} | {(surely & ~nobody).sum()} of {(~nobody).sum()} |"
        )
        if said == "yes":
            cells = []
            for low, high in pairwise(BANDS):
                inside = (own >= low) & (own < high)
                cells.append(f"{truth[inside].mean():.2f} ({inside.sum()})" if inside.any() else "-")
            third.append(f"| {name} | {' | '.join(cells)} |")
    return first, second, third


def cost(masks: int = 200) -> float:
    """Milliseconds that judging one mask takes, the median of several."""
    mask = Segmenter(registry.DEFAULT, threads=1).probability(np.random.default_rng(0).integers(0, 255, (512, 384, 3),
                                                                                                 np.uint8))  # fmt: skip
    times = []
    for _ in range(masks):
        began = time.perf_counter()
        signs_of(mask, tta=True)
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people" / "val")
    parser.add_argument("--models", nargs="+", default=list(registry.REGISTRY))
    options = parser.parse_args()
    pairs = find_pairs(options.data)
    tables: list[list[str]] = [[], [], []]
    for name in options.models:
        for table, more in zip(tables, rows(name, collect(pairs, Segmenter(name, threads=1))), strict=True):
            table += more
    heads = (
        "model | TTA | photos | worst 5% among the 10% flagged | Spearman | Pearson | mean error | "
        "the same, source left out | Spearman",
        "model | TTA | ROC area | ROC area, small people alone | Brier score | photos of nobody told | "
        "photos of people called empty",
        "model | " + " | ".join(f"{low:g} to {high:g}" for low, high in pairwise(BANDS)),
    )
    for head, table in zip(heads, tables, strict=True):
        print("\n".join([f"| {head} |", "|---" * (head.count("|") + 1) + "|", *table]), end="\n\n")
    print(f"Judging a mask takes {cost():.1f} ms on one core.")


if __name__ == "__main__":
    main()
