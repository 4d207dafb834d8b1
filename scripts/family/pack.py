"""A training set as one small file, to travel to a machine with a GPU and no network.

    .venv/bin/python scripts/family/pack.py runs/people people.zip --most 44      # or --all --most 80

Photos become AVIF with the longest side at SIDE, masks lossless WebP of that size, in a zip with index.json. Of the
sources in KEPT only so many photos go along, unless --all is given. Photos of nobody go first where standout-mobile
takes some of them for a person, and are drawn more often there: `draw` in the index. The quality is the highest of
QUALITIES with which the file has at most so many MiB.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from standout.data import Pair, find_pairs
from standout.segmenter import Segmenter
from standout.train.store import instances_of, read_sample

SIDE = 400
QUALITIES = (60, 50, 46, 44, 42, 40)
KEPT = {"picsart": 520, "eg1800": 520, "ccp": 430, "empty": 650}
LEAKED = "ccp_0056"
"""Another crop of a validation photo."""
Files = dict[str, bytes]


def hardness(pair: Pair, segmenter: Segmenter) -> float:
    """How often the photo is drawn: more often where it shows nobody and somebody is found."""
    if not pair.source.startswith("empty"):
        return 1.0
    found = segmenter.probability(read_sample(pair, SIDE).image)
    return 0.6 + min(3.0, 40.0 * float((np.asarray(found) > 0.5).mean()))


def chosen(draws: dict[str, float], pairs: list[Pair], kept_of: dict[str, int]) -> list[Pair]:
    """The pairs that go along. kept_of: of these sources only so many, those that are drawn most often first."""
    rng, kept = random.Random(5), []
    for source in sorted({pair.source for pair in pairs}):
        some = [pair for pair in pairs if pair.source == source and pair.image.stem != LEAKED]
        rng.shuffle(some)
        some.sort(key=lambda pair: -draws[pair.image.stem])
        kept += some[: kept_of.get(source, len(some))]
    return kept


def packed(pair: Pair, quality: int) -> Files:
    """The pair's files in the zip."""
    sample = read_sample(pair, SIDE)
    mask = np.where(sample.mask == 128, np.uint8(129), sample.mask)
    mask = np.where(sample.counts < 128, np.uint8(128), mask)
    stem = pair.image.stem
    files = {
        f"images/{stem}.avif": _saved(sample.image, "AVIF", quality=quality, speed=8, max_threads=1),
        f"masks/{stem}.webp": _saved(np.dstack([mask] * 3), "WEBP", quality=75, lossless=True, method=4),
    }
    path = instances_of(pair)
    if path:
        people = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)
        small = cv2.resize(people, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_NEAREST)
        files[f"people/{stem}.png"] = _saved(np.asarray(small, np.uint8), "PNG", optimize=True)
    return files


def _saved(picture: NDArray[np.uint8], kind: str, **options: int) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, kind, **options)
    return data.getvalue()


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--most", type=float, required=True, metavar="MIB")
    parser.add_argument("--all", action="store_true", help="every photo, for a file that may travel in parts")
    options = parser.parse_args()
    segmenter = Segmenter("standout-mobile", threads=1, tta=False)
    pairs = find_pairs(options.data)
    with ThreadPoolExecutor(2) as pool:
        draws = {
            p.image.stem: d for p, d in zip(pairs, pool.map(partial(hardness, segmenter=segmenter), pairs), strict=True)
        }
        pairs = chosen(draws, pairs, {} if options.all else KEPT)
        trial = random.Random(6).sample(pairs, min(len(pairs), 200))
        for quality in QUALITIES:
            size = sum(
                len(data) for files in pool.map(partial(packed, quality=quality), trial) for data in files.values()
            )
            if 1.01 * size * len(pairs) / len(trial) < options.most * 2**20:
                break
        else:
            sys.exit(f"{len(pairs)} photos do not fit into {options.most:g} MiB; lower KEPT, SIDE or QUALITIES")
        with zipfile.ZipFile(options.out, "w") as held:
            for files in pool.map(partial(packed, quality=quality), pairs):
                for name, data in files.items():
                    held.writestr(name, data)
            rows = [{"stem": p.image.stem, "source": p.source, "draw": draws[p.image.stem]} for p in pairs]
            held.writestr("index.json", json.dumps(rows))
    print(f"{options.out}: {options.out.stat().st_size / 2**20:.1f} MiB, {len(pairs)} photos at quality {quality}")


if __name__ == "__main__":
    main()
