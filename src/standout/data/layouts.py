"""Where photos and masks lie: each layout is a function that finds the pairs, or nothing where it does not apply.

    images/ + masks/                     NAME.jpg and NAME.png (NAME_mask.png, NAME-mask.png, NAME.jpg.png), of any kind
    train/ + train_mask/                 the same; val/ + val_mask/ beside them, if you like
    JPEGImages/ + SegmentationClass/     PASCAL VOC
    instances*.json (or annotations/)    COCO, photos beside it, in images/ or in a folder named in the file's name
    a CSV file                           columns image, mask, and if you like source and split; paths relative to it
    train/ + val/ (+ test/)              each of them one of the above; valid/ and validation/ are val/, too

Where masks hold classes, classes.csv beside them says which is person: see classes.py.

To add a layout: such a function, named in LAYOUTS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from standout import images
from standout.data import split as splitting
from standout.data.classes import VOC, ClassMask, find_classes
from standout.data.coco import read_annotations
from standout.data.pairs import Label, Pair
from standout.data.tables import PARTS, meant, part_of, read_rows
from standout.errors import InputError, nearest

SPLIT_FILE = "split.csv"
COCO_FILES = ("instances*.json", "_annotations.coco.json", "annotations/instances*.json")


@dataclass(frozen=True)
class Found:
    """What a layout finds: pairs, photos and masks without the other half, and photos that a file names in vain."""

    pairs: list[Pair]
    orphans: list[Path] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def find_pairs(folder: Path) -> list[Pair]:
    """All pairs in folder (or of a CSV or COCO file), sorted by name, by the first layout that applies.

    Raises InputError when there is no such layout or no pair, when a photo has no mask, and when split.csv lacks a
    photo or names a part that is none.
    """
    return splitting.read(split_file(folder), find_all(folder))


def split_file(folder: Path) -> Path:
    """Where the split of a folder, or of a CSV or COCO file, is kept."""
    return (folder if folder.is_dir() else folder.parent) / SPLIT_FILE


def find_all(folder: Path) -> list[Pair]:
    """As find_pairs, with split.csv left unread."""
    found = look(folder)
    if found.orphans:
        raise InputError(
            f"{len(found.orphans)} photos or masks in {folder} have no other half, {found.orphans[0]} among them; "
            f"standout data check {folder} lists them"
        )
    return found.pairs


def look(folder: Path) -> Found:
    """All that is in folder, by the first layout that applies. Raises InputError as find_pairs does."""
    if not folder.exists():
        raise InputError(f"{folder} does not exist; give the folder of your photos and masks")
    for layout in LAYOUTS.values():
        found = layout(folder)
        if found is not None:
            if not found.pairs:
                kinds = ", ".join(sorted(images.READABLE))
                raise InputError(f"{folder} holds no photo with a mask ({kinds})")
            pairs = _with_classes(found.pairs, folder if folder.is_dir() else folder.parent)
            return replace(found, pairs=sorted(pairs, key=lambda pair: (pair.split, pair.name)))
    raise InputError(f"{folder} has none of the known layouts: {'; '.join(LAYOUTS)}")


def _with_classes(pairs: list[Pair], folder: Path) -> list[Pair]:
    """The pairs with masks of classes, where a file in folder says which class is person."""
    classes = find_classes(folder)
    if classes is None:
        return pairs
    return [replace(pair, mask=ClassMask(file, classes)) if (file := _undecided(pair.mask)) else pair for pair in pairs]


def _undecided(mask: Path | Label) -> Path | None:
    """The file of a mask whose classes nobody has said yet."""
    if isinstance(mask, ClassMask):
        return mask.path if mask.classes is VOC else None
    return mask if isinstance(mask, Path) else None


def find_splits(folder: Path, *, val_share: float = splitting.VAL_SHARE) -> tuple[list[Pair], list[Pair]]:
    """Training and validation pairs: as the data say (folders, split.csv, a CSV's column), else split without leaks.

    Raises InputError as find_pairs does, and when the data say the part of some photos only.
    """
    pairs = find_pairs(folder)
    without = [pair for pair in pairs if not pair.split]
    if len(without) == len(pairs):
        pairs = splitting.split(pairs, val_share=val_share)
    elif without:
        raise InputError(
            f"{len(without)} of {len(pairs)} photos in {folder} are of no part, {without[0].name} among them; "
            f"run standout data split {folder}: it gives them one, and the others keep theirs"
        )
    train, val = ([pair for pair in pairs if pair.split == name] for name in ("train", "val"))
    return train, val


def listed(folder: Path) -> list[Path]:
    """The pictures in a folder, by name. Hidden files are none: macOS leaves ._NAME.jpg beside NAME.jpg."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in images.READABLE)
    return sorted(file for file in files if not file.name.startswith(".") and file.is_file())


def _match(photos: Path, masks: Path) -> Found:
    """Photos and masks of one name: NAME, NAME_mask, NAME-mask or NAME.jpg, as --mask-from takes them."""
    known: dict[str, list[Path]] = {}
    for file in sorted(listed(masks), key=lambda file: (file.suffix.lower() != ".png", file)):
        known.setdefault(file.stem, []).append(file)
    pairs, orphans = [], []
    for photo in listed(photos):
        names = (photo.stem, f"{photo.stem}_mask", f"{photo.stem}-mask", photo.name)
        own = next((known[name] for name in names if known.get(name)), None)
        if own is None:
            orphans.append(photo)
        else:
            pairs.append(Pair(photo, own.pop(0)))
    return Found(pairs, [*orphans, *(file for files in known.values() for file in files)])


def _folders(photos: str, masks: str) -> Callable[[Path], Found | None]:
    def find(folder: Path) -> Found | None:
        here, there = folder / photos, folder / masks
        if not here.is_dir() and not there.is_dir():
            return None
        for wanted in (here, there):
            if not wanted.is_dir():
                raise InputError(f"{wanted} is not a folder; the data folder needs {photos}/ and {masks}/")
        return _match(here, there)

    return find


def _hackathon(folder: Path) -> Found | None:
    """train/ + train_mask/, and val/ + val_mask/ where they are there, too."""
    masks = [one for one in folder.iterdir() if one.is_dir() and _part_of_masks(one)] if folder.is_dir() else []
    found = Found([])
    for one in sorted(masks):
        name = one.name.rpartition("_")[0]
        own = _folders(name, one.name)(folder) or Found([])
        found.pairs.extend(replace(pair, split=part_of(name) if len(masks) > 1 else "") for pair in own.pairs)
        found.orphans.extend(own.orphans)
    return found if any(_part_of_masks(one) == "train" for one in masks) else None


def _part_of_masks(folder: Path) -> str:
    """The part whose masks a folder such as train_mask/ holds; "" if it is none."""
    name, _, kind = folder.name.rpartition("_")
    return part_of(name) if kind.casefold() in ("mask", "masks") else ""


def _voc(folder: Path) -> Found | None:
    photos, labels = folder / "JPEGImages", folder / "SegmentationClass"
    if not photos.is_dir() or not labels.is_dir():
        return None
    splits: dict[str, str] = {}
    lists = folder / "ImageSets" / "Segmentation"
    for file in sorted(lists.glob("*.txt")) if lists.is_dir() else []:
        if part := part_of(file.stem):
            splits |= dict.fromkeys(file.read_text().split(), part)
    known = {photo.stem: photo for photo in listed(photos)}
    pairs, orphans = [], []
    for label in listed(labels):
        photo = known.get(label.stem)
        if photo is not None:
            pairs.append(Pair(photo, ClassMask(label, VOC), source="voc", split=splits.get(label.stem, "")))
        else:
            orphans.append(label)
    return Found(pairs, orphans)  # photos without a label are the rule there: most are for detection alone


def _coco(folder: Path) -> Found | None:
    files = [folder] if folder.suffix == ".json" else []
    for pattern in COCO_FILES:
        files = files or sorted(folder.glob(pattern))
    if not files or not all(file.is_file() for file in files):
        return None
    pairs: list[Pair] = []
    absent: list[str] = []
    for file in files:
        root = file.parent.parent if file.parent.name == "annotations" else file.parent
        part = file.stem.removeprefix("instances").strip("_")
        folders = [root / part, root / "images" / part, root / "images", root]
        word = re.match("[A-Za-z]*", part)
        split = part_of(word[0] if word else "") if len(files) > 1 else ""
        found, lost = read_annotations(file, [one for one in folders if one.is_dir()], split=split)
        pairs += found
        absent += lost
    return Found(pairs, [], absent)


def _table(folder: Path) -> Found | None:
    if folder.suffix.lower() == ".csv":
        columns, rows = read_rows(folder)
        if not {"image", "mask"} <= set(columns):
            raise InputError(f"{folder} needs the columns image and mask (and if you like source and split)")
        return _rows(folder, rows)
    for file in sorted(folder.glob("*.csv")) if folder.is_dir() else []:
        if not file.name.startswith(".") and file.name != SPLIT_FILE and file.is_file():
            columns, rows = read_rows(file)
            if {"image", "mask"} <= set(columns):
                return _rows(file, rows)
    return None


def _rows(file: Path, rows: Sequence[dict[str, str]]) -> Found:
    pairs, orphans = [], []
    for row in rows:
        where = f"{file}, line {row['line']}"
        if not row["image"] or not row["mask"]:
            raise InputError(f"{where}: image or mask is empty")
        image, mask = file.parent / row["image"], file.parent / row["mask"]
        part = meant(row["split"], PARTS, where) if row.get("split") else ""
        if image.is_file() and mask.is_file():
            pairs.append(Pair(image, mask, row.get("source", ""), part))
        else:
            orphans += [one for one in (image, mask) if not one.is_file()]
    return Found(pairs, orphans)


def _split_folders(folder: Path) -> Found | None:
    """train/ and val/, each with a layout of its own."""
    inside = sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    parts = {one: part_of(one.name) for one in inside}
    if not {"train", "val"} <= set(parts.values()):
        return None
    found = Found([])
    for one, part in parts.items():
        if part:
            own = look(one)
            found.pairs.extend(replace(pair, split=part) for pair in own.pairs)
            found.orphans.extend(own.orphans)
            found.absent.extend(own.absent)
        elif near := nearest(one.name.lower(), PARTS, likeness=0.75):
            raise InputError(f"{one} is none of the folders {', '.join(PARTS)}; did you mean {near!r}? Rename it")
    return found


LAYOUTS: dict[str, Callable[[Path], Found | None]] = {
    "a CSV file with columns image and mask": _table,
    "COCO's instances*.json": _coco,
    "train/ + train_mask/": _hackathon,
    "train/ + val/, each with a layout of its own": _split_folders,
    "JPEGImages/ + SegmentationClass/": _voc,
    "images/ + masks/": _folders("images", "masks"),
}
