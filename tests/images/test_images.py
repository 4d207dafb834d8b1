"""Reading and writing in every format: what was written comes back."""

import io
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from standout import images
from standout.errors import InputError, OutputError
from standout.types import Metadata
from tests import pictures
from tests.pictures import close, gradient, pillow

LOSSLESS = {".png", ".tif", ".tiff", ".bmp"}
SUFFIXES = sorted(images.WRITERS)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
def test_written_pictures_read_the_same(suffix: str, channels: int, deep: bool) -> None:
    codec = images.WRITERS[suffix]
    picture = gradient(47, 61, channels=channels, deep=deep)
    if channels == 4 and not codec.alpha:
        with pytest.raises(OutputError, match=r"holds no transparency; use \.png or \.webp, or give --background"):
            images.encode(picture, suffix)
        return
    photo = images.read(images.encode(picture, suffix))
    assert photo.warnings == ()
    assert photo.meta.format == codec.format
    assert photo.image.flags.writeable
    stays = deep and codec.deep
    assert photo.meta.bits == (16 if stays else 8)
    assert photo.image.dtype == (np.uint16 if stays else np.uint8)
    wanted = picture if stays or not deep else np.rint(picture / 257)
    colors = np.repeat(wanted, 3, 2) if channels == 1 else wanted[..., :3]
    if suffix in LOSSLESS:
        np.testing.assert_array_equal(photo.image, colors)
    else:
        visible = slice(20, None)  # lossy formats blur colors where they are nearly hidden
        assert close(photo.image[:, visible], colors[:, visible], within=4)
    if channels < 4:
        assert photo.alpha is None
    else:
        assert photo.alpha is not None
        assert photo.alpha.dtype == np.float32
        top = 65535 if stays else 255
        np.testing.assert_allclose(photo.alpha, wanted[..., 3] / top, atol=1e-6 if suffix in LOSSLESS else 0.02)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (3, 2)])
def test_tiny_and_thin_pictures(suffix: str, size: tuple[int, int]) -> None:
    picture = gradient(*size) if suffix in LOSSLESS else np.full((*size, 3), (200, 120, 40), np.uint8)
    photo = images.read(images.encode(picture, suffix))
    assert close(photo.image, picture, within=0 if suffix in LOSSLESS else 6)


@pytest.mark.parametrize("suffix", sorted({*SUFFIXES} - {".heic", ".heif"}))  # no other library here reads those
def test_other_readers_see_the_same(suffix: str) -> None:
    picture = gradient(40, 50)
    data = images.encode(picture, suffix)
    np.testing.assert_allclose(np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"), float), picture, atol=12)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_opencv_sees_the_same_16_bits(suffix: str, channels: int) -> None:
    picture = gradient(40, 50, channels=channels, deep=True)
    found = cv2.imdecode(np.frombuffer(images.encode(picture, suffix), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found.reshape(picture.shape)[..., [2, 1, 0, 3][:channels] if channels > 1 else [0]],
                                  picture)  # fmt: skip


# ---- what is taken and given


def test_paths_names_bytes_and_pil_images_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    images.write(path, gradient(), meta=Metadata(exif=pictures.exif_block(), dpi=(300, 200)))
    wanted = images.read(path)
    for source in (str(path), path.read_bytes(), PIL.Image.open(path)):
        photo = images.read(source)
        np.testing.assert_array_equal(photo.image, wanted.image)
        assert photo.meta == wanted.meta


def test_a_pil_image_is_turned_upright_and_not_changed() -> None:
    wanted = gradient()
    stored = np.ascontiguousarray(pictures.turned(wanted, 6))
    given_image = PIL.Image.open(io.BytesIO(pillow(stored, "PNG", exif=pictures.exif_block(6))))
    np.testing.assert_array_equal(images.read(given_image).image, wanted)
    np.testing.assert_array_equal(np.asarray(given_image), stored)
    assert given_image.getexif()[0x0112] == 6
    np.testing.assert_array_equal(images.read(given_image).image, wanted)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I;16"])
def test_pil_images_of_every_mode(mode: str) -> None:
    photo = images.read(PIL.Image.new(mode, (7, 5)))
    assert photo.image.shape == (5, 7, 3)
    assert photo.meta.format == ""


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(images.encode(gradient(), ".heic"))
    assert images.read(tmp_path / "photo.jpg").meta.format == "HEIF"


@pytest.mark.parametrize("suffix", [".PNG", ".JPG", ".Tif"])
def test_suffixes_in_capitals(tmp_path: Path, suffix: str) -> None:
    images.write(tmp_path / f"a{suffix}", gradient())
    assert images.read(tmp_path / f"a{suffix}").meta.format == images.WRITERS[suffix.lower()].format


def test_quality_counts() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    for suffix, codec in images.WRITERS.items():
        sizes = [len(images.encode(picture, suffix, quality=quality)) for quality in (30, 95)]
        assert sizes[0] < sizes[1] if codec.quality else sizes[0] == sizes[1]


@pytest.mark.parametrize(("quality", "factors"), [(None, (1, 1)), (90, (1, 1)), (89, (2, 2))])
def test_good_jpegs_keep_every_pixels_color(quality: int | None, factors: tuple[int, int]) -> None:
    layers = PIL.Image.open(io.BytesIO(images.encode(gradient(), ".jpg", quality=quality))).layer  # type: ignore[attr-defined]
    assert layers[0][1:3] == factors


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    images.write(path, gradient())
    before = path.read_bytes()
    with pytest.raises(OutputError, match="use --overwrite"):
        images.write(path, gradient(channels=1))
    assert path.read_bytes() == before
    images.write(path, gradient(channels=1), overwrite=True)
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("text", "rgb"),
    [
        ("white", (255, 255, 255)),
        ("  DarkOrange ", (255, 140, 0)),
        ("#1e90ff", (30, 144, 255)),
        ("1e90ff", (30, 144, 255)),
        ("#08f", (0, 136, 255)),
        ("fff", (255, 255, 255)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("hsl(120, 100%, 50%)", (0, 255, 0)),
    ],
)
def test_colors(text: str, rgb: tuple[int, int, int]) -> None:
    assert images.parse_color(text) == rgb


@pytest.mark.parametrize("text", ["", "#", "reddish", "#12345", "ff", "rgb(300, 0, 0)", "#ff000080", "x" * 5000])
def test_no_colors(text: str) -> None:
    with pytest.raises(InputError, match="is no color; give a name such as white, or a hex code"):
        images.parse_color(text)


# ---- properties


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([".png", ".tif", ".bmp"]),
    st.sampled_from([np.uint8, np.uint16]),
    st.tuples(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 3, 4])),
    st.data(),
)
def test_lossless_formats_lose_nothing(
    suffix: str, dtype: type, shape: tuple[int, int, int], data: st.DataObject
) -> None:
    if suffix == ".bmp":
        dtype, shape = np.uint8, (*shape[:2], min(shape[2], 3))
    picture = data.draw(arrays.arrays(dtype, shape))
    photo = images.read(images.encode(picture, suffix))
    np.testing.assert_array_equal(photo.image, np.broadcast_to(picture[..., :3], photo.image.shape))
    if shape[2] == 4:
        found = np.ones(shape[:2]) if photo.alpha is None else photo.alpha
        np.testing.assert_array_equal(np.rint(found * np.iinfo(dtype).max), picture[..., 3])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("shape", [(700, 301, 4), (513, 1, 3), (2, 90_000, 1)])
def test_pictures_larger_than_one_block(suffix: str, shape: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    photo = images.read(images.encode(picture, suffix))
    np.testing.assert_array_equal(photo.image, np.broadcast_to(picture[..., :3], photo.image.shape))


def test_pictures_that_are_views_are_written_right() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 4), np.uint8)[::2, ::-3, :3]
    for suffix in LOSSLESS:
        np.testing.assert_array_equal(images.read(images.encode(picture, suffix)).image, picture)


# ---- manners


def test_only_what_a_file_needs_is_loaded() -> None:
    code = """
import sys
import standout.images as images
assert not {"cv2", "pi_heif", "pillow_heif", "PIL.ImageCms", "PIL.WebPImagePlugin", "PIL.ImageColor"} & set(sys.modules)
import numpy as np
images.read(images.encode(np.zeros((8, 8, 3), np.uint8), ".jpg"))
assert "PIL.JpegImagePlugin" in sys.modules
assert not {"pi_heif", "pillow_heif", "PIL.ImageCms", "PIL.WebPImagePlugin", "PIL.PdfImagePlugin"} & set(sys.modules)
images.read(images.encode(np.zeros((8, 8, 3), np.uint8), ".webp"))
assert not {"pi_heif", "pillow_heif", "PIL.PdfImagePlugin", "PIL.IcoImagePlugin"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_threads_may_read_and_write_together() -> None:
    before = PIL.Image.MAX_IMAGE_PIXELS
    problems: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            picture = np.random.default_rng(seed).integers(0, 255, (50, 60, 3), np.uint8)
            for suffix in (".png", ".tif", ".bmp", ".jpg", ".webp"):
                photo = images.read(images.encode(picture, suffix))
                assert suffix not in LOSSLESS or np.array_equal(photo.image, picture)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert before == PIL.Image.MAX_IMAGE_PIXELS
