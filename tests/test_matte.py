"""The pictures with known alpha of benchmarks/matte.py and hair.py, and how masks are compared with them."""

import importlib
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def matte(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """benchmarks/matte.py, which is no package; its portraits are a tenth as large."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("matte")
    for name, value in {"HEIGHT": 400, "WIDTH": 300, "SCALE": 0.94, "LEFT": -45.0, "TOP": 52.0}.items():
        monkeypatch.setattr(module.hair, name, value)
    return module


def test_drawn_hair_is_before_its_background_by_its_alpha(matte: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    red = matte.hair.Hair((20, 20, 20), lambda: matte.hair.wall((255, 0, 0)), count=400)
    monkeypatch.setitem(matte.hair.HEADS, "on red", red)
    image, alpha = matte.hair.portrait("on red")
    assert image.shape == (400, 300, 3) and alpha.shape == (400, 300) and alpha.dtype == np.float32
    assert alpha.min() == 0 and alpha.max() == 1
    clear = cv2.erode((alpha == 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.abs(image[clear] - matte.hair.wall((255, 0, 0)).clip(0, 255)[clear]).mean() < 6, "JPEG and noise"
    # On a red wall, black strands take the red away by their share of the pixel.
    hair = (slice(40, 100), slice(110, 230))
    left = image[hair][..., 0] / matte.hair.wall((255, 0, 0)).clip(1, 255)[hair][..., 0]
    soft = (alpha[hair] > 0.02) & (alpha[hair] < 0.98)
    assert soft.mean() > 0.1, "there are no strands"
    assert np.corrcoef(left[soft], alpha[hair][soft])[0, 1] < -0.8
    np.testing.assert_array_equal(alpha, matte.hair.portrait("on red")[1])


def test_figures_of_the_truth_are_perfect_and_a_smooth_cap_is_worse(
    matte: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, truth = matte.hair.portrait("gray, short")
    assert matte.figures(truth, truth) == pytest.approx([0, 0, 0, 1, 1], abs=1e-9)
    cap = cv2.GaussianBlur(truth, (0, 0), 4)
    flat, edge, gradient, wide, near = matte.figures(cap, truth)
    assert 0 < flat < edge
    assert gradient > 0.05
    assert near < wide <= 1


def test_a_matte_is_read_by_the_photos_name(matte: ModuleType, tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    assert matte.matte(image, "one_1", tmp_path, None) is None
    cv2.imwrite(str(tmp_path / "val_one_1.png"), np.full((20, 30), 51, np.uint8))
    np.testing.assert_allclose(matte.matte(image, "one_1", tmp_path, None), 0.2)


def test_composed_people_stand_before_another_photo_with_their_own_alpha(matte: ModuleType, tmp_path: Path) -> None:
    for part in ("train", "val"):
        for kind in ("images", "masks"):
            (tmp_path / part / kind).mkdir(parents=True)
    truth = np.zeros((64, 48), np.uint8)
    truth[20:60, 12:36] = 255
    empty = np.zeros_like(truth)
    wall = (90, 90, 90)
    pictures = {
        "picsart_1": ((200, 80, 80), wall, truth),
        "eg1800_1": ((80, 200, 80), wall, truth),
        "empty_1": (wall, (9, 9, 250), empty),
    }
    for name, (person, behind, label) in pictures.items():
        photo = np.where(label[..., None] > 0, person, behind).astype(np.uint8)
        for part in ("train", "val"):
            cv2.imwrite(str(tmp_path / part / "images" / f"{name}.png"), photo[..., ::-1])
            cv2.imwrite(str(tmp_path / part / "masks" / f"{name}.png"), label)
    cv2.imwrite(str(tmp_path / "picsart_1.png"), truth)
    cv2.imwrite(str(tmp_path / "eg1800_1.png"), np.roll(truth, 8, 0))  # does not agree with the label
    (composed,) = matte.composed(tmp_path, tmp_path, None, 10)
    name, image, alpha = composed
    assert name == "picsart_1"
    np.testing.assert_array_equal(alpha, truth / np.float32(255))
    assert np.abs(image[40, 24].astype(int) - (200, 80, 80)).max() < 4
    assert np.abs(image[5, 5].astype(int) - (9, 9, 250)).max() < 4
