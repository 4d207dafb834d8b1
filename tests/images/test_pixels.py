"""Every kind of stored pixel becomes RGB and transparency: palettes, gray, CMYK, Lab, 16 bits, frames."""

import io
import struct
import zlib

import cv2
import numpy as np
import PIL.Image
import pytest

from standout import images
from standout.images import colors
from tests import pictures
from tests.pictures import close, gradient, pillow, saved

PROFILE = pictures.srgb_profile()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "BMP"])
def test_palettes_become_rgb(kind: str) -> None:
    few = PIL.Image.fromarray(gradient()).quantize(16)
    photo = images.read(saved(few, kind))
    np.testing.assert_array_equal(photo.image, np.asarray(few.convert("RGB")))
    assert photo.alpha is None


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palettes_with_transparency(kind: str) -> None:
    few = PIL.Image.fromarray(gradient()).quantize(16)
    photo = images.read(saved(few, kind, transparency=5))
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha, np.asarray(few) != 5)


def test_palettes_with_several_degrees_of_transparency() -> None:
    few = PIL.Image.fromarray(gradient()).quantize(16)
    degrees = bytes(range(0, 256, 17))
    photo = images.read(saved(few, "PNG", transparency=degrees))
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, np.frombuffer(degrees, np.uint8)[np.asarray(few)] / 255, atol=1e-6)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_transparency_is_straight(mode: str, kind: str) -> None:
    source = PIL.Image.fromarray(gradient(channels=4)).convert(mode)
    photo = images.read(saved(source, kind))
    np.testing.assert_array_equal(photo.image, np.asarray(source.convert(mode[:-1]).convert("RGB")))
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, gradient(channels=4)[..., 3] / 255, atol=1e-6)


def test_full_opacity_is_no_transparency() -> None:
    picture = gradient(channels=4)
    picture[..., 3] = 255
    assert images.read(images.encode(picture, ".png")).alpha is None


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_gray_png_with_one_transparent_level(bits: int) -> None:
    most = (1 << bits) - 1
    levels = [min(most, n) for n in range(8)]
    packed = sum(level << (bits * (7 - n)) for n, level in enumerate(levels)).to_bytes(bits)
    photo = images.read(pictures.png(8, 1, 0, bits, b"\0" + packed, (b"tRNS", struct.pack(">H", 1))))
    np.testing.assert_array_equal(photo.image[0, :, 0], [round(level * 255 / most) for level in levels])
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha[0], [level != 1 for level in levels])


def test_rgb_png_with_one_transparent_color() -> None:
    picture = gradient()
    key = struct.pack(">3H", *picture[3, 4].tolist())
    rows = b"".join(b"\0" + line.tobytes() for line in picture)
    photo = images.read(pictures.png(32, 24, 2, 8, rows, (b"tRNS", key)))
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha, (picture != picture[3, 4]).any(2))


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bit_png(kind: int, channels: int) -> None:
    rng = np.random.default_rng(channels)
    picture = rng.integers(0, 65536, (9, 11, channels), np.uint16)
    photo = images.read(pictures.png16(picture, kind))
    colors = np.repeat(picture[..., :1], 3, 2) if channels < 3 else picture[..., :3]
    np.testing.assert_array_equal(photo.image, colors)
    assert photo.image.dtype == np.uint16
    assert photo.meta.bits == 16
    assert (photo.alpha is not None) == (channels in (2, 4))
    if photo.alpha is not None:
        np.testing.assert_allclose(photo.alpha, picture[..., -1] / 65535, atol=1e-6)


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3)])
def test_16_bit_png_with_one_transparent_color(kind: int, channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 65536, (9, 11, channels), np.uint16)
    picture[3, 4] = picture[5, 6]
    key = struct.pack(f">{channels}H", *picture[3, 4].tolist())
    photo = images.read(pictures.png16(picture, kind, (b"tRNS", key)))
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha, (picture != picture[3, 4]).any(2))
    np.testing.assert_array_equal(photo.image, np.broadcast_to(picture, photo.image.shape))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("channels", "extra"), [(1, None), (3, None), (4, 2), (4, 0)])
def test_16_bit_tiff(order: str, channels: int, extra: int | None) -> None:
    picture = np.random.default_rng(channels).integers(0, 65536, (9, 11, channels), np.uint16)
    photo = images.read(pictures.tiff(picture, order=order, extra=extra))
    np.testing.assert_array_equal(photo.image, np.repeat(picture, 3, 2) if channels == 1 else picture[..., :3])
    assert photo.warnings == ()
    assert (photo.alpha is not None) == (extra == 2)
    if photo.alpha is not None:
        np.testing.assert_allclose(photo.alpha, picture[..., 3] / 65535, atol=1e-6)


@pytest.mark.parametrize("deep", [False, True])
def test_tiff_in_which_white_is_zero(deep: bool) -> None:
    picture = gradient(channels=1, deep=deep)
    photo = images.read(pictures.tiff(picture, photometric=0))
    np.testing.assert_array_equal(photo.image[..., 0], (65535 if deep else 255) - picture[..., 0])


def test_16_bit_tiff_in_an_unusual_layout_is_read_with_8_and_says_so() -> None:
    picture = gradient(channels=4, deep=True)
    picture[..., :3] //= 2
    picture[..., 3] = 32768  # premultiplied: the colors are half what they should be
    photo = images.read(pictures.tiff(picture, extra=1))
    assert close(photo.image, gradient(deep=True) >> 8, within=2)
    assert photo.warnings == ("has 16 bits per channel in an unusual layout; it was read with 8 bits",)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_with_separate_color_planes(order: str) -> None:
    photo = images.read(pictures.tiff(gradient(), planar=True, order=order))
    np.testing.assert_array_equal(photo.image, gradient())


def test_cmyk_without_a_profile() -> None:
    inks = np.zeros((16, 64, 4), np.uint8)
    for n in range(4):
        inks[:, 16 * n : 16 * n + 16, n] = 255
    wanted = [(0, 255, 255), (255, 0, 255), (255, 255, 0), (0, 0, 0)]
    source = PIL.Image.fromarray(inks, "CMYK")
    for data in (saved(source, "JPEG", quality=100, subsampling=0), saved(source, "TIFF")):
        photo = images.read(data)
        np.testing.assert_allclose(photo.image[8, 8::16], wanted, atol=3)
        assert photo.meta.icc is None


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_srgb_by_its_profile(kind: str) -> None:
    source = PIL.Image.new("CMYK", (32, 16), (255, 0, 0, 0))
    photo = images.read(saved(source, kind, icc_profile=pictures.cmyk_profile(), quality=100))
    lab = np.array([[[80, 20, 20]]], np.float32)  # the color that the profile gives to cyan
    np.testing.assert_allclose(photo.image[8, 16], cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)[0, 0] * 255, atol=4)
    assert photo.meta.icc is None
    assert photo.warnings == ()


def srgb_of_light(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("deep", [False, True])
def test_gray_becomes_srgb_by_its_profile(deep: bool) -> None:
    most = 65535 if deep else 255
    gray = np.linspace(0.02 * most, most, 64).astype(np.uint16 if deep else np.uint8)[None, :, None]
    if deep:
        data = pictures.png16(gray, 0, (b"iCCP", b"gray\0\0" + zlib.compress(pictures.linear_gray_profile())))
    else:
        data = pillow(gray[..., 0], "PNG", icc_profile=pictures.linear_gray_profile())
    photo = images.read(data)
    np.testing.assert_allclose(photo.image[0, :, 1] / most, srgb_of_light(gray[0, :, 0] / most), atol=0.006)
    assert photo.image.dtype == gray.dtype
    assert photo.meta.icc is None


def test_lab_becomes_srgb() -> None:
    lab = PIL.Image.frombytes("LAB", (1, 1), bytes([204, 20, 20]))
    photo = images.read(lab)
    wanted = cv2.cvtColor(np.array([[[80, 20, 20]]], np.float32), cv2.COLOR_Lab2RGB)[0, 0] * 255
    np.testing.assert_allclose(photo.image[0, 0], wanted, atol=6)  # lcms adapts the white point, OpenCV does not


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_a_broken_profile_is_left_out(mode: str) -> None:
    profile = {"CMYK": pictures.cmyk_profile(), "L": pictures.linear_gray_profile()}[mode]
    broken = profile[:132] + bytes(len(profile) - 132)
    photo = images.read(saved(PIL.Image.new(mode, (8, 8)), "TIFF", icc_profile=broken))
    assert photo.meta.icc is None
    assert photo.warnings == ("its color profile is damaged and was left out",)


def test_a_profile_for_other_pixels_is_left_out() -> None:
    photo = images.read(pillow(gradient(), "PNG", icc_profile=pictures.cmyk_profile()))
    assert photo.meta.icc is None
    assert photo.warnings == ("its color profile does not fit its pixels and was left out",)
    np.testing.assert_array_equal(photo.image, gradient())


def test_an_rgb_profile_is_kept_byte_by_byte_and_pixels_stay() -> None:
    photo = images.read(pillow(gradient(), "TIFF", icc_profile=PROFILE))
    assert photo.meta.icc == PROFILE
    np.testing.assert_array_equal(photo.image, gradient())


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_several_frames_the_first_is_taken_and_said_so(kind: str) -> None:
    frames = [PIL.Image.new("RGB", (16, 16), color) for color in ("red", "lime", "blue")]
    photo = images.read(saved(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True))
    assert photo.warnings == ("holds several frames or pages; the first was used",)
    np.testing.assert_array_equal(photo.image, np.broadcast_to(np.array([255, 0, 0], np.uint8), (16, 16, 3)))


@pytest.mark.parametrize("bits", [10, 12])
def test_heic_with_more_than_8_bits_keeps_them(bits: int) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    levels = np.linspace(0, 65535, 640).astype(np.uint16)
    pixels = np.ascontiguousarray(np.broadcast_to(levels[None, :, None], (64, 640, 3)))
    out = io.BytesIO()
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    try:
        made = pillow_heif.from_bytes(mode="RGB;16", size=(640, 64), data=pixels.tobytes())
        made.save(out, quality=-1, chroma=444)
    finally:
        pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    photo = images.read(out.getvalue())
    assert photo.image.dtype == np.uint16 and photo.meta.bits == 16 and photo.warnings == ()
    assert np.abs(photo.image.astype(int) - pixels).max() < 3 * 65536 >> bits
    assert len(np.unique(photo.image[..., 1])) > 500, "8 bits would hold 256 levels"
    assert photo.image.min() == 0 and photo.image.max() == 65535


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7), (61, 53)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_pixels_copied_in_bands_are_those_that_pillow_reads(
    kind: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(colors, "_BAND", 1000)
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    data = saved(PIL.Image.fromarray(picture), kind)
    photo = images.read(data)
    np.testing.assert_array_equal(photo.image, np.asarray(PIL.Image.open(io.BytesIO(data))))
    assert photo.image.flags.writeable and photo.image.flags.c_contiguous
