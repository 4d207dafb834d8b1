"""JPEG files, before Pillow sees them: application segments that are too short for their kind are left out.

A segment is two bytes of marker, two bytes of length, and its content. libjpeg ignores such segments, Pillow fails.
"""

from __future__ import annotations

import struct

_LEAST = {b"JFIF\0": 14, b"Adobe": 12}
"""How the content of an application segment begins -> the fewest bytes that it must have."""


def sound(data: bytes) -> bytes:
    """The file without segments that are too short; the same object where there are none.

    >>> sound(b"\\xff\\xd8\\xff\\xee\\x00\\x07Adobe\\xff\\xda")
    b'\\xff\\xd8\\xff\\xda'
    """
    kept, at, start = [], 2, 0
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:  # a fill byte
            at += 1
            continue
        (size,) = struct.unpack_from(">H", data, at + 2)
        content = data[at + 4 : at + 2 + size]
        if 0xE0 <= data[at + 1] <= 0xEF and any(
            content.startswith(name) and len(content) < least for name, least in _LEAST.items()
        ):
            kept.append(data[start:at])
            start = at + 2 + size
        at += 2 + size
    return b"".join([*kept, data[start:]]) if kept else data
