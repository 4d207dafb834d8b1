"""Measures what learning from corrected photos brings: `standout improve` on photos that a model did badly.

    .venv/bin/python benchmarks/corrections.py [--data ../shared/people] [--init standout-tiny] [--photos 40]

Stands for a user who corrects the photos that came out wrong: of the validation photos of general scenes, those whose
Dice is below --below are the ones to correct, and some of them are drawn. All other validation photos of people are the
check, on which nothing should be lost. The bundled models have not learned from any of these photos. The runs go to
runs/corrections.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

from finetune import write_table

from standout.cli import main as standout
from standout.data import find_splits
from standout.evaluate import measure
from standout.models.registry import find_checkpoint
from standout.runtimes import pytorch
from standout.segmenter import Segmenter

ROOT = Path(__file__).parents[1]
SCENES = ("voc", "coco", "cocoval")


def main() -> None:
    """Prints what the command says, and how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--init", default="standout-tiny")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--tried", type=int, default=24, help="photos that chose settings, which are left out")
    parser.add_argument("--below", type=float, default=0.8)
    parser.add_argument("--check", type=int, default=100, help="how many other photos to check on")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--keep", type=float, default=0.5)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as for standout improve")
    parser.add_argument("--name", default="model", help="the folder of the runs, inside runs/corrections")
    options = parser.parse_args()
    out = ROOT / "runs" / "corrections"
    validation = find_splits(options.data)[1]
    scenes = [pair for pair in validation if pair.source in SCENES]
    scores = measure(scenes, Segmenter(pytorch.open(find_checkpoint(options.init), threads=1)))
    bad = [pair for pair, score in zip(scenes, scores, strict=True) if score.share > 0 and score.dice < options.below]
    tried = random.Random(0).sample(bad, options.tried)
    corrected = random.Random(0).sample([pair for pair in bad if pair not in tried], options.photos)
    known = [*corrected, *tried]
    others = [pair for pair in validation if pair not in known and not pair.source.startswith("empty")]
    for name, pairs in (("corrected", corrected), ("check", random.Random(1).sample(others, options.check))):
        write_table(pairs, out / name / "photos.csv")
    command = ["improve", str(out / "corrected" / "photos.csv"), "--check", str(out / "check" / "photos.csv")]
    command += ["--init", options.init, "--folds", str(options.folds), "--keep", str(options.keep), "--device", "cpu"]
    command += [word for setting in options.set for word in ("--set", setting)]
    began = time.monotonic()
    code = standout([*command, "-o", str(out / options.name)])
    print(f"{len(bad)} of {len(scenes)} photos of general scenes below Dice {options.below:g}")
    print(f"exit code {code}, {(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
