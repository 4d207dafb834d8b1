"""The boxes of people in a COCO file, for photos that have no outlines.

Lin et al., "Microsoft COCO: Common Objects in Context" (arXiv 1405.0312). A file with outlines has boxes too, and one
with boxes alone does as well.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from standout.data.coco import is_number, people_in
from standout.data.tables import read_text
from standout.errors import InputError


@dataclass(frozen=True)
class LabelBox:
    """The box of a person, or of a crowd, as shares of the photo's width and height from its top left corner, 0..1."""

    left: float
    top: float
    right: float
    bottom: float
    crowd: bool = False

    def within(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """The rows and columns of a photo of shape (H, W) that the box touches.

        >>> LabelBox(0.25, 0.0, 0.5, 1.0).within((4, 8))
        (slice(0, 4, None), slice(2, 4, None))
        """
        height, width = shape[:2]
        rows = slice(math.floor(self.top * height), math.ceil(self.bottom * height))
        return rows, slice(math.floor(self.left * width), math.ceil(self.right * width))


def read_boxes(path: Path) -> dict[str, tuple[LabelBox, ...]]:
    """The name of each photo in a COCO file -> the boxes of its people; no boxes where it shows nobody.

    A photo is named as in the file, and by the last part of that name, if no other photo has it: file names may be
    paths on another machine. Raises InputError when path is not such a file, when it has no category of people, and
    when a box is none.
    """
    try:
        found = json.loads(read_text(path))
        sizes = {i["id"]: (str(i["file_name"]), float(i["height"]), float(i["width"])) for i in found["images"]}
        people = people_in(path, found["categories"], found["annotations"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a COCO file with boxes ({error!r}); export it again") from None
    boxes: dict[str, list[LabelBox]] = {name: [] for name, _, _ in sizes.values()}
    for annotation in people:
        if annotation.get("image_id") not in sizes:
            raise InputError(
                f"{path}: image_id {annotation.get('image_id')!r} of an annotation is not the id of an image; "
                "export it again"
            )
        name, height, width = sizes[annotation["image_id"]]
        boxes[name].append(_box(path, annotation, height, width))
    short = Counter(PureWindowsPath(name).name for name in boxes)
    known = {name: tuple(own) for name, own in boxes.items()}
    return {tail: own for name, own in known.items() if short[tail := PureWindowsPath(name).name] == 1} | known


def _box(path: Path, annotation: dict[str, Any], height: float, width: float) -> LabelBox:
    """The box of an annotation. Raises InputError when it has none."""
    box = annotation.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(map(is_number, box)) and height > 0 and width > 0):
        raise InputError(
            f"{path}: annotation {annotation.get('id')} has the box {box!r}, wanted [left, top, width, height] in "
            "pixels; draw it anew, or remove the annotation"
        )
    left, top, across, down = box
    left, right = (min(1.0, max(0.0, side / width)) for side in (left, left + across))
    top, bottom = (min(1.0, max(0.0, side / height)) for side in (top, top + down))
    return LabelBox(left, top, right, bottom, crowd=bool(annotation.get("iscrowd")))
