"""What an AVIF or HEIC file says about the colors of its main picture, in boxes of ISO/IEC 14496-12 and 23008-12.

A box is 4 bytes of size, 4 letters of its name, and its content. Of broken boxes, nothing is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator


def nclx(data: bytes) -> dict[str, int] | None:
    """The codes of ITU-T H.273 that the main picture's "colr" box states, named as pi-heif does; None without one.

    >>> nclx(b"no boxes")
    """
    try:
        return _nclx(data)
    except (KeyError, IndexError, struct.error):
        return None


def _nclx(data: bytes) -> dict[str, int] | None:
    """The codes. Raises KeyError, IndexError or struct.error where a box is missing or broken."""
    meta = dict(_boxes(dict(_boxes(data))[b"meta"][4:]))
    version = meta[b"pitm"][0]
    (main,) = struct.unpack_from(">I" if version else ">H", meta[b"pitm"], 4)
    properties = list(_boxes(dict(_boxes(meta[b"iprp"]))[b"ipco"]))
    for name, table in _boxes(meta[b"iprp"]):
        for number in _properties_of(main, table) if name == b"ipma" else ():
            kind, content = properties[number - 1]
            if number and kind == b"colr" and content[:4] == b"nclx":
                primaries, transfer, matrix = struct.unpack_from(">3H", content, 4)
                return {
                    "color_primaries": primaries,
                    "transfer_characteristics": transfer,
                    "matrix_coefficients": matrix,
                }
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and the content of each box."""
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = at + size if size else len(data)
        if stop < start:
            return
        yield name, data[start:stop]
        at = stop


def _properties_of(item: int, table: bytes) -> list[int]:
    """The numbers, counted from 1, of the properties that an "ipma" box assigns to the item."""
    version, wide = table[0], table[3] & 1
    (count,) = struct.unpack_from(">I", table, 4)
    at = 8
    for _ in range(count):
        (number,) = struct.unpack_from(">I" if version else ">H", table, at)
        at += 4 if version else 2
        links = table[at]
        at += 1
        if number == item:
            numbers = struct.unpack_from(f">{links}{'H' if wide else 'B'}", table, at)
            return [link & (0x7FFF if wide else 0x7F) for link in numbers]
        at += links * (2 if wide else 1)
    return []
