"""What the network's output stride and the refinement are worth at the edge.

    .venv/bin/python benchmarks/edges.py [--data ../shared/people]

Each bundled model sees the validation photos of people with test-time augmentation, as users get it. From the same
answer come masks with edges refined and not, and, for the default model, the masks that a network which answers at
every second or fourth pixel would give at best (the answer's mean over 2x2 or 4x4). Boundary F says how much of the two
outlines lies within a tolerance of the other: 0.6 % of the photo's diagonal, as everywhere here, and half of that.
It takes about a minute.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from standout import metrics
from standout.data import IGNORE, find_splits, read_pair
from standout.masks.full_size import full_size
from standout.masks.letterbox import resize
from standout.models.registry import DEFAULT, REGISTRY
from standout.segmenter import Segmenter

PORTRAITS = ("picsart", "eg1800")
Photo = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Image and label, as read_pair gives them."""
Way = tuple[int, bool]
"""Output stride, refined or not."""


def figures(photo: Photo, segmenter: Segmenter, ways: list[Way]) -> list[tuple[float, float, float]]:
    """Dice, boundary F and boundary F at half the tolerance, by each way of making the photo's mask."""
    image, label = photo
    truth, counts = label > IGNORE, label != IGNORE
    answer = segmenter.probability(image)
    height, width = answer.shape
    done = []
    for stride, refined in ways:
        strided = np.asarray(resize(answer, -(-height // stride), -(-width // stride)), np.float32)
        found = full_size(strided, image, refined=refined) >= segmenter.card.threshold
        wide, near = (
            metrics.boundary_f(found, truth, counts, tolerance=tolerance)
            for tolerance in (metrics.TOLERANCE, metrics.TOLERANCE / 2)
        )
        done.append((metrics.dice(found, truth, counts), wide, near))
    return done


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "people")
    options = parser.parse_args()
    read = [(pair.source, read_pair(pair)) for pair in find_splits(options.data)[1]]
    people = [(source, photo) for source, photo in read if (photo[1] > IGNORE).any()]
    portraits = np.array([source in PORTRAITS for source, _ in people])
    print("| model | output stride | edges | Dice | boundary F | at half the tolerance | of portraits | at half |")
    print("|" + "---|" * 8)
    for model in REGISTRY:
        ways = [(stride, refined) for stride in ((1, 2, 4) if model == DEFAULT else (1,)) for refined in (False, True)]
        one = partial(figures, segmenter=Segmenter(model, threads=1), ways=ways)
        with ThreadPoolExecutor() as pool:
            scores = np.array(list(pool.map(one, [photo for _, photo in people])))
        for (stride, refined), every in zip(ways, scores.transpose(1, 0, 2), strict=True):
            dice, *outlines = every.mean(0).tolist()
            outlines += every[portraits].mean(0).tolist()[1:]
            cells = [f"`{model}`", str(stride), "refined" if refined else "enlarged", f"{dice:.4f}"]
            cells += [f"{value:.3f}" for value in outlines]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
