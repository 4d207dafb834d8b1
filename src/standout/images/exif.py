"""EXIF blocks, changed in place: nothing moves, so the offsets inside camera makers' own notes stay true.

    block   bytes   structured as a TIFF file: byte order, then IFD0 (about the picture) with its Exif and GPS folders
                    ("IFD" is an image file directory), then IFD1 (the thumbnail); without the leading "Exif\\0\\0" of
                    a JPEG

A block that points outside itself raises DamagedExif, as nobody can tell what it holds.

To add a tag that the default metadata policy leaves out: name it in PRIVATE.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

ORIENTATION = 0x0112
COLOR_SPACE, SRGB, UNCALIBRATED = 0xA001, 1, 0xFFFF
EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005
PRIVATE = frozenset({GPS, 0x014A, 0x02BC, 0x83BB, 0x8649})
"""Tags that can reveal the place or show the original: GPS, further pictures, and XMP, IPTC and Photoshop blocks."""

_INNER = {0: EXIF, 1: INTEROP}
"""Depth of a folder -> the tag in it that points to the next folder that is kept."""

_ACROSS, _DOWN, _UNIT = 0x011A, 0x011B, 0x0128
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Type of a value -> bytes of one such value."""

_SHORT, _RATIO = 3, 5


class DamagedExif(ValueError):
    """The block is not EXIF, or it points outside itself."""


@dataclass(frozen=True)
class Entry:
    """One tag: its 12 bytes are at offset `at`, and its value, `size` bytes long, is at offset `start`."""

    at: int
    tag: int
    kind: int
    start: int
    size: int


def bare(block: bytes) -> bytes:
    """The block without the "Exif\\0\\0" that leads it in JPEG, WebP and HEIC.

    >>> bare(b"Exif\\0\\0II*\\0")
    b'II*\\x00'
    """
    return re.sub(rb"^(?:Exif\0\0)+", b"", block)


def orientation(block: bytes) -> int:
    """The EXIF orientation of the stored pixels, 1 to 8; 1 where the block does not state it."""
    tags = _Tags(block)
    for entry in tags.folder(tags.first)[0]:
        if entry.tag == ORIENTATION:
            value = tags.number(entry)
            return value if 1 <= value <= 8 else 1
    return 1


def upright(block: bytes) -> bytes:
    """The block with orientation 1 in place of any other one."""
    tags = _Tags(block)
    for entry in tags.folder(tags.first)[0]:
        if entry.tag == ORIENTATION:
            tags.set(entry, 1)
    return bytes(tags.data)


def sized(block: bytes, width: int, height: int) -> bytes:
    """The block with this size, in pixels, wherever it states the picture's size."""
    tags = _Tags(block)
    for offset in tags.folders():
        for entry in tags.folder(offset)[0]:
            if entry.tag in _WIDTHS:
                tags.set(entry, width)
            elif entry.tag in _HEIGHTS:
                tags.set(entry, height)
    return bytes(tags.data)


def color_space(block: bytes) -> tuple[int | None, bytes]:
    """The code of the color space, or None, and the interoperability rules of the file: b"R98", b"R03" or b""."""
    tags = _Tags(block)
    code, index = None, b""
    for depth, offset in enumerate(tags.folders()):
        for entry in tags.folder(offset)[0]:
            if depth == 1 and entry.tag == COLOR_SPACE:
                code = tags.number(entry)
            elif depth == 2 and entry.tag == 1:
                index = bytes(tags.data[entry.start : entry.start + 3])
    return code, index


def resolution(block: bytes) -> tuple[float, float] | None:
    """Dots per inch, (across, down); None where the block does not state them, or states no unit."""
    tags = _Tags(block)
    found = {entry.tag: entry for entry in tags.folder(tags.first)[0]}
    unit = tags.number(found[_UNIT]) if _UNIT in found else 2
    if unit not in (2, 3) or not {_ACROSS, _DOWN} <= set(found):
        return None
    across, down = (tags.ratio(found[tag]) * (2.54 if unit == 3 else 1) for tag in (_ACROSS, _DOWN))
    return across, down


def in_srgb(block: bytes) -> bytes:
    """The block with sRGB in place of any other color space."""
    tags = _Tags(block)
    for depth, offset in enumerate(tags.folders()):
        for entry in tags.folder(offset)[0]:
            if depth == 1 and entry.tag == COLOR_SPACE:
                tags.set(entry, SRGB)
            elif depth == 2 and entry.tag == 1 and entry.size == 4:
                tags.put(entry.start, b"R98\0")
    return bytes(tags.data)


def without(block: bytes, tag: int) -> bytes:
    """The block without one tag of IFD0; the value to which the tag pointed stays in the bytes."""
    tags = _Tags(block)
    entries, after = tags.folder(tags.first)
    tail = bytes(tags.data[after : after + 4])
    tags.put(tags.first, tags.table([entry for entry in entries if entry.tag != tag])[:-4] + tail)
    return bytes(tags.data)


def cleaned(block: bytes) -> bytes:
    """The block without PRIVATE tags and without IFD1, whose thumbnail shows the photo before any cut.

    Only the values of the kept tags are copied. All other bytes, such as those of the place, of the thumbnail, and any
    to which no tag points, become zeros; at the end of the block they are cut off.
    """
    tags = _Tags(block)
    clean = _Tags(block[:8] + bytes(len(block) - 8), parse=False)
    for depth, offset in enumerate(tags.folders()):
        entries = [entry for entry in tags.folder(offset)[0] if entry.tag not in PRIVATE and tags.sound(entry, depth)]
        clean.put(offset, tags.table(entries))
        for entry in entries:
            if entry.size > 4:
                clean.put(entry.start, bytes(tags.data[entry.start : entry.start + entry.size]))
    del clean.data[clean.end :]
    clean.folders()
    return bytes(clean.data)


def rows(block: bytes) -> tuple[str, list[bytes]]:
    """The byte order, "<" or ">", and the entries of IFD0, 12 bytes each, as the block holds them."""
    tags = _Tags(block)
    return tags.order, [tags.row(entry) for entry in tags.folder(tags.first)[0]]


class _Tags:
    """A block that is being changed. Every access outside its bounds raises DamagedExif."""

    def __init__(self, block: bytes, *, parse: bool = True) -> None:
        self.data = bytearray(block)
        self.end = 8
        if block[:4] not in (b"II*\0", b"MM\0*"):
            raise DamagedExif(f"starts with {block[:4]!r}, wanted b'II*\\x00' or b'MM\\x00*'")
        self.order = "<" if block[:2] == b"II" else ">"
        self.first = self.long(4)
        if parse:
            self.folder(self.first)

    def long(self, at: int) -> int:
        """The 4-byte number at an offset."""
        if at + 4 > len(self.data):
            raise DamagedExif(f"needs 4 bytes at {at} of {len(self.data)}")
        return int(struct.unpack_from(self.order + "I", self.data, at)[0])

    def folder(self, offset: int) -> tuple[list[Entry], int]:
        """The entries of the folder at offset, and the offset of the pointer to the next folder."""
        if not 8 <= offset <= len(self.data) - 2:
            raise DamagedExif(f"points to {offset} of {len(self.data)} bytes")
        (count,) = struct.unpack_from(self.order + "H", self.data, offset)
        after = offset + 2 + 12 * count
        if after > len(self.data):
            raise DamagedExif(f"lists {count} tags at {offset} of {len(self.data)} bytes")
        return list(self._entries(offset + 2, after)), after

    def _entries(self, start: int, stop: int) -> Iterator[Entry]:
        """The entries between two offsets."""
        for at in range(start, stop, 12):
            tag, kind, count = struct.unpack_from(self.order + "HHI", self.data, at)
            size = _BYTES.get(kind, 0) * count
            yield Entry(at, tag, kind, at + 8 if size <= 4 else self.long(at + 8), size)

    def folders(self) -> list[int]:
        """The offsets of IFD0, of its Exif folder and of the interoperability folder in that, as far as they exist."""
        found = [self.first]
        for depth, pointer in _INNER.items():
            inner = [entry for entry in self.folder(found[-1])[0] if entry.tag == pointer]
            if not inner or not self.sound(inner[0], depth):
                break
            found.append(self.number(inner[0]))
        return found

    def sound(self, entry: Entry, depth: int) -> bool:
        """Whether the entry's value is inside the block and, where it points to a folder, whether that exists."""
        if entry.tag == _INNER.get(depth):
            try:
                self.folder(self.number(entry))
            except DamagedExif:
                return False
        return 8 <= entry.start <= len(self.data) - entry.size

    def number(self, entry: Entry) -> int:
        """The first whole number of an entry's value."""
        if entry.kind == _SHORT:
            return int(struct.unpack_from(self.order + "H", self.data, entry.at + 8)[0])
        return self.long(entry.at + 8)

    def ratio(self, entry: Entry) -> float:
        """The entry's value as a fraction; 0 where it is not a fraction."""
        if entry.kind != _RATIO:
            return 0.0
        above, below = self.long(entry.start), self.long(entry.start + 4)
        return above / below if below else 0.0

    def row(self, entry: Entry) -> bytes:
        """The entry's 12 bytes."""
        return bytes(self.data[entry.at : entry.at + 12])

    def table(self, entries: list[Entry]) -> bytes:
        """A folder of these entries, with no folder after it."""
        return struct.pack(self.order + "H", len(entries)) + b"".join(map(self.row, entries)) + bytes(4)

    def put(self, at: int, data: bytes) -> None:
        """Writes data at the offset; self.end is the end of the last data that was written."""
        self.data[at : at + len(data)] = data
        self.end = max(self.end, at + len(data))

    def set(self, entry: Entry, value: int) -> None:
        """Sets the entry's value to one number, which keeps 2 bytes where it had 2 and fits into them."""
        short = entry.kind == _SHORT and value < 1 << 16
        packed = struct.pack(self.order + ("HIH" if short else "HII"), 3 if short else 4, 1, value)
        self.data[entry.at + 2 : entry.at + 12] = packed.ljust(10, b"\0")
