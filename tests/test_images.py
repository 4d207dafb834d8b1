import io
import struct
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
from standout.errors import InputError, OutputError, StandoutError
from standout.images import exif, lossless
from standout.types import Metadata
from tests import pictures
from tests.pictures import gradient, pillow, saved

LOSSLESS = {".png", ".tif", ".tiff", ".bmp"}
SUFFIXES = sorted(images.WRITERS)
PROFILE = pictures.srgb_profile()


def close(found: np.ndarray, wanted: np.ndarray, *, within: float) -> bool:
    """Whether the mean difference is small, of 255 or 65535."""
    return found.shape == wanted.shape and bool(np.abs(found.astype(float) - wanted).mean() <= within)


# ---- every format that is written


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
def test_written_pictures_read_the_same(suffix: str, channels: int, deep: bool) -> None:
    codec = images.WRITERS[suffix]
    picture = gradient(47, 61, channels=channels, deep=deep)
    if channels == 4 and not codec.alpha:
        pytest.skip("holds no transparency")
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
        visible = slice(20, None)  # lossy formats blur colours where they are nearly hidden
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


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_readers_see_the_same(suffix: str) -> None:
    picture = gradient(40, 50)
    data = images.encode(picture, suffix)
    if images.WRITERS[suffix].format == "HEIF":
        pytest.skip("nobody else here reads it")
    np.testing.assert_allclose(np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"), float), picture, atol=12)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_opencv_sees_the_same_16_bits(suffix: str, channels: int) -> None:
    picture = gradient(40, 50, channels=channels, deep=True)
    found = cv2.imdecode(np.frombuffer(images.encode(picture, suffix), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found.reshape(picture.shape)[..., [2, 1, 0, 3][:channels] if channels > 1 else [0]],
                                  picture)  # fmt: skip


# ---- metadata


def photo_meta(*, dpi: tuple[float, float] | None = (300, 200)) -> Metadata:
    return Metadata("JPEG", PROFILE, pictures.exif_block(), dpi)


@pytest.mark.parametrize("policy", ["keep", "strip", "all"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_metadata_policies(suffix: str, policy: images.Policy) -> None:
    data = images.encode(gradient(40, 50), suffix, meta=photo_meta(), metadata=policy)
    meta = images.read(data).meta
    assert meta.icc == (None if suffix == ".bmp" else PROFILE)
    if policy == "strip":
        assert meta.dpi is None or suffix == ".bmp"
    elif suffix in (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"):
        assert meta.dpi == pytest.approx((300, 200), abs=0.1)
    assert (pictures.PLACE in data) == (policy == "all" and suffix != ".bmp")
    thumbnail_stays = policy == "all" and suffix != ".bmp"
    assert (pictures.THUMBNAIL in data) == thumbnail_stays
    assert (pictures.MODEL in data) == (policy != "strip" and suffix != ".bmp")
    if policy == "strip" or suffix == ".bmp":
        assert meta.exif is None
        return
    assert meta.exif is not None
    tags = pictures.exif_of(meta.exif)
    assert tags[0x0110] == "Camera 5000"
    assert (0x8825 in tags) == (policy == "all")
    assert tags.get_ifd(0x8769)[0x927C] == pictures.NOTE
    assert tags.get_ifd(0x8769)[0xA002] == 50
    assert tags.get_ifd(0x8769)[0xA003] == 40
    assert tags.get(0x0112, 1) == 1


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".heic", ".tif"])
def test_maker_notes_stay_where_their_offsets_say(suffix: str) -> None:
    data = images.encode(gradient(), suffix, meta=photo_meta())
    block = data if suffix == ".tif" else images.read(data).meta.exif
    assert block is not None
    assert block[pictures.NOTE_AT :].startswith(pictures.NOTE)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".heic"])
def test_everything_survives_a_copy(suffix: str) -> None:
    before = images.read(images.encode(gradient(), suffix, meta=photo_meta(), metadata="all"))
    after = images.read(images.encode(before.image, suffix, meta=before.meta, metadata="all"))
    assert after.meta == before.meta


def test_a_profile_goes_only_where_it_fits() -> None:
    grey = pictures.linear_grey_profile()
    meta = Metadata(icc=PROFILE)
    assert b"iCCP" not in images.encode(gradient(channels=1), ".png", meta=meta)
    assert b"iCCP" not in images.encode(gradient(), ".png", meta=Metadata(icc=grey))
    assert b"iCCP" not in images.encode(gradient(), ".png", meta=Metadata(icc=b"no profile"))
    assert b"iCCP" in images.encode(gradient(channels=1), ".png", meta=Metadata(icc=grey))
    assert b"iCCP" in images.encode(gradient(channels=4), ".png", meta=meta)


def test_exif_that_outgrows_a_jpeg_is_left_out() -> None:
    block = pictures.exif_block() + bytes(70_000)
    small, large = (images.encode(gradient(), ".jpg", meta=Metadata(exif=e), metadata="all") for e in (None, block))
    assert small == large
    assert b"Camera 5000" in images.encode(gradient(), ".png", meta=Metadata(exif=block), metadata="all")


def test_damaged_exif_is_named_and_left_out() -> None:
    block = bytearray(pictures.exif_block(6))
    struct.pack_into("<I", block, 4, 60_000)  # IFD0 beyond the end
    photo = images.read(pillow(gradient(), "PNG", exif=bytes(block)))
    assert photo.meta.exif is None
    assert photo.warnings == ("its EXIF is damaged and was left out",)
    np.testing.assert_array_equal(photo.image, gradient())


def test_damaged_exif_from_the_caller_is_refused() -> None:
    with pytest.raises(InputError, match=r"meta\.exif starts with b'junk'"):
        images.encode(gradient(), ".png", meta=Metadata(exif=b"junk in a block"))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.data())
def test_no_exif_block_breaks_the_cleaning(junk: bytes, data: st.DataObject) -> None:
    block = bytearray(pictures.exif_block())
    at = data.draw(st.integers(0, len(block)))
    block[at : at + len(junk)] = junk
    try:
        clean = exif.without_thumbnail(exif.without(bytes(block), exif.PRIVATE))
        assert exif.without_thumbnail(exif.without(clean, exif.PRIVATE)) == clean
        assert 1 <= exif.orientation(clean) <= 8
        assert exif.orientation(exif.upright(clean)) == 1
        assert len(exif.sized(clean, 9, 9)) == len(clean)
    except exif.Damaged:
        pass


def test_big_endian_exif() -> None:
    tags = PIL.Image.Exif()
    tags.endian = ">"
    tags[0x0110], tags[0x0112], tags[0x8825] = "Camera 5000", 8, {1: "N", 0x1D: "1999:12:31"}
    block = exif.bare(tags.tobytes())
    assert block[:2] == b"MM"
    assert exif.orientation(block) == 8
    clean = exif.without(exif.upright(block), exif.PRIVATE)
    assert dict(pictures.exif_of(clean)) == {0x0110: "Camera 5000", 0x0112: 1}
    assert b"1999" not in clean
    for deep in (False, True):
        picture = gradient(deep=deep)
        photo = images.read(images.encode(picture, ".tif", meta=Metadata(exif=block)))
        np.testing.assert_array_equal(photo.image, picture)
        assert photo.meta.exif is not None
        assert pictures.exif_of(photo.meta.exif)[0x0110] == "Camera 5000"


def test_tiff_tags_about_the_photo_become_exif() -> None:
    tags = PIL.Image.Exif()
    tags[0x0110], tags[0x8769], tags[0x8825] = "Camera 5000", {0x9003: "2020:02:02 02:02:02"}, {1: "N"}
    meta = images.read(pillow(gradient(), "TIFF", exif=tags.tobytes(), dpi=(72, 96))).meta
    assert meta.exif is not None
    found = pictures.exif_of(meta.exif)
    assert found[0x0110] == "Camera 5000"
    assert found.get_ifd(0x8769)[0x9003] == "2020:02:02 02:02:02"
    assert found.get_ifd(0x8825)[1] == "N"
    assert 0x0111 not in found  # where the pixels of that file were
    assert meta.dpi == pytest.approx((72, 96))


def test_a_tiff_without_resolution_tells_no_dpi() -> None:
    assert images.read(pictures.tiff(gradient())).meta.dpi is None


# ---- orientation


STORES = {
    "png": lambda stored, block: pillow(stored, "PNG", exif=block),
    "jpeg": lambda stored, block: pillow(stored, "JPEG", exif=b"Exif\0\0" + block, quality=100, subsampling=0),
    "webp": lambda stored, block: pillow(stored, "WEBP", exif=block, lossless=True),
    "avif": lambda stored, block: pillow(stored, "AVIF", exif=block, quality=100, subsampling="4:4:4"),
    "tiff": lambda stored, block: pictures.tiff(stored, orientation=exif.orientation(block)),
    "tiff, big-endian": lambda stored, block: pictures.tiff(stored, order=">", orientation=exif.orientation(block)),
    "png, 16 bits": lambda stored, block: pictures.png16(stored, 2, (b"eXIf", block)),
    "tiff, 16 bits": lambda stored, block: pictures.tiff(stored, orientation=exif.orientation(block)),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("store", sorted(STORES))
def test_orientation_is_applied_exactly_once(store: str, orientation: int) -> None:
    wanted = gradient(48, 64, deep="16" in store)
    stored = np.ascontiguousarray(pictures.turned(wanted, orientation))
    photo = images.read(STORES[store](stored, pictures.exif_block(orientation)))
    assert close(photo.image, wanted, within=3 if store in ("jpeg", "avif") else 0)
    assert photo.meta.exif is None or pictures.exif_of(photo.meta.exif).get(0x0112, 1) == 1
    again = images.read(images.encode(photo.image, ".png", meta=photo.meta))
    np.testing.assert_array_equal(again.image, photo.image)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_heic(orientation: int) -> None:
    import pillow_heif

    wanted = gradient(48, 64)
    out = io.BytesIO()
    stored = np.ascontiguousarray(pictures.turned(wanted, orientation))
    pillow_heif.from_pillow(PIL.Image.fromarray(stored)).save(
        out, quality=95, exif=b"Exif\0\0" + pictures.exif_block(orientation)
    )
    photo = images.read(out.getvalue())
    assert close(photo.image, wanted, within=4)
    assert photo.meta.exif is not None
    assert pictures.exif_of(photo.meta.exif).get(0x0112, 1) == 1


@pytest.mark.parametrize("orientation", [3, 6])
def test_orientation_turns_transparency_and_dpi_too(orientation: int) -> None:
    wanted = gradient(20, 30, channels=4)
    stored = np.ascontiguousarray(pictures.turned(wanted, orientation))
    photo = images.read(pillow(stored, "PNG", exif=pictures.exif_block(orientation), dpi=(100, 300)))
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, wanted[..., 3] / 255, atol=1e-6)
    assert photo.meta.dpi == pytest.approx((300, 100) if orientation == 6 else (100, 300), abs=0.1)


# ---- kinds of pixels


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
def test_grey_png_with_one_transparent_level(bits: int) -> None:
    most = (1 << bits) - 1
    levels = [min(most, n) for n in range(8)]
    packed = sum(level << (bits * (7 - n)) for n, level in enumerate(levels)).to_bytes(bits)
    photo = images.read(pictures.png(8, 1, 0, bits, b"\0" + packed, (b"tRNS", struct.pack(">H", 1))))
    np.testing.assert_array_equal(photo.image[0, :, 0], [round(level * 255 / most) for level in levels])
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha[0], [level != 1 for level in levels])


def test_rgb_png_with_one_transparent_colour() -> None:
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
def test_16_bit_png_with_one_transparent_colour(kind: int, channels: int) -> None:
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
    picture[..., 3] = 32768  # premultiplied: the colours are half what they should be
    photo = images.read(pictures.tiff(picture, extra=1))
    assert close(photo.image, gradient(deep=True) >> 8, within=2)
    assert photo.warnings == ("has 16 bits per channel in an unusual layout; read with 8",)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_with_separate_colour_planes(order: str) -> None:
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
    lab = np.array([[[80, 20, 20]]], np.float32)  # what that profile says of its cyan
    np.testing.assert_allclose(photo.image[8, 16], cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)[0, 0] * 255, atol=4)
    assert photo.meta.icc is None
    assert photo.warnings == ()


def srgb_of_light(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("deep", [False, True])
def test_grey_becomes_srgb_by_its_profile(deep: bool) -> None:
    most = 65535 if deep else 255
    grey = np.linspace(0.02 * most, most, 64).astype(np.uint16 if deep else np.uint8)[None, :, None]
    if deep:
        data = pictures.png16(grey, 0, (b"iCCP", b"grey\0\0" + lossless.zlib.compress(pictures.linear_grey_profile())))
    else:
        data = pillow(grey[..., 0], "PNG", icc_profile=pictures.linear_grey_profile())
    photo = images.read(data)
    np.testing.assert_allclose(photo.image[0, :, 1] / most, srgb_of_light(grey[0, :, 0] / most), atol=0.006)
    assert photo.image.dtype == grey.dtype
    assert photo.meta.icc is None


def test_lab_becomes_srgb() -> None:
    lab = PIL.Image.frombytes("LAB", (1, 1), bytes([204, 20, 20]))
    photo = images.read(lab)
    wanted = cv2.cvtColor(np.array([[[80, 20, 20]]], np.float32), cv2.COLOR_Lab2RGB)[0, 0] * 255
    np.testing.assert_allclose(photo.image[0, 0], wanted, atol=6)  # lcms adapts the white point, OpenCV does not


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_a_broken_profile_is_left_out(mode: str) -> None:
    profile = {"CMYK": pictures.cmyk_profile(), "L": pictures.linear_grey_profile()}[mode]
    broken = profile[:132] + bytes(len(profile) - 132)
    photo = images.read(saved(PIL.Image.new(mode, (8, 8)), "TIFF", icc_profile=broken))
    assert photo.meta.icc is None
    assert photo.warnings == ("its colour profile is damaged and was left out",)


def test_a_profile_for_other_pixels_is_left_out() -> None:
    photo = images.read(pillow(gradient(), "PNG", icc_profile=pictures.cmyk_profile()))
    assert photo.meta.icc is None
    assert photo.warnings == ("its colour profile does not fit its pixels and was left out",)
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


# ---- what is taken and given


def test_paths_names_bytes_and_pil_images_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    images.write(path, gradient(), meta=photo_meta())
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
def test_good_jpegs_keep_every_pixels_colour(quality: int | None, factors: tuple[int, int]) -> None:
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
def test_colours(text: str, rgb: tuple[int, int, int]) -> None:
    assert images.parse_color(text) == rgb


@pytest.mark.parametrize("text", ["", "#", "reddish", "#12345", "ff", "rgb(300, 0, 0)", "#ff000080", "x" * 5000])
def test_no_colours(text: str) -> None:
    with pytest.raises(InputError, match="is no colour; give a name such as white, or a hex code"):
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
assert not {"cv2", "pillow_heif", "PIL.ImageCms", "PIL.WebPImagePlugin", "PIL.ImageColor"} & set(sys.modules)
import numpy as np
images.read(images.encode(np.zeros((8, 8, 3), np.uint8), ".jpg"))
assert "PIL.JpegImagePlugin" in sys.modules
assert not {"pillow_heif", "PIL.ImageCms", "PIL.WebPImagePlugin", "PIL.PdfImagePlugin"} & set(sys.modules)
images.read(images.encode(np.zeros((8, 8, 3), np.uint8), ".webp"))
assert not {"pillow_heif", "PIL.PdfImagePlugin", "PIL.IcoImagePlugin"} & set(sys.modules)
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


def test_every_error_is_one_of_ours() -> None:
    with pytest.raises(StandoutError):
        images.read(b"\x89PNG\r\n\x1a\n" + bytes(50))
