"""EXIF blocks, changed in place: nothing moves, so the offsets inside camera makers' own notes stay true.

    block   bytes   TIFF-structured: byte order, then IFD0 (about the picture) with its Exif and GPS folders ("IFD"),
                    then IFD1 (the thumbnail); without the "Exif\\0\\0" that leads it in a JPEG

A block that points outside itself raises DamagedExif: then nobody can promise what is in it.

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
"""Tags that can tell the place or show the photo: GPS, further pictures, and XMP, IPTC and Photoshop blocks."""

_INNER = {0: EXIF, 1: INTEROP}
"""Depth -> the tag that points to a folder worth keeping."""

_ACROSS, _DOWN, _UNIT = 0x011A, 0x011B, 0x0128
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SHORT, _RATIO = 3, 5


class DamagedExif(ValueError):
    """The block is no EXIF, or it points outside itself."""


@dataclass(frozen=True)
class Entry:
    """One tag: its 12 bytes stand at `at`; its value, `size` bytes, at `start`."""

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
    """How the pixels are stored, 1 to 8 as EXIF counts; 1 when the block does not say."""
    tags = _Tags(block)
    for entry in tags.folder(tags.first)[0]:
        if entry.tag == ORIENTATION:
            value = tags.number(entry)
            return value if 1 <= value <= 8 else 1
    return 1


def upright(block: bytes) -> bytes:
    """The block with orientation 1, where it says one at all."""
    tags = _Tags(block)
    for entry in tags.folder(tags.first)[0]:
        if entry.tag == ORIENTATION:
            tags.set(entry, 1)
    return bytes(tags.data)


def sized(block: bytes, width: int, height: int) -> bytes:
    """The block with the picture's size set where it tells one."""
    tags = _Tags(block)
    for offset in tags.folders():
        for entry in tags.folder(offset)[0]:
            if entry.tag in _WIDTHS:
                tags.set(entry, width)
            elif entry.tag in _HEIGHTS:
                tags.set(entry, height)
    return bytes(tags.data)


def color_space(block: bytes) -> tuple[int | None, bytes]:
    """The code of the color space, and which rules of interoperability the file follows: b"R98", b"R03", b""."""
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
    """Dots per inch, across and down; None where the block does not say, or tells no unit."""
    tags = _Tags(block)
    found = {entry.tag: entry for entry in tags.folder(tags.first)[0]}
    unit = tags.number(found[_UNIT]) if _UNIT in found else 2
    if unit not in (2, 3) or not {_ACROSS, _DOWN} <= set(found):
        return None
    across, down = (tags.ratio(found[tag]) * (2.54 if unit == 3 else 1) for tag in (_ACROSS, _DOWN))
    return across, down


def in_srgb(block: bytes) -> bytes:
    """The block saying sRGB where it tells a color space at all."""
    tags = _Tags(block)
    for depth, offset in enumerate(tags.folders()):
        for entry in tags.folder(offset)[0]:
            if depth == 1 and entry.tag == COLOR_SPACE:
                tags.set(entry, SRGB)
            elif depth == 2 and entry.tag == 1 and entry.size == 4:
                tags.put(entry.start, b"R98\0")
    return bytes(tags.data)


def without(block: bytes, tag: int) -> bytes:
    """The block without one tag of IFD0; what it pointed to stays in the bytes."""
    tags = _Tags(block)
    entries, after = tags.folder(tags.first)
    tail = bytes(tags.data[after : after + 4])
    tags.put(tags.first, tags.table([entry for entry in entries if entry.tag != tag])[:-4] + tail)
    return bytes(tags.data)


def cleaned(block: bytes) -> bytes:
    """The block without PRIVATE tags and without IFD1, whose small picture shows the photo as it was before any cut.

    Only what the kept tags point to is copied. All else, the bytes of the place and of the thumbnail among it, and
    whatever else no tag owns up to, becomes zeros; at the end it is cut off.
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
    """The byte order ("<" or ">") and IFD0's entries, 12 bytes each, as they stand in the block."""
    tags = _Tags(block)
    return tags.order, [tags.row(entry) for entry in tags.folder(tags.first)[0]]


class _Tags:
    """A block under change; every access is checked against its bounds."""

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
        """The entries of the folder at offset, and where the pointer to the next folder stands."""
        if not 8 <= offset <= len(self.data) - 2:
            raise DamagedExif(f"points to {offset} of {len(self.data)} bytes")
        (count,) = struct.unpack_from(self.order + "H", self.data, offset)
        after = offset + 2 + 12 * count
        if after > len(self.data):
            raise DamagedExif(f"lists {count} tags at {offset} of {len(self.data)} bytes")
        return list(self._entries(offset + 2, after)), after

    def _entries(self, start: int, stop: int) -> Iterator[Entry]:
        for at in range(start, stop, 12):
            tag, kind, count = struct.unpack_from(self.order + "HHI", self.data, at)
            size = _BYTES.get(kind, 0) * count
            yield Entry(at, tag, kind, at + 8 if size <= 4 else self.long(at + 8), size)

    def folders(self) -> list[int]:
        """Offsets of IFD0, of its Exif folder and of that one's interoperability folder, as far as there are any."""
        found = [self.first]
        for depth, pointer in _INNER.items():
            inner = [entry for entry in self.folder(found[-1])[0] if entry.tag == pointer]
            if not inner or not self.sound(inner[0], depth):
                break
            found.append(self.number(inner[0]))
        return found

    def sound(self, entry: Entry, depth: int) -> bool:
        """Whether the entry's value stands inside the block, and a pointer to a folder points to one."""
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
        """The fraction that an entry's value is; 0 where it is none."""
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
        """Data in its place; end is where the last of it ends."""
        self.data[at : at + len(data)] = data
        self.end = max(self.end, at + len(data))

    def set(self, entry: Entry, value: int) -> None:
        """One number as the entry's value, 2 bytes wide where it was and the number fits."""
        short = entry.kind == _SHORT and value < 1 << 16
        packed = struct.pack(self.order + ("HIH" if short else "HII"), 3 if short else 4, 1, value)
        self.data[entry.at + 2 : entry.at + 12] = packed.ljust(10, b"\0")
