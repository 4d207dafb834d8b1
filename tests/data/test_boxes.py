import json
from pathlib import Path
from typing import Any

import pytest

from standout.data.boxes import LabelBox, read_boxes
from standout.errors import InputError


def coco(path: Path, annotations: list[dict[str, Any]], *, names: tuple[str, ...] = ("a.jpg", "b.jpg")) -> Path:
    images = [{"id": n, "file_name": name, "height": 100, "width": 200} for n, name in enumerate(names)]
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    return path


def of_person(box: Any, *, image: int = 0, category: int = 1, crowd: int = 0) -> dict[str, Any]:
    return {"id": 7, "image_id": image, "category_id": category, "bbox": box, "iscrowd": crowd}


def test_boxes_are_shares_of_the_photo_and_of_people_alone(tmp_path: Path) -> None:
    people = [of_person([50, 25, 100, 50]), of_person([0, 0, 9, 9], category=2), of_person([-20, 0, 40, 200], crowd=1)]
    found = read_boxes(coco(tmp_path / "boxes.json", people))
    assert found == {"a.jpg": (LabelBox(0.25, 0.25, 0.75, 0.75), LabelBox(0.0, 0.0, 0.1, 1.0, crowd=True)), "b.jpg": ()}


def test_a_photo_is_known_by_the_last_part_of_its_name_unless_two_share_it(tmp_path: Path) -> None:
    names = ("C:\\photos\\one.jpg", "x/two.jpg", "y/two.jpg")
    found = read_boxes(coco(tmp_path / "boxes.json", [of_person([0, 0, 200, 100])], names=names))
    assert found["one.jpg"] == (LabelBox(0.0, 0.0, 1.0, 1.0),)
    assert "two.jpg" not in found and found["x/two.jpg"] == ()


@pytest.mark.parametrize("box", [None, [1, 2, 3], [1, 2, 3, float("nan")], "all"])
def test_what_is_no_box_is_named(tmp_path: Path, box: Any) -> None:
    with pytest.raises(InputError, match=r"boxes\.json: annotation 7 has the box .*wanted \[left, top,"):
        read_boxes(coco(tmp_path / "boxes.json", [of_person(box)]))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("[]")
    with pytest.raises(InputError, match="not a COCO file with boxes"):
        read_boxes(tmp_path / "no.json")
    with pytest.raises(InputError, match="image_id 5 of an annotation"):
        read_boxes(coco(tmp_path / "boxes.json", [of_person([0, 0, 9, 9], image=5)]))
