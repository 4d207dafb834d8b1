"""Which photos of a public data set the models have seen: benchmarks/held_out.py and its list."""

import csv
import doctest
import json
import shutil
from collections import Counter
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from standout.cli import main
from tests.conftest import SAMPLE, shared
from tests.test_peers import script


@pytest.fixture
def held_out(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return script("held_out", monkeypatch)


def scene(seed: int) -> np.ndarray:
    """A photo (240, 320, 3) whose light and dark places are its own."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_CUBIC)


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Six photos with a person each, in the layout of COCO's own downloads, of which only one part is there."""
    images, people = [], []
    for n in range(6):
        save(tmp_path / "coco" / "val2017" / f"{n:012d}.jpg", scene(n))
        images.append({"id": n, "file_name": f"{n:012d}.jpg", "height": 240, "width": 320})
        outline = [[100, 40, 200, 40, 200, 220, 100, 220]]
        people.append({"id": n, "image_id": n, "category_id": 1, "segmentation": outline, "iscrowd": 0})
    file = tmp_path / "coco" / "annotations" / "instances_val2017.json"
    file.parent.mkdir()
    categories = [{"id": 1, "name": "person"}]
    file.write_text(json.dumps({"images": images, "annotations": people, "categories": categories}))
    (file.parent / "instances_train2017.json").write_text(json.dumps({}))
    return file


@pytest.fixture
def seen(tmp_path: Path, held_out: ModuleType, capsys: pytest.CaptureFixture[str]) -> Path:
    """The list of three of the six, as other files: smaller, compressed, mirrored."""
    for part, name, image in (
        ("train", "street_0001.webp", cv2.resize(scene(0), (256, 192), interpolation=cv2.INTER_AREA)),
        ("train", "street_0002.jpg", cv2.flip(scene(3), 1)),
        ("val", "street_0003.jpg", cv2.resize(scene(5), (200, 150), interpolation=cv2.INTER_AREA)),
    ):
        path = save(tmp_path / "own" / part / "images" / name, image)
        save(tmp_path / "own" / part / "masks" / f"{path.stem}.png", np.zeros(image.shape[:2], np.uint8))
    assert held_out.write_list(tmp_path / "own", tmp_path / "seen.csv") == 3
    capsys.readouterr()
    return tmp_path / "seen.csv"


def run(held_out: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["held_out.py", *map(str, words)])
    code: int = held_out.main()
    return code


def test_examples(held_out: ModuleType) -> None:
    found = doctest.testmod(held_out)
    assert found.attempted and not found.failed


def test_photos_that_were_seen_are_not_measured(
    coco: Path,
    seen: Path,
    held_out: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The two commands of docs/check-yourself.md on COCO's own layout."""
    assert run(held_out, monkeypatch, coco, "--list", seen) == 0
    assert "trained on: 2; used to choose between models: 1; never seen: 3" in capsys.readouterr().out
    with (coco.parent / "split.csv").open() as file:
        parts = {int(row["name"]): row["split"] for row in csv.DictReader(file)}
    assert parts == {0: "train", 1: "test", 2: "test", 3: "train", 4: "test", 5: "val"}
    out = tmp_path / "scores.json"
    assert main(["evaluate", "standout-mobile", str(coco), "--part", "test", "--json", str(out)]) == 0
    assert [int(row["name"]) for row in json.loads(out.read_text())["photos"]] == [1, 2, 4]


def test_a_split_that_exists_is_kept(
    coco: Path,
    seen: Path,
    held_out: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine = coco.parent / "split.csv"
    mine.write_text("name,split\n")
    assert run(held_out, monkeypatch, coco, "--list", seen) == 1
    assert "split.csv exists and is kept" in capsys.readouterr().err
    assert mine.read_text() == "name,split\n"
    assert run(held_out, monkeypatch, coco, "--list", seen, "--overwrite") == 0
    assert len(mine.read_text().splitlines()) == 7


def test_the_training_part_of_a_set_stays_what_it_is(
    seen: Path, held_out: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EG1800 as it is given out: its own training part is not measured, seen or not."""
    for n in range(6):
        save(tmp_path / "EG1800" / "Images" / f"{n:05d}.png", scene(n))
        save(tmp_path / "EG1800" / "Labels" / f"{n:05d}.png", np.ones((240, 320), np.uint8))
    (tmp_path / "EG1800" / "eg1800_train.txt").write_text("00000.png\n00001.png\n")
    (tmp_path / "EG1800" / "eg1800_test.txt").write_text("00002.png\n00003.png\n00004.png\n00005.png\n")
    assert run(held_out, monkeypatch, tmp_path / "EG1800", "--list", seen) == 0
    with (tmp_path / "EG1800" / "split.csv").open() as file:
        parts = [row["split"] for row in csv.DictReader(file)]
    assert parts == ["train", "train", "test", "train", "test", "val"]


def test_a_folder_without_photos_is_told(
    held_out: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(held_out, monkeypatch, tmp_path / "nowhere") == 1
    assert "nowhere does not exist" in capsys.readouterr().err


def test_the_list_is_of_the_photos_at_hand(held_out: ModuleType) -> None:
    people = shared("people")
    there = Counter(
        (path.stem.rpartition("_")[0], part)
        for part in ("train", "val")
        for path in (people / part / "images").iterdir()
    )
    with held_out.LIST.open() as file:
        assert Counter((row["source"], row["part"]) for row in csv.DictReader(file)) == there


def test_training_photos_are_known_in_other_files(held_out: ModuleType, tmp_path: Path) -> None:
    """Larger and compressed anew, as COCO's own files are to ours."""
    people, wanted = shared("people"), {}
    for part in ("train", "val"):
        for path in sorted((people / part / "images").glob("cocoval_*"))[::15][:8]:
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            assert image is not None
            scale = 640 / max(image.shape[:2])
            large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            save(tmp_path / "images" / f"{path.stem}.jpg", large)
            wanted[path.stem] = part
    shutil.copy(SAMPLE, tmp_path / "images" / "astronaut.jpg")
    for path in (tmp_path / "images").iterdir():
        save(tmp_path / "masks" / f"{path.stem}.png", np.zeros((2, 2), np.uint8))
    pairs = held_out.held_out(tmp_path, held_out.load(held_out.LIST), overwrite=False)
    assert {pair.name: pair.split for pair in pairs} == wanted | {"astronaut": "test"}
