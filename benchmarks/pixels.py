"""Prints what the pixel work after the network costs on one core, compared with an older revision.

    python benchmarks/pixels.py [--before HEAD] [--rounds 15]

The rows are refine and each effect, on frames of 1280x720 and 1920x1080 and on a photo of 12 megapixels. The frames
show the enlarged person of the sample photo before another picture, with a sensor's noise. Both revisions take turns on
the same frame and mask, and each figure is the best of the rounds. Machines differ, so compare the ratios.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import cv2
import numpy as np

from standout import images
from standout.effects import compose
from standout.masks.letterbox import resize
from standout.masks.refine import refine
from standout.segmenter import Segmenter
from standout.types import Image, Mask

ROOT = Path(__file__).parent.parent
SIZES = {"1280x720": (720, 1280), "1920x1080": (1080, 1920), "3000x4000": (4000, 3000)}
SHARE = 0.3
"""The share of the frame that is person, roughly."""


def before(revision: str, folder: Path) -> tuple[ModuleType, ModuleType]:
    """The modules masks.refine and effects.compose as they were at a git revision, from a copy of it in the folder."""
    shown = ["git", "archive", revision, "src/standout"]
    packed = subprocess.run(shown, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    (folder / "src" / "standout").rename(folder / "earlier")
    for path in (folder / "earlier").rglob("*.py"):
        path.write_text(re.sub(r"\b(from|import) standout\b", r"\1 earlier", path.read_text()))
    sys.path.insert(0, str(folder))
    return import_module("earlier.masks.refine"), import_module("earlier.effects.compose")


def frame(height: int, width: int, segmenter: Segmenter) -> Image:
    """The sample photo's person before the sample background, with sensor noise."""
    photo = images.read(ROOT / "examples" / "astronaut.jpg").image
    mask = segmenter.mask(photo)
    side = min(width, round((SHARE / float(mask.mean()) * height * width) ** 0.5))
    large = np.asarray(cv2.resize(photo, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
    behind = resize(images.read(ROOT / "examples" / "background.jpg").image, height, width)
    top, left, shown = max(0, height - side), (width - side) // 2, min(side, height)
    place = slice(top, None), slice(left, left + side)
    soft = np.asarray(cv2.resize(mask, (side, side)), np.float32)
    behind[place] = compose.replace(large[:shown], soft[:shown], background=behind[place].copy())
    noisy = behind + np.random.default_rng(0).normal(0, 3, behind.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def steps(image: Image, coarse: Mask, background: Image) -> dict[str, Callable[[ModuleType, ModuleType], object]]:
    """Name -> what is timed, a function of the modules masks.refine and effects.compose of a revision."""
    mask = refine(coarse, image)
    return {
        "refine": lambda m, e: m.refine(coarse, image),
        "cut": lambda m, e: e.cut(image, mask),
        "blur": lambda m, e: e.blur(image, mask),
        "color": lambda m, e: e.color(image, mask, rgb=(0, 150, 140)),
        "replace": lambda m, e: e.replace(image, mask, background=background),
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default="HEAD", metavar="REVISION")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    with TemporaryDirectory() as folder:
        then, now = before(options.before, Path(folder)), (import_module("standout.masks.refine"), compose)
    segmenter = Segmenter(threads=1)
    background = images.read(ROOT / "examples" / "background.jpg").image
    print("| frame | people | step | before, ms | now, ms | times faster |\n|---|---|---|---|---|---|")
    for name, (height, width) in SIZES.items():
        image = frame(height, width, segmenter)
        scale = max(segmenter.card.size) / max(height, width)
        coarse = resize(segmenter.mask(image, refine=False), round(height * scale), round(width * scale))
        share = float((coarse > 0.5).mean())
        for step, run in steps(image, coarse, background).items():
            best = [float("inf"), float("inf")]
            for _ in range(options.rounds):
                for which, modules in enumerate((then, now)):
                    began = time.perf_counter()
                    run(*modules)
                    best[which] = min(best[which], time.perf_counter() - began)
            old, new = (1000 * seconds for seconds in best)
            print(f"| {name} | {share:.0%} | {step} | {old:.1f} | {new:.1f} | {old / new:.1f} |", flush=True)


if __name__ == "__main__":
    main()
