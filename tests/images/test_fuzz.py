"""Thousands of damaged files: reading ends in a picture or in an error of ours, soon and in little memory."""

import io
import random
import time

import numpy as np
import PIL.Image
import pytest

from standout import images
from standout.errors import StandoutError
from standout.types import Metadata, Photo
from tests import pictures
from tests.pictures import gradient, pillow, saved

PER_FILE = 120
LIMIT = 100_000
SOON = 5.0
"""Seconds of processor time for one file. Files take milliseconds, so only an endless loop reaches this."""


def healthy_files() -> dict[str, bytes]:
    """Small files of every kind, most with metadata."""
    meta = Metadata("", pictures.srgb_profile(), pictures.exif_block(6), (300, 300))
    rgb, rgba, deep = gradient(), gradient(channels=4), gradient(channels=4, deep=True)
    picture = PIL.Image.fromarray(rgb)
    few, other = picture.quantize(16), PIL.Image.fromarray(rgb[::-1].copy()).quantize(8)
    files = {
        suffix: images.encode(rgb, suffix, meta=meta, metadata="all")
        for suffix in (".png", ".jpg", ".webp", ".avif", ".heic", ".tif", ".bmp")
    }
    return files | {
        "webp, alpha": images.encode(rgba, ".webp"),
        "webp, lossless": pillow(rgb, "WEBP", lossless=True),
        "png, 16 bits": images.encode(deep, ".png", meta=meta),
        "png, palette": saved(few, "PNG", transparency=3),
        "png, animated": saved(picture, "PNG", save_all=True, append_images=[picture.rotate(90)]),
        "tiff, 16 bits": images.encode(deep, ".tif", meta=meta),
        "tiff, plain": pictures.tiff(rgb, orientation=5),
        "tiff, lzw": pillow(rgb, "TIFF", compression="tiff_lzw"),
        "tiff, jpeg": pillow(rgb, "TIFF", compression="jpeg"),
        "tiff, fax": saved(picture.convert("1"), "TIFF", compression="group4"),
        "tiff, two pages": saved(picture, "TIFF", save_all=True, append_images=[picture]),
        "tiff, cmyk": saved(picture.convert("CMYK"), "TIFF", icc_profile=pictures.cmyk_profile()),
        "jpeg, progressive": pillow(rgb, "JPEG", progressive=True),
        "jpeg, cmyk": saved(picture.convert("CMYK"), "JPEG", icc_profile=pictures.cmyk_profile()),
        "jpeg, gray": pillow(rgb[..., 0], "JPEG", icc_profile=pictures.linear_gray_profile()),
        "gif, animated": saved(few, "GIF", save_all=True, append_images=[other]),
        "bmp, palette": saved(few, "BMP"),
    }


FILES = healthy_files()


def bit_flips(rng: random.Random, data: bytearray) -> bytes:
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def truncation(rng: random.Random, data: bytearray) -> bytes:
    return bytes(data[: rng.randrange(len(data))])


def splice(rng: random.Random, data: bytearray) -> bytes:
    other = rng.choice(sorted(FILES.values()))
    return bytes(data[: rng.randrange(len(data))]) + other[rng.randrange(len(other)) :]


def header_edits(rng: random.Random, data: bytearray) -> bytes:
    for _ in range(rng.randint(1, 6)):
        data[rng.randrange(min(len(data), 300))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(data)


def deletion(rng: random.Random, data: bytearray) -> bytes:
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 64)]
    return bytes(data)


def wild_numbers(rng: random.Random, data: bytearray) -> bytes:
    at = rng.randrange(len(data) - 4)
    data[at : at + 4] = rng.choice(
        (b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\1")
    )
    return bytes(data)


DAMAGES = (bit_flips, truncation, splice, header_edits, deletion, wild_numbers)


def test_there_are_enough_of_them() -> None:
    assert len(FILES) * PER_FILE >= 2000


@pytest.mark.parametrize("kind", sorted(FILES))
@pytest.mark.filterwarnings("ignore")  # decoders print messages of their own
def test_damaged_files_end_in_a_picture_or_in_an_error_of_ours(kind: str) -> None:
    rng = random.Random(kind)
    for n in range(PER_FILE):
        damage = DAMAGES[n % len(DAMAGES)]
        data = damage(rng, bytearray(FILES[kind]))
        start = time.process_time()
        try:
            photo = images.read(data, max_pixels=LIMIT)
        except StandoutError as error:
            assert str(error), damage.__name__
        else:
            check(photo)
        assert time.process_time() - start < SOON, f"{damage.__name__}, number {n}"


def check(photo: Photo) -> None:
    """Asserts that the photo is whole, and that its metadata can be written again."""
    height, width, channels = photo.image.shape
    assert channels == 3
    assert 0 < height * width <= LIMIT
    assert photo.image.dtype == (np.uint16 if photo.meta.bits == 16 else np.uint8)
    if photo.alpha is not None:
        assert photo.alpha.shape == (height, width)
        assert 0 <= photo.alpha.min() <= photo.alpha.max() <= 1
    small = np.ascontiguousarray(photo.image[:8, :8])
    for suffix in (".png", ".jpg", ".tif", ".webp"):
        again = images.read(images.encode(small, suffix, meta=photo.meta))
        assert again.meta.exif is None or 0x8825 not in pictures.exif_of(again.meta.exif)


@pytest.mark.parametrize("kind", [".png", ".jpg", ".webp", ".avif", ".heic", ".tif", ".bmp", "gif, animated"])
@pytest.mark.filterwarnings("ignore")
def test_every_short_start_of_a_file(kind: str) -> None:
    for size in range(1, min(len(FILES[kind]), 200)):
        with pytest.raises(StandoutError):
            images.read(FILES[kind][:size], max_pixels=LIMIT)


@pytest.mark.filterwarnings("ignore")
def test_noise_behind_every_signature() -> None:
    rng = np.random.default_rng(0)
    heads = [data[:16] for data in FILES.values()]
    for n in range(400):
        data = heads[n % len(heads)] + rng.bytes(int(rng.integers(1, 2000)))
        with pytest.raises(StandoutError):
            images.read(io.BytesIO(data).getvalue(), max_pixels=LIMIT)
