"""Measures how many of the wrong labels are found by the ranking that folds give.

    .venv/bin/python benchmarks/suspects.py [--data ../shared/people] [--seeds 0 1]

The validation photos of the data set are used, since the bundled model that the folds start from has not been trained
on them. Five of a hundred labels are made wrong, in four ways: moved, half of the people missing, the label of another
photo, inverted. The list is then asked how many of them are among its first tenth. The runs go to runs/suspects-SEED.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from finetune import write_table

from standout.data import IGNORE, Pair, find_splits, read_label, read_pair
from standout.evaluate.suspects import rank
from standout.train.config import load
from standout.train.folds import train_folds
from standout.train.run import Compute
from standout.types import Bytes

ROOT = Path(__file__).parents[1]
SHARE, FIRST = 0.05, 0.1
KINDS = ("moved", "half missing", "of another photo", "inverted")


def spoiled(kind: str, mask: Bytes, other: Bytes, chance: random.Random) -> Bytes:
    """The mask, uint8 (H, W), made wrong. other: the mask of another photo."""
    height, width = mask.shape
    if kind == "moved":
        down, right = (round(side * chance.uniform(0.1, 0.25)) * chance.choice((-1, 1)) for side in (height, width))
        matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
        return np.asarray(cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_NEAREST), np.uint8)
    if kind == "half missing":
        rows, columns = np.nonzero(mask > IGNORE)
        changed = mask.copy()
        if chance.random() < 0.5:
            middle = int(np.median(rows))
            changed[:middle] = np.minimum(changed[:middle], 0)
        else:
            middle = int(np.median(columns))
            changed[:, :middle] = np.minimum(changed[:, :middle], 0)
        return changed
    if kind == "of another photo":
        return np.asarray(cv2.resize(other, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    return np.asarray(np.where(mask == IGNORE, mask, 255 - mask), np.uint8)


def corrupt(pairs: list[Pair], out: Path, seed: int) -> tuple[list[Pair], dict[str, str]]:
    """The pairs with some labels made wrong, in files in out, and name -> kind of those."""
    chance = random.Random(seed)
    shown = [pair for pair in pairs if np.mean(read_pair(pair)[1] > IGNORE) > 0.01]
    chosen = chance.sample(shown, round(SHARE * len(pairs)))
    wrong: dict[str, str] = {}
    files: dict[str, Path] = {}
    for number, pair in enumerate(chosen):
        kind = KINDS[number % len(KINDS)]
        shape = read_pair(pair)[0].shape[:2]
        other = chance.choice([one for one in shown if one.source == pair.source and one is not pair])
        mask = spoiled(kind, read_label(pair, shape), read_pair(other)[1], chance)
        wrong[pair.name], files[pair.name] = kind, out / "wrong" / f"{pair.name}.png"
        files[pair.name].parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(files[pair.name]), mask)
    return [replace(pair, mask=files.get(pair.name, pair.mask)) for pair in pairs], wrong


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    options = parser.parse_args()
    found: Counter[str] = Counter()
    every: Counter[str] = Counter()
    photos = 0
    for seed in options.seeds:
        out = ROOT / "runs" / f"suspects-{seed}"
        pairs, wrong = corrupt(find_splits(options.data)[1], out, seed)
        random.Random(seed).shuffle(pairs)
        judges = {pair.name for pair in pairs[:20]}
        parts = [replace(pair, split="val" if pair.name in judges else "train") for pair in pairs]
        write_table(parts, out / "photos.csv")
        settings = {"stages": [{"epochs": 1, "size": [256, 192], "compose": 0.0}], "lr": 4e-4, "ema": 0.95}
        asked = {
            "name": out.name,
            "data": {"folder": str(out / "photos.csv")},
            "model": {"init": "standout-tiny"},
            "train": settings | {"batch": 8, "encoder_lr": 0.5},
            "augment": {"set": "none"},
            "folds": {"count": 2},
            "sheet_every": 0,
        }
        train_folds(load(None, asked), out, Compute("cpu"))
        ranked = rank(out)
        first = [one.pair.name for one in ranked[: round(FIRST * len(ranked))]]
        (out / "ranks.json").write_text(
            json.dumps(
                {one.pair.name: place for place, one in enumerate(ranked, 1) if one.pair.name in wrong}, indent=1
            )
        )
        found.update(wrong[name] for name in first if name in wrong)
        every.update(wrong.values())
        photos += len(ranked)
    print("| what is wrong with the label | labels | among the first tenth |\n|---|---|---|")
    for kind in KINDS:
        print(f"| {kind} | {every[kind]} | {found[kind]} ({found[kind] / every[kind]:.0%}) |")
    share = found.total() / every.total()
    print(f"| all, among {photos} photos | {every.total()} | {found.total()} ({share:.0%}) |")


if __name__ == "__main__":
    main()
