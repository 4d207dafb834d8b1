"""Compares how good the bundled model is for different groups, as far as photos without labels of people can show.

    .venv/bin/python benchmarks/groups.py [--data ../shared/people] [--csv groups.csv]

The photos have no labels of age, gender or skin, so groups come from photo and mask alone: how light the photo and its
people are, how far their colors are from the colors behind them, how much of the photo they fill, whether they are cut
off. Lightness and distance are measured in CIELAB (0 to 100). Only sources with people close to the camera are used:
general scenes are harder for other reasons, and would be the majority of some groups. --csv keeps the table, which
`standout evaluate --groups` reads.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.data import IGNORE, Pair, find_splits, read_pair
from standout.evaluate import evaluate
from standout.evaluate.groups import read_groups
from standout.models.registry import DEFAULT
from standout.segmenter import Segmenter

ROOT = Path(__file__).parents[1]


def traits(image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> dict[str, str]:
    """Trait -> the group that a photo is in. image: RGB, uint8 (H, W, 3). mask: uint8 (H, W), with somebody in it."""
    lab = cv2.cvtColor((image / np.float32(255)).astype(np.float32), cv2.COLOR_RGB2LAB)
    person, behind = mask > IGNORE, mask < IGNORE
    around = cv2.dilate(person.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=max(mask.shape) // 20) > 0
    near = around & behind
    person_color, near_color = (lab[where].mean(0) if where.any() else lab.mean((0, 1)) for where in (person, near))
    frame = np.concatenate([person[0], person[:, 0], person[:, -1]])
    apart = float(np.linalg.norm(person_color - near_color))
    return {
        "photo": _of(float(lab[..., 0].mean()), (35, 65), ("dark", "middling", "light")),
        "people": _of(float(person_color[0]), (35, 60), ("dark", "middling", "light")),
        "contrast to what is behind": _of(apart, (12, 30), ("low", "middling", "high")),
        "people fill": _of(100 * float(person.mean()), (5, 25), ("under 5 %", "5 to 25 %", "more")),
        "cut off at the top or sides": "yes" if frame.any() else "no",
    }


def _of(value: float, bounds: tuple[float, float], names: tuple[str, str, str]) -> str:
    return names[int(np.searchsorted(bounds, value))]


def write(pairs: list[Pair], path: Path) -> None:
    """Writes the groups of all photos that show somebody as a CSV file."""
    rows = []
    for pair in pairs:
        image, mask = read_pair(pair)
        if (mask > IGNORE).any():
            rows.append({"name": pair.image.stem} | traits(image, mask))
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--sources", nargs="+", default=["picsart", "eg1800", "ccp"])
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    pairs = [pair for pair in find_splits(options.data)[1] if pair.source in options.sources]
    with tempfile.TemporaryDirectory() as folder:
        path = options.csv or Path(folder) / "groups.csv"
        write(pairs, path)
        groups = read_groups(path)
    report = evaluate(pairs, Segmenter(options.model, threads=1), groups=groups)
    print("| | | photos | mean Dice | 95 % |\n|---|---|---|---|---|")
    for label, (rows, apart) in report.gaps.items():
        for group, dice in rows.items():
            print(f"| {label} | {group} | {dice.n} | {dice.mean:.3f} | {dice.low:.3f} to {dice.high:.3f} |")
        print(f"| | gap | | {apart.mean:.3f} | {apart.low:.3f} to {apart.high:.3f} |")


if __name__ == "__main__":
    main()
