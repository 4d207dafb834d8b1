"""COCO's labels: polygons and run lengths in a JSON file.

Lin et al., "Microsoft COCO: Common Objects in Context" (arXiv 1405.0312). They are decoded by COCO's own library.
Annotations are checked before, since the library trusts the file and takes all memory for a coordinate that is not a
number.
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
    """An annotation of a COCO file cannot be drawn as an outline."""


@dataclass(frozen=True)
class CocoMask:
    """The mask of a photo from the annotations of its people.

    people: each annotation as JSON text, which is hashable. file, photo: their names, for errors.
    """

    height: int
    width: int
    people: tuple[str, ...]
    file: str = ""
    photo: str = ""

    def read(self, notes: list[str] | None = None) -> Bytes:
        """The mask, uint8 (H, W): 255 for people, 128 for crowds and boxes without an outline, 0 elsewhere.

        Where a crowd or a box overlaps an outlined person, the person counts. Raises BadAnnotation for an outline that
        cannot be drawn.
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
        """The size and the annotations as text."""
        return json.dumps([self.height, self.width, self.people]).encode()

    def _shape(self, annotation: dict[str, Any]) -> tuple[int, Bools]:
        """The level of an annotation, 255 or 128, and its pixels, bool (H, W)."""
        try:
            if "segmentation" not in annotation:
                return IGNORE, _box(annotation.get("bbox"), self.height, self.width)
            where = _outline(annotation["segmentation"], self.height, self.width)
            return IGNORE if annotation["crowd"] else 255, where
        except (ValueError, TypeError, KeyError) as error:
            raise BadAnnotation(
                f"{self.file}: annotation {annotation['id']} of photo {self.photo} is not an outline: {error}; "
                "draw it anew, or remove the annotation"
            ) from None


def _box(box: Any, height: int, width: int) -> Bools:
    """The pixels of a box [left, top, width, height], bool (height, width) of the photo.

    Raises ValueError when it is not a box.
    """
    if not (isinstance(box, list) and len(box) == 4 and all(map(is_number, box))):
        raise ValueError("it has neither an outline (segmentation) nor a box (bbox)")
    left, top, across, down = box
    where = np.zeros((height, width), np.bool_)
    rows = slice(max(0, math.floor(top)), max(0, math.ceil(top + down)))
    where[rows, max(0, math.floor(left)) : max(0, math.ceil(left + across))] = True
    return where


def _outline(segmentation: Any, height: int, width: int) -> Bools:
    """The pixels of a segmentation, bool (height, width): of polygons, or of run lengths, compressed or not.

    Raises ValueError, saying what is wrong, when it cannot be drawn, MissingExtra when pycocotools is not installed.
    """
    try:
        from pycocotools import mask as coco
    except ModuleNotFoundError:
        raise MissingExtra("reading COCO masks", "train") from None
    if isinstance(segmentation, list):
        runs = coco.merge(coco.frPyObjects([_polygon(one, height, width) for one in segmentation], height, width))
        return np.asarray(coco.decode(runs), np.bool_)
    if not isinstance(segmentation, dict) or not {"size", "counts"} <= set(segmentation):
        raise ValueError("it holds neither polygons nor run lengths with size and counts")
    size, counts = segmentation["size"], segmentation["counts"]
    if size != [height, width]:
        raise ValueError(f"its run lengths are of size {size}, the photo is [{height}, {width}]")
    if isinstance(counts, list):
        lengths = counts
    elif isinstance(counts, str):
        lengths = _run_lengths(counts)
    else:
        raise ValueError(f"its counts are of type {type(counts).__name__}, wanted a list or text")
    if not all(isinstance(length, int) and length >= 0 for length in lengths) or sum(lengths) != height * width:
        raise ValueError(f"its run lengths do not add up to {height * width}, the pixels of the photo")
    runs = coco.frPyObjects({"size": size, "counts": lengths}, height, width)
    return np.asarray(coco.decode(runs), np.bool_)


def _polygon(points: Any, height: int, width: int) -> list[float]:
    """The numbers x, y, x, y, ... of a polygon of at least three points.

    Raises ValueError, saying what is wrong, when it is not such a polygon in pixels of the photo.
    """
    if not isinstance(points, list) or not all(map(is_number, points)):
        raise ValueError("a polygon holds something that is not a number")
    if len(points) < 6 or len(points) % 2:
        raise ValueError(f"a polygon has {len(points)} numbers, wanted x and y of at least three points")
    if max(map(abs, points)) <= 1 < min(height, width):
        raise ValueError("a polygon's numbers are all from 0 to 1, wanted pixels")
    if any(not -width <= x <= 2 * width for x in points[::2]) or any(
        not -height <= y <= 2 * height for y in points[1::2]
    ):
        raise ValueError(f"a polygon lies far outside of the photo of {width}x{height}")
    return [float(number) for number in points]


def is_number(value: Any) -> bool:
    """Whether a value read from JSON is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _run_lengths(text: str) -> list[int]:
    """The run lengths in COCO's compressed text, with five bits in each letter.

    From the fourth run on, the text holds the difference to the run two places before.

    Raises ValueError when it is not such text.

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
    """The pairs of an instances file whose photos are in one of the folders, and the names of the other photos.

    Photos without annotations of people show nobody. Raises InputError when path is not an instances file, when it has
    no category of people, when its annotations do not fit its images, and when none of its photos is found.
    """
    try:
        found = json.loads(read_text(path))
        images = [(i["id"], str(i["file_name"]), int(i["height"]), int(i["width"])) for i in found["images"]]
        people = people_in(path, found["categories"], found["annotations"])
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
        raise InputError(
            f"none of the {len(images)} photos of {path} is in {', '.join(map(str, folders))}; put them there"
        )
    return sorted(pairs, key=lambda pair: pair.name), absent


def people_in(path: Path, categories: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The annotations that are of people.

    Raises InputError when there is no such category, or when an annotation is of an unknown category.
    """
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
    """The id of an image -> the annotations of its people.

    Raises InputError when annotations are of unknown images, or when all are boxes without outlines.
    """
    by_image: dict[Any, list[dict[str, Any]]] = {}
    for annotation in people:
        by_image.setdefault(annotation.get("image_id"), []).append(annotation)
    lost = [number for number in by_image if number not in known]
    if lost and (len(lost) == len(by_image) or {str(number) for number in lost} & set(map(str, known))):
        raise InputError(f"{path}: image_id {lost[0]!r} of an annotation is not the id of an image; export it again")
    if people and not any(annotation.get("segmentation") for annotation in people):
        raise InputError(f"{path} holds only boxes; standout learns from outlines (segmentation), so draw those")
    return by_image


def _shortened(annotation: dict[str, Any]) -> dict[str, Any]:
    """The needed parts of an annotation, without polygons of one or two points, which are slips of the hand."""
    outline = annotation.get("segmentation")
    if isinstance(outline, list) and outline and all(map(is_number, outline)):
        outline = [outline]  # a polygon that is not in a list of polygons
    if isinstance(outline, list):
        outline = [one for one in outline if not isinstance(one, list) or len(one) >= 6]
    found = {"id": annotation.get("id"), "crowd": bool(annotation.get("iscrowd"))}
    return found | ({"segmentation": outline} if outline else {"bbox": annotation.get("bbox")})


def _photo(name: str, folders: list[Path]) -> Path | None:
    """The file of a photo's name, which may be a path on another machine; None if it is in none of the folders."""
    for tail in (name, PureWindowsPath(name).name):
        for folder in folders:
            if (folder / tail).is_file():
                return folder / tail
    return None
