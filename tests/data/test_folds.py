from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.data import Pair
from standout.data.davis import ObjectMask
from standout.data.folds import divide, read_groups
from standout.errors import InputError
from tests.data.test_split import scene, variants


def pictures(folder: Path, names: list[str], *, first: int = 0) -> list[Pair]:
    pairs = []
    for n, name in enumerate(names):
        cv2.imwrite(str(folder / f"{name}.png"), scene(first + n))
        pairs.append(Pair(folder / f"{name}.png", folder / "mask.png"))
    return pairs


def test_folds_are_of_one_size_and_hold_every_source_alike(tmp_path: Path) -> None:
    pairs = pictures(tmp_path, [f"{'indoor' if n % 3 else 'street'}_{n}" for n in range(60)])
    folds = divide(pairs, 5).folds
    for fold in range(5):
        own = [pair.source for pair, one in zip(pairs, folds, strict=True) if one == fold]
        assert (own.count("indoor"), own.count("street")) == (8, 4)


def test_the_order_of_the_photos_does_not_matter(tmp_path: Path) -> None:
    pairs = pictures(tmp_path, [f"a_{n}" for n in range(20)])
    there = dict(zip([pair.name for pair in pairs], divide(pairs, 4).folds, strict=True))
    back = dict(zip([pair.name for pair in pairs[::-1]], divide(pairs[::-1], 4).folds, strict=True))
    assert there == back


def test_near_duplicates_names_clips_and_groups_stay_in_one_fold(tmp_path: Path) -> None:
    pairs = pictures(tmp_path, [f"a_{n}" for n in range(20)])
    for n, image in enumerate(variants(scene(7))):
        cv2.imwrite(str(tmp_path / f"copy_{n}.png"), image)
        pairs.append(Pair(tmp_path / f"copy_{n}.png", tmp_path / "mask.png"))
    (tmp_path / "other").mkdir()
    cv2.imwrite(str(tmp_path / "other" / "a_3.png"), scene(300))
    pairs.append(Pair(tmp_path / "other" / "a_3.png", tmp_path / "mask.png"))
    frame = ObjectMask(tmp_path / "mask.png", frozenset({1}), frozenset())
    clip = [replace(pair, mask=frame, source="surf") for pair in pictures(tmp_path, ["f_1", "f_2", "f_3"], first=100)]
    (tmp_path / "groups.csv").write_text("Name,Group\na_1,anna\na_12.png,anna\na_13,\na_14,\n")
    every = [*pairs, *clip]
    made = divide(every, 5, groups=tmp_path / "groups.csv")
    fold_of: dict[str, set[int]] = {}
    for pair, fold in zip(every, made.folds, strict=True):
        fold_of.setdefault(pair.name, set()).add(fold)
    assert len(fold_of["a_3"]) == 1
    assert len(set().union(*(fold_of[f"copy_{n}"] for n in range(5)), fold_of["a_7"])) == 1
    assert len(fold_of["f_1"] | fold_of["f_2"] | fold_of["f_3"]) == 1
    assert fold_of["a_1"] == fold_of["a_12"]
    group = dict(zip([pair.name for pair in every], made.groups, strict=True))
    assert group["copy_3"] == group["a_7"] == "a_7" and group["a_13"] == "a_13" != group["a_14"]


def test_no_fold_stays_empty_where_sources_are_many(tmp_path: Path) -> None:
    pairs = pictures(tmp_path, [f"s{n}_0" for n in range(7)])
    assert sorted(set(divide(pairs, 5).folds)) == [0, 1, 2, 3, 4]


def test_too_few_groups_for_the_folds_are_told(tmp_path: Path) -> None:
    pairs = pictures(tmp_path, ["a_1", "a_2"])
    for n, image in enumerate(variants(scene(0))):
        cv2.imwrite(str(tmp_path / f"copy_{n}.png"), image)
        pairs.append(Pair(tmp_path / f"copy_{n}.png", tmp_path / "mask.png"))
    with pytest.raises(InputError, match=r"7 photos to train on are 2 groups .* too few for 3 folds"):
        divide(pairs, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist"),
        ("name,who\na_1,anna\n", "has the columns name, who; it needs name and group"),
        ("name,group\na_1,anna\na_1,bea\n", "line 3: a_1 is in bea and in anna"),
        ("name,group\nb_1,anna\n", "names none of the 2 photos to train on; wanted names such as a_1"),
    ],
)
def test_a_file_of_groups_that_will_not_do(tmp_path: Path, text: str | None, message: str) -> None:
    pairs = [Pair(tmp_path / f"a_{n}.png", tmp_path / "m.png") for n in (1, 2)]
    if text is not None:
        (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_groups(tmp_path / "groups.csv", pairs)


def test_pictures_are_unlike_each_other() -> None:
    """Which the tests above stand on."""
    assert not np.array_equal(scene(1), scene(2))
