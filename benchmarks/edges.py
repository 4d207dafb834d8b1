"""What the network's output stride and the refinement are worth at the edge.

    .venv/bin/python benchmarks/edges.py [--data ../shared/people]

Each bundled model sees the validation photos of people once and mirrored, as users have it; from the same answer come
masks with edges refined and not, and, of the default model, such as a network that answers at every second or fourth
pixel would give at best (the answer's mean over 2x2 or 4x4). Boundary F says how much of the two outlines lies within a
tolerance of the other: 0.6 % of the photo's diagonal, as everywhere here, and half of that. About a minute.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from standout import masks
from standout.dataset import IGNORE, Pair, find_splits, read_pair
from standout.evaluate.photos import score
from standout.metrics import TOLERANCE
from standout.models import DEFAULT, SHELF
from standout.segmenter import Segmenter
from standout.types import Mask

PORTRAITS = ("picsart", "eg1800")
Row = tuple[str, int, bool]
"""Model, output stride, refined or not."""


def strided(found: Mask, stride: int) -> Mask:
    """The answer of a network of that output stride: each place the mean of stride x stride."""
    height, width = found.shape
    size = (-(-width // stride), -(-height // stride))
    return np.asarray(cv2.resize(found, size, interpolation=cv2.INTER_AREA), np.float32)


def figures(pair: Pair, segmenter: Segmenter) -> dict[Row, tuple[float, float, float]]:
    """Dice, boundary F and boundary F at half the tolerance, of one photo by each way of making its mask."""
    image, label = read_pair(pair)
    found = segmenter.probability(image)
    name, threshold = segmenter.card.name, segmenter.card.threshold
    done = {}
    for stride in (1, 2, 4) if name == DEFAULT else (1,):
        for refined in (False, True):
            mask = masks.full_size(strided(found, stride), image, refined=refined)
            two = [
                score(mask, label, threshold=threshold, tolerance=tolerance, name=pair.name, source=pair.source)
                for tolerance in (TOLERANCE, TOLERANCE / 2)
            ]
            done[name, stride, refined] = (two[0].dice, two[0].boundary_f, two[1].boundary_f)
    return done


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "people")
    options = parser.parse_args()
    people = [pair for pair in find_splits(options.data)[1] if (read_pair(pair)[1] > IGNORE).any()]
    everywhere: dict[Row, list[tuple[float, float, float]]] = defaultdict(list)
    portraits: dict[Row, list[tuple[float, float, float]]] = defaultdict(list)
    for model in SHELF:
        segmenter = Segmenter(model, threads=1)
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda pair, segmenter=segmenter: figures(pair, segmenter), people))
        for pair, rows in zip(people, done, strict=True):
            for row, three in rows.items():
                everywhere[row].append(three)
                if pair.source in PORTRAITS:
                    portraits[row].append(three)
    print("| model | output stride | edges | Dice | boundary F | at half the tolerance | of portraits | at half |")
    print("|" + "---|" * 8)
    for row in everywhere:
        dice, wide, near = np.mean(everywhere[row], axis=0)
        _, portrait_wide, portrait_near = np.mean(portraits[row], axis=0)
        name, stride, refined = row
        cells = [f"`{name}`", str(stride), "refined" if refined else "enlarged", f"{dice:.4f}"]
        cells += [f"{value:.3f}" for value in (wide, near, portrait_wide, portrait_near)]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
