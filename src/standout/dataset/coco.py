"""COCO's labels: polygons and run lengths in one JSON file.

Lin et al., "Microsoft COCO" (arXiv 1405.0312). Decoded by COCO's own library.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from standout.dataset.pairs import IGNORE, Bytes, Pair
from standout.errors import InputError, MissingExtra


@dataclass(frozen=True)
class CocoMask:
    """The people of one photo. people, crowds: each segmentation as JSON text, which is hashable."""

    height: int
    width: int
    people: tuple[str, ...]
    crowds: tuple[str, ...] = ()

    def read(self) -> Bytes:
        """255 where a person is, 128 in crowds that are not counted out, 0 elsewhere."""
        mask = np.zeros((self.height, self.width), np.uint8)
        for level, texts in ((IGNORE, self.crowds), (255, self.people)):
            for text in texts:
                mask[self._decode(json.loads(text))] = level
        return mask

    def identity(self) -> bytes:
        """The segmentations' text."""
        return json.dumps([self.height, self.width, self.people, self.crowds]).encode()

    def _decode(self, segmentation: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
        try:
            from pycocotools import mask as coco
        except ModuleNotFoundError:
            raise MissingExtra("reading COCO masks", "train") from None
        if isinstance(segmentation, list):
            runs = coco.merge(coco.frPyObjects(segmentation, self.height, self.width))
        elif isinstance(segmentation["counts"], list):
            runs = coco.frPyObjects(segmentation, self.height, self.width)
        else:
            runs = segmentation
        return np.asarray(coco.decode(runs), bool)


def read_annotations(path: Path, folders: list[Path], *, split: str = "") -> list[Pair]:
    """A pair for each photo of an instances file that lies in one of folders; photos without people are of nobody.

    Raises InputError when the file is not such, has no category "person", or no photo is there.
    """
    try:
        found = json.loads(path.read_text())
        people = {c["id"] for c in found["categories"] if c["name"] == "person"}
        by_image: dict[Any, list[dict[str, Any]]] = {}
        for annotation in found["annotations"]:
            if annotation["category_id"] in people:
                by_image.setdefault(annotation["image_id"], []).append(annotation)
        images = [(i["file_name"], i["height"], i["width"], by_image.get(i["id"], [])) for i in found["images"]]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{path} is not a COCO instances file ({error!r})") from None
    if not people:
        raise InputError(f"{path} has no category named 'person'")
    pairs = []
    for name, height, width, labels in images:
        photo = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if photo is not None:
            people_in = tuple(json.dumps(a["segmentation"]) for a in labels if not a.get("iscrowd"))
            crowds = tuple(json.dumps(a["segmentation"]) for a in labels if a.get("iscrowd"))
            pairs.append(Pair(photo, CocoMask(height, width, people_in, crowds), source="coco", split=split))
    if not pairs:
        raise InputError(f"none of the {len(images)} photos of {path} is in {', '.join(map(str, folders))}")
    return sorted(pairs, key=lambda pair: pair.name)
