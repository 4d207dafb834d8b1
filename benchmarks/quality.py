"""Prints mean Dice by source of validation photos, at the photos' own size, through the Segmenter that users get.

    python benchmarks/quality.py [--data ../shared/people/val] [--model standout-mobile] [--no-refine] [--no-mirror]

For photos of nobody ("empty") the figure is the share of the picture called person. Pixels of mask level 128 do not
count. The interval is a bootstrap over photos, 95 %.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from standout import images, metrics
from standout.dataset import IGNORE, Pair, find_pairs, read_pair
from standout.segmenter import Segmenter


def score(pair: Pair, segmenter: Segmenter, *, refine: bool) -> float:
    """Dice of one photo, or the area called person where the mask shows nobody."""
    _, truth = read_pair(pair)
    found = segmenter.mask(images.read(pair.image).image, refine=refine) >= segmenter.card.threshold
    counts = truth != IGNORE
    if not (truth[counts] > IGNORE).any():
        return metrics.area(found)
    return metrics.dice(found, truth > IGNORE, counts)


def quality(data: Path, segmenter: Segmenter, *, refine: bool = True) -> dict[str, list[float]]:
    """The score of every photo, by source."""
    pairs = find_pairs(data)
    scores: dict[str, list[float]] = {}
    with ThreadPoolExecutor(2) as pool:
        for pair, value in zip(pairs, pool.map(lambda p: score(p, segmenter, refine=refine), pairs), strict=True):
            scores.setdefault(pair.source, []).append(value)
    return scores


def interval(values: list[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (2000, len(values))).mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/people/val"))
    parser.add_argument("--model", default="standout-mobile")
    parser.add_argument("--no-refine", action="store_true")
    parser.add_argument("--no-mirror", action="store_true")
    parser.add_argument("--worst", type=int, default=0, help="also name the worst photos of each source")
    options = parser.parse_args()
    segmenter = Segmenter(options.model, threads=1, mirror=not options.no_mirror)
    scores = quality(options.data, segmenter, refine=not options.no_refine)
    print(f"| source | photos | mean | 95 % |\n|---|---|---|---|   ({options.model}, {segmenter.card.sha256[:12]})")
    for source, values in sorted(scores.items()):
        low, high = interval(values)
        print(f"| {source} | {len(values)} | {np.mean(values):.4f} | {low:.4f} to {high:.4f} |")
    if options.worst:
        for source, values in sorted(scores.items()):
            own = [pair.image.stem for pair in find_pairs(options.data) if pair.source == source]
            order = np.argsort(values) if source != "empty" else np.argsort(values)[::-1]
            print(source, [(own[i], round(values[i], 3)) for i in order[: options.worst]])


if __name__ == "__main__":
    main()
