"""What a picture file holds beside its pixels: EXIF, profile, dots per inch and orientation."""

import io
import struct

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standout import images
from standout.errors import InputError
from standout.images import exif
from standout.types import Metadata
from tests import pictures
from tests.pictures import close, gradient, pillow

SUFFIXES = sorted(images.WRITERS)
PROFILE = pictures.srgb_profile()


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
    gray = pictures.linear_gray_profile()
    meta = Metadata(icc=PROFILE)
    assert b"iCCP" not in images.encode(gradient(channels=1), ".png", meta=meta)
    assert b"iCCP" not in images.encode(gradient(), ".png", meta=Metadata(icc=gray))
    assert b"iCCP" not in images.encode(gradient(), ".png", meta=Metadata(icc=b"no profile"))
    assert b"iCCP" in images.encode(gradient(channels=1), ".png", meta=Metadata(icc=gray))
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
        clean = exif.cleaned(bytes(block))
        assert exif.cleaned(clean) == clean
        assert 1 <= exif.orientation(clean) <= 8
        assert exif.orientation(exif.upright(clean)) == 1
        assert len(exif.sized(clean, 9, 9)) == len(clean)
    except exif.DamagedExif:
        pass


def test_big_endian_exif() -> None:
    tags = PIL.Image.Exif()
    tags.endian = ">"
    tags[0x0110], tags[0x0112], tags[0x8825] = "Camera 5000", 8, {1: "N", 0x1D: "1999:12:31"}
    block = exif.bare(tags.tobytes())
    assert block[:2] == b"MM"
    assert exif.orientation(block) == 8
    clean = exif.cleaned(exif.upright(block))
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
