"""Where photos and masks lie: each layout is a function that finds the pairs, or nothing where it does not apply.

    images/ + masks/                     NAME.jpg|webp|png and NAME.png
    train/ + train_mask/                 the same, or NAME_mask.png
    JPEGImages/ + SegmentationClass/     PASCAL VOC
    instances*.json (or annotations/)    COCO, photos beside it, in images/ or in a folder named in the file's name
    a CSV file                           columns image, mask, and if you like source and split; paths relative to it
    train/ + val/ (+ test/)              each of them one of the above

To add a layout: such a function, named in LAYOUTS.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from standout.dataset import split as splitting
from standout.dataset.coco import read_annotations
from standout.dataset.pairs import Pair
from standout.dataset.voc import VocMask
from standout.errors import InputError

PHOTO_SUFFIXES = (".webp", ".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
MASK_SUFFIXES = (".png", ".webp", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg")
SPLITS = ("train", "val", "test")
SPLIT_FILE = "split.csv"


def find_pairs(folder: Path) -> list[Pair]:
    """All pairs in folder (or of a CSV or COCO file), sorted by name, by the first layout that applies.

    Raises InputError when there is no such layout or no pair, when a photo has no mask, and when folder/split.csv lacks
    a photo.
    """
    return splitting.read(folder / SPLIT_FILE, find_all(folder))


def find_all(folder: Path) -> list[Pair]:
    """As find_pairs, with folder/split.csv left unread."""
    pairs, orphans = look(folder)
    if orphans:
        raise InputError(
            f"{len(orphans)} photos or masks in {folder} have no other half, {orphans[0]} among them; "
            f"standout data check {folder} lists them"
        )
    return pairs


def look(folder: Path) -> tuple[list[Pair], list[Path]]:
    """All pairs in folder, and the photos and masks without the other half. Raises InputError as find_pairs does."""
    if not folder.exists():
        raise InputError(f"{folder} does not exist; give the folder of your photos and masks")
    for layout in LAYOUTS.values():
        found = layout(folder)
        if found is not None:
            pairs, orphans = found
            if not pairs:
                raise InputError(f"{folder} holds no photo with a mask ({', '.join(PHOTO_SUFFIXES)})")
            return sorted(pairs, key=lambda pair: (pair.split, pair.name)), orphans
    raise InputError(f"{folder} has none of the known layouts: {'; '.join(LAYOUTS)}")


def find_splits(folder: Path, *, val_share: float = splitting.VAL_SHARE) -> tuple[list[Pair], list[Pair]]:
    """Training and validation pairs: as the data say (folders, split.csv, a CSV's column), else split without leaks.

    Raises InputError as find_pairs does.
    """
    pairs = find_pairs(folder)
    if not any(pair.split for pair in pairs):
        pairs = splitting.split(pairs, val_share=val_share)
    train, val = ([pair for pair in pairs if pair.split == name] for name in ("train", "val"))
    return train, val


Found = tuple[list[Pair], list[Path]]


def _match(images: Path, masks: Path, *, split: str = "") -> Found:
    """Photos and masks of one name, or NAME and NAME_mask."""
    photos = sorted(file for file in images.iterdir() if file.suffix.lower() in PHOTO_SUFFIXES)
    known = {file.stem: file for file in sorted(masks.iterdir()) if file.suffix.lower() in MASK_SUFFIXES}
    pairs, orphans = [], []
    for photo in photos:
        mask = known.pop(photo.stem, None) or known.pop(f"{photo.stem}_mask", None)
        if mask is None:
            orphans.append(photo)
        else:
            pairs.append(Pair(photo, mask, split=split))
    return pairs, [*orphans, *known.values()]


def _folders(images: str, masks: str) -> Callable[[Path], Found | None]:
    def find(folder: Path) -> Found | None:
        here, there = folder / images, folder / masks
        if not here.is_dir() and not there.is_dir():
            return None
        for wanted in (here, there):
            if not wanted.is_dir():
                raise InputError(f"{wanted} is not a folder; the data folder needs {images}/ and {masks}/")
        return _match(here, there)

    return find


def _hackathon(folder: Path) -> Found | None:
    if not (folder / "train_mask").is_dir():
        return None
    return _folders("train", "train_mask")(folder)


def _voc(folder: Path) -> Found | None:
    if not (folder / "JPEGImages").is_dir() or not (folder / "SegmentationClass").is_dir():
        return None
    splits: dict[str, str] = {}
    for name in ("train", "val"):
        listed = folder / "ImageSets" / "Segmentation" / f"{name}.txt"
        if listed.is_file():
            splits |= dict.fromkeys(listed.read_text().split(), name)
    pairs, orphans = [], []
    for label in sorted((folder / "SegmentationClass").glob("*.png")):
        photo = folder / "JPEGImages" / f"{label.stem}.jpg"
        if photo.is_file():
            pairs.append(Pair(photo, VocMask(label), source="voc", split=splits.get(label.stem, "")))
        else:
            orphans.append(label)
    return pairs, orphans  # photos without a label are the rule there: most are for detection alone


def _coco(folder: Path) -> Found | None:
    files = [folder] if folder.suffix == ".json" else sorted(folder.glob("instances*.json"))
    files = files or sorted(folder.glob("annotations/instances*.json"))
    if not files or not all(file.is_file() for file in files):
        return None
    pairs = []
    for file in files:
        root = file.parent.parent if file.parent.name == "annotations" else file.parent
        part = file.stem.removeprefix("instances").strip("_")
        folders = [root / part, root / "images" / part, root / "images", root]
        split = next((name for name in SPLITS if part.startswith(name)), "") if len(files) > 1 else ""
        pairs += read_annotations(file, [one for one in folders if one.is_dir()], split=split)
    return pairs, []


def _table(folder: Path) -> Found | None:
    files = [folder] if folder.suffix == ".csv" else sorted(folder.glob("*.csv")) if folder.is_dir() else []
    for file in files:
        with file.open(newline="") as text:
            rows = csv.DictReader(text)
            if {"image", "mask"} <= set(rows.fieldnames or ()):
                return _rows(file, list(rows))
    if folder.suffix == ".csv":
        raise InputError(f"{folder} needs the columns image and mask (and if you like source and split)")
    return None


def _rows(file: Path, rows: Sequence[dict[str, str]]) -> Found:
    pairs, orphans = [], []
    for number, row in enumerate(rows, 2):
        if not row["image"] or not row["mask"]:
            raise InputError(f"{file}, line {number}: image or mask is empty")
        image, mask = file.parent / row["image"], file.parent / row["mask"]
        if image.is_file() and mask.is_file():
            pairs.append(Pair(image, mask, row.get("source") or "", row.get("split") or ""))
        else:
            orphans += [one for one in (image, mask) if not one.is_file()]
    return pairs, orphans


def _split_folders(folder: Path) -> Found | None:
    """train/ and val/, each with a layout of its own."""
    if not ((folder / "train").is_dir() and (folder / "val").is_dir()):
        return None
    pairs: list[Pair] = []
    orphans: list[Path] = []
    for name in SPLITS:
        if (folder / name).is_dir():
            found, lost = look(folder / name)
            pairs += [replace(pair, split=name) for pair in found]
            orphans += lost
    return pairs, orphans


LAYOUTS: dict[str, Callable[[Path], Found | None]] = {
    "a CSV file with columns image and mask": _table,
    "COCO's instances*.json": _coco,
    "train/ + train_mask/": _hackathon,
    "train/ + val/, each with a layout of its own": _split_folders,
    "JPEGImages/ + SegmentationClass/": _voc,
    "images/ + masks/": _folders("images", "masks"),
}
