"""Picture files made byte by byte, so that tests of reading and writing do not rest on the code they test."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms


def gradient(height: int = 24, width: int = 32, *, channels: int = 3, deep: bool = False) -> np.ndarray:
    """A smooth picture whose every quarter, row and column differ; with 4 channels, from hidden to opaque."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [x / width, y / height, (x + y) / (width + height), (x + 1) / width][:channels]
    most = 65535 if deep else 255
    return np.rint(np.stack(planes, -1) * most).astype(np.uint16 if deep else np.uint8)


def turned(upright: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels as a camera stores them that says `orientation` (EXIF 2.32, tag 0x0112: where row 0, column 0 are)."""
    return {
        1: upright,
        2: upright[:, ::-1],  # row 0 top, column 0 right
        3: upright[::-1, ::-1],  # bottom, right
        4: upright[::-1],  # bottom, left
        5: np.swapaxes(upright, 0, 1),  # left, top
        6: np.rot90(upright),  # right, top: shown turned clockwise, so stored turned counter-clockwise
        7: np.swapaxes(upright[::-1, ::-1], 0, 1),  # right, bottom
        8: np.rot90(upright, -1),  # left, bottom
    }[orientation]


def close(found: np.ndarray, wanted: np.ndarray, *, within: float) -> bool:
    """Whether the mean difference is small, of 255 or 65535."""
    return found.shape == wanted.shape and bool(np.abs(found.astype(float) - wanted).mean() <= within)


def pillow(array: np.ndarray, kind: str, **options: Any) -> bytes:
    """An array as Pillow saves it."""
    return saved(Image.fromarray(np.ascontiguousarray(array)), kind, **options)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


# ---- EXIF

MODEL, PLACE = b"Camera 5000\0", b"48 deg 12.5 N\0"
NOTE_AT = 134
NOTE = b"MAKER-NOTE with an offset of its own: " + struct.pack("<I", NOTE_AT) + b"\0" * 2
THUMBNAIL = b"\xff\xd8\xff\xe0the photo before the cut\xff\xd9"


def exif_block(orientation: int = 1, *, width: int = 32, height: int = 24) -> bytes:
    """An EXIF block as cameras write it: model, a maker note with absolute offsets, a place, a thumbnail."""
    exif_at, gps_at, ifd1_at, place_at = 70, 180, 250, 230
    out = bytearray(b"II*\0" + struct.pack("<I", 8))
    ifd0 = [
        (0x0110, 2, len(MODEL), exif_at + 2 + 12 * 3 + 4),
        (0x0112, 3, 1, orientation),
        (0x8769, 4, 1, exif_at),
        (0x8825, 4, 1, gps_at),
    ]
    out += _folder(ifd0, ifd1_at)
    out = out.ljust(exif_at, b"\0")
    out += _folder([(0x927C, 7, len(NOTE), NOTE_AT), (0xA002, 4, 1, width), (0xA003, 4, 1, height)], 0)
    out += MODEL
    assert len(out) <= NOTE_AT
    out = out.ljust(NOTE_AT, b"\0") + NOTE
    assert len(out) <= gps_at
    out = out.ljust(gps_at, b"\0") + _folder([(1, 2, 2, ord("N")), (0x1D, 2, len(PLACE), place_at)], 0)
    assert len(out) <= place_at
    out = out.ljust(place_at, b"\0") + PLACE
    assert len(out) <= ifd1_at
    out = out.ljust(ifd1_at, b"\0")
    out += _folder([(0x0201, 4, 1, ifd1_at + 30), (0x0202, 4, 1, len(THUMBNAIL))], 0)
    return bytes(out) + THUMBNAIL


def _folder(entries: list[tuple[int, int, int, int]], following: int) -> bytes:
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + rows + struct.pack("<I", following)


def exif_of(block: bytes) -> Image.Exif:
    """The block as Pillow reads it."""
    exif = Image.Exif()
    exif.load(block)
    return exif


# ---- ICC


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def linear_gray_profile() -> bytes:
    """Gray whose levels are proportional to light (ICC.1:2010, a curve of no points is the identity)."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": b"curv" + bytes(8), b"wtpt": _D50})


def cmyk_profile() -> bytes:
    """CMYK in which each ink alone is a color unlike its name: the conversion shows that the profile was used."""
    table = b""
    for corner in range(16):  # Lab as 8 bits: L * 255 / 100, a + 128, b + 128
        cyan, magenta, yellow, black = (corner >> bit & 1 for bit in (3, 2, 1, 0))
        light = 255 - 51 * (cyan + magenta + yellow)  # 100, 80, 60, 40
        table += bytes([0 if black else max(0, light), 128 + 20 * cyan - 20 * magenta, 128 + 20 * cyan + 20 * magenta])
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * (n in (0, 4, 8)) for n in range(9)))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + table + ramp * 3
    return _profile(b"CMYK", b"Lab ", {b"A2B0": lut, b"wtpt": _D50}, group=b"prtr")


_D50 = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)


def _profile(space: bytes, between: bytes, tags: dict[bytes, bytes], *, group: bytes = b"mntr") -> bytes:
    text = b"test\0"
    tags = {
        **tags,
        b"cprt": b"text" + bytes(4) + text,
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
    }
    body, rows, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        rows += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"", 0x02400000, group, space, between)
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + rows + body


# ---- PNG and TIFF


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, kind: int, bits: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of raw rows, each led by filter type 0. kind: 0 gray, 2 RGB, 3 palette, 4 gray + alpha, 6 RGBA."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    extra = b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png16(array: np.ndarray, kind: int, *chunks: tuple[bytes, bytes]) -> bytes:
    height, width = array.shape[:2]
    rows = b"".join(b"\0" + line.astype(">u2").tobytes() for line in array)
    return png(width, height, kind, 16, rows, *chunks)


def tiff(
    array: np.ndarray,
    *,
    order: str = "<",
    orientation: int = 1,
    photometric: int | None = None,
    extra: int | None = None,
    planar: bool = False,
    sample: int = 1,
    tile: int = 0,
) -> bytes:
    """A TIFF file of (H, W, C). photometric: 0 white is zero, 1 black is zero, 2 RGB. sample 3: float.

    tile: the side of the square tile, deflated, that it claims to be in; 0 is an uncompressed strip.
    """
    height, width, channels = array.shape
    planes = [array[..., [n]] for n in range(channels)] if planar else [array]
    strips = [plane.astype(array.dtype.newbyteorder(order)).tobytes() for plane in planes]
    strips = [zlib.compress(strip) for strip in strips] if tile else strips
    starts = [8 + sum(map(len, strips[:n])) for n in range(len(strips))]
    kind = photometric if photometric is not None else (2 if channels >= 3 else 1)
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("H", [width]),
        257: ("H", [height]),
        258: ("H", [8 * array.itemsize] * channels),
        259: ("H", [8 if tile else 1]),
        262: ("H", [kind]),
        273: ("I", starts),
        274: ("H", [orientation]),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: ("I", [len(strip) for strip in strips]),
        284: ("H", [2 if planar else 1]),
        339: ("H", [sample] * channels),
    }
    if extra is not None:
        tags[338] = ("H", [extra])
    if tile:
        tags |= {322: ("I", [tile]), 323: ("I", [tile]), 324: tags.pop(273), 325: tags.pop(279)}
        tags.pop(278)
    body = b"".join(strips)
    body += bytes(len(body) % 2)
    at = 8 + len(body)
    beyond, rows, start = b"", b"", at + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        letter, values = tags[tag]
        packed = struct.pack(f"{order}{len(values)}{letter}", *values)
        rows += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[letter], len(values))
        if len(packed) > 4:
            rows += struct.pack(order + "I", start + len(beyond))
            beyond += packed
        else:
            rows += packed.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    return head + body + struct.pack(order + "H", len(tags)) + rows + bytes(4) + beyond
