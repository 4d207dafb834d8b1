"""The photos that the click network learns from, as plain arrays on disk, so that many can be drawn fast.

    python scripts/click/cutouts.py ../shared/people --out runs/click/cache

    singles   photos that show one person, whole, with their masks
    groups    photos whose people are told apart, with the shipped model's mask of them
    empty     photos of nobody

HELD_OUT of the training photos with people told apart are kept from training, to measure on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from standout.images import read
from standout.masks.letterbox import resize
from standout.types import Bytes

SINGLES, GROUPS = 288, 448
"""The longest side of a kept photo."""
SOURCES = {"picsart": 900, "eg1800": 800, "ccp": 901, "ecssd": 135, "duts": 378, "penn": 170, "cocoval": 600}
"""Sources of photos of one person, and how many are looked at."""
HELD_OUT = 7
"""Every such photo with people told apart is kept from training."""


@dataclass
class Kept:
    """Pictures of many sizes in one file: (h, w, channels) each, uint8."""

    path: Path
    rows: list[tuple[str, int, int, int, int]]
    """Name, offset, height, width, channels of each."""

    def __post_init__(self) -> None:
        self.data = np.memmap(self.path, np.uint8, "r")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> Bytes:
        _, offset, height, width, channels = self.rows[at]
        return np.asarray(self.data[offset : offset + height * width * channels]).reshape(height, width, channels)

    def name(self, at: int) -> str:
        """The stem of the photo's file."""
        return self.rows[at][0]


def opened(folder: Path, part: str) -> Kept:
    """What keep wrote."""
    return Kept(folder / f"{part}.bin", [tuple(row) for row in json.loads((folder / f"{part}.json").read_text())])


def keep(folder: Path, part: str, pictures: Iterator[tuple[str, Bytes]]) -> int:
    """Writes the pictures, and returns how many there were."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, offset = [], 0
    with (folder / f"{part}.bin").open("wb") as file:
        for name, picture in pictures:
            rows.append((name, offset, *picture.shape))
            offset += file.write(picture.tobytes())
    (folder / f"{part}.json").write_text(json.dumps(rows))
    return len(rows)


def shrunk(picture: Bytes, side: int) -> Bytes:
    """The picture with its longest side at most side."""
    scale = min(1.0, side / max(picture.shape[:2]))
    return resize(picture, *(max(1, round(one * scale)) for one in picture.shape[:2]))


def photo_of(folder: Path, name: str) -> Bytes:
    """The photo of that stem."""
    return np.asarray(read(folder / "images" / f"{name}.webp").image, np.uint8)


def gray(path: Path) -> Bytes:
    """A mask or an instance map as stored."""
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None and found.ndim == 2, path
    return np.asarray(found, np.uint8)


def is_single(mask: Bytes) -> bool:
    """Whether a mask holds one connected part of some size, and little that does not count."""
    person = (mask == 255).astype(np.uint8)
    share = person.mean()
    if not 0.02 < share < 0.85 or (mask == 128).mean() > 0.01:
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats(person)
    return bool(stats[1:, cv2.CC_STAT_AREA].max() > 0.97 * person.sum())


def singles(folder: Path, sources: dict[str, int]) -> Iterator[tuple[str, Bytes]]:
    """RGB and mask (h, w, 4) of photos that show one person."""
    told_apart = {path.stem for path in (folder / "instances").iterdir()}
    for source, most in sources.items():
        for path in sorted((folder / "masks").glob(f"{source}_*.png"))[:most]:
            mask = gray(path)
            if path.stem in told_apart:
                if len(np.unique(gray(folder / "instances" / path.name))) != 2:
                    continue
            elif source in ("penn", "cocoval"):
                continue
            if is_single(mask):
                rgba = np.dstack([photo_of(folder, path.stem), np.where(mask == 255, 255, 0).astype(np.uint8)])
                yield path.stem, shrunk(rgba, SINGLES)


def groups(folder: Path) -> Iterator[tuple[str, Bytes]]:
    """RGB, instance map and the shipped model's mask (h, w, 5) of photos whose people are told apart."""
    from standout.segmenter import Segmenter

    finder = Segmenter("standout-mobile")
    for path in sorted((folder / "instances").iterdir()):
        photo, instances = photo_of(folder, path.stem), gray(path)
        found = np.rint(finder.mask(photo) * 255).astype(np.uint8)
        scale = min(1.0, GROUPS / max(photo.shape[:2]))
        size = tuple(max(1, round(side * scale)) for side in photo.shape[1::-1])
        small = cv2.resize(instances, size, interpolation=cv2.INTER_NEAREST)
        yield path.stem, np.dstack([shrunk(photo, GROUPS), small, shrunk(found, GROUPS)])


def empty(folder: Path, most: int) -> Iterator[tuple[str, Bytes]]:
    """Photos of nobody."""
    paths = sorted(path for path in (folder / "images").iterdir() if path.stem.startswith("empty"))
    for path in paths[:: max(1, len(paths) // most)]:
        yield path.stem, shrunk(photo_of(folder, path.stem), SINGLES)


def main() -> None:
    """Writes the three parts for training, and three for validation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for split, most in (("val", 100), ("train", 600)):
        folder, out = options.people / split, options.out / split
        print(split, "singles", keep(out, "singles", singles(folder, SOURCES)), flush=True)
        print(split, "empty", keep(out, "empty", empty(folder, most)), flush=True)
        print(split, "groups", keep(out, "groups", groups(folder)), flush=True)


if __name__ == "__main__":
    main()
