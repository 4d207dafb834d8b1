"""Pictures are deflated in bands: any number of threads gives the same file, and any library the same pixels."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from standout import images
from standout.images import deflate, png_tiff

SAMPLE = Path(__file__).parents[2] / "examples" / "astronaut.jpg"


@pytest.fixture(params=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "isal":
        pytest.importorskip("isal")
    else:
        monkeypatch.setattr(deflate, "isal_zlib", None)
    return str(request.param)


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def noisy(height: int, width: int, channels: int, dtype: type) -> np.ndarray:
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * np.arange(1, channels + 1)
    return ((ramp + rng.integers(0, 40, ramp.shape)) * (257 if dtype is np.uint16 else 1)).astype(dtype)


@pytest.mark.parametrize("sizes", [[1], [0], [100_000, 0, 5], [1, 70_000, 65_521, 300_000]])
def test_pieces_and_their_checksums_are_one_zlib_stream(library: str, sizes: list[int]) -> None:
    whole = np.random.default_rng(1).integers(0, 9, sum(sizes), np.uint8).tobytes()
    parts = [whole[sum(sizes[:n]) : sum(sizes[: n + 1])] for n in range(len(sizes))]
    check, pieces = 1, []
    for n, part in enumerate(parts):
        pieces.append(deflate.piece(part, ends=n + 1 == len(parts)))
        check = deflate.joined_checksum(check, deflate.checksum(part), len(part))
    assert check == zlib.adler32(whole)
    assert zlib.decompress(b"".join([deflate.HEADER, *pieces, struct.pack(">I", check)])) == whole


def test_checksum_of_the_largest_bytes() -> None:
    white = b"\xff" * 1_000_000
    joined = deflate.joined_checksum(deflate.checksum(white), deflate.checksum(white), len(white))
    assert joined == zlib.adler32(white + white)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.usefixtures("threads")
def test_any_number_of_threads_writes_the_same_file(
    library: str, suffix: str, channels: int, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png_tiff, "_BAND", 1 << 15)
    monkeypatch.setattr(png_tiff, "_BLOCK", 1 << 13)
    picture = noisy(203, 301, channels, dtype)
    files = []
    for count in (1, 2, 3):
        cv2.setNumThreads(count)
        files.append(images.encode(picture, suffix))
    assert files[0] == files[1] == files[2]
    if suffix == ".png":
        assert files[0].count(b"IDAT") > 1, "several bands"
    photo = images.read(files[0])
    wanted = np.repeat(picture, 3, axis=2) if channels == 1 else picture[..., :3]
    np.testing.assert_array_equal(photo.image, wanted)
    assert (photo.alpha is not None) == (channels == 4)


@pytest.mark.parametrize("rows", [1, 2, 257])
def test_other_programs_read_what_is_written_in_bands(library: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_tiff, "_BAND", 1)  # each row is a band of its own
    picture = noisy(rows, 31, 4, np.uint8)
    data = images.encode(picture, ".png")
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(io.BytesIO(data))), picture)
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(cv2.cvtColor(seen, cv2.COLOR_BGRA2RGBA), picture)


def test_isal_makes_files_about_as_small_as_zlib(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("isal")
    photo = images.read(SAMPLE).image
    by_isal = len(images.encode(photo, ".png"))
    monkeypatch.setattr(deflate, "isal_zlib", None)
    assert by_isal < 1.05 * len(images.encode(photo, ".png"))
