"""Backgrounds and colors look the same in every photo, and what a file tells about its colors is kept."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pillow_heif
import pytest
from PIL import ImageCms

import standout
from standout import images
from standout.cli import main
from standout.effects import Replace
from standout.effects.compose import before_white
from standout.errors import InputError
from standout.images import heif_boxes, profiles
from standout.types import Metadata, Photo
from tests import pictures
from tests.pictures import pillow, png, png16

RED, TEAL = (200, 30, 30), (30, 120, 130)
P3_CORNERS = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
D65 = (0.3127, 0.3290)
P3 = profiles.built(P3_CORNERS, D65, None) or b""
ADOBE = profiles.built(((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), D65, 563 / 256) or b""
WIDE = profiles.built(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 1.8) or b""


def lut_profile() -> bytes:
    """An RGB profile made of a table of Lab colors, which only littleCMS can apply."""
    table = b""
    for corner in range(8):
        red, green, blue = (corner >> bit & 1 for bit in (2, 1, 0))
        table += bytes([85 * (red + green + blue), 128 + 40 * red - 40 * green, 128 + 40 * green - 40 * blue])
    matrix = struct.pack(">9i", *(65536 * (n in (0, 4, 8)) for n in range(9)))
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([3, 3, 2, 0]) + matrix + ramp * 3 + table + ramp * 3
    return pictures._profile(b"RGB ", b"Lab ", {b"A2B0": lut, b"wtpt": pictures._D50}, group=b"scnr")


def littlecms(picture: np.ndarray, source: bytes | None, target: bytes | None) -> np.ndarray:
    """The picture, converted by the reference implementation with 8 bits."""
    either = [ImageCms.createProfile("sRGB") if icc is None else io.BytesIO(icc) for icc in (source, target)]
    flags = ImageCms.Flags.NOOPTIMIZE | ImageCms.Flags.BLACKPOINTCOMPENSATION
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    done = ImageCms.profileToProfile(PIL.Image.fromarray(picture), *either, intent, "RGB", flags=flags)
    return np.asarray(done).astype(int)


def seen(data: bytes | Path, at: tuple[int, int] = (2, 2)) -> np.ndarray:
    """The color at a place, as a color-managed viewer shows it, in sRGB."""
    with PIL.Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as opened:
        icc = opened.info.get("icc_profile")
        pixel = np.asarray(opened.convert("RGB"))[at[1] : at[1] + 1, at[0] : at[0] + 1]
    return littlecms(np.ascontiguousarray(pixel), icc, None)[0, 0]


# ---- conversion


@pytest.mark.parametrize("icc", [P3, ADOBE, WIDE, pictures.srgb_profile()], ids=["p3", "adobe", "wide", "srgb"])
@pytest.mark.parametrize("out", [True, False])
def test_conversion_agrees_with_littlecms(icc: bytes, out: bool) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 50, 3), np.uint8)
    either = (None, icc) if out else (icc, None)
    wanted = littlecms(picture, *either)
    assert np.abs(profiles.convert(picture, *either) - wanted).max() <= 1
    deep = profiles.convert(picture.astype(np.uint16) * 257, *either)
    assert deep.dtype == np.uint16 and np.abs(deep / 257 - wanted).max() <= 1


def test_sixteen_bits_stay_smooth() -> None:
    ramp = np.repeat(np.arange(20000, 40000, dtype=np.uint16)[None, :, None], 3, axis=2)
    there = profiles.convert(ramp, None, ADOBE)
    assert len(np.unique(there)) > 15000
    assert np.abs(profiles.convert(there, ADOBE, None).astype(int) - ramp).max() <= 3


def test_profiles_made_of_tables_are_used() -> None:
    icc = lut_profile()
    picture = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    wanted = littlecms(picture, icc, None)
    assert np.abs(wanted - picture).max() > 40, "the table must matter"
    assert np.abs(profiles.convert(picture, icc, None) - wanted).max() <= 2
    deep = profiles.convert(picture.astype(np.uint16) * 257, icc, None)
    assert np.abs(deep / 257 - wanted).max() <= 2


def test_alpha_is_no_color() -> None:
    picture = np.full((2, 3, 4), 90, np.uint8)
    done = profiles.convert(picture, None, P3)
    assert (done[..., 3] == 90).all() and (picture == 90).all()


@pytest.mark.parametrize("cut", [100, 200, 400, -1])
def test_a_damaged_profile_is_named_and_left_out(cut: int) -> None:
    photo = images.read(pillow(np.full((4, 4, 3), 9, np.uint8), "PNG", icc_profile=ADOBE[:cut]))
    assert photo.meta.icc is None
    assert len(photo.warnings) == 1 and "profile" in photo.warnings[0] and "left out" in photo.warnings[0]


def test_a_jpeg_that_lacks_a_piece_of_its_profile_says_so() -> None:
    data = pillow(np.full((8, 8, 3), 9, np.uint8), "JPEG", icc_profile=ADOBE)
    at = data.index(b"ICC_PROFILE\0") + 12
    photo = images.read(data[:at] + b"\1\2" + data[at + 2 :])
    assert photo.warnings == ("its color profile is damaged and was left out",)


# ---- backgrounds and colors


PHOTOS: dict[str, Callable[[], bytes]] = {
    "srgb": lambda: pillow(np.full((40, 30, 3), 90, np.uint8), "PNG"),
    "p3": lambda: pillow(np.full((40, 30, 3), 90, np.uint8), "PNG", icc_profile=P3),
    "adobe jpeg": lambda: pillow(np.full((40, 30, 3), 90, np.uint8), "JPEG", icc_profile=ADOBE),
    "wide, 16 bits": lambda: images.encode(np.full((40, 30, 3), 9000, np.uint16), ".tif", meta=Metadata(icc=WIDE)),
    "table": lambda: pillow(np.full((40, 30, 3), 90, np.uint8), "PNG", icc_profile=lut_profile()),
    "gray": lambda: pillow(np.full((40, 30), 90, np.uint8), "PNG", icc_profile=pictures.linear_gray_profile()),
    "cmyk": lambda: pictures.saved(
        PIL.Image.new("CMYK", (30, 40), (90, 20, 50, 10)), "JPEG", icc_profile=pictures.cmyk_profile()
    ),
    "gamma": lambda: png(30, 40, 2, 8, (b"\0" + bytes(90)) * 40, (b"gAMA", struct.pack(">I", 100_000))),
}


def backgrounds(rgb: tuple[int, int, int]) -> dict[str, bytes]:
    """A color of sRGB as pictures in several color spaces."""
    flat = np.full((50, 60, 3), rgb, np.uint8)
    deep = flat.astype(np.uint16) * np.uint16(257)
    return {
        "srgb": pillow(flat, "PNG"),
        "p3": pillow(littlecms(flat, None, P3).astype(np.uint8), "PNG", icc_profile=P3),
        "adobe": pillow(littlecms(flat, None, ADOBE).astype(np.uint8), "WEBP", lossless=True, icc_profile=ADOBE),
        "wide, 16 bits": images.encode(profiles.convert(deep, None, WIDE), ".png", meta=Metadata(icc=WIDE)),
    }


@pytest.mark.parametrize("behind", sorted(backgrounds(RED)))
@pytest.mark.parametrize("photo", sorted(set(PHOTOS) - {"table"}))
def test_a_background_looks_the_same_behind_every_photo(photo: str, behind: str) -> None:
    source = PHOTOS[photo]()
    nobody = np.zeros((40, 30), np.float32)
    picture = standout.replace(source, backgrounds(RED)[behind], mask=nobody)
    assert np.abs(seen(images.encode(picture, ".png")) - RED).max() <= 3
    picture = standout.replace(source, backgrounds(RED)[behind], mask=nobody, how="fit")
    assert np.abs(seen(images.encode(picture, ".png")) - RED).max() <= 3


@pytest.mark.parametrize("photo", sorted(set(PHOTOS) - {"table"}))
@pytest.mark.parametrize("rgb", [RED, TEAL, (255, 255, 255), (0, 0, 0)])
def test_a_color_looks_the_same_behind_every_photo(photo: str, rgb: tuple[int, int, int]) -> None:
    picture = standout.color(PHOTOS[photo](), rgb, mask=np.zeros((40, 30), np.float32))
    assert np.abs(seen(images.encode(picture, ".png")) - rgb).max() <= 2


def test_the_person_keeps_its_numbers() -> None:
    picture = standout.replace(PHOTOS["p3"](), backgrounds(RED)["adobe"], mask=np.ones((40, 30), np.float32))
    assert (picture == 90).all()


@pytest.mark.parametrize("command", [["replace", "-b", "bg.png"], ["color", "-c", "#c81e1e"], ["cut", "-b", "#c81e1e"]])
def test_the_command_line_does_the_same(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bg.png").write_bytes(backgrounds(RED)["srgb"])
    PIL.Image.fromarray(np.zeros((40, 30), np.uint8)).save("nobody.png")
    for n, name in enumerate(("p3", "adobe jpeg", "srgb", "wide, 16 bits")):  # one command, many profiles
        Path("in").mkdir(exist_ok=True)
        Path(f"in/{n}.{'tif' if '16' in name else 'png'}").write_bytes(PHOTOS[name]())
    first, *options = command
    assert main([first, "in", "--mask-from", "nobody.png", "-o", "out", "-f", "png", *options]) == 0
    made = sorted(Path("out").iterdir())
    assert len(made) == 4
    for path in made:
        assert np.abs(seen(path) - RED).max() <= 3, path


def test_bmp_holds_no_profile_so_its_numbers_are_srgb() -> None:
    flat = littlecms(np.full((9, 9, 3), RED, np.uint8), None, ADOBE).astype(np.uint8)
    assert np.abs(seen(images.encode(flat, ".bmp", meta=Metadata(icc=ADOBE))) - RED).max() <= 2
    assert images.encode(flat[..., :1], ".bmp", meta=Metadata(icc=ADOBE))[:2] == b"BM"


@pytest.mark.parametrize(
    "color",
    [
        (300, -1, 0), (1, 2), (1, 2, 3, 4), (0.5, 0.5, 0.5), (1.0, 2.0, 3.0), (float("nan"),) * 3, ("1", "2", "3"),
        5, None, b"red", b"abc", [], "blurple", "#12", "#11223344", "rgb(300, 0, 0)", "", np.zeros((3, 3), int),
    ],
    ids=repr,
)  # fmt: skip
def test_colors_that_are_none(color: object) -> None:
    with pytest.raises(InputError, match="is no color; give a name"):
        standout.color(np.zeros((4, 4, 3), np.uint8), color, mask=np.zeros((4, 4)))  # type: ignore[arg-type]


@pytest.mark.parametrize("color", [(1, 2, 3), [1, 2, 3], np.array([1, 2, 3], np.uint8), "#010203", "rgb(1, 2, 3)"])
def test_colors_that_are_some(color: object) -> None:
    picture = standout.color(np.zeros((4, 4, 3), np.uint8), color, mask=np.zeros((4, 4)))  # type: ignore[arg-type]
    assert (picture == (1, 2, 3)).all()


# ---- what files tell without a profile


def rows(rgb: tuple[int, int, int]) -> bytes:
    return (b"\0" + bytes(rgb) * 6) * 5


def shown(photo: Photo) -> np.ndarray:
    """The color of a flat photo as sRGB."""
    return profiles.convert(photo.image, photo.meta.icc, None)[2, 2].astype(int)


def as_numbers(rgb: tuple[int, int, int], icc: bytes) -> tuple[int, int, int]:
    red, green, blue = littlecms(np.full((1, 1, 3), rgb, np.uint8), None, icc)[0, 0].tolist()
    return red, green, blue


CHRM_P3 = struct.pack(">8I", *(round(v * 100_000) for v in (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)))
CHRM_ADOBE = struct.pack(">8I", *(round(v * 100_000) for v in (*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)))
CHRM_SRGB = struct.pack(">8I", *(round(v * 100_000) for v in (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)))
GAMMA = struct.pack(">I", 45455)


@pytest.mark.parametrize(
    ("icc", "chunks"),
    [
        (P3, [(b"cICP", bytes([12, 13, 0, 1]))]),
        (P3, [(b"cHRM", CHRM_P3)]),
        (P3, [(b"cICP", bytes([12, 13, 0, 1])), (b"iCCP", b"x\0\0" + zlib.compress(ADOBE))]),
        (ADOBE, [(b"gAMA", GAMMA), (b"cHRM", CHRM_ADOBE)]),
        (ADOBE, [(b"gAMA", GAMMA), (b"cHRM", CHRM_SRGB), (b"iCCP", b"x\0\0" + zlib.compress(ADOBE))]),
    ],
)
def test_what_a_png_says_of_its_colors_is_kept(icc: bytes, chunks: list[tuple[bytes, bytes]]) -> None:
    data = png(6, 5, 2, 8, rows(as_numbers(RED, icc)), *chunks)
    photo = images.read(data)
    assert np.abs(shown(photo) - RED).max() <= 2 and not photo.warnings
    for suffix in (".png", ".jpg", ".webp", ".tif", ".heic", ".avif", ".bmp"):
        again = images.read(images.encode(photo.image, suffix, meta=photo.meta))
        assert np.abs(shown(again) - RED).max() <= 8, suffix


def test_a_png_of_linear_light() -> None:
    level = round(255 * ((120 / 255 + 0.055) / 1.055) ** 2.4)
    photo = images.read(png(6, 5, 2, 8, rows((level,) * 3), (b"gAMA", struct.pack(">I", 100_000))))
    assert np.abs(shown(photo) - 120).max() <= 2
    gray = images.read(png(6, 5, 0, 8, (b"\0" + bytes([level] * 6)) * 5, (b"gAMA", struct.pack(">I", 100_000))))
    assert np.abs(shown(gray) - 120).max() <= 2
    palette = png(
        6, 5, 3, 8, (b"\0" + bytes(6)) * 5, (b"gAMA", struct.pack(">I", 100_000)), (b"PLTE", bytes([level] * 3))
    )
    assert np.abs(shown(images.read(palette)) - 120).max() <= 2


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"sRGB", b"\0")],
        [(b"gAMA", GAMMA)],
        [(b"gAMA", GAMMA), (b"cHRM", CHRM_SRGB)],
        [(b"cHRM", CHRM_SRGB)],
        [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100_000)), (b"cHRM", CHRM_P3)],
        [(b"cICP", bytes([1, 13, 0, 1])), (b"gAMA", struct.pack(">I", 100_000))],
        [(b"cICP", bytes([2, 2, 0, 1]))],
    ],
)
def test_what_is_srgb_gets_no_profile(chunks: list[tuple[bytes, bytes]]) -> None:
    photo = images.read(png(6, 5, 2, 8, rows(RED), *chunks))
    assert photo.meta.icc is None and (photo.image == RED).all() and not photo.warnings


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"gAMA", bytes(4))],
        [(b"gAMA", b"\1")],
        [(b"cHRM", bytes(32))],
        [(b"cHRM", bytes(5))],
        [(b"cICP", bytes([200, 13, 0, 1]))],
        [(b"cICP", bytes([1, 99, 0, 1]))],
        [(b"cICP", b"\1")],
        [(b"iCCP", b"x\0\0junk")],
        [(b"iCCP", b"x")],
    ],
)
def test_colors_that_make_no_sense_are_told(chunks: list[tuple[bytes, bytes]]) -> None:
    photo = images.read(png(6, 5, 2, 8, rows(RED), *chunks))
    assert photo.meta.icc is None and (photo.image == RED).all()
    assert len(photo.warnings) == 1 and "color" in photo.warnings[0]


def pq(light: float) -> float:
    """The level, 0..1, of light in candela per square meter (SMPTE ST 2084)."""
    power = (light / 10000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def test_hdr_comes_into_the_standard_range() -> None:
    lights = np.array([0, 1, 10, 40, 100, 203, 500, 1000, 4000])
    for deep in (False, True):
        most = 65535 if deep else 255
        levels = np.rint(np.array([pq(light) if light else 0 for light in lights]) * most)
        line = np.repeat(levels[None, :, None], 3, axis=2).astype(np.uint16 if deep else np.uint8)
        cicp = (b"cICP", bytes([1, 16, 0, 1]))
        data = png16(line, 2, cicp) if deep else png(len(lights), 1, 2, 8, b"\0" + line.tobytes(), cicp)
        photo = images.read(data)
        assert photo.warnings == ("is HDR (PQ); its highlights were compressed to the standard range",)
        assert photo.meta.icc is None and photo.image.dtype == line.dtype
        got = photo.image[0, :, 0] / most
        light = np.where(got <= 0.04045, got / 12.92, ((got + 0.055) / 1.055) ** 2.4) * 203
        assert np.abs(light[:5] - lights[:5]).max() < (0.5 if deep else 4), "what is no highlight stays as it is"
        assert (np.diff(got) >= 0).all() and 0.9 < got[5] < 0.97 and got[7] > 0.995


def test_hlg_has_its_white_where_it_belongs() -> None:
    photo = images.read(png(2, 1, 2, 8, bytes([0, 191, 191, 191, 255, 255, 255]), (b"cICP", bytes([9, 18, 0, 1]))))
    assert photo.meta.icc and photo.warnings == ("is HDR (HLG); its highlights were compressed to the standard range",)
    assert 230 < photo.image[0, 0, 0] < 245 and photo.image[0, 1, 0] == 255


def heic(rgb: tuple[int, int, int], primaries: int, transfer: int, matrix: int, **options: object) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(PIL.Image.new("RGB", (64, 64), rgb)).save(
        out, quality=95, color_primaries=primaries, transfer_characteristics=transfer, matrix_coefficients=matrix,
        full_range_flag=1, **options,
    )  # fmt: skip
    return out.getvalue()


def test_display_p3_of_heic_is_kept_without_a_profile() -> None:
    photo = images.read(heic(as_numbers(RED, P3), 12, 13, 6))
    assert np.abs(shown(photo) - RED).max() <= 4 and not photo.warnings
    assert np.abs(seen(images.encode(photo.image, ".jpg", meta=photo.meta)) - RED).max() <= 6


@pytest.mark.parametrize("codes", [(1, 13, 6), (1, 1, 1), (2, 2, 6)])
def test_plain_heic_stays_without_a_profile(codes: tuple[int, int, int]) -> None:
    photo = images.read(heic(RED, *codes))
    assert photo.meta.icc is None and not photo.warnings


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_of_heic_is_told(transfer: int, name: str) -> None:
    photo = images.read(heic((120, 120, 120), 9, transfer, 9))
    assert photo.warnings == (f"is HDR ({name}); its highlights were compressed to the standard range",)
    assert photo.meta.icc is not None


def avif(rgb: tuple[int, int, int], primaries: int, transfer: int) -> bytes:
    """An AVIF file whose "colr" box tells these codes."""
    data = bytearray(pillow(np.full((16, 16, 3), rgb, np.uint8), "AVIF", quality=100, subsampling="4:4:4"))
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


def test_display_p3_and_hdr_of_avif() -> None:
    photo = images.read(avif(as_numbers(RED, P3), 12, 13))
    assert np.abs(shown(photo) - RED).max() <= 4 and not photo.warnings
    assert "HDR (PQ)" in images.read(avif((100, 100, 100), 9, 16)).warnings[0]
    assert images.read(avif(RED, 1, 13)).meta.icc is None
    tagged = pillow(np.full((16, 16, 3), RED, np.uint8), "AVIF", icc_profile=ADOBE)
    assert images.read(tagged).meta.icc == ADOBE


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_broken_boxes_tell_nothing_or_the_truth(cut: int) -> None:
    data = avif(RED, 12, 13)
    assert heif_boxes.nclx(data[:cut]) in (None, heif_boxes.nclx(data))


def exif_with(color_space: int, index: bytes = b"") -> bytes:
    """An EXIF block with a color space, and rules of interoperability ("R98", "R03") where they are given."""
    inner = 26 + 2 * 12 + 6
    tags = [(0xA001, 3, 1, struct.pack("<HH", color_space, 0))]
    tags += [(0xA005, 4, 1, struct.pack("<I", inner))] if index else []
    exif = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHI", *tag[:3]) + tag[3] for tag in tags) + bytes(4)
    block = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0) + exif
    return block + (struct.pack("<HHHI", 1, 1, 2, 4) + index + b"\0" + bytes(4) if index else b"")


@pytest.mark.parametrize(("space", "index"), [(0xFFFF, b"R03"), (2, b"")])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_adobe_rgb_told_by_exif_alone(kind: str, space: int, index: bytes) -> None:
    flat = np.full((16, 16, 3), as_numbers(RED, ADOBE), np.uint8)
    options = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}.get(kind, {})
    photo = images.read(pillow(flat, kind, exif=b"Exif\0\0" * (kind == "JPEG") + exif_with(space, index), **options))
    assert np.abs(shown(photo) - RED).max() <= 4 and not photo.warnings


def test_colors_that_nobody_tells_are_warned_of() -> None:
    flat = np.full((16, 16, 3), RED, np.uint8)
    photo = images.read(pillow(flat, "PNG", exif=exif_with(0xFFFF, b"R98")))
    assert photo.meta.icc is None
    assert photo.warnings == (
        "says in its EXIF that its colors are not sRGB, but not what they are; they were read as sRGB",
    )
    assert not images.read(pillow(flat, "PNG", exif=exif_with(1))).warnings
    assert not images.read(pillow(flat, "PNG", exif=exif_with(0xFFFF), icc_profile=P3)).warnings


def test_exif_says_srgb_where_the_result_is() -> None:
    cmyk = PIL.Image.new("CMYK", (16, 16), (90, 20, 50, 10))
    data = pictures.saved(
        cmyk, "JPEG", icc_profile=pictures.cmyk_profile(), exif=b"Exif\0\0" + exif_with(0xFFFF, b"R03")
    )
    photo = images.read(data)
    assert photo.meta.icc is None and not photo.warnings
    again = images.read(images.encode(photo.image, ".jpg", meta=photo.meta))
    assert again.meta.icc is None and not again.warnings, "the old color space must not be told of new pixels"


def test_what_is_wrong_with_a_background_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bg.heic").write_bytes(heic((120, 120, 120), 9, 16, 9))
    Path("p.png").write_bytes(PHOTOS["srgb"]())
    PIL.Image.fromarray(np.zeros((40, 30), np.uint8)).save("nobody.png")
    assert main(["replace", "p.png", "-b", "bg.heic", "--mask-from", "nobody.png", "-o", "o.png"]) == 0
    assert "background bg.heic is HDR (PQ)" in capsys.readouterr().err
    with pytest.warns(UserWarning, match=r"bg\.heic is HDR"):
        standout.replace("p.png", "bg.heic", mask="nobody.png")


def test_a_see_through_background_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    behind = np.full((40, 30, 4), (0, 255, 0, 0), np.uint8)
    behind[20:] = (*RED, 255)
    PIL.Image.fromarray(behind).save("bg.png")
    Path("p.png").write_bytes(PHOTOS["srgb"]())
    PIL.Image.fromarray(np.zeros((40, 30), np.uint8)).save("nobody.png")
    for name in ("o.png", "o.webp", "o.tif", "o.jpg", "o.bmp"):
        assert main(["replace", "p.png", "-b", "bg.png", "--mask-from", "nobody.png", "-o", name]) == 0
        photo = images.read(name)
        assert np.abs(photo.image[35, 15].astype(int) - RED).max() <= 4, name
        if name in ("o.jpg", "o.bmp"):
            assert photo.alpha is None and np.abs(photo.image[4, 15].astype(int) - 255).max() <= 3, name
        else:
            assert photo.alpha is not None and photo.alpha[4, 15] == 0 and photo.alpha[35, 15] == 1, name
    behind = Replace(Path("bg.png"))(np.zeros((40, 30, 3), np.uint8), np.zeros((40, 30), np.float32))
    frame = before_white(behind)  # as in clips and formats that hold no transparency
    assert frame.shape == (40, 30, 3) and (frame[4, 15] == 255).all() and (frame[35, 15] == RED).all()


def test_the_profile_inside_a_bmp_is_kept() -> None:
    flat = np.full((8, 8, 3), as_numbers(RED, ADOBE), np.uint8)
    data = bytearray(pillow(flat, "BMP"))
    pixels = bytes(data[54:])
    head = bytearray(bytes(data[14:54]).ljust(124, b"\0"))
    head[:4] = struct.pack("<I", 124)
    head[56:60] = b"DEBM"
    head[112:120] = struct.pack("<II", 124 + len(pixels), len(ADOBE))
    size, start = 14 + 124 + len(pixels) + len(ADOBE), 14 + 124
    whole = b"BM" + struct.pack("<IHHI", size, 0, 0, start) + bytes(head) + pixels + ADOBE
    photo = images.read(whole)
    assert photo.meta.icc == ADOBE and np.abs(shown(photo) - RED).max() <= 2
    cut = images.read(whole[:-50])
    assert cut.meta.icc is None and cut.warnings == ("its color profile is damaged and was left out",)


def test_chromaticities_of_a_tiff_are_kept() -> None:
    flat = np.full((8, 8, 3), as_numbers(RED, P3), np.uint8)
    data = pillow(flat, "TIFF", tiffinfo={318: (0.3127, 0.329), 319: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)})
    photo = images.read(data)
    assert np.abs(shown(photo) - RED).max() <= 2 and not photo.warnings
