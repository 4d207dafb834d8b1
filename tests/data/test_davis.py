import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from standout.data import find_pairs, find_splits, fingerprint, read_pair
from standout.data.check import check
from standout.errors import InputError
from tests.conftest import drawn_person

PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, *[0] * 3 * 251, 224, 224, 192]


def frame(root: Path, clip: str, number: int, indexes: np.ndarray, *, masks: str = "Annotations") -> None:
    """A frame of noise, and its mask with a palette as DAVIS has it."""
    photo = root / "JPEGImages" / "480p" / clip / f"{number:05d}.jpg"
    mask = root / masks / "480p" / clip / f"{number:05d}.png"
    for path in (photo, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(photo), drawn_person(*indexes.shape, seed=number)[0])
    picture = Image.fromarray(indexes)
    picture.putpalette(PALETTE)
    picture.save(mask)


def objects(*values: int, side: int = 12) -> np.ndarray:
    """A mask with a column of each value, three pixels wide, and background beside them."""
    mask = np.zeros((side, 3 * len(values) + 6), np.uint8)
    for n, value in enumerate(values):
        mask[:, 3 * n : 3 * n + 3] = value
    return mask


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Two clips with people and one without, the first of them for training."""
    for number in range(2):
        frame(tmp_path, "surf", number, objects(1, 2, 255))
        frame(tmp_path, "judo", number, objects(1, 2))
        frame(tmp_path, "bear", number, objects(1))
    kinds = {"surf": {"1": "surfboard", "2": "person"}, "judo": {"1": "person", "2": "person"}, "bear": {"1": "bear"}}
    (tmp_path / "davis_semantics.json").write_text(json.dumps(kinds))
    lists = tmp_path / "ImageSets" / "2017"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("surf\nbear\n")
    (lists / "val.txt").write_text("judo\n")
    return tmp_path


def test_people_are_the_objects_that_the_semantics_call_so(davis: Path) -> None:
    pairs = {pair.name: pair for pair in find_pairs(davis)}
    assert sorted(pairs) == ["judo_00000", "judo_00001", "surf_00000", "surf_00001"], "the bear shows nobody"
    assert {pair.source for pair in pairs.values()} == {"judo", "surf"}
    image, mask = read_pair(pairs["surf_00000"])
    assert image.shape[:2] == mask.shape
    assert np.array_equal(mask[5, ::3], [0, 255, 128, 0, 0]), "the board, the surfer, the void, background twice"
    assert np.array_equal(read_pair(pairs["judo_00001"])[1][5, ::3], [255, 255, 0, 0])


def test_clips_are_in_the_parts_of_the_lists(davis: Path) -> None:
    train, val = find_splits(davis)
    assert {pair.source for pair in train} == {"surf"} and {pair.source for pair in val} == {"judo"}


def test_the_masks_of_the_unsupervised_task_are_read_where_there_are_no_others(davis: Path) -> None:
    (davis / "Annotations").rename(davis / "Annotations_unsupervised")
    assert len(find_pairs(davis)) == 4
    frame(davis, "judo", 0, objects(2, 2, 1))
    assert [pair.name for pair in find_pairs(davis)] == ["judo_00000"]


def test_a_frame_without_a_photo_is_told(davis: Path) -> None:
    (davis / "JPEGImages" / "480p" / "judo" / "00001.jpg").unlink()
    with pytest.raises(InputError, match=r"have no counterpart, .*judo/00001\.png among them"):
        find_pairs(davis)
    assert [finding.kind for finding in check(davis).findings if finding.severity == "error"] == ["orphan"]


def test_an_object_without_a_name_is_refused(davis: Path) -> None:
    frame(davis, "judo", 1, objects(1, 2, 3))
    pair = next(pair for pair in find_pairs(davis) if pair.name == "judo_00001")
    with pytest.raises(InputError, match=r"00001\.png holds an object that davis_semantics\.json does not name"):
        read_pair(pair)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "does not exist, so nothing says which objects are people"),
        ("{}", "does not name the clip bear"),
        ('{"bear": ["bear"]}', "does not say what the objects are"),
        ('{"bear": {"one": "bear"}}', "does not say what the objects are"),
    ],
)
def test_semantics_must_say_who_is_a_person(davis: Path, text: str | None, says: str) -> None:
    file = davis / "davis_semantics.json"
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(InputError, match=says):
        find_pairs(davis)


def test_the_fingerprint_depends_on_who_is_a_person(davis: Path) -> None:
    before = fingerprint(find_pairs(davis))
    kinds = {"surf": {"1": "person", "2": "person"}, "judo": {"1": "person", "2": "person"}, "bear": {"1": "bear"}}
    (davis / "davis_semantics.json").write_text(json.dumps(kinds))
    assert fingerprint(find_pairs(davis)) != before
