"""COCO's labels: polygons and run lengths in one JSON file.

Lin et al., "Microsoft COCO" (arXiv 1405.0312). Decoded by COCO's own library, after a look at what it is given: it
trusts the file, and takes all memory for a coordinate that is no number.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from standout.data.classes import PEOPLE
from standout.data.pairs import IGNORE, Pair
from standout.data.tables import read_text
from standout.errors import InputError, MissingExtra
from standout.types import Bools, Bytes


class BadAnnotation(InputError):
    """An annotation of a COCO file that is no outline."""


@dataclass(frozen=True)
class CocoMask:
    """The people of one photo.

    people: each annotation as JSON text, which is hashable. file, photo: for errors.
    """

    height: int
    width: int
    people: tuple[str, ...]
    file: str = ""
    photo: str = ""

    def read(self, notes: list[str] | None = None) -> Bytes:
        """255 where a person is, 128 in crowds and in boxes without an outline that hold no person else, 0 elsewhere.

        Raises BadAnnotation for an outline that cannot be drawn.
        """
        mask = np.zeros((self.height, self.width), np.uint8)
        shapes = [self._shape(json.loads(text)) for text in self.people]
        for level in (IGNORE, 255):
            for of, where in shapes:
                if of == level:
                    mask[where] = level
        boxes = sum("segmentation" not in json.loads(text) for text in self.people)
        if boxes and notes is not None:
            notes.append(f"{boxes} of {len(shapes)} people have a box but no outline; their boxes do not count")
        return mask

    def identity(self) -> bytes:
        """The annotations' text."""
        return json.dumps([self.height, self.width, self.people]).encode()

    def _shape(self, annotation: dict[str, Any]) -> tuple[int, Bools]:
        """The level of an annotation, and where."""
        try:
            if "segmentation" not in annotation:
                return IGNORE, _box(annotation.get("bbox"), self.height, self.width)
            where = _outline(annotation["segmentation"], self.height, self.width)
            return IGNORE if annotation["crowd"] else 255, where
        except (ValueError, TypeError, KeyError) as error:
            raise BadAnnotation(
                f"{self.file}: annotation {annotation['id']} of photo {self.photo} is no outline: {error}; "
                "draw it anew, or remove the annotation"
            ) from None


def _box(box: Any, height: int, width: int) -> Bools:
    """Where a box [left, top, width, height] is."""
    if not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
        raise ValueError("it has neither an outline (segmentation) nor a box (bbox)")
    left, top, across, down = box
    where = np.zeros((height, width), np.bool_)
    rows = slice(max(0, math.floor(top)), max(0, math.ceil(top + down)))
    where[rows, max(0, math.floor(left)) : max(0, math.ceil(left + across))] = True
    return where


def _outline(segmentation: Any, height: int, width: int) -> Bools:
    """Where a segmentation is: polygons, or run lengths, compressed or not."""
    try:
        from pycocotools import mask as coco
    except ModuleNotFoundError:
        raise MissingExtra("reading COCO masks", "train") from None
    if isinstance(segmentation, list):
        runs = coco.merge(coco.frPyObjects([_polygon(one, height, width) for one in segmentation], height, width))
        return np.asarray(coco.decode(runs), np.bool_)
    if not isinstance(segmentation, dict) or not {"size", "counts"} <= set(segmentation):
        raise ValueError("wanted polygons, or run lengths with size and counts")
    size, counts = segmentation["size"], segmentation["counts"]
    if size != [height, width]:
        raise ValueError(f"its run lengths are of size {size}, the photo is [{height}, {width}]")
    if isinstance(counts, list):
        lengths = counts
    elif isinstance(counts, str):
        lengths = _run_lengths(counts)
    else:
        raise ValueError(f"its counts are {type(counts).__name__}, wanted a list or text")
    if not all(isinstance(length, int) and length >= 0 for length in lengths) or sum(lengths) != height * width:
        raise ValueError(f"its run lengths do not add up to {height * width}, the pixels of the photo")
    runs = coco.frPyObjects({"size": size, "counts": lengths}, height, width)
    return np.asarray(coco.decode(runs), np.bool_)


def _polygon(points: Any, height: int, width: int) -> list[float]:
    """The points x, y, x, y, ... of a polygon in the photo, three at least."""
    if not isinstance(points, list) or not all(map(_is_number, points)):
        raise ValueError("a polygon holds something that is no number")
    if len(points) < 6 or len(points) % 2:
        raise ValueError(f"a polygon has {len(points)} numbers, wanted x and y of three points at least")
    if max(map(abs, points)) <= 1 < min(height, width):
        raise ValueError("a polygon's numbers are all from 0 to 1, wanted pixels")
    if any(not -width <= x <= 2 * width for x in points[::2]) or any(
        not -height <= y <= 2 * height for y in points[1::2]
    ):
        raise ValueError(f"a polygon lies far outside of the photo of {width}x{height}")
    return [float(number) for number in points]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _run_lengths(text: str) -> list[int]:
    """The run lengths of COCO's compressed text: five bits a letter, each run as the difference to the last but one.

    >>> _run_lengths("05d0")
    [0, 5, 20]
    """
    lengths: list[int] = []
    number, shift = 0, 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"its run lengths hold {letter!r}")
        number |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            number -= (1 << shift) if bits & 16 else 0
            lengths.append(number + (lengths[-2] if len(lengths) > 2 else 0))
            number, shift = 0, 0
    if shift:
        raise ValueError("its run lengths are cut off")
    return lengths


def read_annotations(path: Path, folders: list[Path], *, split: str = "") -> tuple[list[Pair], list[str]]:
    """A pair for each photo of an instances file that lies in one of folders, and the names of those that do not.

    Photos without people are of nobody. Raises InputError when the file is not such, has no category of people, when
    its parts do not go together, or no photo is there.
    """
    try:
        found = json.loads(read_text(path))
        images = [(i["id"], str(i["file_name"]), int(i["height"]), int(i["width"])) for i in found["images"]]
        people = _people(path, found["categories"], found["annotations"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a COCO instances file ({error!r}); export it again") from None
    by_image = _by_image(path, {number for number, *_ in images}, people)
    pairs, absent = [], []
    for number, name, height, width in images:
        photo = _photo(name, folders)
        if photo is None:
            absent.append(name)
            continue
        labels = tuple(json.dumps(_shortened(label)) for label in by_image.get(number, []))
        pairs.append(Pair(photo, CocoMask(height, width, labels, str(path), photo.name), source="coco", split=split))
    if not pairs:
        raise InputError(f"none of the {len(images)} photos of {path} is in {', '.join(map(str, folders))}")
    return sorted(pairs, key=lambda pair: pair.name), absent


def _people(path: Path, categories: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The annotations of people."""
    names = {category["id"]: str(category["name"]) for category in categories}
    persons = {number for number, name in names.items() if name.strip().casefold() in PEOPLE}
    if not persons:
        raise InputError(f"{path} has no category named 'person', but {', '.join(names.values()) or 'none at all'}")
    for annotation in annotations:
        if annotation["category_id"] not in names:
            raise InputError(
                f"{path}: annotation {annotation.get('id')} is of category {annotation['category_id']!r}, "
                f"wanted one of {', '.join(map(repr, names))}; export the file again"
            )
    return [annotation for annotation in annotations if annotation["category_id"] in persons]


def _by_image(path: Path, known: set[Any], people: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    """The people of each image."""
    by_image: dict[Any, list[dict[str, Any]]] = {}
    for annotation in people:
        by_image.setdefault(annotation.get("image_id"), []).append(annotation)
    lost = [number for number in by_image if number not in known]
    if lost and (len(lost) == len(by_image) or {str(number) for number in lost} & set(map(str, known))):
        raise InputError(f"{path}: image_id {lost[0]!r} of an annotation is none of the images' ids; export it again")
    if people and not any(annotation.get("segmentation") for annotation in people):
        raise InputError(f"{path} holds boxes alone; standout learns from outlines (segmentation), so draw those")
    return by_image


def _shortened(annotation: dict[str, Any]) -> dict[str, Any]:
    """What is needed of an annotation. Polygons of one or two points, slips of the hand, are left out."""
    outline = annotation.get("segmentation")
    if isinstance(outline, list) and outline and all(map(_is_number, outline)):
        outline = [outline]  # one polygon that is not in a list
    if isinstance(outline, list):
        outline = [one for one in outline if not isinstance(one, list) or len(one) >= 6]
    found = {"id": annotation.get("id"), "crowd": bool(annotation.get("iscrowd"))}
    return found | ({"segmentation": outline} if outline else {"bbox": annotation.get("bbox")})


def _photo(name: str, folders: list[Path]) -> Path | None:
    """The photo of a name, which may be a path of another machine."""
    for tail in (name, PureWindowsPath(name).name):
        for folder in folders:
            if (folder / tail).is_file():
                return folder / tail
    return None
