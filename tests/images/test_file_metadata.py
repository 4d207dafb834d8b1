"""Metadata never changes the pixels: orientation that no viewer follows, odd resolutions, odd chunks."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import PIL.Image
import pillow_heif
import pytest

from standout import images
from standout.errors import UnreadableImage
from tests import pictures
from tests.pictures import chunk, gradient, pillow, png16

UPRIGHT = gradient(24, 32)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def exif_without_orientation() -> bytes:
    tags = PIL.Image.Exif()
    tags[0x0110] = "Camera 5000"
    return tags.tobytes().removeprefix(b"Exif\0\0")


def png_with(*extra: bytes, at: int = 33, picture: np.ndarray = UPRIGHT) -> bytes:
    data = pillow(picture, "PNG")
    return data[:at] + b"".join(extra) + data[at:]


def heic(**options: object) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(PIL.Image.fromarray(UPRIGHT)).save(out, quality=95, **options)
    return out.getvalue()


BY_XMP: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "jpeg": lambda more: pillow(UPRIGHT, "JPEG", quality=95, xmp=XMP, **more),
    "png": lambda more: png_with(
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP), *(chunk(b"eXIf", block[6:]) for block in more.values())
    ),
    "webp": lambda more: pillow(UPRIGHT, "WEBP", lossless=True, xmp=XMP, **more),
    "avif": lambda more: pillow(UPRIGHT, "AVIF", quality=95, xmp=XMP, **more),
    "tiff": lambda more: pillow(UPRIGHT, "TIFF", tiffinfo={700: XMP}, **more),
    "tiff, packed": lambda more: pillow(UPRIGHT, "TIFF", tiffinfo={700: XMP}, compression="tiff_lzw", **more),
    "heic": lambda more: heic(xmp=XMP.replace(b'"6"', b'"1"'), **more).replace(b'Orientation="1"', b'Orientation="6"'),
}


@pytest.mark.parametrize("with_exif", [False, True])
@pytest.mark.parametrize("kind", sorted(BY_XMP))
def test_orientation_in_xmp_alone_turns_nothing(kind: str, with_exif: bool) -> None:
    data = BY_XMP[kind]({"exif": b"Exif\0\0" + exif_without_orientation()} if with_exif else {})
    assert b'Orientation="6"' in data
    given = io.BytesIO(data)
    for source in (data, pillow_heif.HeifImageFile(given) if kind == "heic" else PIL.Image.open(given)):
        photo = images.read(source)
        assert pictures.close(photo.image, UPRIGHT, within=4), type(source)
        assert photo.meta.exif is None or pictures.exif_of(photo.meta.exif).get(0x0112, 1) == 1


def test_the_callers_picture_keeps_its_xmp() -> None:
    given = PIL.Image.open(io.BytesIO(BY_XMP["jpeg"]({})))
    images.read(given)
    assert given.info["xmp"] == XMP


def test_exif_wins_where_xmp_says_something_else() -> None:
    stored = np.ascontiguousarray(pictures.turned(UPRIGHT, 8))
    data = pillow(stored, "JPEG", quality=95, xmp=XMP, exif=b"Exif\0\0" + pictures.exif_block(8))
    assert pictures.close(images.read(data).image, UPRIGHT, within=4)


def test_heic_is_turned_by_its_own_box_alone() -> None:
    """pillow-heif writes the orientation as a box and sets EXIF to 1; here EXIF says 6 again, as phones leave it."""
    block = pictures.exif_block(6)
    stored = np.ascontiguousarray(pictures.turned(UPRIGHT, 6))
    out = io.BytesIO()
    pillow_heif.from_pillow(PIL.Image.fromarray(stored)).save(out, quality=95, exif=b"Exif\0\0" + block)
    data = out.getvalue()
    told_again = data.replace(pictures.exif_block(1)[:60], block[:60])
    for one in (data, told_again):
        assert pictures.close(images.read(one).image, UPRIGHT, within=4)
    flat = heic(exif=b"Exif\0\0" + pictures.exif_block(1))
    assert pictures.close(images.read(flat.replace(pictures.exif_block(1)[:60], block[:60])).image, UPRIGHT, within=4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "RGB;16"])
def test_heic_is_read_as_its_writer_reads_it(mode: str, orientation: int) -> None:
    """The base install's decoder and the extra's in one process: pixels, transparency, profile, EXIF, color codes."""
    codes = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6, "full_range_flag": 1}
    stored = pictures.gradient(40, 60, channels=4 if mode == "RGBA" else 3)
    if mode == "RGB;16":
        deep = stored.astype(np.uint16) * 257
        made = pillow_heif.from_bytes(mode, deep.shape[1::-1], deep.tobytes())  # 10 or 12 bits in the file
    else:
        made = pillow_heif.from_pillow(PIL.Image.fromarray(stored).convert(mode))
    out = io.BytesIO()
    more = codes if orientation % 2 else {"icc_profile": pictures.srgb_profile()}
    made.save(out, quality=90, exif=b"Exif\0\0" + pictures.exif_block(orientation), **more)
    mine, theirs = images.read(out.getvalue()), images.read(pillow_heif.HeifImageFile(io.BytesIO(out.getvalue())))
    if mode == "RGB;16":  # the file's own bits, where an opened picture has been reduced to 8
        assert mine.image.dtype == np.uint16 and mine.meta.bits == 16
        assert np.abs(mine.image / 257 - theirs.image).max() < 4  # colors are converted in other steps
    else:
        np.testing.assert_array_equal(mine.image, theirs.image)
    assert replace(mine.meta, bits=8) == theirs.meta and mine.meta.icc is not None and mine.meta.exif is not None
    assert mine.image.shape == ((60, 40, 3) if orientation >= 5 else (40, 60, 3))
    assert (mine.alpha is None) == (theirs.alpha is None) == (mode != "RGBA")
    if mine.alpha is not None and theirs.alpha is not None:
        np.testing.assert_array_equal(mine.alpha, theirs.alpha)


def test_old_exif_in_the_text_of_a_png() -> None:
    block = b"Exif\0\0" + pictures.exif_block(1)
    digits = b"\nexif\n%8d\n" % len(block) + block.hex("\n", 36).encode() + b"\n"
    for name, packed in ((b"zTXt", b"\0\0" + zlib.compress(digits)), (b"tEXt", b"\0" + digits)):
        photo = images.read(png_with(chunk(name, b"Raw profile type exif" + packed)))
        assert photo.meta.exif == pictures.exif_block(1)


# ---- resolution


def jfif(unit: int, x: int, y: int, *, exif: bytes = b"") -> bytes:
    data = bytearray(pillow(UPRIGHT, "JPEG", dpi=(50, 60), **({"exif": b"Exif\0\0" + exif} if exif else {})))
    at = data.index(b"JFIF\0") + 7
    data[at : at + 5] = struct.pack(">BHH", unit, x, y)
    return bytes(data)


def exif_resolution(unit: int | None, x: int) -> bytes:
    tags = PIL.Image.Exif()
    tags[0x011A], tags[0x011B] = x, x
    if unit is not None:
        tags[0x0128] = unit
    return tags.tobytes().removeprefix(b"Exif\0\0")


def tiff_resolution(unit: int | None, x: float) -> bytes:
    info = {282: x, 283: x} | ({296: unit} if unit is not None else {})
    return pillow(UPRIGHT, "TIFF", tiffinfo=info)


def bmp_resolution(per_meter: int) -> bytes:
    data = bytearray(pillow(UPRIGHT, "BMP"))
    data[38:46] = struct.pack("<ii", per_meter, per_meter)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        jfif(0, 1, 1),
        jfif(0, 72, 72),
        jfif(0, 2, 1),
        jfif(1, 1, 1),
        jfif(1, 0, 0),
        jfif(0, 1, 1, exif=exif_resolution(1, 1)),
        jfif(0, 1, 1, exif=exif_resolution(1, 72)),
        jfif(0, 1, 1, exif=exif_without_orientation()),
        png_with(chunk(b"pHYs", struct.pack(">IIB", 1, 1, 0))),
        png_with(chunk(b"pHYs", struct.pack(">IIB", 3000, 3000, 0))),
        png_with(chunk(b"pHYs", struct.pack(">IIB", 39, 39, 1))),
        png_with(chunk(b"pHYs", struct.pack(">IIB", 0, 0, 1))),
        png_with(chunk(b"pHYs", b"\1")),
        tiff_resolution(1, 1),
        tiff_resolution(1, 72),
        tiff_resolution(None, 1),
        tiff_resolution(2, 0),
        bmp_resolution(0),
        bmp_resolution(39),
        bmp_resolution(-1),
    ],
)
def test_a_resolution_without_a_unit_is_none(data: bytes) -> None:
    photo = images.read(data)
    assert photo.meta.dpi is None and not photo.warnings
    again = images.encode(photo.image, ".png", meta=photo.meta)
    assert b"pHYs" not in again
    assert images.read(images.encode(photo.image, ".jpg", meta=photo.meta)).meta.dpi is None
    assert images.read(images.encode(photo.image, ".tif", meta=photo.meta)).meta.dpi is None


@pytest.mark.parametrize(
    ("data", "dpi"),
    [
        (jfif(1, 300, 300), 300),
        (jfif(2, 100, 100), 254),
        (jfif(0, 1, 1, exif=exif_resolution(2, 240)), 240),
        (jfif(0, 1, 1, exif=exif_resolution(None, 240)), 240),
        (jfif(0, 1, 1, exif=exif_resolution(3, 100)), 254),
        (png_with(chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))), 300),
        (tiff_resolution(2, 300), 300),
        (tiff_resolution(3, 100), 254),
        (tiff_resolution(None, 300), 300),
        (bmp_resolution(11811), 300),
    ],
)
def test_a_resolution_with_a_unit_stays(data: bytes, dpi: float) -> None:
    photo = images.read(data)
    assert photo.meta.dpi == pytest.approx((dpi, dpi), abs=0.1)
    assert images.read(images.encode(photo.image, ".png", meta=photo.meta)).meta.dpi == pytest.approx(
        (dpi, dpi), abs=0.1
    )


# ---- chunks and segments


def bad_checksum(name: bytes, content: bytes) -> bytes:
    return chunk(name, content)[:-4] + b"\1\2\3\4"


LONG = b"Comment\0" + b"x" * 3_000_000
ODD_CHUNKS = {
    "text": [chunk(b"tEXt", LONG)] * 30,
    "packed text": [chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5_000_000)))] * 3,
    "text in all languages": [chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(5_000_000)))] * 3,
    "text that is cut off": [chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"abc" * 99)[:9])],
    "text of nothing": [chunk(b"tEXt", b""), chunk(b"zTXt", b""), chunk(b"iTXt", b"")],
    "bad checksums": [bad_checksum(b"tEXt", b"a\0b"), bad_checksum(b"pHYs", bytes(9)), bad_checksum(b"eXIf", b"II")],
    "a bad gamma": [bad_checksum(b"gAMA", struct.pack(">I", 45455))],
    "short ones": [chunk(name, b"") for name in (b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"tIME", b"bKGD", b"sBIT")],
    "a profile of megabytes": [chunk(b"iCCP", b"x\0\0" + zlib.compress(pictures.srgb_profile() + bytes(3_000_000)))],
    "a profile of zeros": [chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(100)))],
    "a profile packed wrong": [chunk(b"iCCP", b"x\0\7junk")],
    "what nobody knows": [chunk(b"prVt", bytes(1_000_000)), chunk(b"caBX", b"junk")],
    "frames that are none": [bad_checksum(b"acTL", bytes(8))],
    "odd EXIF": [chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")],
}


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("kind", sorted(ODD_CHUNKS))
def test_nothing_beside_the_pixels_makes_a_png_unreadable(kind: str, deep: bool) -> None:
    wanted = gradient(24, 32, deep=deep)
    data = png16(wanted, 2) if deep else pillow(wanted, "PNG")
    photo = images.read(data[:33] + b"".join(ODD_CHUNKS[kind]) + data[33:])
    np.testing.assert_array_equal(photo.image, wanted)
    behind = data[:-12] + b"".join(ODD_CHUNKS[kind]) + data[-12:]
    np.testing.assert_array_equal(images.read(behind).image, wanted)


def test_damage_where_pixels_are_is_an_error_still() -> None:
    data = bytearray(pillow(UPRIGHT, "PNG"))
    data[data.index(b"IDAT") + 8] ^= 255
    with pytest.raises(UnreadableImage):
        images.read(bytes(data))


@pytest.mark.parametrize("content", [b"", b"\0" * 3, b"\0" * 7])
def test_damaged_transparency_of_a_png_is_left_out(content: bytes) -> None:
    data = png_with(bad_checksum(b"tRNS", bytes(6)) if content else chunk(b"tRNS", b"\0"))
    photo = images.read(data)
    assert photo.alpha is None and photo.warnings == ("its transparency is damaged and was left out",)


def test_a_profile_of_megabytes_is_kept() -> None:
    icc = pictures.srgb_profile()
    icc = struct.pack(">I", len(icc) + 3_000_000) + icc[4:] + bytes(3_000_000)
    assert images.read(png_with(chunk(b"iCCP", b"x\0\0" + zlib.compress(icc)))).meta.icc == icc


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


FULL = bytes(65_533)
ODD_SEGMENTS = {
    "comments": [segment(0xFE, b"x" * 65_533)] * 40,
    "XMP in pieces": [segment(0xE1, (b"http://ns.adobe.com/xmp/extension/\0" + FULL)[:65_533])] * 40,
    "XMP as large as can be": [segment(0xE1, (b"http://ns.adobe.com/xap/1.0/\0" + FULL)[:65_533])],
    "EXIF twice": [segment(0xE1, b"Exif\0\0" + pictures.exif_block())] * 2,
    "EXIF as large as can be": [segment(0xE1, (b"Exif\0\0" + pictures.exif_block() + FULL)[:65_533])],
    "EXIF of nothing": [segment(0xE1, b"Exif\0\0")],
    "a short Adobe marker": [segment(0xEE, b"Adobe")],
    "short others": [segment(0xE0 + n, b"ab") for n in range(16)],
    "Photoshop junk": [segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\xff\xff")],
    "a list of pictures that are not there": [segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff")],
}


@pytest.mark.parametrize("kind", sorted(ODD_SEGMENTS))
def test_nothing_beside_the_pixels_makes_a_jpeg_unreadable(kind: str) -> None:
    data = pillow(UPRIGHT, "JPEG", quality=95)
    photo = images.read(data[:20] + b"".join(ODD_SEGMENTS[kind]) + data[20:])
    assert pictures.close(photo.image, UPRIGHT, within=4)
    images.read(images.encode(photo.image, ".jpg", meta=photo.meta, metadata="all"))


def test_the_first_of_several_pictures_in_one_jpeg() -> None:
    out = io.BytesIO()
    PIL.Image.fromarray(UPRIGHT).save(
        out, "MPO", save_all=True, append_images=[PIL.Image.new("RGB", (32, 24))], quality=95
    )
    assert pictures.close(images.read(out.getvalue()).image, UPRIGHT, within=4)
    given = PIL.Image.open(io.BytesIO(out.getvalue()))
    assert given.format == "MPO" and pictures.close(images.read(given).image, UPRIGHT, within=4)
