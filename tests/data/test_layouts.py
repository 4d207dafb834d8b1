import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from standout import images
from standout.data import find_pairs, find_splits, read_pair
from standout.data.check import check
from standout.errors import InputError
from tests.conftest import drawn_person


def photo(path: Path, seed: int = 0) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    image, mask = drawn_person(seed=seed)
    cv2.imwrite(str(path), image[..., ::-1])
    return mask


def save(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), mask)


def names(folder: Path) -> list[str]:
    return [pair.name for pair in find_pairs(folder)]


def test_images_and_masks(tmp_path: Path) -> None:
    for n in range(3):
        save(tmp_path / "masks" / f"s_{n}.png", photo(tmp_path / "images" / f"s_{n}.jpg", n))
    assert names(tmp_path) == ["s_0", "s_1", "s_2"]
    assert {pair.source for pair in find_pairs(tmp_path)} == {"s"}


def test_train_and_train_mask(tmp_path: Path) -> None:
    save(tmp_path / "train_mask" / "a.png", photo(tmp_path / "train" / "a.jpg"))
    save(tmp_path / "train_mask" / "b_mask.png", photo(tmp_path / "train" / "b.jpg"))
    assert names(tmp_path) == ["a", "b"]


def test_train_and_val_with_their_masks(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("val", 2)):
        for n in range(count):
            save(tmp_path / f"{part}_masks" / f"{n}.png", photo(tmp_path / part / f"{n}.jpg", n))
    train, val = find_splits(tmp_path)
    assert (len(train), len(val)) == (3, 2)
    for file in (tmp_path / "train").iterdir():
        file.unlink()
    (tmp_path / "train").rmdir()
    with pytest.raises(InputError, match=r"train is not a folder; a data folder needs both train/ and train_masks/"):
        find_pairs(tmp_path)


def eg1800(folder: Path, *, label: str = "gray") -> None:
    """EG1800 as it is given out: more labels than photos, and lists of names."""
    for n in range(1, 6):
        mask = photo(folder / "Images" / f"{n:05d}.png", n) // 255
        save(folder / "Labels" / f"{n:05d}.png", mask if label == "gray" else np.stack([mask] * 3, axis=2))
    save(folder / "Labels" / "00009.png", mask)
    (folder / "eg1800_train.txt").write_text("00001.png\n00002.png\n00003.png\n")
    (folder / "eg1800_test.txt").write_text("00004.png\n00005.png\n\n")


@pytest.mark.parametrize("label", ["gray", "three planes"])
def test_eg1800(label: str, tmp_path: Path) -> None:
    eg1800(tmp_path, label=label)
    pairs = find_pairs(tmp_path)
    assert [(pair.name, pair.split) for pair in pairs] == [
        ("00004", "test"), ("00005", "test"), ("00001", "train"), ("00002", "train"), ("00003", "train"),
    ]  # fmt: skip
    assert {pair.source for pair in pairs} == {"eg1800"}
    image, mask = read_pair(pairs[0])
    assert np.array_equal(mask, drawn_person(seed=4)[1]) and image.shape[:2] == mask.shape
    (tmp_path / "Labels" / "00002.png").unlink()
    with pytest.raises(InputError, match=r"1 photos or masks .*00002\.png among them"):
        find_pairs(tmp_path)


def test_names_of_eg1800_without_a_photo_are_told(tmp_path: Path) -> None:
    """Some photos can no longer be downloaded."""
    eg1800(tmp_path)
    (tmp_path / "Images" / "00004.png").unlink()
    found = check(tmp_path)
    assert {finding.kind: finding.severity for finding in found.findings if finding.kind == "absent"} == {
        "absent": "warning"
    }
    assert len(found.pairs) == 4


def test_voc(tmp_path: Path) -> None:
    mask = photo(tmp_path / "JPEGImages" / "2007_1.jpg")
    photo(tmp_path / "JPEGImages" / "unlabelled.jpg")
    label = np.zeros((*mask.shape, 3), np.uint8)
    label[mask > 0] = (128, 128, 192)
    label[:5] = (192, 224, 224)
    label[5:9] = (0, 128, 128)  # another class
    save(tmp_path / "SegmentationClass" / "2007_1.png", label)
    listed = tmp_path / "ImageSets" / "Segmentation" / "val.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("2007_1\n")
    (pair,) = find_pairs(tmp_path)
    assert (pair.source, pair.split) == ("voc", "val")
    _, found = read_pair(pair)
    assert (found[:5] == 128).all() and not found[5:9].any()
    assert (found[9:] == mask[9:]).all()


def test_voc_palette_files_read_as_colours(tmp_path: Path) -> None:
    photo(tmp_path / "JPEGImages" / "1.jpg")
    label = Image.fromarray(np.full((120, 90), 15, np.uint8), mode="P")
    palette = [0] * 768
    palette[45:48] = [192, 128, 128]
    label.putpalette(palette)
    (tmp_path / "SegmentationClass").mkdir()
    label.save(tmp_path / "SegmentationClass" / "1.png")
    assert (read_pair(find_pairs(tmp_path)[0])[1] == 255).all()


def coco(folder: Path, name: str, *, count: int = 2) -> None:
    images, annotations = [], []
    for n in range(count):
        photo(folder / "images" / f"{name}{n}.jpg", n)
        images.append({"id": n, "file_name": f"{name}{n}.jpg", "height": 120, "width": 90})
    square = [10, 20, 40, 20, 40, 60, 10, 60]
    runs = {"size": [120, 90], "counts": [0, 120 * 5, 120 * 85]}  # the first five columns
    annotations.append({"image_id": 0, "category_id": 1, "segmentation": [square], "iscrowd": 0})
    annotations.append({"image_id": 0, "category_id": 1, "segmentation": runs, "iscrowd": 1})
    annotations.append({"image_id": 0, "category_id": 7, "segmentation": [[50, 50, 80, 50, 80, 80]], "iscrowd": 0})
    found = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}, {"id": 7, "name": "dog"}],
    }
    path = folder / "annotations" / f"instances_{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found))


def test_coco(tmp_path: Path) -> None:
    coco(tmp_path, "train2017")
    with_person, without = find_pairs(tmp_path)
    _, mask = read_pair(with_person)
    assert (mask[20:60, 10:40] == 255).mean() > 0.95
    assert (mask[:, :5] == 128).all()
    assert not mask[55:80, 50:].any(), "a dog is no person"
    assert not read_pair(without)[1].any()


def test_coco_in_two_files_is_split_as_they_say(tmp_path: Path) -> None:
    coco(tmp_path, "train2017")
    coco(tmp_path, "val2017", count=1)
    train, val = find_splits(tmp_path)
    assert (len(train), len(val)) == (2, 1)


def test_a_csv_file_with_sources_and_parts(tmp_path: Path) -> None:
    for n in range(3):
        save(tmp_path / "labels" / f"{n}.png", photo(tmp_path / "pics" / f"{n}.jpg", n))
    rows = [f"pics/{n}.jpg,labels/{n}.png,studio,{'val' if n == 2 else 'train'}" for n in range(3)]
    (tmp_path / "my.csv").write_text("image,mask,source,split\n" + "\n".join(rows))
    train, val = find_splits(tmp_path / "my.csv")
    assert [p.name for p in train] == ["0", "1"] and [p.name for p in val] == ["2"]
    assert train[0].source == "studio"
    assert names(tmp_path) == ["0", "1", "2"], "the folder that holds it will do"


def test_train_and_val_folders(data: Path) -> None:
    train, val = find_splits(data)
    assert (len(train), len(val)) == (12, 4)
    assert len(find_pairs(data)) == 16


def write_pairs(folder: Path, count: int = 6) -> None:
    for n in range(count):
        save(folder / "masks" / f"s_{n}.png", photo(folder / "images" / f"s_{n}.jpg", n))


def test_hidden_files_pipes_and_folders_are_no_photos(tmp_path: Path) -> None:
    """As macOS (._NAME), Windows (Thumbs.db) and cameras leave them."""
    write_pairs(tmp_path, 3)
    for name in ("images/._s_0.jpg", "images/._s_9.jpg", "masks/._s_0.png", "images/.s_8.jpg", "images/Thumbs.db"):
        (tmp_path / name).write_bytes(b"\0\5\26\7")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "._my.csv").write_bytes(b"\0\5\26\7\xff")
    (tmp_path / "._instances.json").write_bytes(b"\0\5\26\7\xff")
    (tmp_path / "images" / "s_7.jpg").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "images" / "s_6.jpg")
    assert names(tmp_path) == ["s_0", "s_1", "s_2"]
    assert not [f for f in check(tmp_path).findings if f.severity == "error"]


def test_hidden_files_in_vocs_layout(tmp_path: Path) -> None:
    write_pairs(tmp_path, 2)
    (tmp_path / "images").rename(tmp_path / "JPEGImages")
    (tmp_path / "masks").rename(tmp_path / "SegmentationClass")
    for name in ("JPEGImages/._s_0.jpg", "SegmentationClass/._s_0.png"):
        (tmp_path / name).write_bytes(b"\0\5\26\7")
    assert names(tmp_path) == ["s_0", "s_1"]


@pytest.mark.parametrize("suffix", [".heic", ".avif", ".gif", ".TIF", ".jpeg", ".HEIF"])
def test_photos_of_every_kind_that_can_be_cut_can_train(tmp_path: Path, suffix: str) -> None:
    image, mask = drawn_person()
    (tmp_path / "images").mkdir()
    if suffix == ".gif":
        Image.fromarray(image).save(tmp_path / "images" / "a.gif")
    else:
        images.write(tmp_path / "images" / f"a{suffix}", image)
    save(tmp_path / "masks" / "a.png", mask)
    (pair,) = find_pairs(tmp_path)
    found, label = read_pair(pair)
    assert found.shape == image.shape and (label == mask).all()


@pytest.mark.parametrize("mask", ["a.png", "a_mask.png", "a-mask.png", "a.jpg.png", "a.tif", "a_mask.gif"])
def test_the_names_of_masks(tmp_path: Path, mask: str) -> None:
    label = photo(tmp_path / "images" / "a.jpg")
    (tmp_path / "masks").mkdir()
    Image.fromarray(label).save(tmp_path / "masks" / mask)
    assert (read_pair(find_pairs(tmp_path)[0])[1] == label).all()


def test_two_masks_of_one_photo_are_not_chosen_between(tmp_path: Path) -> None:
    write_pairs(tmp_path, 2)
    save(tmp_path / "masks" / "s_0.jpg", np.zeros((120, 90), np.uint8))
    with pytest.raises(InputError, match=r"no counterpart, .*s_0\.jpg"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "has none of the known layouts: .*images/ . masks/"),
        (["images/a.jpg"], "masks is not a folder; a data folder needs both images/ and masks/"),
        (["images/a.txt", "masks/b.txt"], "holds no photo with a mask"),
        (["images/a.jpg", "images/b.jpg", "masks/a.png"], r"1 photos or masks .* have no counterpart, .*b.jpg"),
        (["images/a.jpg", "masks/a.png", "masks/c.png"], r"no counterpart, .*c.png"),
        (["x.csv"], "none of the known layouts"),
    ],
)
def test_a_folder_that_will_not_do_is_explained(tmp_path: Path, files: list[str], message: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=message):
        find_pairs(tmp_path)


def test_files_that_will_not_do_are_explained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        find_pairs(tmp_path / "nowhere")
    (tmp_path / "x.csv").write_text("photo,label\n")
    with pytest.raises(InputError, match=r"x.csv needs the columns image and mask"):
        find_pairs(tmp_path / "x.csv")
    (tmp_path / "y.csv").write_text("image,mask\na.jpg,\n")
    with pytest.raises(InputError, match=r"y.csv, line 2: image or mask is empty"):
        find_pairs(tmp_path / "y.csv")
    (tmp_path / "instances.json").write_text("{}")
    with pytest.raises(InputError, match=r"instances.json is not a COCO instances file"):
        find_pairs(tmp_path / "instances.json")
    (tmp_path / "instances.json").write_text(
        '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}'
    )
    with pytest.raises(InputError, match="has no category named 'person'"):
        find_pairs(tmp_path / "instances.json")
