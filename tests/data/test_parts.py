"""Which part a photo is in, as folders, tables and split files say it, in more than one spelling."""

from pathlib import Path

import numpy as np
import pytest

from standout.cli import main
from standout.data import find_pairs, find_splits
from standout.data.check import check
from standout.errors import InputError
from tests.data.test_layouts import coco, save, write_pairs


@pytest.mark.parametrize("folders", [("train", "valid"), ("Train", "Validation"), ("training", "dev")])
def test_parts_by_other_names(data: Path, folders: tuple[str, str]) -> None:
    for old, new in zip(("train", "val"), folders, strict=True):
        (data / old).rename(data / "moved")
        (data / "moved").rename(data / new)
    train, val = find_splits(data)
    assert (len(train), len(val)) == (12, 4)


def test_a_mistyped_folder_of_a_part_is_not_left_out_in_silence(data: Path) -> None:
    (data / "docs").mkdir()
    assert len(find_pairs(data)) == 16
    (data / "tset").mkdir()
    with pytest.raises(InputError, match=r"tset is none of the folders .* did you mean 'test'"):
        find_pairs(data)


def test_a_folder_of_instances_is_no_matter(data: Path) -> None:
    (data / "train" / "instances").mkdir()
    save(data / "train" / "instances" / "drawn_0.png", np.ones((120, 90), np.uint8))
    assert len(find_pairs(data)) == 16 and len(find_pairs(data / "train")) == 12


@pytest.mark.parametrize("text", ["\ufeffName;Split\n{}", "name , split\n{}", "name\tsplit\n{}"])
def test_a_split_file_as_a_spreadsheet_saves_it(tmp_path: Path, text: str) -> None:
    write_pairs(tmp_path)
    separator = ";" if ";" in text else "\t" if "\t" in text else " , "
    said = ["train", "Training", "VALID", "validation ", "test", "val"]
    rows = "".join(f"s_{n}{'.jpg' * (n == 2)}{separator}{part}\n" for n, part in enumerate(said))
    (tmp_path / "split.csv").write_text(text.format(rows), encoding="utf-8")
    train, val = find_splits(tmp_path)
    assert [p.name for p in train] == ["s_0", "s_1"] and [p.name for p in val] == ["s_2", "s_3", "s_5"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("s_0,trian", r"split.csv, line 2: 'trian' is none of train, val, test; did you mean 'train'"),
        ("s_0,", r"line 2: '' is none of train, val, test; wanted train"),
        ("s_0,train\ns_0,val", r"line 3: s_0 is in val and in train"),
    ],
)
def test_a_part_that_is_none_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    write_pairs(tmp_path, 1)
    (tmp_path / "split.csv").write_text(f"name,split\n{rows}\n")
    for look in (find_pairs, check):
        with pytest.raises(InputError, match=said):
            look(tmp_path)


def table(folder: Path, parts: list[str]) -> Path:
    write_pairs(folder, len(parts))
    rows = "".join(f"images/s_{n}.jpg,masks/s_{n}.png,{part}\n" for n, part in enumerate(parts))
    (folder / "t.csv").write_text(f"image,mask,split\n{rows}")
    return folder / "t.csv"


def test_parts_in_a_table(tmp_path: Path) -> None:
    train, val = find_splits(table(tmp_path, ["train", "Valid", "TRAIN"]))
    assert [p.name for p in train] == ["s_0", "s_2"] and [p.name for p in val] == ["s_1"]
    with pytest.raises(InputError, match=r"t.csv, line 3: 'vla' is none of .* did you mean 'val'"):
        find_pairs(table(tmp_path, ["train", "vla"]))


def test_photos_without_a_part_among_others_are_not_left_out_in_silence(tmp_path: Path) -> None:
    file = table(tmp_path, ["train", "", "val"])
    with pytest.raises(
        InputError, match=r"1 of 3 photos .* belong to no part, s_1 among them; run standout data split"
    ):
        find_splits(file)
    assert check(file).counts()["unsplit"] == 1


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_split_beside_a_file_is_read(tmp_path: Path, kind: str) -> None:
    if kind == "csv":
        file = table(tmp_path, ["", "", ""])
        known = ["s_0", "s_1", "s_2"]
    else:
        coco(tmp_path, "x", count=3)
        file, known = tmp_path / "instances_x.json", ["x0", "x1", "x2"]
        (tmp_path / "annotations" / "instances_x.json").rename(file)
    assert main(["data", "split", str(file), "--val", "0.5"]) == 0
    written = (tmp_path / "split.csv").read_text()
    (tmp_path / "split.csv").write_text(written.replace(",train,", ",val,"))
    train, val = find_splits(file)
    assert not train and [p.name for p in val] == known
