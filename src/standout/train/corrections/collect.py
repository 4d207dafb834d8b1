"""Corrected photos -> one folder of pairs.

pairs.csv            the columns image, mask, source
images/NAME.suffix   each photo as it was, byte by byte
masks/NAME.png       uint8 gray: 255 = person, 0 = background, 128 = does not count, other levels = soft edges
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from standout import images
from standout.batch.find import find
from standout.batch.hand_masks import mask_for
from standout.batch.naming import is_clip
from standout.data.layouts import find_all
from standout.data.pairs import Pair, read_image, read_label
from standout.errors import InputError
from standout.support.atomic import write_folder_atomic
from standout.types import Bytes

TABLE = "pairs.csv"
SOURCE = "corrections"
"""The source of all collected pairs."""

LARGEST = 1 << 30
"""The most bytes that a file in a ZIP may unpack to."""


@dataclass(frozen=True)
class Correction:
    """A corrected photo: its file, its name, and its mask as collect.py's masks are."""

    photo: Path
    name: str
    mask: Bytes


def collect(inputs: Sequence[Path], target: Path, *, masks: Path | None = None) -> list[Pair]:
    """The pairs in the folder target, which is made of all inputs; a photo that comes twice has its last mask.

    inputs: ZIP files that the page saved, or folders of pairs in any layout that `standout data check` knows. masks: a
    folder of masks retouched by hand, as for --mask-from; the inputs are then photos, and those without a mask in it
    are left out.

    Where target exists, it must hold the same pairs. Raises InputError where it holds others, where an input holds no
    correction, and where a file cannot be read; OutputError where target cannot be written. The inputs stay as they
    are.
    """
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "pairs"
        _write(_distinct(_all(inputs, masks, Path(folder))), staged)
        if not target.exists():
            write_folder_atomic(target, staged)
        elif _contents(target) != _contents(staged):
            raise InputError(f"{target} holds other corrections than the ones given; give another --out")
    return find_all(target / TABLE)


def _all(inputs: Sequence[Path], masks: Path | None, room: Path) -> Iterator[Correction]:
    for number, path in enumerate(inputs):
        if not path.exists():
            raise InputError(
                f"{path} does not exist; give a ZIP that the page saved, or a folder of images/ and masks/"
            )
        if masks is not None:
            yield from _retouched(path, masks)
            continue
        place = path
        if path.is_file() and zipfile.is_zipfile(path):
            place = room / str(number)
            _unpack(path, place)
        for pair in find_all(place):
            yield Correction(pair.image, pair.name, read_label(pair, read_image(pair.image).shape[:2]))


def _retouched(photos: Path, masks: Path) -> Iterator[Correction]:
    """The photos that have a mask among those retouched by hand. Raises InputError when none has."""
    if not masks.is_dir():
        raise InputError(f"--mask-from {masks} is no folder; give the folder of masks named like the photos")
    count = 0
    for one in find(str(photos), recursive=True):
        path = None if one.skip or one.fault or is_clip(one.source) else mask_for(one.name, masks)
        if path is None:
            continue
        alpha, shape = images.read_alpha(path), read_image(one.source).shape[:2]
        if alpha.shape != shape:
            raise InputError(
                f"mask {path} is {alpha.shape[1]}x{alpha.shape[0]} but {one.source} is {shape[1]}x{shape[0]}; a mask "
                "has its photo's size"
            )
        levels = np.rint(alpha * 255).astype(np.uint8)
        count += 1
        # In pairs, the level 128 marks pixels that do not count.
        yield Correction(one.source, one.source.stem, np.where(levels == 128, 127, levels).astype(np.uint8))
    if not count:
        raise InputError(f"{masks} has no mask for any photo of {photos}; masks are named like their photos")


def _unpack(path: Path, place: Path) -> None:
    """Unpacks the files of images/ and masks/ in a ZIP. Raises InputError when it holds none, or is damaged."""
    found = 0
    try:
        with zipfile.ZipFile(path) as packed:
            for entry in packed.infolist():
                parts = PurePosixPath(entry.filename).parts
                if entry.is_dir() or len(parts) < 2 or parts[-2] not in ("images", "masks") or parts[-1] == "..":
                    continue
                if entry.file_size > LARGEST:
                    raise InputError(f"{path}: {entry.filename} unpacks to {entry.file_size} bytes; wanted a picture")
                target = place / parts[-2] / re.sub(r'[\\:*?"<>|]', "_", parts[-1])
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(entry) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
                found += 1
    except (zipfile.BadZipFile, RuntimeError, EOFError) as error:  # a RuntimeError where it is encrypted
        raise InputError(f"{path} cannot be unpacked ({error}); save the corrections on the page again") from None
    if not found:
        raise InputError(f"{path} holds no images/ and masks/; wanted standout-pairs.zip, which the page saves")


def _distinct(found: Iterator[Correction]) -> list[Correction]:
    """The corrections, of which the last counts where several are of the same photo, in the order of the photos."""
    last: dict[str, Correction] = {}
    for one in found:
        last[hashlib.sha256(one.photo.read_bytes()).hexdigest()] = one
    return list(last.values())


def _write(found: Sequence[Correction], staged: Path) -> None:
    """Writes the folder."""
    for part in ("images", "masks"):
        (staged / part).mkdir(parents=True)
    rows, taken = [["image", "mask", "source"]], set[str]()
    for one in found:
        stem = re.sub(r"[^\w.-]", "_", one.name)
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        image, mask = f"images/{name}{one.photo.suffix}", f"masks/{name}.png"
        shutil.copyfile(one.photo, staged / image)
        done, data = cv2.imencode(".png", one.mask)
        assert done
        (staged / mask).write_bytes(data.tobytes())
        rows.append([image, mask, SOURCE])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    (staged / TABLE).write_text(text.getvalue(), encoding="utf-8")


def _contents(folder: Path) -> dict[str, str]:
    """The sha256 of each file, by its place in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
