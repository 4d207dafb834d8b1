"""COCO files as tools write them: read right, or refused by the annotation's number; never as nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from standout.data import find_pairs, read_pair
from standout.data.check import check
from standout.errors import InputError

SQUARE = [10, 20, 40, 20, 40, 60, 10, 60]
HEIGHT, WIDTH = 120, 90
RUNS = [0, HEIGHT * 5, HEIGHT * (WIDTH - 5)]
"""The first five columns."""


def letters(runs: list[int]) -> str:
    """Run lengths as COCO compresses them, as differences to the last but one, five bits a letter."""
    text = ""
    for n, length in enumerate(runs):
        left, more = length - (runs[n - 2] if n > 2 else 0), True
        while more:
            bits, left = left & 31, left >> 5
            more = left != -1 if bits & 16 else left != 0
            text += chr(48 + bits + 32 * more)
    return text


def person(segmentation: Any, **other: Any) -> dict[str, Any]:
    return {"id": 5, "image_id": 0, "category_id": 1, "segmentation": segmentation, "iscrowd": 0, **other}


def write(
    folder: Path, *annotations: dict[str, Any], count: int = 1, name: str = "instances.json", **other: Any
) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    listed = []
    for n in range(count):
        image = np.random.default_rng(n).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        cv2.imwrite(str(folder / "images" / f"{n}.png"), image)
        listed.append({"id": n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH})
    found = {"images": listed, "annotations": list(annotations), "categories": [{"id": 1, "name": "person"}]} | other
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(found))
    return folder


def mask_of(folder: Path) -> np.ndarray:
    return read_pair(find_pairs(folder)[0])[1]


READ = {
    "a polygon": (person([SQUARE]), (np.s_[22:58, 12:38], 255)),
    "two polygons": (person([SQUARE, [50, 80, 80, 80, 80, 110, 50, 110]]), (np.s_[82:108, 52:78], 255)),
    "a polygon that is in no list": (person(SQUARE), (np.s_[22:58, 12:38], 255)),
    "a slip of two points beside a polygon": (person([[1, 1, 2, 2], SQUARE]), (np.s_[22:58, 12:38], 255)),
    "run lengths": (person({"size": [HEIGHT, WIDTH], "counts": RUNS}), (np.s_[:, :5], 255)),
    "compressed run lengths": (person({"size": [HEIGHT, WIDTH], "counts": letters(RUNS)}), (np.s_[:, :5], 255)),
    "a crowd of run lengths": (person({"size": [HEIGHT, WIDTH], "counts": RUNS}, iscrowd=1), (np.s_[:, :5], 128)),
    "a crowd of compressed ones": (
        person({"size": [HEIGHT, WIDTH], "counts": letters(RUNS)}, iscrowd=1),
        (np.s_[:, :5], 128),
    ),
    "a crowd of polygons": (person([SQUARE], iscrowd=1), (np.s_[22:58, 12:38], 128)),
    "no iscrowd": ({"id": 5, "image_id": 0, "category_id": 1, "segmentation": [SQUARE]}, (np.s_[22:58, 12:38], 255)),
    "beyond the frame": (person([[-3, -3, 95, -3, 95, 130, -3, 130]]), (np.s_[:, :], 255)),
}


@pytest.mark.parametrize(("annotation", "wanted"), READ.values(), ids=READ)
def test_every_kind_of_outline_is_read(tmp_path: Path, annotation: Any, wanted: Any) -> None:
    where, level = wanted
    found = mask_of(write(tmp_path, annotation))
    assert (found[where] == level).all()
    if found[where].size < found.size:
        assert not found[-5:, -5:].any()


@pytest.mark.parametrize("outline", [[], [[]], [[10, 10, 20, 20]], None, [[1, 1], [2, 2, 3, 3]]])
def test_a_box_without_an_outline_does_not_count_and_check_warns(tmp_path: Path, outline: Any) -> None:
    """As Label Studio's rectangles: somebody is in there, nobody knows where."""
    boxed = person(outline, bbox=[50.5, 70, 20, 30])
    other = person([SQUARE], id=6)
    folder = write(tmp_path, boxed, other)
    found = mask_of(folder)
    assert (found[70:100, 50:71] == 128).all() and (found[22:58, 12:38] == 255).all()
    assert not found[:, 75:].any()
    report = check(folder)
    assert report.counts() == {"boxes": 1} and "1 of 2 people" in report.findings[0].detail


WRONG = {
    "nothing at all": (person([]), "neither an outline .* nor a box"),
    "two points": (person([[1, 1, 2, 2]]), "neither an outline"),
    "seven numbers": (person([[1, 1, 20, 2, 30, 3, 4]]), "7 numbers"),
    "no number": (person([[1, 1, 20, 2, 30, "x"]]), "not a number"),
    "not a number": (person([[1, 1, 20, 2, 30, float("nan")]]), "not a number"),
    "far outside": (person([[1, 1, 2e9, 2, 30, 40]]), "far outside"),
    "shares": (person([[0.1, 0.1, 0.9, 0.1, 0.9, 0.8]]), "from 0 to 1, wanted pixels"),
    "text": (person("SQUARE"), "neither polygons nor run lengths"),
    "no counts": (person({"size": [HEIGHT, WIDTH]}), "with size and counts"),
    "another size": (
        person({"size": [WIDTH, HEIGHT], "counts": RUNS}),
        r"of size \[90, 120\], the photo is \[120, 90\]",
    ),
    "too short": (person({"size": [HEIGHT, WIDTH], "counts": [5, 6]}), "do not add up to 10800"),
    "too long": (person({"size": [HEIGHT, WIDTH], "counts": [5, 10**9]}), "do not add up"),
    "negative": (person({"size": [HEIGHT, WIDTH], "counts": [-5, HEIGHT * WIDTH + 5]}), "do not add up"),
    "empty text": (person({"size": [HEIGHT, WIDTH], "counts": ""}), "do not add up"),
    "cut off": (person({"size": [HEIGHT, WIDTH], "counts": letters(RUNS)[:-1]}), "do not add up|cut off"),
    "garbage": (person({"size": [HEIGHT, WIDTH], "counts": "gar bage"}), "hold 'r'"),
    "a number": (person({"size": [HEIGHT, WIDTH], "counts": 7}), "counts are of type int"),
}


@pytest.mark.parametrize(("annotation", "said"), WRONG.values(), ids=WRONG)
def test_an_outline_that_is_none_is_refused_and_check_names_it(tmp_path: Path, annotation: Any, said: str) -> None:
    folder = write(tmp_path, annotation, person([SQUARE], id=6, image_id=1), count=2)
    with pytest.raises(InputError, match=rf"instances.json: annotation 5 of photo 0.png is not an outline: .*{said}"):
        mask_of(folder)
    report = check(folder)
    assert report.counts() == {"annotation": 1} and report.broken
    assert report.findings[0].paths[0].name == "0.png"


FILES: dict[str, tuple[dict[str, Any], str]] = {
    "boxes alone": ({"annotations": [person([], bbox=[1, 1, 9, 9])]}, "holds only boxes"),
    "no images": ({"images": None}, "not a COCO instances file"),
    "no size": ({"images": [{"id": 0, "file_name": "0.png"}]}, "not a COCO instances file .*height"),
    "no categories": ({"categories": []}, "no category named 'person', but none"),
    "another category": ({"categories": [{"id": 1, "name": "cat"}]}, "no category named 'person', but cat"),
    "a category as text": ({"annotations": [person([SQUARE], category_id="1")]}, "category '1', wanted one of 1"),
    "an image as text": ({"annotations": [person([SQUARE], image_id="0")]}, "image_id '0' .* not the id of an image"),
    "another image": ({"annotations": [person([SQUARE], image_id=77)]}, "image_id 77"),
    "no photo there": (
        {"images": [{"id": 0, "file_name": "x.png", "height": 9, "width": 9}]},
        "none of the 1 photos",
    ),
}


@pytest.mark.parametrize(("parts", "said"), FILES.values(), ids=FILES)
def test_a_file_that_does_not_go_together_is_refused(tmp_path: Path, parts: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_pairs(write(tmp_path, person([SQUARE]), **parts))


@pytest.mark.parametrize("name", ["Person", " person", "people", "human"])
def test_people_by_other_names_and_numbers(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, person([SQUARE], category_id=44), categories=[{"id": 44, "name": name}])
    assert (mask_of(folder)[22:58, 12:38] == 255).all()


def test_photos_that_are_not_there_are_left_out_and_named(tmp_path: Path) -> None:
    folder = write(tmp_path, person([SQUARE]), count=3)
    (folder / "images" / "2.png").unlink()
    assert [pair.name for pair in find_pairs(folder)] == ["0", "1"]
    report = check(folder)
    assert [f.paths[0].name for f in report.findings if f.kind == "absent"] == ["2.png"] and not report.broken


@pytest.mark.parametrize("name", ["images/0.png", "C:\\data\\images\\0.png", "/data/upload/0.png"])
def test_paths_of_another_machine(tmp_path: Path, name: str) -> None:
    listed = [{"id": 0, "file_name": name, "height": HEIGHT, "width": WIDTH}]
    assert (mask_of(write(tmp_path, person([SQUARE]), images=listed))[22:58, 12:38] == 255).all()


@pytest.mark.parametrize("name", ["instances_default.json", "_annotations.coco.json", "annotations/instances_x.json"])
def test_the_names_that_tools_give(tmp_path: Path, name: str) -> None:
    assert len(find_pairs(write(tmp_path, person([SQUARE]), name=name))) == 1


def test_a_file_with_a_mark_of_its_byte_order(tmp_path: Path) -> None:
    folder = write(tmp_path, person([SQUARE]))
    text = (folder / "instances.json").read_bytes()
    (folder / "instances.json").write_bytes(b"\xef\xbb\xbf" + text)
    assert len(find_pairs(folder)) == 1
    (folder / "instances.json").write_bytes(b"\xff\xfe" + text)
    with pytest.raises(InputError, match="not text in UTF-8"):
        find_pairs(folder)
