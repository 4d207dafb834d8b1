import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.data import read_label
from standout.data.pairs import Pair, read_image
from standout.errors import InputError, StandoutError
from standout.train.corrections.collect import collect
from tests.conftest import drawn_person


def png(array: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", array[..., ::-1] if array.ndim == 3 else array)
    assert done
    return data.tobytes()


def page_zip(path: Path, seeds: list[int], *, moved: int = 0, within: str = "") -> Path:
    """A ZIP as the page saves it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for seed in seeds:
            image, mask = drawn_person(seed=seed)
            packed.writestr(f"{within}images/photo {seed}.png", png(image))
            packed.writestr(f"{within}masks/photo {seed}.png", png(np.roll(mask, moved, axis=0)))
    return path


def masks_of(pairs: list[Pair]) -> dict[str, np.ndarray]:
    return {pair.name: read_label(pair, read_image(pair.image).shape[:2]) for pair in pairs}


def test_zips_and_folders_become_one_folder_of_pairs(tmp_path: Path, data: Path) -> None:
    """Photos keep their bytes; of a photo that was corrected twice, the later mask counts."""
    first = page_zip(tmp_path / "one.zip", [100, 101])
    second = page_zip(tmp_path / "two.zip", [101], moved=5, within="saved/")
    pairs = collect([first, data / "train", second], tmp_path / "out" / "pairs")
    assert len(pairs) == 2 + 12 and {pair.source for pair in pairs} == {"corrections"}
    masks = masks_of(pairs)
    assert np.array_equal(masks["photo_100"], drawn_person(seed=100)[1])
    assert np.array_equal(masks["photo_101"], np.roll(drawn_person(seed=101)[1], 5, axis=0))
    own = {pair.name: pair for pair in pairs}
    assert own["drawn_4"].image.read_bytes() == (data / "train" / "images" / "drawn_4.png").read_bytes()
    assert collect([first, data / "train", second], tmp_path / "out" / "pairs") == pairs
    with pytest.raises(InputError, match=r"pairs holds other corrections .* another --out"):
        collect([first], tmp_path / "out" / "pairs")
    assert len(list((tmp_path / "out" / "pairs" / "images").iterdir())) == 14


def test_photos_of_one_name_stay_apart(tmp_path: Path) -> None:
    for place, seed in (("a", 1), ("b", 2)):
        image, mask = drawn_person(seed=seed)
        for part, array in (("images", image), ("masks", mask)):
            (tmp_path / place / part).mkdir(parents=True)
            (tmp_path / place / part / "IMG_1.png").write_bytes(png(array))
    pairs = collect([tmp_path / "a", tmp_path / "b"], tmp_path / "pairs")
    assert [pair.name for pair in pairs] == ["IMG_1", "IMG_1-2"]
    wanted = {"IMG_1": drawn_person(seed=1)[1], "IMG_1-2": drawn_person(seed=2)[1]}
    assert all(np.array_equal(mask, wanted[name]) for name, mask in masks_of(pairs).items())


def test_retouched_masks_are_pairs_with_their_photos(tmp_path: Path) -> None:
    """Half a pixel of hair counts: the level 128 would mean that it does not. Photos without a mask are left out."""
    photos, masks = tmp_path / "photos", tmp_path / "retouched"
    for folder in (photos / "trip", masks / "trip"):
        folder.mkdir(parents=True)
    for seed in range(3):
        image, mask = drawn_person(seed=seed)
        (photos / "trip" / f"p{seed}.png").write_bytes(png(image))
        if seed < 2:
            mask[0, 0] = 128
            mask[0, 1] = 60
            (masks / "trip" / f"p{seed}-mask.png").write_bytes(png(mask))
    pairs = collect([photos], tmp_path / "pairs", masks=masks)
    assert [pair.name for pair in pairs] == ["p0", "p1"]
    found = masks_of(pairs)["p1"]
    assert found[0, 0] == 127 and found[0, 1] == 60
    assert np.array_equal(found[1:], drawn_person(seed=1)[1][1:])
    (masks / "trip" / "p1-mask.png").write_bytes(png(np.zeros((8, 8), np.uint8)))
    with pytest.raises(InputError, match=r"p1-mask\.png is 8x8 but .*p1\.png is 90x120"):
        collect([photos], tmp_path / "others", masks=masks)
    (nowhere := tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no mask for any photo"):
        collect([photos], tmp_path / "others", masks=nowhere)
    assert not (tmp_path / "others").exists()


def test_a_zip_writes_only_pictures_and_only_into_its_place(tmp_path: Path) -> None:
    packed = page_zip(tmp_path / "odd.zip", [1, 2])
    with zipfile.ZipFile(packed, "a") as more:
        more.writestr("../../images/../../escaped.png", b"x")
        more.writestr("images/..", b"x")
        more.writestr("readme.txt", b"x")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert len(collect([packed], tmp_path / "in" / "pairs")) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "in"])
    assert not (tmp_path.parent / "escaped.png").exists()


def test_what_is_no_correction_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as packed:
        packed.writestr("notes.txt", b"x")
    whole = page_zip(tmp_path / "cut.zip", [1, 2]).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:300] + b"\0" * 40 + whole[340:])
    wrong = {"other.zip": "holds no images/ and masks/", "cut.zip": "cannot be unpacked", "no.zip": "does not exist"}
    for name, words in wrong.items():
        with pytest.raises(StandoutError, match=rf"{name}.*{words}"):
            collect([tmp_path / name], tmp_path / "pairs")
    assert not (tmp_path / "pairs").exists()
