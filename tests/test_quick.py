import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

import standout
from tests.conftest import drawn_person


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    image, _ = drawn_person()
    cv2.imwrite(str(tmp_path / "photo.png"), image[..., ::-1])
    return tmp_path / "photo.png"


IMAGE, LEVELS = drawn_person()
MASK = LEVELS.astype(np.float32) / 255


def test_the_public_face() -> None:
    assert standout.__version__.count(".") == 2
    for name in standout.__all__:
        assert getattr(standout, name) is not None, name
    assert sorted(dir(standout)) == sorted(standout.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        standout.nope  # noqa: B018


@pytest.mark.parametrize(
    "first", ["from standout import Segmenter", "import standout.segmenter", "from standout.segmenter import Segmenter"]
)
def test_segment_is_the_function_whatever_was_imported_before(first: str) -> None:
    code = f"{first}\nimport standout\nassert standout.segment.__name__ == 'segment' and callable(standout.segment)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_kind_of_photo_gives_the_same(photo: Path) -> None:
    png = photo.read_bytes()
    opaque = np.dstack([IMAGE, np.full_like(LEVELS, 255)])
    kinds = [str(photo), photo, png, PIL.Image.open(io.BytesIO(png)), IMAGE, opaque]
    for kind in kinds:
        assert np.array_equal(standout.cut(kind, mask=MASK), standout.cut(IMAGE, mask=MASK)), type(kind)
    grey = standout.cut(IMAGE[..., 0], mask=MASK)
    assert grey.shape == (*LEVELS.shape, 4) and np.array_equal(grey[..., 0], grey[..., 2])
    assert standout.cut(IMAGE.astype(np.uint16) * 257, mask=MASK).dtype == np.uint16


def test_masks_of_every_kind() -> None:
    wanted = standout.color(IMAGE, mask=MASK)
    for mask in (LEVELS, LEVELS.astype(np.uint16) * 257, LEVELS > 0, MASK.astype(np.float64)):
        assert np.array_equal(standout.color(IMAGE, mask=mask), wanted), mask.dtype


def test_effects_do_what_they_say() -> None:
    assert standout.cut(IMAGE, mask=MASK).shape == (*LEVELS.shape, 4)
    assert (standout.color(IMAGE, "#0f0", mask=MASK)[LEVELS == 0] == (0, 255, 0)).all()
    assert (standout.color(IMAGE, (1, 2, 3), mask=MASK)[LEVELS == 0] == (1, 2, 3)).all()
    assert np.array_equal(standout.blur(IMAGE, mask=MASK, strength=0), IMAGE)
    behind = np.full((50, 50, 3), 9, np.uint8)
    assert (standout.replace(IMAGE, behind, mask=MASK)[LEVELS == 0] == 9).all()
    assert standout.replace(IMAGE, behind, mask=MASK, how="fit").shape == IMAGE.shape


def test_the_model_finds_a_mask_of_the_photos_size(photo: Path) -> None:
    mask = standout.segment(photo)
    assert mask.shape == LEVELS.shape and mask.dtype == np.float32 and 0 <= mask.min() <= mask.max() <= 1
    assert np.array_equal(standout.cut(photo), standout.cut(photo, mask=mask))


def test_nobody_stands_where_a_photo_is_transparent() -> None:
    alpha = np.zeros_like(LEVELS)
    alpha[:60] = 255
    picture = standout.cut(np.dstack([IMAGE, alpha]), mask=np.ones_like(MASK))
    assert (picture[..., 3] == alpha).all()


@pytest.mark.parametrize(
    ("photo", "mask", "message"),
    [
        (IMAGE.astype(np.float32), MASK, "float32.*wanted uint8 or uint16"),
        (IMAGE[..., :2], MASK, "wanted uint8"),
        (IMAGE[:0], MASK, "no pixels"),
        (IMAGE, MASK[1:], r"mask is \(119, 90\), the photo \(120, 90\)"),
        (IMAGE, MASK * 255, "from 0 to 255; wanted 0 to 1"),
        (IMAGE, MASK * np.nan, "wanted 0 to 1"),
        (3, MASK, "path, bytes"),
        ("nope.jpg", MASK, "does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused(photo: object, mask: np.ndarray, message: str) -> None:
    with pytest.raises(standout.StandoutError, match=message):
        standout.cut(photo, mask=mask)  # type: ignore[arg-type]
