"""A layout that another package brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.data import find_pairs
from standout.errors import InputError, SetupError
from standout.support import plugins

NAME = "NAME.jpg beside NAME.alpha.png"

LAYOUT = '''
from standout.data.layouts import Contents
from standout.data.pairs import Pair


def beside(folder):
    """Photos and masks side by side: NAME.jpg and NAME.alpha.png."""
    photos = sorted(folder.glob("*.jpg"))
    masks = {photo: folder / f"{photo.stem}.alpha.png" for photo in photos}
    if not any(mask.is_file() for mask in masks.values()):
        return None
    return Contents([Pair(photo, mask) for photo, mask in masks.items() if mask.is_file()])


nothing = None
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the metadata of an installed package that brings a layout."""
    site = tmp_path / "site"
    about = site / "beside_layout-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "beside_layout.py").write_text(LAYOUT)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: beside-layout\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[standout.layouts]\n{NAME} = beside_layout:beside\n")
    monkeypatch.syspath_prepend(str(site))
    plugins.forget()
    yield about
    plugins.forget()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a_1.jpg", "a_1.alpha.png", "b_1.jpg"):
        cv2.imwrite(str(folder / name), np.zeros((8, 6), np.uint8))
    return folder


def test_a_layout_of_another_package_finds_pairs(package: Path, photos: Path) -> None:
    [pair] = find_pairs(photos)
    assert (pair.name, pair.mask) == ("a_1", photos / "a_1.alpha.png")


def test_without_the_package_the_folder_has_no_layout(photos: Path) -> None:
    with pytest.raises(InputError, match="none of the known layouts"):
        find_pairs(photos)


def test_a_folder_of_no_layout_names_those_of_packages_too(package: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"images/ \+ masks/; NAME.jpg beside NAME.alpha.png"):
        find_pairs(tmp_path / "empty")


def test_what_is_no_function_is_refused(package: Path, photos: Path) -> None:
    (package / "entry_points.txt").write_text("[standout.layouts]\nbeside = beside_layout:nothing\n")
    with pytest.raises(SetupError, match=r"'beside' of standout.layouts is None, not a function from a folder"):
        find_pairs(photos)
