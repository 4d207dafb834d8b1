"""8 and 16 bits a channel: deep pixels read whole, and rounded where 8 bits are enough.

opened    PIL image                  decoded; Pillow keeps only 8 of 16 bits of a color
data      bytes or None              the whole file, which OpenCV decodes with all its bits
picture   uint8 or uint16 (H, W, C)  0..255 or 0..65535
"""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from standout.images import png_chunks
from standout.types import Picture


def rounded(picture: Picture) -> NDArray[np.uint8]:
    """A 16-bit picture with 8 bits a channel, each level rounded to the nearest.

    >>> rounded(np.array([[[0, 128, 129, 65535]]], np.uint16))
    array([[[  0,   0,   1, 255]]], dtype=uint8)
    """
    import cv2

    return cv2.convertScaleAbs(picture, alpha=1 / 257).reshape(picture.shape)  # type: ignore[return-value]


def in_bytes(picture: Picture) -> NDArray[np.uint8]:
    """The picture with 8 bits a channel: the picture itself, or rounded from 16 bits."""
    return rounded(picture) if picture.dtype == np.uint16 else np.asarray(picture, np.uint8)


def deep_gray(opened: PIL.Image.Image) -> NDArray[np.uint16]:
    """The levels, 0..65535, of a gray picture with 12 or 16 bits, black = 0. opened: of mode "I;16"."""
    gray: NDArray[np.uint16] = np.asarray(opened).astype(np.uint16)
    tags = getattr(opened, "tag_v2", {})
    if tags.get(258) == (12,):
        gray = (gray << 4 | gray >> 8).astype(np.uint16)
    return ~gray if tags.get(262) == 0 else gray


def deep_color(opened: PIL.Image.Image, kind: str, data: bytes | None, notes: list[str]) -> NDArray[np.uint16] | None:
    """The pixels with all their bits: uint16 (H, W, 3|4), RGB or RGBA; those of 10 or 12 bits scaled to 0..65535.

    kind: the format, such as "PNG". None where the file has 8 bits a channel, and, with a note, where OpenCV and Pillow
    disagree about the pixels.

    Raises ValueError where the pixels are damaged, or stored in a way that both libraries decode wrongly.
    """
    if kind == "HEIF" and data is not None and opened.info.get("bit_depth", 8) > 8 and opened.mode in ("RGB", "RGBA"):
        return _deep_heif(opened, data)
    deep = kind == "PNG" and data is not None and data[24] == 16
    tags = getattr(opened, "tag_v2", {})
    deep = deep or (kind == "TIFF" and set(tags.get(258, ())) == {16})
    if not deep or data is None or opened.mode not in ("RGB", "RGBA"):
        return None
    if tags.get(284) == 2 and tags.get(259) == 1:  # Pillow and OpenCV both decode it wrongly, without an error
        raise ValueError("it has 16 bits per channel in separate, uncompressed planes, which cannot be read")
    import cv2

    data = png_chunks.slimmed(data, [])[0] if kind == "PNG" else data
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("its 16-bit pixels are damaged")
    shown = np.asarray(opened)
    channels = shown.shape[2]
    if pixels.dtype == np.uint16 and pixels.ndim == 3 and pixels.shape[2] >= channels:
        order = [2, 1, 0, 3][:channels]
        picked: NDArray[np.uint16] = np.ascontiguousarray(pixels[..., order])
        if picked.shape == shown.shape and cv2.absdiff((picked >> 8).astype(np.uint8), shown).max() <= 1:
            return picked
    notes.append("has 16 bits per channel in an unusual layout; it was read with 8 bits")
    return None


def _deep_heif(opened: PIL.Image.Image, data: bytes) -> NDArray[np.uint16]:
    """The pixels of a HEIC with 10 or 12 bits, which its Pillow plugin reduces to 8."""
    package: Any = importlib.import_module(type(opened).__module__.partition(".")[0])
    file = package.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    pixels: NDArray[np.uint16] = np.asarray(file[file.primary_index])
    bits = int(opened.info["bit_depth"])
    # the levels fill the upper bits; repeated in the lower ones, the highest level becomes 65535
    return np.asarray(pixels | pixels >> bits, np.uint16)
