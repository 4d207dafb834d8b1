"""What a picture file holds beside its pixels, from what Pillow has read: EXIF, resolution, and some of its colors.

    opened   PIL image                only its info is used, never its XMP, as no viewer turns a photo by that
    block    bytes or None            EXIF, see exif.py
    dpi      (across, down) or None   dots per inch; None where the file states a ratio without a unit

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
    """Adds to opened.info what the file says about its colors and Pillow ignores, under the names that Pillow uses."""
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
"""Tags of TIFF."""


def _embedded(data: bytes) -> bytes | None:
    """The ICC profile in a BMP of version 5, which announces it by the letters MBED, stored backwards."""
    if len(data) < 138 or data[14] != 124 or data[70:74] != b"DEBM":
        return None
    start, size = struct.unpack_from("<II", data, 126)
    return data[14 + start : 14 + start + size] or None


@contextmanager
def xmp_hidden(opened: PIL.Image.Image) -> Iterator[None]:
    """Hides the XMP from Pillow inside the block, as Pillow would turn a TIFF by the orientation in its XMP."""
    names: tuple[str, ...] = ("xmp", "XML:com.adobe.xmp")
    hidden = {name: opened.info.pop(name) for name in names if name in opened.info}
    try:
        yield
    finally:
        opened.info.update(hidden)


def block_of(opened: PIL.Image.Image, kind: str, notes: list[str]) -> bytes | None:
    """The EXIF block, checked so that it can be written again; None, with a note, where it is damaged."""
    try:
        block = exif.bare(_stored(opened, kind) or b"")
        if not block:
            return None
        exif.cleaned(block)
        return bytes(block)
    except Exception:  # a damaged EXIF block must not make the pixels unreadable
        notes.append("its EXIF is damaged and was left out")
        return None


def _stored(opened: PIL.Image.Image, kind: str) -> bytes | None:
    """The EXIF block as the file holds it, or as the program that made the PIL image left it."""
    block = opened.info.get("exif")
    if block or kind != "TIFF":
        return bytes(block) if block else None
    return _rebuilt(opened.getexif()) if opened.getexif() else None


_TIFF_TAGS = frozenset({0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298})
"""Tags of IFD0 that describe the photo. Most others of a TIFF state how its own pixels are stored."""


def _rebuilt(stored: PIL.Image.Exif) -> bytes:
    """The tags of a TIFF that describe the photo, as an EXIF block."""
    block = PIL.Image.Exif()
    for tag in _TIFF_TAGS & set(stored):
        block[tag] = stored[tag]
    for folder in (exif.EXIF, exif.GPS):
        if folder in stored and (tags := dict(stored.get_ifd(folder))):
            tags.pop(exif.INTEROP, None)  # a pointer to another folder, which is not copied
            block[folder] = tags
    return block.tobytes() if len(block) else b""


def dpi_of(opened: PIL.Image.Image, kind: str, block: bytes | None, *, turned: bool) -> tuple[float, float] | None:
    """Dots per inch, (across, down), of the upright picture; None where the file states no sensible ones.

    turned: the upright picture has rows and columns swapped.
    """
    told = opened.info.get("dpi")
    if kind == "JPEG" and opened.info.get("jfif_unit") not in (1, 2):
        # without a unit, Pillow reports 72, or takes any number for dots per inch
        told = exif.resolution(block) if block else None
    elif 282 not in getattr(opened, "tag_v2", {282: None}):  # Pillow reports 1 where the tag is missing
        told = None
    try:
        x, y = (float(value) for value in told or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(value) and 1 < value < 1e5 for value in (x, y)):  # in many files, 1 means "no unit"
        return None
    return (y, x) if turned else (x, y)
