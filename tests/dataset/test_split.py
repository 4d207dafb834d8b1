from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.dataset import Pair, find_pairs, find_splits
from standout.dataset.duplicates import groups, look_at
from standout.dataset.split import read, split, to_csv
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
