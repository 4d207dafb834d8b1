"""What a picture file says beside its pixels, out of what Pillow has read: EXIF, dots per inch, and some of its colors.

    opened   PIL image                      its info is looked at, never its XMP: no viewer turns a photo by that
    block    bytes or None                  EXIF, see exif.py
    dpi      (across, down) or None         None where the file tells a ratio only, without a unit

To take EXIF from another place of a file: a case in _stored.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import PIL.Image

from standout.images import exif, heif_boxes


def add_colors(opened: PIL.Image.Image, kind: str, data: bytes) -> None:
    """Puts into info what the file says of its colors and Pillow passes over, under Pillow's own names for it."""
    if kind == "AVIF" and (codes := heif_boxes.nclx(data)):
        opened.info["nclx_profile"] = codes
    elif kind == "BMP" and (icc := _embedded(data)):
        opened.info["icc_profile"] = icc
    elif kind == "TIFF" and "icc_profile" not in opened.info:
        tags = getattr(opened, "tag_v2", {})
        points = (*tags.get(_WHITE_POINT, (0.3127, 0.3290)), *tags.get(_PRIMARIES, ()))
        if len(points) == 8:
            opened.info["chromaticity"] = tuple(float(part) for part in points)


_WHITE_POINT, _PRIMARIES = 318, 319


def _embedded(data: bytes) -> bytes | None:
    """The profile inside a BMP of version 5, where it says so by the letters MBED, the last first."""
    if len(data) < 138 or data[14] != 124 or data[70:74] != b"DEBM":
        return None
    start, size = struct.unpack_from("<II", data, 126)
    return data[14 + start : 14 + start + size] or None


@contextmanager
def xmp_hidden(opened: PIL.Image.Image) -> Iterator[None]:
    """Inside, Pillow sees no XMP: it would turn a TIFF by the orientation that XMP tells."""
    names: tuple[str, ...] = ("xmp", "XML:com.adobe.xmp")
    hidden = {name: opened.info.pop(name) for name in names if name in opened.info}
    try:
        yield
    finally:
        opened.info.update(hidden)


def block_of(opened: PIL.Image.Image, kind: str, notes: list[str]) -> bytes | None:
    """The EXIF block, sound enough to be written again; else None and a note."""
    try:
        block = exif.bare(_stored(opened, kind) or b"")
        if not block:
            return None
        exif.cleaned(block)
        return bytes(block)
    except Exception:  # whatever is wrong with it, the pixels are fine
        notes.append("its EXIF is damaged and was left out")
        return None


def _stored(opened: PIL.Image.Image, kind: str) -> bytes | None:
    """The EXIF block as the file, or the program that made the PIL image, has left it."""
    block = opened.info.get("exif")
    if block or kind != "TIFF":
        return bytes(block) if block else None
    return _rebuilt(opened.getexif()) if opened.getexif() else None


_TIFF_TAGS = frozenset({0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298})
"""Tags of IFD0 that speak about the photo; in a TIFF most others say where its pixels are, and Pillow turns those."""


def _rebuilt(stored: PIL.Image.Exif) -> bytes:
    """The tags of a TIFF that speak about the photo, as a block."""
    block = PIL.Image.Exif()
    for tag in _TIFF_TAGS & set(stored):
        block[tag] = stored[tag]
    for folder in (exif.EXIF, exif.GPS):
        if folder in stored and (tags := dict(stored.get_ifd(folder))):
            tags.pop(exif.INTEROP, None)  # a pointer to yet another folder, meaningless here
            block[folder] = tags
    return block.tobytes() if len(block) else b""


def dpi_of(opened: PIL.Image.Image, kind: str, block: bytes | None, *, turned: bool) -> tuple[float, float] | None:
    """Dots per inch of the upright picture, if the file tells sane ones."""
    told = opened.info.get("dpi")
    if kind == "JPEG" and opened.info.get("jfif_unit") not in (1, 2):
        # Pillow would say 72, or take any unit for inches
        told = exif.resolution(block) if block else None
    elif 282 not in getattr(opened, "tag_v2", {282: None}):  # without the tag, Pillow says 1
        told = None
    try:
        x, y = (float(value) for value in told or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(value) and 1 < value < 1e5 for value in (x, y)):  # 1 stands for "no unit" in many files
        return None
    return (y, x) if turned else (x, y)
