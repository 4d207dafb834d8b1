from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.data import Pair, find_pairs, find_splits
from standout.data.duplicates import groups, look_at
from standout.data.split import load, place, read, split, to_csv, with_parts
from standout.errors import InputError


def scene(seed: int) -> np.ndarray:
    """A picture unlike all others: random blobs."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (6, 5, 3), np.uint8)
    return cv2.resize(small, (100, 120), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for n in range(60):
        name = f"{'indoor' if n % 3 else 'street'}_{n:02d}.png"
        cv2.imwrite(str(tmp_path / "images" / name), scene(n))
        cv2.imwrite(str(tmp_path / "masks" / name), np.zeros((120, 100), np.uint8))
    return tmp_path


def add(folder: Path, name: str, image: np.ndarray) -> None:
    cv2.imwrite(str(folder / "images" / name), image)
    cv2.imwrite(str(folder / "masks" / Path(name).with_suffix(".png")), np.zeros(image.shape[:2], np.uint8))


def parts(pairs: list[Pair]) -> dict[str, str]:
    return {pair.name: pair.split for pair in pairs}


def variants(image: np.ndarray) -> list[np.ndarray]:
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])
    return [
        cv2.resize(image, (61, 73)),
        cv2.imdecode(jpeg, cv2.IMREAD_COLOR),
        np.clip(image.astype(float) * 0.8 + 25, 0, 255).astype(np.uint8),
        np.ascontiguousarray(image[:, ::-1]),
        np.ascontiguousarray(image[2:-2, 2:-2]),
    ]


def test_the_same_picture_is_known_again_and_others_are_not() -> None:
    looks = [look_at(scene(n)) for n in range(40)]
    assert groups(looks) == []
    for other in variants(scene(7)):
        assert groups([*looks, look_at(other)]) == [[7, 40]]


def test_plain_pictures_are_not_all_the_same() -> None:
    plain = [np.full((50, 50, 3), level, np.uint8) for level in (10, 90, 200)]
    assert groups([look_at(image) for image in plain]) == []
    assert groups([look_at(image) for image in [*plain, plain[1]]]) == [[1, 3]]


def test_near_duplicates_never_straddle(folder: Path) -> None:
    for n in range(60):
        for k, image in enumerate(variants(scene(n))[:3]):
            add(folder, f"extra_{n:02d}{k}.png", image)
    found = parts(split(find_pairs(folder), val_share=0.3, test_share=0.2))
    for n in range(60):
        own = f"{'indoor' if n % 3 else 'street'}_{n:02d}"
        assert {found[f"extra_{n:02d}{k}"] for k in range(3)} == {found[own]}
    assert set(found.values()) == {"train", "val", "test"}


def test_photos_that_join_later_move_no_others(folder: Path) -> None:
    before = parts(split(find_pairs(folder)))
    for n in range(100, 140):
        add(folder, f"street_{n}.png", scene(n))
    after = parts(split(find_pairs(folder)))
    assert all(after[name] == part for name, part in before.items())
    assert {after[f"street_{n}"] for n in range(100, 140)} == {"train", "val"}


def names_by_place(low: float, high: float) -> list[str]:
    """Names whose hash lies there."""
    return [name for n in range(300) if low <= place(name := f"s_{n}") < high]


def pictures(folder: Path, names: list[str], *, first: int = 0) -> list[Pair]:
    found = []
    for n, name in enumerate(names, first):
        path = folder / f"{name}.png"
        cv2.imwrite(str(path), scene(n))
        found.append(Pair(path, path, source="s"))
    return found


def test_what_a_split_file_records_never_moves(tmp_path: Path) -> None:
    """Neither for a photo that validates its source by its hash, nor for a near-duplicate whose name comes first."""
    to_train, to_validate = names_by_place(0.15, 1), names_by_place(0, 0.15)
    before = split(pictures(tmp_path, to_train[:8]))
    assert Counter(parts(before).values()) == {"train": 7, "val": 1}, "one validates for want of another"
    copy = pictures(tmp_path, [f"a_{to_validate[0]}"], first=3)
    joined = [*before, *copy, *pictures(tmp_path, to_validate[1:4], first=50)]
    after = parts(split(joined))
    assert all(after[name] == part for name, part in parts(before).items())
    assert after[copy[0].name] == after[to_train[3]]
    assert all(after[name] == "val" for name in to_validate[1:4])


def test_near_duplicates_in_two_parts_come_together_where_most_are_or_the_first_is(tmp_path: Path) -> None:
    three = [replace(one, split=part) for one, part in zip(pictures(tmp_path, ["c", "b", "a"]), "xyz", strict=True)]
    for pair in three:
        cv2.imwrite(str(pair.image), scene(1))
    for given, wanted in (("train val val", "val"), ("val train test", "val"), ("test  train", "test")):
        pairs = [replace(pair, split=part) for pair, part in zip(three, given.split(" "), strict=True)]
        assert set(parts(split(pairs, mend=True)).values()) == {wanted}
        kept = parts(split(pairs))
        assert all(kept[pair.name] == (pair.split or wanted) for pair in pairs), "what is recorded stays"


def test_a_photo_kept_for_a_test_is_not_taken_to_validate(tmp_path: Path) -> None:
    for_test, to_train = names_by_place(0, 0.1)[:1], names_by_place(0.25, 1)
    found = parts(split(pictures(tmp_path, [*for_test, *to_train[:4]]), val_share=0.15, test_share=0.1))
    assert found[for_test[0]] == "test" and Counter(found.values()) == {"test": 1, "val": 1, "train": 3}
    alone = parts(split(pictures(tmp_path, [*for_test, to_train[0]]), val_share=0.15, test_share=0.1))
    assert alone == {for_test[0]: "test", to_train[0]: "train"}, "the only one to train on stays"


def test_a_source_that_the_file_gives_no_validation_gets_none(tmp_path: Path) -> None:
    pairs = [replace(pair, split="train") for pair in pictures(tmp_path, names_by_place(0.15, 1)[:5])]
    joined = split([*pairs, *pictures(tmp_path, names_by_place(0.15, 1)[5:7], first=9)])
    assert set(parts(joined).values()) == {"train"}


def test_photos_of_one_name_are_of_one_part(tmp_path: Path) -> None:
    pairs = []
    for n in range(8):
        (tmp_path / str(n)).mkdir()
        pairs += pictures(tmp_path / str(n), ["same", f"s_{n}"], first=2 * n)
        cv2.imwrite(str(pairs[-1].image), scene(2 * n + 100))
    assert len({pair.split for pair in split(pairs, val_share=0.5) if pair.name == "same"}) == 1


def test_lines_and_columns_of_a_split_file_stay(folder: Path) -> None:
    pairs = [replace(pair, split="train") for pair in find_pairs(folder)][:3]
    file = folder / "split.csv"
    file.write_text("note;Name;split\n;gone_1;val\nmine;indoor_01;Validation\n")
    parts_now = with_parts(pairs, load(file))
    assert to_csv(parts_now, file).decode().splitlines() == [
        "note;Name;split",
        ";gone_1;val",
        "mine;indoor_01;Validation",
        ";indoor_02;train",
        ";indoor_04;train",
    ]
    moved = [replace(pair, split="test") for pair in parts_now]
    assert "mine;indoor_01;test" in to_csv(moved, file).decode()


def test_every_source_has_its_share(folder: Path) -> None:
    counts = Counter((pair.source, pair.split) for pair in split(find_pairs(folder), val_share=0.25))
    for source, total in (("street", 20), ("indoor", 40)):
        assert 0.1 * total < counts[source, "val"] < 0.45 * total
    tiny = find_pairs(folder)[:3]
    assert any(pair.split == "val" for pair in split(tiny, val_share=0.01))


def test_shares_that_leave_nothing_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"0\.7 to validate and 0\.3 to test leave nothing to train on"):
        split(find_pairs(folder), val_share=0.7, test_share=0.3)


def test_the_split_file_is_followed(folder: Path) -> None:
    chosen = [replace(pair, split="val" if pair.name.endswith("5") else "train") for pair in find_pairs(folder)]
    (folder / "split.csv").write_bytes(to_csv(chosen))
    train, val = find_splits(folder)
    assert len(val) == 6 and all(pair.name.endswith("5") for pair in val)
    assert len(train) == 54
    add(folder, "street_99.png", scene(99))
    with pytest.raises(InputError, match=r"split.csv lacks 1 of 61 photos, street_99 among them"):
        find_splits(folder)


def test_a_file_that_is_no_split_is_refused(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="needs the columns name and split"):
        read(tmp_path / "split.csv", [])


def test_without_any_split_one_without_leaks_is_made(folder: Path) -> None:
    train, val = find_splits(folder)
    assert train and val and not {p.name for p in train} & {p.name for p in val}
    assert (train, val) == find_splits(folder)
