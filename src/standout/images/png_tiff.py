"""Picture -> PNG or TIFF file with 8 or 16 bits per channel, written fast and with all its metadata.

    picture   uint8 or uint16  (H, W, 1|3|4)   gray, RGB or RGBA with straight alpha
    icc       bytes or None    color profile
    exif      bytes or None    TIFF-structured block, see exif.py
    dpi       (x, y) or None   dots per inch

Why neither Pillow nor OpenCV: Pillow writes no 16-bit color, OpenCV keeps no ICC profile in TIFF and no dots per inch
in PNG, and both are slower. A picture is filtered and deflated in bands (deflate.py), on as many threads as OpenCV may
use, and the file is the same for any number of them. That takes a twentieth of the time of Pillow's default level, for
files about as small.

To add a PNG chunk: yield it in _png_parts before IDAT.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout.images import deflate
from standout.images import exif as exifs
from standout.support.pipeline import on_threads
from standout.types import Bytes, Picture

_BLOCK = 1 << 18
"""Bytes that are filtered at once, so that they stay in the processor's cache and memory does not grow."""

_BAND = 1 << 20
"""Bytes of a band, which is deflated by itself: a smaller one would make the file larger and threads wait longer."""

_AVERAGE = 3
"""PNG's filter type that subtracts the mean of the left and the upper neighbor."""

_METER = 39.37007874015748
"""Inches in a meter."""

_CHUNK = 1 << 30
"""Bytes of an IDAT chunk; the format allows less than 2 GiB."""

_WHOLE_TIFF = 1 << 32
"""Bytes: offsets in a TIFF have 32 bits."""


def png(picture: Picture, *, icc: bytes | None, exif: bytes | None, dpi: tuple[float, float] | None) -> bytes:
    """The picture as a PNG file. icc: a profile for the picture's kind of pixels, gray or RGB.

    >>> png(np.zeros((1, 1, 1), np.uint8), icc=None, exif=None, dpi=None)[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    file = io.BytesIO()  # which gives its content without a copy
    file.write(b"\x89PNG\r\n\x1a\n")
    for part in _png_parts(picture, icc, exif, dpi):
        file.write(_chunk(*part))
    return file.getvalue()


def _png_parts(
    picture: Picture, icc: bytes | None, exif: bytes | None, dpi: tuple[float, float] | None
) -> Iterator[tuple[bytes, bytes]]:
    """The name and the content of each chunk of the file."""
    height, width, channels = picture.shape
    kind = {1: 0, 3: 2, 4: 6}[channels]
    yield b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * picture.itemsize, kind, 0, 0, 0)
    if icc:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)
    if dpi:
        yield b"pHYs", struct.pack(">IIB", round(dpi[0] * _METER), round(dpi[1] * _METER), 1)
    if exif:
        yield b"eXIf", exif
    for squeezed in _png_bands(picture):
        for start in range(0, len(squeezed), _CHUNK):
            yield b"IDAT", squeezed[start : start + _CHUNK]
    yield b"IEND", b""


def _chunk(name: bytes, data: bytes) -> bytes:
    """A PNG chunk, with its length and checksum."""
    check = zlib.crc32(data, zlib.crc32(name))
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", check)))


def _png_bands(picture: Picture) -> Iterator[bytes]:
    """The pieces of the zlib stream with all scanlines."""
    height, width, channels = picture.shape
    count = max(1, _BAND // (width * channels * picture.itemsize))

    def work(top: int) -> tuple[bytes, int, int]:
        lines = _averaged(picture, top, min(top + count, height))
        return deflate.piece(lines.data, ends=top + count >= height), deflate.checksum(lines.data), lines.size

    check = 1
    tops = range(0, height, count)
    for top, (piece, own, size) in zip(tops, on_threads(tops, work, count=len(tops)), strict=True):
        check = deflate.joined_checksum(check, own, size)
        end = struct.pack(">I", check) if top + count >= height else b""
        yield b"".join((deflate.HEADER if top == 0 else b"", piece, end))


def _averaged(picture: Picture, top: int, bottom: int) -> Bytes:
    """PNG scanlines of these rows, (h, bytes): its filter type, then the differences from the mean of the neighbors."""
    _, width, channels = picture.shape
    step = channels * picture.itemsize
    size = width * step
    out = np.empty((bottom - top, size + 1), np.uint8)
    out[:, 0] = _AVERAGE
    above = _big_endian(picture[top - 1 : top])[0] if top else np.zeros(size, np.uint8)
    count = max(1, _BLOCK // size)
    for first in range(top, bottom, count):
        lines = _big_endian(picture[first : min(first + count, bottom)])
        upper = np.concatenate((above[None], lines[:-1]))
        part = out[first - top : first - top + len(lines), 1:]
        np.subtract(lines[:, :step], upper[:, :step] >> 1, out=part[:, :step])
        left, upper = lines[:, :-step], upper[:, step:]
        mean = ((left ^ upper) >> 1) + (left & upper)  # floor((left + upper) / 2) without leaving 8 bits
        np.subtract(lines[:, step:], mean, out=part[:, step:])
        above = lines[-1]
    return out


def _big_endian(rows: NDArray[Any]) -> Bytes:
    """The rows in the byte order of PNG, uint8 (h, bytes per row)."""
    ordered = np.ascontiguousarray(rows if rows.itemsize == 1 else rows.astype(">u2"))
    return ordered.reshape(len(rows), -1).view(np.uint8)


def tiff(picture: Picture, *, icc: bytes | None, exif: bytes | None, dpi: tuple[float, float] | None) -> bytes:
    """The picture as a TIFF file: deflated strips with horizontal prediction.

    An EXIF block is a TIFF file without a picture. So the file is that block, then the strips, then a new IFD0 with the
    tags of the block and of the picture, and nothing in the block moves.

    Raises ValueError for a file of 4 GiB or more.

    >>> tiff(np.zeros((1, 1, 3), np.uint8), icc=None, exif=None, dpi=None)[:4]
    b'II*\\x00'
    """
    order, rows = exifs.rows(exif) if exif else ("<", [])
    out = bytearray(exif or b"II*\0\0\0\0\0")
    starts, sizes = _append_strips(out, picture, order)
    tags = _tiff_tags(picture, icc=icc, dpi=dpi)
    tags |= {_STRIP_STARTS: ("I", starts), _STRIP_SIZES: ("I", sizes)}
    table = {struct.unpack_from(order + "H", row)[0]: row for row in rows}
    table = {tag: row for tag, row in table.items() if tag not in _PIXEL_TAGS}
    for tag, (kind, values) in tags.items():
        table[tag] = _tiff_row(out, order, tag, kind, values)
    _pad(out)
    struct.pack_into(order + "I", out, 4, len(out))
    folder = b"".join(table[tag] for tag in sorted(table))
    return bytes(out) + struct.pack(order + "H", len(table)) + folder + bytes(4)


_STRIP_STARTS, _STRIP_SIZES = 273, 279
_PIXEL_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 284, 290, 291, 292, 293}
    | {301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 338, 339, 347, 512, 513, 514, 529, 530, 531, 532}
    | {34675}
)
"""Tags that describe how pixels are stored. Those of the EXIF block describe another file, so they are not copied."""


def _tiff_tags(
    picture: Picture, *, icc: bytes | None, dpi: tuple[float, float] | None
) -> dict[int, tuple[str, list[int]]]:
    """Tag -> (struct letter of its type, or "R" for a fraction, and its values)."""
    height, width, channels = picture.shape
    tags = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [8 * picture.itemsize] * channels),
        259: ("H", [8]),  # deflate
        262: ("H", [1 if channels == 1 else 2]),  # black is zero, or RGB
        274: ("H", [1]),
        277: ("H", [channels]),
        278: ("I", [_strip_rows(picture)]),
        317: ("H", [2]),  # horizontal prediction
        339: ("H", [1] * channels),  # whole numbers
    }
    if channels == 4:
        tags[338] = ("H", [2])  # straight alpha
    if icc:
        tags[34675] = ("B", list(icc))
    if dpi:
        tags |= {282: ("R", [round(dpi[0] * 10000), 10000]), 283: ("R", [round(dpi[1] * 10000), 10000])}
        tags[296] = ("H", [2])  # per inch
    return tags


def _tiff_row(out: bytearray, order: str, tag: int, kind: str, values: list[int]) -> bytes:
    """The 12 bytes of one tag. A value that does not fit into them is appended to out."""
    code, letter = {"B": (7, "B"), "H": (3, "H"), "I": (4, "I"), "R": (5, "I")}[kind]
    packed = struct.pack(f"{order}{len(values)}{letter}", *values)
    if len(packed) > 4:
        _pad(out)
        start = len(out)
        out += packed
        packed = struct.pack(order + "I", start)
    count = len(values) // 2 if kind == "R" else len(values)
    return struct.pack(order + "HHI", tag, code, count) + packed.ljust(4, b"\0")


def _append_strips(out: bytearray, picture: Picture, order: str) -> tuple[list[int], list[int]]:
    """Appends the picture to out. The offsets of its strips, and their sizes in bytes."""
    starts, sizes = [], []
    count = _strip_rows(picture)

    def work(top: int) -> bytes:
        rows = picture[top : top + count]
        left_over = rows.copy()
        left_over[:, 1:] -= rows[:, :-1]
        return deflate.stream(left_over.astype(f"{order}u{picture.itemsize}", copy=False).data)

    tops = range(0, len(picture), count)
    for strip in on_threads(tops, work, count=len(tops)):
        _pad(out)
        starts.append(len(out))
        sizes.append(len(strip))
        out += strip
        if len(out) >= _WHOLE_TIFF:
            raise ValueError("a TIFF file holds at most 4 GiB")
    return starts, sizes


def _strip_rows(picture: Picture) -> int:
    """The number of rows in one strip."""
    size: int = picture[0].nbytes
    return max(1, _BLOCK // size)


def _pad(out: bytearray) -> None:
    """Makes the length of out even, as offsets in a TIFF have to be."""
    if len(out) % 2:
        out += b"\0"
