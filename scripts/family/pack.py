"""A training set as a few small files, to travel to a machine with a GPU and no network.

    .venv/bin/python scripts/family/pack.py runs/people .pack --val ../shared/people/val

Photos become AVIF with the longest side at SIDE, masks PNG of that size; two files are written, each a
tar with index.json. In the index, `draw` is how much more often a photo of nobody is drawn because standout-mobile takes
some of it for a person. With --val, the selfies of the validation set go along as they are, to score on that machine.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from standout.data import Pair, find_pairs
from standout.masks.letterbox import resize
from standout.segmenter import Segmenter
from standout.train.store import instances_of, read_sample

SIDE, QUALITY = 448, 46
PARTS = (0, 2, 5)
"""Of five photos, the first two go into the first part: it travels together with other things."""
Files = dict[str, bytes]


def packed(pair: Pair, segmenter: Segmenter) -> tuple[Files, dict[str, object]]:
    """The pair's files in the tar, and its row in the index."""
    sample = read_sample(pair, SIDE)
    picture = io.BytesIO()
    Image.fromarray(sample.image).save(picture, "AVIF", quality=QUALITY, speed=8)
    mask = np.where(sample.mask == 128, np.uint8(129), sample.mask)
    mask = np.where(sample.counts < 128, np.uint8(128), mask)
    stem = pair.image.stem
    files = {f"images/{stem}.avif": picture.getvalue(), f"masks/{stem}.png": _png(mask)}
    row: dict[str, object] = {"stem": stem, "source": pair.source, "draw": 1.0}
    if not sample.mask.any() and sample.counts.all():
        found = segmenter.probability(sample.image) if pair.source.startswith("empty") else sample.mask
        row["draw"] = 0.6 + min(3.0, 40.0 * float((np.asarray(found) > 0.5).mean()))
    path = instances_of(pair)
    if path:
        people = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        size = (mask.shape[1], mask.shape[0])
        files[f"people/{stem}.png"] = _png(cv2.resize(people, size, interpolation=cv2.INTER_NEAREST))
    return files, row


def _png(plane: object) -> bytes:
    done, data = cv2.imencode(".png", np.asarray(plane), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return data.tobytes()


def main() -> None:
    """Writes the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--val", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pairs, segmenter = find_pairs(options.data), Segmenter("standout-mobile", threads=1, tta=False)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda pair: packed(pair, segmenter), pairs))
    for part, (first, last) in enumerate(pairwise(PARTS)):
        chosen = [one for index, one in enumerate(done) if first <= index % PARTS[-1] < last]
        rows = [row for _, row in chosen]
        files = {name: data for some, _ in chosen for name, data in some.items()}
        if options.val and last == PARTS[-1]:
            for pair in find_pairs(options.val):
                if pair.source == "picsart" and isinstance(pair.mask, Path):
                    files[f"val/images/{pair.image.name}"] = pair.image.read_bytes()
                    files[f"val/masks/{pair.mask.name}"] = pair.mask.read_bytes()
        files["index.json"] = json.dumps(rows).encode()
        path = options.out / f"people-{part}.tar"
        with tarfile.open(path, "w") as tar:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, {len(rows)} photos")


if __name__ == "__main__":
    main()
