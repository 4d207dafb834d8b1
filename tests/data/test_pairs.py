from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from standout import images
from standout.data import Pair, find_pairs, fingerprint, read_pair
from standout.data.pairs import read_image
from standout.errors import InputError
from tests.conftest import drawn_person
from tests.pictures import srgb_profile


def pair(folder: Path, mask: np.ndarray, image: np.ndarray | None = None) -> Pair:
    image = np.full((*mask.shape[:2], 3), 90, np.uint8) if image is None else image
    cv2.imwrite(str(folder / "a_1.png"), image)
    cv2.imwrite(str(folder / "m.png"), mask)
    return Pair(folder / "a_1.png", folder / "m.png")


def test_soft_edges_survive(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (20, 1))
    _, mask = read_pair(pair(tmp_path, ramp))
    assert (np.delete(mask, 128, axis=1) == np.delete(ramp, 128, axis=1)).all()
    assert (mask[:, 128] == 127).all(), "128 on an edge is an edge, not 'do not count'"


def test_an_area_of_128_does_not_count_to_its_thinnest_part(tmp_path: Path) -> None:
    stored = np.zeros((40, 40), np.uint8)
    stored[5:15, 5:15] = 128
    stored[10, 15:30] = 128  # a thin arm of the same area
    stored[30, 5:30] = 128  # a line of its own
    _, mask = read_pair(pair(tmp_path, stored))
    assert (mask[5:15, 5:15] == 128).all() and (mask[10, 15:30] == 128).all()
    assert (mask[30, 5:30] == 127).all()


def test_levels_0_and_1_are_0_and_255(tmp_path: Path) -> None:
    _, mask = drawn_person()
    assert (read_pair(pair(tmp_path, mask // 255))[1] == mask).all()


def test_a_cut_out_serves_by_its_alpha_and_a_coloured_mask_by_its_light(tmp_path: Path) -> None:
    image, mask = drawn_person()
    assert (read_pair(pair(tmp_path, np.dstack([image, mask])))[1] == mask).all()
    assert (read_pair(pair(tmp_path, np.dstack([mask] * 3)))[1] == mask).all()
    assert (read_pair(pair(tmp_path, mask.astype(np.uint16) * 257))[1] == mask).all()


def test_a_photo_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    photo = Image.fromarray(np.full((30, 50, 3), 200, np.uint8))
    exif = photo.getexif()
    exif[0x0112] = 6
    photo.save(tmp_path / "a.jpg", exif=exif)
    cv2.imwrite(str(tmp_path / "m.png"), np.zeros((50, 30), np.uint8))
    image, mask = read_pair(Pair(tmp_path / "a.jpg", tmp_path / "m.png"))
    assert image.shape == (50, 30, 3) and mask.shape == (50, 30)


@pytest.mark.parametrize(("size", "hint"), [((30, 40), "lies on its side"), ((40, 31), "must be of the same size")])
def test_sizes_that_differ_are_told(tmp_path: Path, size: tuple[int, int], hint: str) -> None:
    with pytest.raises(InputError, match=rf"a_1.png is 30x40, its mask .*m.png is {size[1]}x{size[0]}.*{hint}"):
        read_pair(pair(tmp_path, np.zeros(size, np.uint8), np.zeros((40, 30, 3), np.uint8)))


@pytest.mark.parametrize("which", ["a_1.png", "m.png"])
def test_an_unreadable_file_is_named(tmp_path: Path, which: str) -> None:
    one = pair(tmp_path, np.zeros((8, 8), np.uint8))
    (tmp_path / which).write_bytes(b"\x89PNG and then nothing")
    with pytest.raises(InputError, match=which):
        read_pair(one)


def saved(path: Path, array: np.ndarray, **options: Any) -> None:
    Image.fromarray(array).save(path, **options)


PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 255, (6, 4, 3), np.uint8), (48, 64))


def photos(folder: Path) -> dict[str, Path]:
    """A photo in many formats, upright or not."""
    turned = Image.Exif()
    turned[0x0112] = 6
    for suffix in (".heic", ".avif", ".webp"):
        images.write(folder / f"a{suffix}", PICTURE)
    saved(folder / "a.tiff", PICTURE)
    saved(folder / "turned.tif", PICTURE, exif=turned)
    saved(folder / "turned.webp", PICTURE, exif=turned)
    saved(folder / "turned.png", PICTURE, exif=turned)
    images.write(folder / "deep.png", PICTURE.astype(np.uint16) * 257)
    images.write(folder / "deep.tif", PICTURE.astype(np.uint16) * 257)
    saved(folder / "alpha.png", np.dstack([PICTURE, np.tile(np.arange(48, dtype=np.uint8) * 5, (64, 1))]))
    Image.fromarray(PICTURE).convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    Image.fromarray(PICTURE).convert("L").save(folder / "gray.gif")
    Image.fromarray(PICTURE).save(folder / "wide.png", icc_profile=srgb_profile())
    return {file.name: file for file in sorted(folder.iterdir())}


def test_training_sees_the_pixels_that_the_segmenter_gets(tmp_path: Path) -> None:
    found = photos(tmp_path)
    assert len(found) == 13
    for name, path in found.items():
        image = images.read(path).image
        seen = read_image(path)
        assert seen.dtype == np.uint8 and seen.shape == image.shape
        assert seen.shape[:2] == ((48, 64) if name.startswith("turned") else (64, 48))
        assert (seen == (image if image.dtype == np.uint8 else np.rint(image / 257))).all(), name
    assert (read_image(found["deep.png"]) == PICTURE).all()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_a_mask_is_turned_as_its_own_exif_says(tmp_path: Path, suffix: str) -> None:
    turned = Image.Exif()
    turned[0x0112] = 8
    _, upright = drawn_person(60, 40)
    saved(tmp_path / "a.png", np.zeros((60, 40, 3), np.uint8))
    options = {"lossless": True} if suffix == ".webp" else {}
    picture = Image.fromarray(np.ascontiguousarray(np.rot90(upright, -1))).convert("RGB")
    picture.save(tmp_path / f"m{suffix}", exif=turned, **options)
    assert (read_pair(Pair(tmp_path / "a.png", tmp_path / f"m{suffix}"))[1] == upright).all()


def test_a_mask_of_another_scale_is_refused_with_both_sizes(tmp_path: Path) -> None:
    one = pair(tmp_path, np.zeros((20, 15), np.uint8), np.zeros((40, 30, 3), np.uint8))
    with pytest.raises(InputError, match=r"is 30x40, its mask .*m.png is 15x20; .*make the mask anew at 30x40"):
        read_pair(one)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_photo_that_is_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 150, 3), np.uint8)
    saved(tmp_path / f"a{suffix}", noise)
    whole = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"a{suffix}").write_bytes(whole[: len(whole) // 2])
    cv2.imwrite(str(tmp_path / "m.png"), np.zeros((200, 150), np.uint8))
    with pytest.raises(InputError, match=f"a{suffix}"):
        read_pair(Pair(tmp_path / f"a{suffix}", tmp_path / "m.png"))


def test_the_fingerprint_knows_every_change_and_no_other(data: Path) -> None:
    before = fingerprint(find_pairs(data))
    assert fingerprint(reversed(find_pairs(data))) == before
    mask = data / "train" / "masks" / "drawn_0.png"
    kept = mask.read_bytes()
    mask.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    assert fingerprint(find_pairs(data)) != before
    mask.write_bytes(kept)
    assert fingerprint(find_pairs(data)) == before
    assert fingerprint(find_pairs(data)[1:]) != before
