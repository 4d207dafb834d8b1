"""Masks of every kind are read correctly or refused with a reason; none is read as showing nobody."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from standout import images
from standout.errors import InputError, UnclearMask, UnreadableImage
from standout.images import read_alpha, read_mask
from tests.conftest import drawn_person
from tests.pictures import png, png16, saved, srgb_profile, tiff, turned

PERSON = np.zeros((40, 30), np.uint8)
PERSON[8:36, 6:20] = 255
ON = PERSON > 0


def voc_palette() -> list[int]:
    """PASCAL VOC's colors of 256 classes, from the bits of each number."""
    table = []
    for number in range(256):
        color = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                color[channel] |= (number >> 3 * bit + channel & 1) << 7 - bit if 3 * bit + channel < 8 else 0
        table += color
    return table


def indexed(values: np.ndarray, palette: list[int], kind: str = "PNG", **options: object) -> bytes:
    picture = Image.fromarray(values.astype(np.uint8), "P")
    picture.putpalette(palette)
    return saved(picture, kind, **options)


def of(array: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    return saved(Image.fromarray(np.ascontiguousarray(array)), kind, **options)


def rgb(color: tuple[int, int, int], other: tuple[int, int, int] = (0, 0, 0)) -> np.ndarray:
    return np.where(ON[..., None], np.uint8(color), np.uint8(other)).astype(np.uint8)


def row(values: np.ndarray) -> bytes:
    return b"".join(b"\0" + line.tobytes() for line in values)


CUT_OUT = np.dstack([np.full((40, 30, 3), 96, np.uint8), PERSON])
GRAYS = [level for n in range(256) for level in (n, n, n)]
PLAIN = {
    "8 bits": of(PERSON),
    "8 bits, 0 and 1": of(ON.astype(np.uint8)),
    "1 bit": of(ON),
    "1 bit, TIFF": of(ON, "TIFF"),
    "1 bit, BMP": of(ON, "BMP"),
    "1 bit, GIF": of(ON, "GIF"),
    "16 bits": of(PERSON.astype(np.uint16) * 257),
    "16 bits, 0 and 1": of(ON.astype(np.uint16)),
    "16 bits, 0 and 255": of(PERSON.astype(np.uint16)),
    "16 bits, TIFF": of(PERSON.astype(np.uint16) * 257, "TIFF"),
    "16 bits, TIFF, 0 and 1": of(ON.astype(np.uint16), "TIFF"),
    "32 bits, 0 and 1": of(ON.astype(np.int32), "TIFF"),
    "32 bits, 0 and 255": of(PERSON.astype(np.int32), "TIFF"),
    "float, 0 and 1": of(ON.astype(np.float32), "TIFF"),
    "float, 0 and 255": of(PERSON.astype(np.float32), "TIFF"),
    "16 bits, RGB, 0 and 1": png16(np.dstack([ON.astype(np.uint16)] * 3), 2),
    "16 bits, RGB": png16(np.dstack([PERSON.astype(np.uint16) * 257] * 3), 2),
    "16 bits, alpha": png16(np.dstack([np.full((40, 30, 3), 900, np.uint16), PERSON.astype(np.uint16) * 257]), 6),
    "16 bits, gray and alpha": png16(np.dstack([np.full((40, 30), 900, np.uint16), ON.astype(np.uint16)]), 4),
    "float, resampled": of(np.where(ON, np.float32(1.0000001), np.float32(-1e-7)), "TIFF"),
    "JPEG in TIFF": of(PERSON, "TIFF", compression="jpeg", quality=80),
    "white is zero, TIFF": tiff(255 - PERSON[..., None], photometric=0),
    "nearly black and white": of(np.where(ON, 250, 4).astype(np.uint8)),
    "RGB": of(rgb((255, 255, 255))),
    "RGB, 0 and 1": of(rgb((1, 1, 1))),
    "red on black": of(rgb((255, 0, 0))),
    "dark green on black": of(rgb((0, 128, 0))),
    "1 in red alone": of(rgb((1, 0, 0))),
    "red on black, JPEG": of(rgb((220, 20, 60)), "JPEG", quality=90),
    "red on black, WebP": of(rgb((220, 20, 60)), "WEBP", lossless=True),
    "nearly gray RGB": of(rgb((255, 253, 254))),
    "CMYK": saved(Image.fromarray(rgb((255, 255, 255))).convert("CMYK"), "TIFF"),
    "JPEG": of(PERSON, "JPEG", quality=80),
    "JPEG, RGB": of(rgb((255, 255, 255)), "JPEG", quality=70),
    "WebP": of(rgb((255, 255, 255)), "WEBP", quality=70),
    "cut-out": of(CUT_OUT),
    "cut-out, 0 and 1": of(np.dstack([CUT_OUT[..., :3], ON.astype(np.uint8)])),
    "cut-out, gray": of(CUT_OUT[..., 2:]),
    "cut-out, WebP": of(CUT_OUT, "WEBP", lossless=True),
    "cut-out, TIFF": of(CUT_OUT, "TIFF"),
    "black figure, cut out": of(np.dstack([np.zeros((40, 30, 3), np.uint8), PERSON])),
    "tRNS of gray": png(30, 40, 0, 8, row(PERSON // 2), (b"tRNS", b"\0\0")),
    "tRNS of 16-bit gray": png16(PERSON.astype(np.uint16)[..., None] + 7, 0, (b"tRNS", b"\0\7")),
    "tRNS of RGB": png(30, 40, 2, 8, row(rgb((9, 99, 199)).reshape(40, 90)), (b"tRNS", bytes(6))),
    "palette, black and white": indexed(ON, [0, 0, 0, 255, 255, 255]),
    "palette, white and black": indexed(~ON, [255, 255, 255, 0, 0, 0]),
    "palette, white and black, GIF": indexed(~ON, [255, 255, 255, 0, 0, 0], "GIF"),
    "palette of all grays": indexed(PERSON, GRAYS),
    "palette of all grays, 0 and 1": indexed(ON, GRAYS),
    "palette, a class in gray": indexed(ON, [0, 0, 0, 128, 128, 128]),
    "palette, dark red": indexed(ON, [0, 0, 0, 128, 0, 0]),
    "palette, dark red, BMP": indexed(ON, [0, 0, 0, 128, 0, 0], "BMP"),
    "palette, dark red, TIFF": indexed(ON, [0, 0, 0, 128, 0, 0], "TIFF"),
    "palette of VOC": indexed(ON, voc_palette()),
    "palette, purple and yellow": indexed(ON, [68, 1, 84, 253, 231, 37]),
    "palette that is too short": saved(Image.fromarray(ON.astype(np.uint8), "P"), "PNG"),
    "palette, background transparent": indexed(ON * 7, [200, 9, 9] * 8, transparency=0),
    "palette, soft transparency": indexed(ON * 2, [9, 9, 9] * 3, transparency=bytes([0, 100, 255])),
}


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN)
def test_a_mask_is_read_right_as_a_label_and_as_alpha(data: bytes) -> None:
    label, share = read_mask(data), read_alpha(data)
    assert label.dtype == np.uint8 and share.dtype == np.float32 and label.shape == share.shape == (40, 30)
    soft = cv2.dilate(PERSON, np.ones((3, 3))) != cv2.erode(PERSON, np.ones((3, 3)))
    exact = b"\xff\xd8\xff" not in data and data[:2] in (b"\x89P", b"II", b"MM", b"BM", b"GI")
    where = np.ones_like(soft) if exact else ~soft
    assert (np.abs(label.astype(int) - PERSON)[where] <= (5 if exact else 32)).all()
    assert (np.abs(share - ON)[where] < (0.03 if exact else 0.13)).all()


def test_an_alpha_that_is_full_everywhere_is_none() -> None:
    opaque = np.dstack([rgb((255, 255, 255)), np.full((40, 30), 255, np.uint8)])
    assert (read_mask(of(opaque)) == PERSON).all()
    white_key = png(30, 40, 0, 8, row(PERSON), (b"tRNS", b"\0\x63"))
    assert (read_mask(white_key) == PERSON).all(), "no pixel has the transparent level"


def test_a_cut_out_of_nobody_is_nobody() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
    empty = of(np.dstack([photo, np.zeros((40, 30), np.uint8)]))
    assert not read_mask(empty).any() and not read_alpha(empty).any()


def levels(*at: int) -> np.ndarray:
    """A mask of bars of levels, and background."""
    values = np.zeros((40, 30), np.int64)
    for n, level in enumerate(at):
        values[8 * n : 8 * n + 8] = level
    return values


UNCLEAR = {
    "VOC's classes in gray": (of(levels(0, 15, 255).astype(np.uint8)), "levels 0, 15 and 255"),
    "one class everywhere": (of(np.full((40, 30), 7, np.uint8)), "levels 7"),
    "two classes side by side": (of(np.where(ON, 20, 26).astype(np.uint8)), "levels 20 and 26"),
    "instances": (of(levels(0, 1, 2, 3).astype(np.uint8)), "levels 0, 1, 2 and 3"),
    "red everywhere": (indexed(np.zeros((40, 30)), [255, 0, 0]), "palette indexes 0"),
    "red everywhere, with black": (indexed(np.zeros((40, 30)), [255, 0, 0, 0, 0, 0]), "palette indexes 0"),
    "one class in gray": (of(levels(0, 7).astype(np.uint8)), "levels 0 and 7"),
    "Cityscapes": (of(levels(0, 7, 11, 24, 26).astype(np.uint8)), "levels 0, 7, 11, 24 and 26"),
    "Cityscapes in RGB": (of(np.dstack([levels(0, 11, 24).astype(np.uint8)] * 3)), "levels 0, 11 and 24"),
    "bright classes": (of(levels(0, 130, 150, 181).astype(np.uint8)), "levels 0, 130, 150 and 181"),
    "0, 1 and 255": (of(levels(0, 1, 255).astype(np.uint8)), "levels 0, 1 and 255"),
    "1 and 255": (of(levels(1, 1, 1, 1, 255).astype(np.uint8) | 1), "levels 1 and 255"),
    "16-bit ids": (of(levels(0, 11, 24001).astype(np.uint16)), "levels 0, 11 and 24001"),
    "16-bit classes": (of(levels(0, 15).astype(np.uint16)), "levels 0 and 15"),
    "2 bits": (png(30, 40, 0, 2, row(np.full((40, 8), 0b00010001, np.uint8))), "levels 0 and 85"),
    "a third level": (of(levels(0, 120, 255).astype(np.uint8)), "levels 0, 120 and 255"),
    "one dim level": (of(levels(0, 120).astype(np.uint8)), "levels 0 and 120"),
    "float classes": (of(levels(0, 11, 24).astype(np.float32), "TIFF"), "levels 0, 11 and 24"),
    "VOC's palette": (indexed(levels(0, 1, 15, 255), voc_palette()), "palette indexes 0, 1, 15 and 255"),
    "one class by palette": (indexed(levels(0, 12), voc_palette()), "palette indexes 0 and 12"),
    "255 of a palette": (indexed(levels(0, 255), [9, 0, 0] * 256), "palette indexes 0 and 255"),
    "red and black by palette": (indexed(~ON, [255, 0, 0, 0, 0, 0]), "palette indexes 0 and 1"),
    "classes with one transparent": (indexed(levels(0, 3, 9), voc_palette(), transparency=0), "indexes 0, 3 and 9"),
    "palette too short": (
        png(30, 40, 3, 8, row(levels(0, 1, 9).astype(np.uint8)), (b"PLTE", bytes(6))),
        "palette indexes 0, 1 and 9",
    ),
    "red and green": (of(rgb((200, 0, 0), (0, 200, 0))), "the colors #00c800 and #c80000"),
    "red on white": (of(rgb((200, 0, 0), (255, 255, 255))), "the colors #c80000 and #ffffff"),
    "three colors": (of(np.vstack([rgb((200, 0, 0)), rgb((0, 200, 0))])), "the colors #000000, #00c800 and #c80000"),
    "two reds": (of(np.vstack([rgb((200, 0, 0)), rgb((100, 0, 0))])), "the colors #000000, #640000 and #c80000"),
    "one color": (of(rgb((200, 0, 0), (200, 0, 0))), "the colors #c80000"),
    "a photo": (of(cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8), (5, 5), 2)), ""),
    "a photo, JPEG": (
        of(cv2.resize(np.random.default_rng(0).integers(0, 255, (5, 4, 3), np.uint8), (30, 40)), "JPEG"),
        "",
    ),
}


@pytest.mark.parametrize(("data", "said"), UNCLEAR.values(), ids=UNCLEAR)
def test_a_label_that_can_be_read_in_two_ways_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "m.png").write_bytes(data)
    with pytest.raises(UnclearMask, match=rf"m\.png does not say which part is person: .*{said}.*classes\.csv"):
        read_mask(tmp_path / "m.png")


SOFT = {
    "a third level",
    "one dim level",
    "bright classes",
    "0, 1 and 255",
    "1 and 255",
    "2 bits",
    "16-bit ids",
    "two reds",
}
SOFT |= {"VOC's classes in gray"}


@pytest.mark.parametrize("name", sorted(set(UNCLEAR) - SOFT))
def test_so_it_is_as_alpha_except_where_every_level_is_a_share(name: str) -> None:
    with pytest.raises(UnclearMask):
        read_alpha(UNCLEAR[name][0])


def test_every_level_of_a_retouched_mask_is_a_share() -> None:
    share = read_alpha(of(levels(0, 128, 255, 40).astype(np.uint8)))
    assert share[:32:8, 0].tolist() == pytest.approx([0, 128 / 255, 1, 40 / 255])
    deep = read_alpha(of(np.linspace(0, 65535, 1200).reshape(40, 30).astype(np.uint16)))
    assert len(np.unique(deep)) == 1200, "16 bits stay"


def test_a_soft_mask_with_a_palette_of_grays_stays_soft() -> None:
    values = levels(0, 128, 255, 40)
    assert read_alpha(indexed(values, GRAYS))[:32:8, 0].tolist() == pytest.approx([0, 128 / 255, 1, 40 / 255])


def test_the_haze_of_a_model_that_found_nobody_is_no_class() -> None:
    haze = np.zeros((240, 180), np.uint8)
    haze[100:140, 60:110] = 30
    haze = cv2.GaussianBlur(haze, (51, 51), 0)
    assert 10 < haze.max() < 40
    assert (read_mask(of(haze)) == haze).all()
    assert read_alpha(of(haze)).max() == pytest.approx(haze.max() / 255)


def test_soft_labels_stay_soft() -> None:
    """Masks as in matting data: blurred, feathered over many pixels, with half transparent areas."""
    _, mask = drawn_person(240, 180)
    for radius in (3, 15, 41):
        soft = cv2.GaussianBlur(mask, (radius, radius), 0)
        found = read_mask(of(soft)).astype(int)
        assert (np.abs(found - soft) <= 1).all(), "128 on an edge becomes 127"
    veil = cv2.GaussianBlur(mask, (15, 15), 0)
    veil[:60] = np.where(veil[:60] > 200, 180, veil[:60])
    assert (np.abs(read_mask(of(veil)).astype(int) - veil) <= 1).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_noise_of_compression_is_neither_person_nor_soft(kind: str) -> None:
    _, mask = drawn_person(240, 180)
    mask[20:60, 10:50] = 128
    data = of(np.dstack([mask] * 3), kind, quality=70)
    found = read_mask(data)
    edge = cv2.dilate(mask, np.ones((17, 17))) != cv2.erode(mask, np.ones((17, 17)))
    assert (found == mask)[~edge].all() and (found == 128).sum() > 0.8 * (mask == 128).sum()
    hard = cv2.threshold(mask, 200, 255, cv2.THRESH_BINARY)[1]
    assert ((read_mask(of(hard, "JPEG", quality=60)) > 128) == (hard > 128)).mean() > 0.995
    assert not read_mask(of(np.zeros((40, 30), np.uint8), "JPEG")).any()


def test_index_255_of_a_palette_does_not_count() -> None:
    data = indexed(levels(0, 1, 255), voc_palette())
    assert read_mask(data)[:24:8, 0].tolist() == [0, 255, 128]
    with pytest.raises(UnclearMask, match="255 means pixels that do not count"):
        read_alpha(data)
    assert (read_mask(indexed(levels(0, 255), voc_palette()))[8:16] == 128).all(), "VOC's color of void"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_mask_is_turned_as_its_own_exif_says(orientation: int, kind: str) -> None:
    upright = np.zeros((32, 48), np.uint8)
    upright[:16, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(turned(upright, orientation))
    data = tiff(stored[..., None], orientation=orientation) if kind == "TIFF" else of(stored, kind, exif=exif)
    assert (read_mask(data) == upright).all()
    assert ((read_alpha(data) > 0.5) == (upright > 0)).all()


def test_what_was_not_plain_is_told() -> None:
    for data, said in (
        (PLAIN["8 bits, 0 and 1"], "levels 0 and 1"),
        (PLAIN["palette, dark red"], "index 1"),
        (PLAIN["red on black"], "#ff0000"),
    ):
        notes: list[str] = []
        read_mask(data, notes=notes)
        assert len(notes) == 1 and said in notes[0]
    plain: list[str] = []
    read_mask(PLAIN["cut-out"], notes=plain)
    assert plain == []


def test_a_file_that_is_no_mask_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.png does not exist"):
        read_mask(tmp_path / "nowhere.png")
    (tmp_path / "cut.png").write_bytes(of(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8))[:2000])
    with pytest.raises(UnreadableImage, match=r"cut\.png"):
        read_mask(tmp_path / "cut.png")
    broken = np.full((8, 8), np.nan, np.float32)
    with pytest.raises(UnreadableImage, match="negative or not numbers"):
        read_alpha(of(broken, "TIFF"))
    with pytest.raises(UnreadableImage, match="from 0 to 100000"):
        read_mask(of(np.array([[0, 100000]], np.int32), "TIFF"))


def test_heic_holds_masks_too(tmp_path: Path) -> None:
    images.write(tmp_path / "m.heic", np.dstack([cv2.resize(PERSON, (120, 160), interpolation=cv2.INTER_NEAREST)] * 3))
    found = read_mask(tmp_path / "m.heic")
    assert found.shape == (160, 120) and (found[60:100, 40:60] == 255).all() and not found[:20].any()


def test_lossy_webp_is_told_from_lossless_however_it_is_wrapped() -> None:
    soft = np.dstack([np.where(ON, 255, 20).astype(np.uint8)] * 3)
    profile = srgb_profile() * 3
    for lossless, level in ((True, None), (False, 0)):
        data = of(soft, "WEBP", lossless=lossless, quality=90, icc_profile=profile)
        if level is None:
            with pytest.raises(UnclearMask, match="levels 20 and 255"):
                read_mask(data)
        else:
            assert read_mask(data)[0, 0] == level
