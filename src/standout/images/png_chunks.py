"""PNG files, before Pillow sees them: what is beside the pixels is read here, and never makes a file unreadable.

    data     bytes            the whole file
    slim     bytes            the file with only those chunks that pixels, transparency and frames need
    info     {name: value}    what the other chunks say, under the names that Pillow uses, and "cicp"

Browsers ignore a damaged chunk of any size where the pixels do not need it; so does this module.

To read another chunk: a case in _read.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset({b"acTL", b"fcTL", b"fdAT"})
"""Ancillary chunks that animated PNGs need."""

_COLORS = frozenset({b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"})
"""Chunks about colors; damage to them is worth a note."""

_LARGEST = 1 << 26
"""The most bytes that a compressed profile or text may have once it is decompressed."""


def slimmed(data: bytes, notes: list[str]) -> tuple[bytes, dict[str, Any]]:
    """The slim file and the info. notes: gets the damage that changes how the picture looks."""
    info: dict[str, Any] = {}
    kept = [data[:8]]
    for name, content, whole, sound in _chunks(data):
        if not name[:1].islower() or (name in _KEPT and sound):
            kept.append(whole)
        elif name == b"tRNS":
            if sound and _fits(content, data[25]):
                kept.append(whole)
            else:
                notes.append("its transparency is damaged and was left out")
        elif not (sound and _read(name, content, info)) and name in _COLORS:
            notes.append("what it says about its colors is damaged and was left out")
    if "cicp" in info:
        info.pop("icc_profile", None)
    return b"".join(kept), info


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes, bool]]:
    """Of each chunk: its name, its content, all its bytes, and whether its checksum is right.

    Only the content of ancillary chunks is read. A chunk that is cut off comes last, without a name.
    """
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        stop = at + 12 + size
        if stop > len(data):
            break
        ancillary = name[:1].islower()
        content = data[at + 8 : stop - 4] if ancillary else b""
        sound = not ancillary or zlib.crc32(content, zlib.crc32(name)) == int.from_bytes(data[stop - 4 : stop])
        yield name, content, data[at:stop], sound
        at = stop
    if at < len(data):
        yield b"", b"", data[at:], True


def _fits(content: bytes, kind: int) -> bool:
    """Whether a tRNS chunk has the length that a picture of that kind needs: 0 gray, 2 RGB, 3 palette."""
    return {0: len(content) >= 2, 2: len(content) >= 6, 3: len(content) <= 256}.get(kind, True)


def _read(name: bytes, content: bytes, info: dict[str, Any]) -> bool:
    """Adds what the chunk says to info. False where its content makes no sense."""
    try:
        match name:
            case b"cICP":
                primaries, transfer, matrix, full = struct.unpack("4B", content)
                if matrix == 0 and full == 1:
                    info["cicp"] = primaries, transfer
                return (matrix, full) == (0, 1)
            case b"iCCP":
                info["icc_profile"] = _unfolded(content.partition(b"\0")[2])
            case b"sRGB":
                info["srgb"] = content[0]
            case b"gAMA":
                (level,) = struct.unpack_from(">I", content)
                if not 10_000 < level < 1_000_000:
                    return False
                info["gamma"] = level / 100_000
            case b"cHRM":
                info["chromaticity"] = tuple(part / 100_000 for part in struct.unpack_from(">8I", content))
            case b"pHYs":
                across, down, unit = struct.unpack_from(">IIB", content)
                if unit == 1:
                    info["dpi"] = across * 0.0254, down * 0.0254
            case b"eXIf":
                info["exif"] = content
            case b"tEXt" | b"zTXt" if content.startswith((b"Raw profile type exif\0", b"Raw profile type APP1\0")):
                text = content.partition(b"\0")[2]
                info.setdefault("exif", _hex(text if name == b"tEXt" else _unfolded(text)))
    except (struct.error, IndexError, ValueError, zlib.error):
        return False
    return True


def _unfolded(packed: bytes) -> bytes:
    """The decompressed content of a leading byte 0 and a zlib stream. Raises ValueError where it is neither."""
    if packed[:1] != b"\0":
        raise ValueError("it is compressed by an unknown method")
    unfold = zlib.decompressobj()
    content = unfold.decompress(packed[1:], _LARGEST)
    if not unfold.eof:
        raise ValueError("it is too large, or cut off")
    return content


def _hex(text: bytes) -> bytes:
    """The EXIF block in an old text chunk: a line with its kind, a line with its length, then hexadecimal digits."""
    found = re.match(rb"\s*\w+\s+\d+\s+([\s0-9a-fA-F]+)", text)
    if not found:
        raise ValueError("it holds no block of hexadecimal digits")
    return bytes.fromhex(found[1].decode())
