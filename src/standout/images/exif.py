"""EXIF blocks, changed in place: nothing moves, so the offsets inside camera makers' own notes stay true.

    block   bytes   TIFF-structured: byte order, then IFD0 (about the picture) with its Exif and GPS folders ("IFD"),
                    then IFD1 (the thumbnail); without the "Exif\\0\\0" that leads it in a JPEG

A block that points outside itself raises Damaged: then nobody can promise what is in it.

To add a tag that the default metadata policy leaves out: name it in PRIVATE.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

ORIENTATION = 0x0112
EXIF, GPS = 0x8769, 0x8825
PRIVATE = frozenset({GPS, 0x02BC, 0x83BB, 0x8649})
"""Tags that can tell the place: the GPS folder, and XMP, IPTC and Photoshop blocks, which may repeat it."""

_THUMBNAIL, _THUMBNAIL_SIZE = 0x0201, 0x0202
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SHORT = 3


class Damaged(ValueError):
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


def without(block: bytes, unwanted: frozenset[int]) -> bytes:
    """The block without the unwanted tags of IFD0 and the Exif folder; where their values stood, there are zeros."""
    tags = _Tags(block)
    for offset in tags.folders():
        for entry in tags.folder(offset)[0]:
            if entry.tag in unwanted:
                if entry.tag == GPS:
                    tags.erase_folder(tags.number(entry))
                tags.erase_value(entry)
        tags.drop(offset, unwanted)
    return tags.trimmed()


def without_thumbnail(block: bytes) -> bytes:
    """The block without IFD1 and its small picture, which shows the photo as it was before any cut."""
    tags = _Tags(block)
    after = tags.folder(tags.first)[1]
    following = tags.long(after)
    if not following:
        return block
    entries = {entry.tag: entry for entry in tags.folder(following)[0]}
    if _THUMBNAIL in entries and _THUMBNAIL_SIZE in entries:
        tags.erase(tags.number(entries[_THUMBNAIL]), tags.number(entries[_THUMBNAIL_SIZE]))
    tags.erase_folder(following)
    tags.data[after : after + 4] = bytes(4)
    return tags.trimmed()


def rows(block: bytes) -> tuple[str, list[bytes]]:
    """The byte order ("<" or ">") and IFD0's entries, 12 bytes each, as they stand in the block."""
    tags = _Tags(block)
    return tags.order, [bytes(tags.data[e.at : e.at + 12]) for e in tags.folder(tags.first)[0]]


class _Tags:
    """A block under change; every access is checked against its bounds."""

    def __init__(self, block: bytes) -> None:
        self.data = bytearray(block)
        self._erased: list[tuple[int, int]] = []
        if block[:4] not in (b"II*\0", b"MM\0*"):
            raise Damaged(f"starts with {block[:4]!r}, wanted b'II*\\x00' or b'MM\\x00*'")
        self.order = "<" if block[:2] == b"II" else ">"
        self.first = self.long(4)
        self.folder(self.first)

    def long(self, at: int) -> int:
        """The 4-byte number at an offset; 0 past the end, as for the last pointer that some cameras leave away."""
        if at + 4 > len(self.data):
            return 0
        return int(struct.unpack_from(self.order + "I", self.data, at)[0])

    def folder(self, offset: int) -> tuple[list[Entry], int]:
        """The entries of the folder at offset, and where the pointer to the next folder stands."""
        if not 8 <= offset <= len(self.data) - 2:
            raise Damaged(f"points to {offset} of {len(self.data)} bytes")
        (count,) = struct.unpack_from(self.order + "H", self.data, offset)
        after = offset + 2 + 12 * count
        if after > len(self.data):
            raise Damaged(f"lists {count} tags at {offset} of {len(self.data)} bytes")
        return list(self._entries(offset + 2, after)), after

    def _entries(self, start: int, stop: int) -> Iterator[Entry]:
        for at in range(start, stop, 12):
            tag, kind, count = struct.unpack_from(self.order + "HHI", self.data, at)
            size = _BYTES.get(kind, 0) * count
            yield Entry(at, tag, kind, at + 8 if size <= 4 else self.long(at + 8), size)

    def folders(self) -> list[int]:
        """Offsets of IFD0 and, if there is one, of its Exif folder."""
        inner = [self.number(entry) for entry in self.folder(self.first)[0] if entry.tag == EXIF]
        return [self.first, *inner]

    def number(self, entry: Entry) -> int:
        """The first whole number of an entry's value."""
        if entry.kind == _SHORT:
            return int(struct.unpack_from(self.order + "H", self.data, entry.at + 8)[0])
        return self.long(entry.at + 8)

    def set(self, entry: Entry, value: int) -> None:
        """One number as the entry's value, 2 bytes wide where it was and the number fits."""
        short = entry.kind == _SHORT and value < 1 << 16
        packed = struct.pack(self.order + ("HI" + ("H" if short else "I")), 3 if short else 4, 1, value)
        self.data[entry.at + 2 : entry.at + 12] = packed.ljust(10, b"\0")

    def erase(self, start: int, size: int) -> None:
        """Zeros instead of size bytes; those past the end do not count."""
        stop = min(start + size, len(self.data))
        if 8 <= start < stop:
            self.data[start:stop] = bytes(stop - start)
            self._erased.append((start, stop))

    def erase_value(self, entry: Entry) -> None:
        """Zeros where the entry's value stands, if outside the entry."""
        if entry.size > 4:
            self.erase(entry.start, entry.size)

    def erase_folder(self, offset: int) -> None:
        """Zeros instead of a folder and the values it points to."""
        entries, after = self.folder(offset)
        for entry in entries:
            self.erase_value(entry)
        self.erase(offset, after + 4 - offset)

    def drop(self, offset: int, unwanted: frozenset[int]) -> None:
        """The folder without the unwanted tags; the others close up."""
        entries, after = self.folder(offset)
        kept = [bytes(self.data[entry.at : entry.at + 12]) for entry in entries if entry.tag not in unwanted]
        table = struct.pack(self.order + "H", len(kept)) + b"".join(kept) + bytes(self.data[after : after + 4])
        stop = min(after + 4, len(self.data))
        self.data[offset:stop] = table[: stop - offset].ljust(stop - offset, b"\0")

    def trimmed(self) -> bytes:
        """The block as bytes, cut where only erased bytes follow. Raises Damaged if erasing hit the folders it kept."""
        end = len(self.data)
        for start, stop in sorted(self._erased, reverse=True):
            if stop >= end - 1:  # a pad byte may follow
                end = min(end, start)
        del self.data[end:]
        for offset in self.folders():
            self.folder(offset)
        return bytes(self.data)
