"""Measures how well masks of large photos with odd sides fit, with sizes mapped as now and as at an older revision.

    .venv/bin/python benchmarks/large.py [--before f087333] [--photos 40] [--data ../shared/people]

The first table needs no model: a network that calls white pixels person sees an edge near the lower right corner, and
the table says by how many pixels it is displaced in the mask. For the second table, validation portraits (`picsart`,
`eg1800`) are enlarged to 8 megapixels or more with odd sides, together with their labels, and go through the default
model. Boundary F says how much of the two outlines lies within 0.3 % of the photo's diagonal. It takes about five
minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from standout import metrics, segmenter
from standout.data import IGNORE, find_splits, read_pair
from standout.masks import full_size, letterbox, people, refine
from standout.models.card import ModelCard
from standout.models.registry import DEFAULT
from standout.runtimes import Session
from standout.segmenter import Segmenter

ROOT = Path(__file__).parents[1]
TOLERANCE = 0.003
SIZES = ((4095, 3071), (2252, 4000), (1919, 1079), (3024, 4032))
"""(height, width) of the photos whose edge is looked for."""
LONG = 4095
"""Longer side of the enlarged portraits; a square's is 3071, so that all have 8 megapixels and more."""

Resize = Callable[[NDArray[Any], int, int], NDArray[Any]]


def earlier(revision: str) -> Resize:
    """The function letterbox.resize of a git revision."""
    shown = ["git", "show", f"{revision}:src/standout/pixels.py"]
    code = subprocess.run(shown, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    module = ModuleType("earlier_pixels")
    sys.modules[module.__name__] = module
    exec(compile(code, shown[-1], "exec"), module.__dict__)
    resize: Resize = module.resize
    return resize


@contextmanager
def mapped_by(resize: Resize) -> Iterator[None]:
    """A context in which photos and masks are resized by that function."""
    rooms: tuple[Any, ...] = (letterbox, refine, people, full_size, segmenter)
    now = letterbox.resize
    try:
        for room in rooms:
            room.resize = resize
        yield
    finally:
        for room in rooms:
            room.resize = now


def displaced(height: int, width: int) -> tuple[int, int]:
    """By how many (rows, columns) an edge at 95 % of the photo is displaced in a mask that is not refined."""
    card = ModelCard("identity", "0", "none", (320, 256))
    finder = Segmenter(Session(lambda batch: batch[:, :1].copy(), card, "cpu", "onnx"), tta=False)
    off = []
    for axis, length in enumerate((height, width)):
        image = np.zeros((height, width, 3), np.uint8)
        image[(slice(None), slice(0, round(0.95 * length)))[1 - axis :]] = 255
        mask = finder.mask(image, refine=False)
        line = mask[:, width // 2] if axis == 0 else mask[height // 2]
        off.append(int(np.count_nonzero(line > 0.5)) - round(0.95 * length))
    return off[0], off[1]


def enlarged(image: NDArray[np.uint8], label: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Image and label, enlarged to 8 megapixels or more with odd sides."""
    scale = max(LONG / max(label.shape), (8.1e6 / label.size) ** 0.5)
    height, width = (round(side * scale) // 2 * 2 + 1 for side in label.shape)
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    truth = cv2.resize((label > IGNORE).astype(np.float32), (width, height)) > 0.5
    return np.asarray(large, np.uint8), np.asarray(truth)


def fits(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> list[float]:
    """Dice, boundary F of the whole photo, and boundary F of its lower right quarter."""
    quarter = tuple(slice(side // 2, None) for side in truth.shape)
    whole = metrics.boundary_f(found, truth, tolerance=TOLERANCE)
    return [metrics.dice(found, truth), whole, metrics.boundary_f(found[quarter], truth[quarter], tolerance=TOLERANCE)]


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default="f087333", metavar="REVISION")
    parser.add_argument("--photos", type=int, default=40, metavar="N")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    options = parser.parse_args()
    ways = {"before": earlier(options.before), "now": letterbox.resize}
    print("| photo | edge comes back off by, before | now |\n|---|---|---|")
    for height, width in SIZES:
        cells = []
        for resize in ways.values():
            with mapped_by(resize):
                rows, columns = displaced(height, width)
            cells.append(f"{rows:+d} rows, {columns:+d} columns")
        print(f"| {width}x{height} | {' | '.join(cells)} |", flush=True)
    portraits = [pair for pair in find_splits(options.data)[1] if pair.source in ("picsart", "eg1800")]
    finder = Segmenter(DEFAULT)
    scores: dict[tuple[str, bool], list[list[float]]] = {}
    for pair in portraits[:: max(1, len(portraits) // options.photos)][: options.photos]:
        image, truth = enlarged(*read_pair(pair))
        for name, resize in ways.items():
            with mapped_by(resize):
                for refined in (False, True):
                    found = finder.mask(image, refine=refined) >= finder.card.threshold
                    scores.setdefault((name, refined), []).append(fits(found, truth))
    print("\n| mapped as | edges | Dice | boundary F at 0.3 % | of the lower right quarter |\n|---|---|---|---|---|")
    for (name, refined), every in sorted(scores.items(), key=lambda item: (item[0][1], item[0][0])):
        dice, whole, quarter = np.mean(every, axis=0)
        print(f"| {name} | {'refined' if refined else 'enlarged'} | {dice:.4f} | {whole:.3f} | {quarter:.3f} |")


if __name__ == "__main__":
    main()
