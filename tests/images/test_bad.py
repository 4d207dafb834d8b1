"""Bad input: what cannot be read or written ends in an error that names the file, the reason and the cure."""

import errno
import os
import struct
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from standout import images
from standout.errors import InputError, MissingExtra, OutputError, SetupError, StandoutError, TooLarge, UnreadableImage
from standout.types import Metadata
from tests import pictures
from tests.pictures import gradient, pillow


def every_format() -> dict[str, bytes]:
    """A small file of each format, as other programs write it, with pixels up to its end."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    rgba = np.dstack([noise, noise[..., :1]])
    few = PIL.Image.fromarray(noise).quantize(16)
    return {
        "jpeg": pillow(noise, "JPEG"),
        "jpeg, progressive": pillow(noise, "JPEG", progressive=True),
        "png": pillow(noise, "PNG"),
        "png, transparent": pillow(rgba, "PNG"),
        "png, palette": pictures.saved(few, "PNG"),
        "png, 16 bits": images.encode(noise.astype(np.uint16) * 257, ".png"),
        "webp": pillow(noise, "WEBP"),
        "webp, lossless": pillow(rgba, "WEBP", lossless=True),
        "avif": pillow(noise, "AVIF"),
        "heic": images.encode(noise, ".heic"),
        "tiff": pillow(noise, "TIFF"),
        "tiff, lzw": pillow(noise, "TIFF", compression="tiff_lzw"),
        "tiff, 16 bits": images.encode(noise.astype(np.uint16) * 257, ".tif"),
        "bmp": pillow(noise, "BMP"),
        "gif": pictures.saved(few, "GIF"),
    }


FILES = every_format()

pytestmark = pytest.mark.filterwarnings("ignore")  # decoders print messages of their own

BAD = {
    "empty": (b"", r"is empty \(0 bytes\); get the file again"),
    "text": (b"This is a text that somebody named .jpg", r"is not a picture: it starts with b'This is a te'; wanted"),
    "one byte": (b"\xff", "is not a picture: it starts with"),
    "another kind of box": (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "is not a picture"),
    "a BMP in name only": (b"BMW is a maker of cars", "is damaged or unusual"),
    "no pixels": (pictures.png(0, 5, 2, 8, b""), "."),
    "float samples": (pictures.tiff(np.ones((4, 4, 1), np.float32), sample=3), "has 32-bit samples; convert it"),
    "integer samples": (pictures.tiff(np.ones((4, 4, 1), np.uint32)), "has 32-bit samples; convert it"),
    "16-bit planes": (pictures.tiff(gradient(deep=True), planar=True), "separate, uncompressed planes"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_bytes(case: str, tmp_path: Path) -> None:
    data, said = BAD[case]
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match=said) as caught:
        images.read(path)
    assert str(path) in str(caught.value)
    with pytest.raises(UnreadableImage, match=f"the given picture of {len(data)} bytes"):
        images.read(data)


@pytest.mark.parametrize("kind", sorted(FILES))
def test_whole_files_are_read_without_a_word(kind: str) -> None:
    assert images.read(FILES[kind]).warnings == ()


@pytest.mark.parametrize("share", [0.03, 0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("kind", sorted(FILES))
def test_a_truncated_file_is_an_error_never_half_a_picture(kind: str, share: float) -> None:
    data = FILES[kind]
    with pytest.raises(UnreadableImage):
        images.read(data[: int(len(data) * share)])


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.jpg does not exist; check the name and the folder"):
        images.read(tmp_path / "nowhere.jpg")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="is a folder; give a picture file"):
        images.read(tmp_path)


@pytest.mark.parametrize("name", ["a\0b.jpg", "n" * 5000])
def test_impossible_names(name: str) -> None:
    with pytest.raises(InputError):
        images.read(name)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero, which never ends")
def test_a_device_is_not_read_for_ever() -> None:
    with pytest.raises(UnreadableImage, match="is a device"):
        images.read("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    feeder = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(FILES["png"],))
    feeder.start()
    assert images.read(tmp_path / "pipe").image.shape == (40, 50, 3)
    feeder.join()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read anything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(FILES["jpeg"])
    path.chmod(0)
    with pytest.raises(UnreadableImage, match="no permission to read it"):
        images.read(path)


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EACCES, "no permission to read it; change its permissions"), (errno.EIO, "cannot be read")],
)
def test_a_disk_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(FILES["jpeg"])

    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableImage, match=said):
        images.read(path)


@pytest.mark.parametrize("source", [None, 5, np.zeros((4, 4, 3), np.uint8), [b"x"]])
def test_things_that_are_no_source(source: Any) -> None:
    with pytest.raises(InputError, match="give a path, bytes or a PIL image"):
        images.read(source)


def test_heic_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(SetupError, match=r"HEIF needs pi_heif .*; run: pip install"):
        images.read(FILES["heic"])


def test_writing_heic_is_an_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert images.read(FILES["heic"]).meta.format == "HEIF", "reading needs no more than the base install"
    for suffix in (".heic", ".HEIF"):
        with pytest.raises(MissingExtra, match=r"writing HEIF needs .* pip install 'standout\[heic\]'"):
            images.encode(gradient(), suffix)
    with pytest.raises(MissingExtra):
        images.write(tmp_path / "a.heic", gradient())
    assert not list(tmp_path.iterdir())


def test_memory_that_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def starve(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", starve)
    with pytest.raises(UnreadableImage, match="more memory than there is; make the picture smaller"):
        images.read(FILES["jpeg"])


# ---- too many pixels


def claiming(kind: str) -> bytes:
    """A small file that claims 60,000 x 60,000 pixels (WebP: 16,383 x 16,383)."""
    side = 60_000
    if kind == "png":
        return pictures.png(side, side, 2, 8, b"")
    if kind == "webp":
        body = (
            b"WEBPVP8L" + struct.pack("<I", 100) + b"\x2f" + (16_382 | 16_382 << 14).to_bytes(4, "little") + bytes(95)
        )
        return b"RIFF" + struct.pack("<I", len(body)) + body
    data = bytearray(FILES[kind])
    if kind == "jpeg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    elif kind == "gif":
        data[6:10] = struct.pack("<HH", side, side)
    elif kind == "bmp":
        data[18:26] = struct.pack("<ii", side, side)
    elif kind == "tiff":
        data = bytearray(pictures.tiff(gradient()))
        for tag, size in ((256, 32), (257, 24)):
            at = data.index(struct.pack("<HHIH", tag, 3, 1, size))
            data[at + 8 : at + 10] = struct.pack("<H", side)
    elif kind in ("heic", "avif"):
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">II", side, side)
    return bytes(data)


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "bmp", "tiff", "webp"])
def test_decompression_bombs_are_refused_before_decoding(kind: str) -> None:
    side = 16_383 if kind == "webp" else 60_000
    with pytest.raises(
        TooLarge, match=f"has {side * side:,} pixels .{side}x{side}., the limit is 200,000,000"
    ) as caught:
        images.read(claiming(kind))
    assert f"--max-pixels {side * side}" in str(caught.value)


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_contradicting_sizes_are_refused(kind: str) -> None:
    with pytest.raises((TooLarge, UnreadableImage)):
        images.read(claiming(kind))


@pytest.mark.parametrize("kind", sorted(FILES))
def test_the_limit_is_exact_and_can_be_lifted(kind: str) -> None:
    with pytest.raises(TooLarge, match=r"has 2,000 pixels \(50x40\), the limit is 1,999"):
        images.read(FILES[kind], max_pixels=1999)
    for limit in (2000, None):
        assert images.read(FILES[kind], max_pixels=limit).image.shape == (40, 50, 3)


def test_the_limit_holds_for_pil_images() -> None:
    with pytest.raises(TooLarge, match="the given PIL image has 10,000 pixels"):
        images.read(PIL.Image.new("RGB", (100, 100)), max_pixels=9999)


def test_a_small_tiff_in_one_giant_tile_is_refused() -> None:
    whole = np.zeros((16, 16, 3), np.uint8)
    whole[:4, :4] = 200
    assert (images.read(pictures.tiff(whole, tile=16)).image == whole).all()
    with pytest.raises(TooLarge, match="1,600,000,000"):
        images.read(pictures.tiff(whole, tile=40_000))


@pytest.mark.parametrize("kind", sorted(FILES))
def test_pillows_own_limit_stays_out_of_the_way_and_stays_set(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    assert images.read(FILES[kind], max_pixels=None).image.shape == (40, 50, 3)
    assert PIL.Image.MAX_IMAGE_PIXELS == 100
    with pytest.raises(StandoutError):
        images.read(FILES[kind][:-200], max_pixels=None)
    assert PIL.Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_extreme_shapes_are_fine(size: tuple[int, int]) -> None:
    assert images.read(pillow(gradient(*size), "JPEG")).image.shape == (*size, 3)


# ---- writing


@pytest.mark.parametrize("suffix", [".gif", ".txt", "", ".", "png", ".jpg2"])
def test_suffixes_nobody_writes(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*; use \.png, \.jpg"):
        images.encode(gradient(), suffix)
    assert list(tmp_path.iterdir()) == []


def test_a_cut_out_into_jpg_names_file_and_cure(tmp_path: Path) -> None:
    with pytest.raises(
        OutputError, match=r"me\.jpg: JPEG holds no transparency; use \.png or \.webp, or give --backgr"
    ):
        images.write(tmp_path / "me.jpg", gradient(channels=4))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("quality", [0, -1, 101, 1000])
def test_quality_out_of_range(quality: int) -> None:
    with pytest.raises(InputError, match=f"quality is {quality}; wanted 1 to 100"):
        images.encode(gradient(), ".jpg", quality=quality)


def test_unknown_metadata_policy() -> None:
    with pytest.raises(InputError, match="metadata is 'some'; wanted keep, strip or all"):
        images.encode(gradient(), ".jpg", metadata="some")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), bool),
        [[1, 2]],
        None,
    ],
    ids=str,
)
def test_things_that_are_no_picture(picture: Any) -> None:
    with pytest.raises(InputError, match=r"a \.png file: the picture is .*; wanted uint8 or uint16"):
        images.encode(picture, ".png")


@pytest.mark.parametrize(("suffix", "width"), [(".webp", 16_384), (".jpg", 65_536)])
def test_more_than_the_format_holds(suffix: str, width: int) -> None:
    with pytest.raises(OutputError, match=rf"{width}x1 cannot be written as .*; use \.png"):
        images.encode(np.zeros((1, width, 3), np.uint8), suffix)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    images.write(path, gradient())
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="no space left"):
        images.write(path, gradient(channels=4), meta=Metadata(), overwrite=True)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
