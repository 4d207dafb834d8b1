"""A decoded picture of any mode -> RGB pixels, its transparency, and the profile that fits them; and named colors.

    opened   PIL image   decoded, not yet upright: gray, palette, CMYK, Lab, 16 bits, premultiplied, ...
    image    uint8 or uint16 (H, W, 3)   RGB
    alpha    float32 (H, W) or None      0..1; None where everything is opaque
    icc      bytes or None               an RGB profile, unchanged; pixels without a profile are sRGB

To add a color space: a case in _in_rgb.
"""

from __future__ import annotations

import io
import operator
import re
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from standout.errors import InputError, UnreadableImage
from standout.images import depth
from standout.images.profiles import convert, is_usable, space
from standout.types import Image, Mask, Photo

DAMAGED = "its color profile is damaged and was left out"

_BAND = 1 << 18
"""Bytes of pixels that are copied at once."""

Parts = tuple[Image, Mask | None, bytes | None]
"""Image, alpha and profile."""


def unpack(opened: PIL.Image.Image, *, name: str, kind: str, data: bytes | None, notes: list[str]) -> Parts:
    """The image, its alpha and its profile.

    name: of the file, for errors. kind: its format, such as "PNG". data: the whole file, as Pillow keeps only 8 of 16
    bits of a color. notes: gets what could not be kept.

    Raises UnreadableImage for samples of 32 bits.
    """
    if opened.mode in ("I", "F"):
        raise UnreadableImage(f"{name} has 32-bit samples; convert it to 8 or 16 bits per channel")
    icc = opened.info.get("icc_profile") or None
    if opened.mode.startswith("I;16"):
        gray = depth.deep_gray(opened)
        alpha = _mask(opaque_by_key(gray[..., None], opened.info.get("transparency")))
        if icc and space(icc) == "GRAY":
            gray = _toned(gray, icc, notes)
        return np.repeat(gray[..., None], 3, axis=2), alpha, _fitting(icc, notes, but="GRAY")
    deep = depth.deep_color(opened, kind, data, notes)
    if deep is None:
        return _plain(opened, kind, data, icc, notes)
    share = deep[..., 3] if deep.shape[2] == 4 else opaque_by_key(deep, opened.info.get("transparency"))
    return np.ascontiguousarray(deep[..., :3]), _mask(share), _fitting(icc, notes)


def is_unmanaged(opened: PIL.Image.Image) -> bool:
    """Whether neither a profile nor the kind of pixels has defined what the levels mean."""
    return not opened.info.get("icc_profile") and opened.mode not in ("CMYK", "LAB", "YCbCr")


SCREENS = {"greenscreen": (0, 177, 64), "chromagreen": (0, 177, 64), "bluescreen": (0, 71, 187)}
"""The colors of the cloths that studios film before, with which other programs key a person out."""


def parse_color(color: object) -> tuple[int, int, int]:
    """The color as (red, green, blue), 0..255.

    color: a name, of a studio's cloth too; three whole numbers; or a hex code, without its "#" too, as shells take that
    for a comment. Names are read without regard to case, spaces and hyphens.

    Raises InputError for anything else.

    >>> parse_color("white"), parse_color("#08f"), parse_color("0088ff"), parse_color([0, 136, 255])
    ((255, 255, 255), (0, 136, 255), (0, 136, 255), (0, 136, 255))
    >>> parse_color("green-screen"), parse_color("BlueScreen"), parse_color("light grey")
    ((0, 177, 64), (0, 71, 187), (211, 211, 211))
    """
    if isinstance(color, str):
        return _named(color)
    try:
        levels = [] if isinstance(color, bytes) else [operator.index(level) for level in color]  # type: ignore[attr-defined]
    except TypeError:
        levels = []
    if len(levels) != 3 or not all(0 <= level <= 255 for level in levels):
        raise InputError(
            f"{color!r} is no color; give a name, a hex code such as #1e90ff, "
            "or three whole numbers of 0 to 255, such as (30, 144, 255)"
        )
    return levels[0], levels[1], levels[2]


def _named(text: str) -> tuple[int, int, int]:
    """The color of a name or a hex code. Raises InputError where it is neither."""
    from PIL import ImageColor

    wanted = text.strip()
    if re.fullmatch(r"[a-zA-Z][a-zA-Z _-]*", wanted):
        wanted = re.sub(r"[ _-]", "", wanted.lower())
        if wanted in SCREENS:
            return SCREENS[wanted]
    bare_hex = re.fullmatch(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}", wanted)
    try:
        rgb = ImageColor.getrgb("#" * bool(bare_hex) + wanted)
        if len(rgb) != 3 or max(rgb) > 255:
            raise ValueError("it is transparent, or brighter than white")
    except ValueError:
        raise InputError(f"{text!r} is no color; give a name such as white, or a hex code such as #1e90ff") from None
    return rgb[0], rgb[1], rgb[2]


def color_for(rgb: tuple[int, int, int], icc: bytes | None) -> tuple[float, float, float]:
    """The levels, 0..255, that look like the sRGB color rgb in a picture with that profile.

    >>> color_for((255, 0, 10), None)
    (255.0, 0.0, 10.0)
    """
    red, green, blue = convert(np.array([[rgb]], np.uint16) * np.uint16(257), None, icc)[0, 0].tolist()
    return red / 257, green / 257, blue / 257


def background_for(background: Photo, photo: Photo) -> Image:
    """The background's pixels, converted so that they look the same in a file with the photo's profile.

    They get 16 bits a channel where the photo has them and a conversion is needed.
    """
    image = background.image
    if background.meta.icc == photo.meta.icc:
        return image
    if photo.image.itemsize > image.itemsize:
        image = image.astype(np.uint16) * np.uint16(257)
    return convert(image, background.meta.icc, photo.meta.icc)


def in_srgb(photo: Photo) -> NDArray[np.uint8]:
    """The photo's pixels as sRGB with 8 bits a channel, uint8 (H, W, 3), as frames of clips are."""
    return depth.in_bytes(convert(photo.image, photo.meta.icc, None))


def _fitting(icc: bytes | None, notes: list[str], *, but: str = "") -> bytes | None:
    """The profile where it describes RGB pixels, else None.

    A profile that does not fit is noted, unless its color space is `but`, whose pixels were converted already.
    """
    if not icc or (but and space(icc) == but):
        return None
    if space(icc) != "RGB":
        notes.append("its color profile does not fit its pixels and was left out")
    elif not is_usable(icc):
        notes.append(DAMAGED)
    else:
        return icc
    return None


def _plain(opened: PIL.Image.Image, kind: str, data: bytes | None, icc: bytes | None, notes: list[str]) -> Parts:
    """Image, alpha and profile of a picture with at most 8 bits per channel."""
    share: NDArray[Any] | None = None
    key = opened.info.get("transparency")
    mode = {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA", "RGBX": "RGB"}.get(opened.mode, opened.mode)
    if mode == "P":
        mode = "RGBA" if opened.has_transparency_data else "RGB"
    elif mode in ("L", "RGB") and key is not None:
        share = opaque_by_key(np.atleast_3d(np.asarray(opened.convert(mode))), spread_key(key, kind, data))
    if mode != opened.mode:
        opened = opened.convert(mode)
    if mode in ("LA", "RGBA"):
        share = np.asarray(opened.getchannel("A"))
        opened = opened.convert(mode[:-1])
    image, icc = _in_rgb(opened, icc, notes)
    return image, _mask(share), icc


def _in_rgb(opened: PIL.Image.Image, icc: bytes | None, notes: list[str]) -> tuple[Image, bytes | None]:
    """The RGB pixels of a picture without transparency, and the profile that describes them."""
    if opened.mode == "RGB":
        return _pixels(opened), _fitting(icc, notes)
    own = {"L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}.get(opened.mode, "")
    if opened.mode == "L" and icc and space(icc) == own:
        opened = PIL.Image.fromarray(_toned(np.asarray(opened), icc, notes))
    elif opened.mode == "LAB" or (icc and own and space(icc) == own):
        image = _in_srgb(opened, icc, notes)
        if image is not None:
            return np.array(image), None
    return np.array(opened.convert("RGB")), _fitting(icc, notes, but=own)


def _pixels(opened: PIL.Image.Image) -> NDArray[np.uint8]:
    """The pixels of an RGB picture, in memory of their own.

    They are copied in bands that stay in the processor's cache: np.array(opened) would make the whole picture three
    times, as parts, as bytes and as an array, and take twice as long.
    """
    pixels = np.empty((opened.height, opened.width, 3), np.uint8)
    step = max(1, _BAND // pixels[0].nbytes)
    for top in range(0, opened.height, step):
        bottom = min(top + step, opened.height)
        pixels[top:bottom] = np.asarray(opened.crop((0, top, opened.width, bottom)))
    return pixels


def _in_srgb(opened: PIL.Image.Image, icc: bytes | None, notes: list[str]) -> PIL.Image.Image | None:
    """The picture, converted to sRGB by its profile; None, with a note, where the profile is damaged."""
    from PIL import ImageCms

    try:
        # littleCMS's shortcuts for speed are off by up to 7 levels in the shadows of a gray ramp
        exact = ImageCms.Flags.NOOPTIMIZE if opened.mode == "L" else ImageCms.Flags.NONE
        source = ImageCms.createProfile("LAB") if opened.mode == "LAB" else io.BytesIO(icc or b"")
        return ImageCms.profileToProfile(
            opened,
            source,
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | exact,
        )
    except ImageCms.PyCMSError:
        notes.append(DAMAGED)
        return None


def spread_key(key: Any, kind: str, data: bytes | None) -> Any:
    """The transparent level of a gray PNG of 1, 2 or 4 bits, scaled to 0..255 as Pillow scales its pixels.

    >>> spread_key(3, "PNG", bytes(24) + b"\\4"), spread_key(3, "GIF", None)
    (51, 3)
    """
    bits = data[24] if kind == "PNG" and data else 8
    return min(255, key * 255 // ((1 << bits) - 1)) if isinstance(key, int) and bits < 8 else key


def opaque_by_key(pixels: NDArray[Any], key: Any) -> NDArray[np.bool_] | None:
    """Where the pixels, (H, W, C), differ from the one transparent color; None where there is no such color."""
    if not isinstance(key, int | tuple):
        return None
    return np.asarray((pixels != np.array(key, np.int64)).any(axis=2))


def _mask(share: NDArray[Any] | None) -> Mask | None:
    """Alpha, 0..1, of whole-number or boolean levels; None where everything is opaque."""
    if share is None:
        return None
    most = 1 if share.dtype == np.bool_ else np.iinfo(share.dtype).max
    return None if share.min() == most else share.astype(np.float32) / np.float32(most)


def _toned(gray: NDArray[Any], icc: bytes, notes: list[str]) -> NDArray[Any]:
    """The gray levels of a picture with a gray profile, converted to sRGB.

    Only 256 levels are converted by the profile; the levels of 16 bits between them are interpolated.
    """
    ramp = PIL.Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    converted = _in_srgb(ramp, icc, notes)
    if converted is None:
        return gray
    levels = np.asarray(converted.getchannel("G"))[0]
    if gray.dtype == np.uint16:
        every = np.interp(np.arange(65536), np.arange(256) * 257, levels) * 257
        levels = np.rint(every).astype(np.uint16)
    return np.take(levels, gray)
