"""Picture file of any kind -> a mask: gray, black and white, palette, one color on black, or the alpha of a cut-out.

    read_mask    uint8 (H, W)     a label to train on: 255 person, 0 background, 128 does not count, else a soft edge
    read_alpha   float32 (H, W)   a mask to cut with, 0..1: every level is a share

Both are upright, by the mask's own EXIF. mask_levels.py decides what the values mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from standout.errors import UnreadableImage
from standout.images import colors, decode, depth, exif, mask_levels, metadata
from standout.images.mask_values import FEW, Classes, Stored, present
from standout.types import Bytes


def read_mask(
    source: str | Path | bytes,
    *,
    classes: Classes | None = None,
    notes: list[str] | None = None,
    max_pixels: int | None = decode.MAX_PIXELS,
) -> Bytes:
    """The label in a mask file: 255 person, 0 background, 128 does not count, anything else a soft edge.

    The levels 0 and 1 are read as 0 and 255, in 8, 16 and 32 bits. In a picture with transparency, its alpha counts; in
    one with a colored palette, the indexes: 1 is person and 255 does not count. One color on black is person. 128 means
    "does not count" only in areas that are three pixels wide somewhere. classes: which values are person, where that is
    known. notes: gets what was not plain.

    Raises UnclearMask where the file can be read in more than one way, and UnreadableImage, TooLarge and InputError as
    read does.
    """
    stored, turn = _stored(source, max_pixels)
    said = [] if notes is None else notes
    return np.ascontiguousarray(decode.upright(mask_levels.label(stored, classes, said), turn), np.uint8)


def read_alpha(
    source: str | Path | bytes, *, notes: list[str] | None = None, max_pixels: int | None = decode.MAX_PIXELS
) -> NDArray[np.float32]:
    """The share of each pixel that is person, 0..1, in a mask that was made or retouched by hand.

    The file is read as by read_mask, but the level 128 is one half.

    Raises UnclearMask where the file can be read in more than one way, and UnreadableImage, TooLarge and InputError as
    read does.
    """
    stored, turn = _stored(source, max_pixels)
    said = [] if notes is None else notes
    return np.ascontiguousarray(decode.upright(mask_levels.alpha(stored, said), turn), np.float32)


def _stored(source: str | Path | bytes, max_pixels: int | None) -> tuple[Stored, int]:
    """The values of the file, not yet upright, and the EXIF orientation that says how to turn them."""
    if isinstance(source, bytes):
        name, data = f"the given mask of {len(source)} bytes", source
    else:
        name, data = str(source), decode.content(Path(source))
    return decode.guarded(name, lambda: _opened(name, data, max_pixels))


def _opened(name: str, data: bytes, max_pixels: int | None) -> tuple[Stored, int]:
    """The values and the EXIF orientation of the file in data."""
    opened = decode.opened_file(name, data, [])
    kind = opened.format or ""
    with metadata.xmp_hidden(opened):
        decode.load(name, opened, max_pixels)
        block = metadata.block_of(opened, kind, [])
    return _values(name, opened, data, lossy=_is_lossy(opened, data)), exif.orientation(block) if block else 1


def _is_lossy(opened: PIL.Image.Image, data: bytes) -> bool:
    """Whether the file is compressed with loss, so that the pixels are only near to what was saved."""
    if opened.format == "WEBP":
        at = 12
        while at + 8 <= len(data) and data[at : at + 4] not in (b"VP8 ", b"VP8L"):
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            at += 8 + size + size % 2
        return data[at : at + 4] == b"VP8 "
    return opened.format in ("JPEG", "MPO", "AVIF", "HEIF") or "jpeg" in str(opened.info.get("compression", ""))


def _values(name: str, opened: PIL.Image.Image, data: bytes, *, lossy: bool) -> Stored:
    """The values of a decoded picture: its alpha where it has one, else its indexes, gray levels or colors."""
    key, kind = opened.info.get("transparency"), opened.format or ""
    if opened.mode == "P":
        return _of_palette(name, opened, key)
    if opened.mode == "F":
        return _of_fractions(name, np.asarray(opened))
    if opened.mode == "I":
        return _of_numbers(name, np.asarray(opened))
    if opened.mode.startswith("I;16"):
        gray: NDArray[Any] = depth.deep_gray(opened)
        shown = colors.opaque_by_key(gray[..., None], key)
        return Stored(name, gray, white=65535) if shown is None else _cut_out(name, shown, gray, 65535)
    deep = depth.deep_color(opened, kind, data, [])
    if deep is not None:
        return _of_colors(name, deep, key, white=65535, lossy=lossy)
    if opened.mode in ("1", "L"):
        gray = np.asarray(opened.convert("L"))
        shown = colors.opaque_by_key(gray[..., None], colors.spread_key(key, kind, data))
        return Stored(name, gray, lossy=lossy) if shown is None else _cut_out(name, shown, gray, 255)
    mode = {"La": "RGBA", "LA": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "RGBX": "RGB"}.get(opened.mode, opened.mode)
    if mode not in ("RGB", "RGBA"):  # CMYK, Lab, ...
        image, _, _ = colors.unpack(opened, name=name, kind=kind, data=data, notes=[])
        return _of_colors(name, image, None, white=255, lossy=True)
    return _of_colors(name, np.asarray(opened.convert(mode)), key, white=255, lossy=lossy)


def _cut_out(name: str, shown: NDArray[Any], otherwise: NDArray[Any], white: int) -> Stored:
    """The picture's transparency as its values, or `otherwise` where everything is opaque."""
    if shown.dtype == np.bool_:
        shown = shown.astype(np.uint8) * np.uint8(255)
    most = np.iinfo(shown.dtype).max
    if shown.min() == most:
        return Stored(name, otherwise, white=white)
    return Stored(name, shown, white=most, cut_out=True)


def _of_colors(name: str, pixels: NDArray[Any], key: Any, *, white: int, lossy: bool) -> Stored:
    """The values of an RGB or RGBA picture: its alpha, gray levels where all pixels are gray, or colors."""
    shown = pixels[..., 3] if pixels.shape[2] == 4 else colors.opaque_by_key(pixels, key)
    if shown is not None:
        found = _cut_out(name, shown, pixels, white)
        if found.cut_out:
            return found
    rgb = pixels[..., :3]
    red, green, blue = (rgb[..., n] for n in range(3))
    if (red == green).all() and (green == blue).all():
        return Stored(name, np.ascontiguousarray(green), white=white, lossy=lossy)
    spread = rgb.max(2).astype(np.int32) - rgb.min(2)
    if spread.max() <= (48 if lossy else 16) * white // 255 and rgb.max() > 200 * white // 255:
        gray = np.rint(rgb.mean(2)).astype(pixels.dtype)
        if spread.max() <= 16 * white // 255 or not mask_levels.is_photo(gray.astype(np.float32) / np.float32(white)):
            return Stored(name, gray, white=white, lossy=True)
    if white == 65535:
        rgb = depth.rounded(rgb) if rgb.max() > 255 else rgb.astype(np.uint8)
    return Stored(name, np.ascontiguousarray(rgb), lossy=lossy)


def _of_palette(name: str, opened: PIL.Image.Image, key: Any) -> Stored:
    """The values of a picture with a palette: its alpha where that separates the people, else the indexes."""
    indexes = np.asarray(opened)
    palette = np.array(opened.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    stored = Stored(name, indexes, palette=palette)
    if key is None:
        return stored
    table = np.full(256, 255, np.uint8)
    if isinstance(key, bytes):
        table[: len(key)] = np.frombuffer(key, np.uint8)[:256]
    elif isinstance(key, int):
        table[key] = 0
    used = present(indexes)
    shares = table[used]
    soft = bool(((shares > 0) & (shares < 255)).any())
    opaque = int((shares == 255).sum())
    if shares.min() == 255 or not (soft or opaque <= 1 or len(used) > FEW):
        return stored
    return Stored(name, table[indexes], cut_out=True)


def _of_fractions(name: str, values: NDArray[Any]) -> Stored:
    """The values of floating-point samples: 0..1 are shares, and whole numbers are levels.

    Raises UnreadableImage for samples that are negative, not numbers, or neither of these.
    """
    if not np.isfinite(values).all() or values.min() < -0.01:
        raise UnreadableImage(f"{name} has samples that are negative or not numbers; wanted 0 to 1; save it again")
    values = np.maximum(values, 0)
    if values.max() <= 1.01:  # resampling may overshoot a little
        values = np.minimum(values, 1)
        if values.max() < 0.004:  # later steps would take such levels for whole numbers
            values = np.zeros_like(values)
        return Stored(name, np.rint(values * 65535).astype(np.uint16), white=65535)
    return _of_numbers(name, values)


def _of_numbers(name: str, values: NDArray[Any]) -> Stored:
    """The values of 32-bit samples that are whole numbers. Raises UnreadableImage for others."""
    if values.min() < 0 or values.max() > 65535 or (values != np.rint(values)).any():
        raise UnreadableImage(
            f"{name} has samples from {values.min():g} to {values.max():g}; wanted 0 to 1, or whole numbers up to 65535"
        )
    return Stored(name, values.astype(np.uint16), white=65535)
