from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from standout.data import find_pairs, read_pair
from standout.errors import InputError
from tests.data.test_layouts import photo, save, write_pairs


def test_classes_of_masks_are_said_beside_them(tmp_path: Path) -> None:
    mask = photo(tmp_path / "images" / "a.jpg")
    label = np.where(mask > 0, 24, 7).astype(np.uint8)
    label[:5] = 255
    save(tmp_path / "masks" / "a.png", label)
    with pytest.raises(InputError, match=r"a.png does not say which part is person: .*levels 7, 24 and 255"):
        read_pair(find_pairs(tmp_path)[0])
    (tmp_path / "classes.csv").write_text("value,meaning\n24,Person\n255,ignore\n")
    found = read_pair(find_pairs(tmp_path)[0])[1]
    assert (found[:5] == 128).all() and (found[5:] == mask[5:]).all()
    nested = tmp_path / "both"
    for part in ("train", "val"):
        for kind in ("images", "masks"):
            (nested / part / kind).mkdir(parents=True)
            for file in (tmp_path / kind).iterdir():
                (nested / part / kind / file.name).write_bytes(file.read_bytes())
    (nested / "classes.csv").write_text("value,meaning\n24,person\n255,ignore\n")
    assert all((read_pair(pair)[1] == found).all() for pair in find_pairs(nested))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "classes.csv",
            "value,meaning\n24,persno\n",
            r"line 2: 'persno' is none of .*did you mean 'person'",
        ),
        ("classes.csv", "value,meaning\nred,person\n", r"line 2: 'red' is not a value of a mask"),
        ("classes.csv", "value,meaning\n0,background\n", "names no value as person"),
        ("classes.csv", "a,b\n", "needs the columns value and meaning"),
        ("labelmap.txt", "car:1,2,3::\n", "has no label named person, but car"),
        ("labelmap.txt", "person\n", "'person' is not a label"),
        ("class_names.txt", "_background_\ncat\n", "has no class named person, but _background_, cat"),
    ],
)
def test_classes_that_cannot_be_understood_are_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    write_pairs(tmp_path, 1)
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("class_names.txt", "_background_\ncar\nperson\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\nperson:0,128,0::\n"),
    ],
)
def test_classes_of_labelme_and_cvat_in_vocs_layout(tmp_path: Path, name: str, text: str) -> None:
    mask = photo(tmp_path / "JPEGImages" / "a.jpg")
    label = Image.fromarray(np.where(mask > 0, 2, 0).astype(np.uint8), "P")
    label.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    (tmp_path / "SegmentationClass").mkdir()
    label.save(tmp_path / "SegmentationClass" / "a.png")
    assert not read_pair(find_pairs(tmp_path)[0])[1].any(), "class 2 of VOC is a bicycle"
    (tmp_path / name).write_text(text)
    assert (read_pair(find_pairs(tmp_path)[0])[1] == mask).all()


def test_a_mask_of_0_and_255_in_vocs_layout_is_not_all_void(tmp_path: Path) -> None:
    save(tmp_path / "SegmentationClass" / "a.png", photo(tmp_path / "JPEGImages" / "a.jpg"))
    with pytest.raises(InputError, match=r"levels are 0 and 255, and the layout of PASCAL VOC does not name 255"):
        read_pair(find_pairs(tmp_path)[0])
