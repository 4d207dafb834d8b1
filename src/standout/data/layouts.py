"""Layouts: how photos and masks lie in a folder. A layout is a function from the folder to its contents or None.

    images/ + masks/                     NAME.jpg and NAME.png (NAME_mask.png, NAME-mask.png, NAME.jpg.png), any format
    train/ + train_mask/                 the same names; optionally with val/ + val_mask/ beside them
    JPEGImages/ + SegmentationClass/     PASCAL VOC
    JPEGImages/ + Annotations/           DAVIS; see davis.py
    Images/ + Labels/ + eg1800_*.txt     EG1800, with the parts that its lists of names say
    instances*.json (or annotations/)    COCO, photos beside it, in images/ or in a folder that the file's name names
    a CSV file                           columns image, mask, and optionally source and split; paths relative to it
    train/ + val/ (+ test/)              each of them in one of the layouts above; valid/ and validation/ are val/, too

If masks hold classes, a file such as classes.csv beside them says which class is person; see classes.py.

To add a layout: a function that returns Contents, or None where it does not apply, named in LAYOUTS. Other packages add
theirs as entry points of the group "standout.layouts", whose name describes the layout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from standout import images
from standout.data import split as splitting
from standout.data.classes import VOC, ClassMask, find_classes
from standout.data.coco import read_annotations
from standout.data.davis import read_clips
from standout.data.pairs import Label, Pair
from standout.data.tables import PARTS, meant, part_of, read_rows, read_text
from standout.errors import InputError, SetupError, nearest
from standout.support.plugins import found

SPLIT_FILE = "split.csv"
"""Name of the file that records which photo is in which part."""

COCO_FILES = ("instances*.json", "_annotations.coco.json", "annotations/instances*.json")
"""Patterns of the names of COCO files."""

GROUP = "standout.layouts"
"""The group of entry points by which other packages add layouts."""


@dataclass(frozen=True)
class Contents:
    """What a layout finds in a folder.

    orphans: photos without a mask and masks without a photo. absent: names of photos that a file names and that do not
    exist.
    """

    pairs: list[Pair]
    orphans: list[Path] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


Layout = Callable[[Path], Contents | None]
"""Folder, or CSV or COCO file -> its contents; None where the layout does not apply."""


def find_pairs(folder: Path) -> list[Pair]:
    """All pairs in folder (or in a CSV or COCO file), sorted by name, by the first layout that applies.

    Raises InputError when no layout applies, when there is no pair, when a photo has no mask, and when split.csv lacks
    a photo or names an unknown part.
    """
    return splitting.read(split_file(folder), find_all(folder))


def split_file(folder: Path) -> Path:
    """The file that records the split of a folder, or of a CSV or COCO file; it may not exist."""
    return (folder if folder.is_dir() else folder.parent) / SPLIT_FILE


def find_all(folder: Path) -> list[Pair]:
    """All pairs in folder as find_pairs gives them, without the parts that split.csv records.

    Raises InputError when no layout applies, when there is no pair, and when a photo has no mask.
    """
    there = look(folder)
    if there.orphans:
        raise InputError(
            f"{len(there.orphans)} photos or masks in {folder} have no counterpart, {there.orphans[0]} among them; "
            f"standout data check {folder} lists them"
        )
    return there.pairs


def look(folder: Path) -> Contents:
    """The contents of folder, by the first layout that applies.

    Raises InputError when no layout applies, and when there is no pair; SetupError when a layout of another package
    cannot be loaded.
    """
    if not folder.exists():
        raise InputError(f"{folder} does not exist; give the folder of your photos and masks")
    for layout in _layouts():
        there = layout(folder)
        if there is not None:
            if not there.pairs:
                kinds = ", ".join(sorted(images.READABLE))
                raise InputError(f"{folder} holds no photo with a mask ({kinds})")
            pairs = _with_classes(there.pairs, folder if folder.is_dir() else folder.parent)
            return replace(there, pairs=sorted(pairs, key=lambda pair: (pair.split, pair.name)))
    raise InputError(f"{folder} has none of the known layouts: {'; '.join([*LAYOUTS, *found(GROUP)])}")


def _layouts() -> Iterator[Layout]:
    """The layouts in the order in which they are tried; those of other packages are loaded if none of ours applies.

    Raises SetupError when a layout of another package cannot be loaded, or is not a function.
    """
    yield from LAYOUTS.values()
    for name, layout in found(GROUP, ours=LAYOUTS).items():
        if not callable(layout):
            raise SetupError(f"{name!r} of {GROUP} is {layout!r}, not a function from a folder to its Contents")
        yield layout


def _with_classes(pairs: list[Pair], folder: Path) -> list[Pair]:
    """The pairs, their masks read as classes if a file in folder says which class is person."""
    classes = find_classes(folder)
    if classes is None:
        return pairs
    return [replace(pair, mask=ClassMask(file, classes)) if (file := _undecided(pair.mask)) else pair for pair in pairs]


def _undecided(mask: Path | Label) -> Path | None:
    """The file of a mask whose classes no file of the user has named yet; None where there is none."""
    if isinstance(mask, ClassMask):
        return mask.path if mask.classes is VOC else None
    return mask if isinstance(mask, Path) else None


def find_splits(folder: Path, *, val_share: float = splitting.VAL_SHARE) -> tuple[list[Pair], list[Pair]]:
    """The training pairs and the validation pairs.

    The data name the parts by folders, by split.csv or by a column of a CSV file; if they do not, the pairs are split
    without leaks. val_share: the share for validation then, 0..1. Raises InputError as find_pairs does, and when the
    data name the parts of only some photos.
    """
    pairs = find_pairs(folder)
    without = [pair for pair in pairs if not pair.split]
    if len(without) == len(pairs):
        pairs = splitting.split(pairs, val_share=val_share)
    elif without:
        raise InputError(
            f"{len(without)} of {len(pairs)} photos in {folder} belong to no part, {without[0].name} among them; "
            f"run standout data split {folder}: it gives them a part, and the others keep theirs"
        )
    train, val = ([pair for pair in pairs if pair.split == name] for name in ("train", "val"))
    return train, val


def listed(folder: Path) -> list[Path]:
    """The picture files in a folder, sorted by name, without hidden files: macOS leaves ._NAME.jpg beside NAME.jpg."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in images.READABLE)
    return sorted(file for file in files if not file.name.startswith(".") and file.is_file())


def _match(photos: Path, masks: Path) -> Contents:
    """Photos and masks matched by name: NAME, NAME_mask, NAME-mask or NAME.jpg, as --mask-from matches them."""
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
    return Contents(pairs, [*orphans, *(file for files in known.values() for file in files)])


def _folders(photos: str, masks: str) -> Layout:
    """The layout with photos in one folder and masks in another."""

    def find(folder: Path) -> Contents | None:
        here, there = folder / photos, folder / masks
        if not here.is_dir() and not there.is_dir():
            return None
        for wanted in (here, there):
            if not wanted.is_dir():
                raise InputError(f"{wanted} is not a folder; a data folder needs both {photos}/ and {masks}/")
        return _match(here, there)

    return find


def _hackathon(folder: Path) -> Contents | None:
    """The layout train/ + train_mask/, with val/ + val_mask/ if they exist."""
    masks = [one for one in folder.iterdir() if one.is_dir() and _part_of_masks(one)] if folder.is_dir() else []
    there = Contents([])
    for one in sorted(masks):
        name = one.name.rpartition("_")[0]
        own = _folders(name, one.name)(folder) or Contents([])
        there.pairs.extend(replace(pair, split=part_of(name) if len(masks) > 1 else "") for pair in own.pairs)
        there.orphans.extend(own.orphans)
    return there if any(_part_of_masks(one) == "train" for one in masks) else None


def _part_of_masks(folder: Path) -> str:
    """The part whose masks a folder such as train_mask/ holds; "" if it is not such a folder."""
    name, _, kind = folder.name.rpartition("_")
    return part_of(name) if kind.casefold() in ("mask", "masks") else ""


def _voc(folder: Path) -> Contents | None:
    """The layout of PASCAL VOC, with the parts that its lists of names say."""
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
    return Contents(pairs, orphans)  # most photos of VOC have no label, since they are for detection


def _davis(folder: Path) -> Contents | None:
    """The layout of DAVIS: the frames of its clips that show people."""
    there = read_clips(folder)
    return Contents(*there) if there is not None else None


def _eg1800(folder: Path) -> Contents | None:
    """The layout of EG1800: the photos that its lists of names hold; labels of other photos are passed over."""
    lists = sorted(folder.glob("eg1800_*.txt"))
    if not lists or not (folder / "Images").is_dir() or not (folder / "Labels").is_dir():
        return None
    parts = {Path(name).stem: part_of(file.stem.removeprefix("eg1800_")) for file in lists for name in _lines(file)}
    photos, labels = ({one.stem: one for one in listed(folder / name)} for name in ("Images", "Labels"))
    pairs = [
        Pair(photos[name], labels[name], source="eg1800", split=part)
        for name, part in parts.items()
        if name in photos and name in labels
    ]
    orphans = [photos[name] for name in parts if name in photos and name not in labels]
    return Contents(pairs, orphans, [name for name in parts if name not in photos])


def _lines(file: Path) -> list[str]:
    """The lines of a list of names, without the empty ones."""
    return [line.strip() for line in read_text(file).splitlines() if line.strip()]


def _coco(folder: Path) -> Contents | None:
    """The layout of COCO: a file of instances, or several for different parts."""
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
        own, lost = read_annotations(file, [one for one in folders if one.is_dir()], split=split)
        pairs += own
        absent += lost
    return Contents(pairs, [], absent)


def _table(folder: Path) -> Contents | None:
    """The layout of a CSV file that names photos and masks."""
    if folder.suffix.lower() == ".csv":
        columns, rows = read_rows(folder)
        if not {"image", "mask"} <= set(columns):
            raise InputError(f"{folder} needs the columns image and mask, and may have source and split")
        return _rows(folder, rows)
    for file in sorted(folder.glob("*.csv")) if folder.is_dir() else []:
        if not file.name.startswith(".") and file.name != SPLIT_FILE and file.is_file():
            columns, rows = read_rows(file)
            if {"image", "mask"} <= set(columns):
                return _rows(file, rows)
    return None


def _rows(file: Path, rows: Sequence[dict[str, str]]) -> Contents:
    """The contents that the rows of a CSV file name."""
    pairs, orphans = [], []
    for row in rows:
        where = f"{file}, line {row['line']}"
        if not row["image"] or not row["mask"]:
            raise InputError(f"{where}: image or mask is empty; name both files, or remove the line")
        image, mask = file.parent / row["image"], file.parent / row["mask"]
        part = meant(row["split"], PARTS, where) if row.get("split") else ""
        if image.is_file() and mask.is_file():
            pairs.append(Pair(image, mask, row.get("source", ""), part))
        else:
            orphans += [one for one in (image, mask) if not one.is_file()]
    return Contents(pairs, orphans)


def _split_folders(folder: Path) -> Contents | None:
    """The layout of folders train/ and val/, each of which has a layout of its own."""
    inside = sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    parts = {one: part_of(one.name) for one in inside}
    if not {"train", "val"} <= set(parts.values()):
        return None
    there = Contents([])
    for one, part in parts.items():
        if part:
            own = look(one)
            there.pairs.extend(replace(pair, split=part) for pair in own.pairs)
            there.orphans.extend(own.orphans)
            there.absent.extend(own.absent)
        elif near := nearest(one.name.lower(), PARTS, likeness=0.75):
            raise InputError(f"{one} is none of the folders {', '.join(PARTS)}; did you mean {near!r}? Rename it")
    return there


LAYOUTS: dict[str, Layout] = {
    "a CSV file with columns image and mask": _table,
    "COCO's instances*.json": _coco,
    "train/ + train_mask/": _hackathon,
    "train/ + val/, each with a layout of its own": _split_folders,
    "JPEGImages/ + SegmentationClass/": _voc,
    "DAVIS's JPEGImages/ + Annotations/": _davis,
    "EG1800's Images/ + Labels/": _eg1800,
    "images/ + masks/": _folders("images", "masks"),
}
