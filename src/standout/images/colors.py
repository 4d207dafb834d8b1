"""A decoded picture of any mode -> RGB pixels, its transparency, and the profile that fits them.

    opened   PIL image   decoded, not yet upright: gray, palette, CMYK, Lab, 16 bits, premultiplied, ...
    image    uint8 or uint16 (H, W, 3)   RGB
    alpha    float32 (H, W) or None      0..1; None when everything is opaque
    icc      bytes or None               an RGB profile, unchanged; pixels without one are sRGB

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
from standout.images import png_chunks
from standout.images.profiles import convert, is_usable, space
from standout.types import Image, Mask, Photo, Picture

DAMAGED = "its color profile is damaged and was left out"

Parts = tuple[Image, Mask | None, bytes | None]


def unpack(opened: PIL.Image.Image, *, name: str, kind: str, data: bytes | None, notes: list[str]) -> Parts:
    """Image, alpha and profile. What could not be kept is told in notes.

    data: the whole file, as Pillow keeps only 8 of 16 bits per color.
    """
    if opened.mode in ("I", "F"):
        raise UnreadableImage(f"{name} has 32-bit samples; convert it to 8 or 16 bits per channel")
    icc = opened.info.get("icc_profile") or None
    if opened.mode.startswith("I;16"):
        gray = _deep_gray(opened)
        alpha = _mask(_differs(gray[..., None], opened.info.get("transparency")))
        if icc and space(icc) == "GRAY":
            gray = _toned(gray, icc, notes)
        return np.repeat(gray[..., None], 3, axis=2), alpha, _fitting(icc, notes, but="GRAY")
    deep = _deep_color(opened, kind, data, notes)
    if deep is None:
        return _plain(opened, kind, data, icc, notes)
    share = deep[..., 3] if deep.shape[2] == 4 else _differs(deep, opened.info.get("transparency"))
    return np.ascontiguousarray(deep[..., :3]), _mask(share), _fitting(icc, notes)


def is_unmanaged(opened: PIL.Image.Image) -> bool:
    """Whether no profile, and no kind of pixel that has one meaning only, said what the numbers mean."""
    return not opened.info.get("icc_profile") and opened.mode not in ("CMYK", "LAB", "YCbCr")


def rounded(picture: Picture) -> NDArray[np.uint8]:
    """A 16-bit picture in 8 bits, each level rounded to the nearest.

    >>> rounded(np.array([[[0, 128, 129, 65535]]], np.uint16))
    array([[[  0,   0,   1, 255]]], dtype=uint8)
    """
    import cv2

    return cv2.convertScaleAbs(picture, alpha=1 / 257).reshape(picture.shape)  # type: ignore[return-value]


def in_bytes(picture: Picture) -> NDArray[np.uint8]:
    """The picture with 8 bits a channel: itself, or rounded from 16."""
    return rounded(picture) if picture.dtype == np.uint16 else np.asarray(picture, np.uint8)


def parse_color(color: object) -> tuple[int, int, int]:
    """The (red, green, blue) that is meant, 0..255.

    color: a name, a hex code, whose "#" may be left out as shells eat it, or three whole numbers.

    >>> parse_color("white"), parse_color("#08f"), parse_color("0088ff"), parse_color([0, 136, 255])
    ((255, 255, 255), (0, 136, 255), (0, 136, 255), (0, 136, 255))
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
    from PIL import ImageColor

    bare_hex = re.fullmatch(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}", text.strip())
    try:
        rgb = ImageColor.getrgb("#" * bool(bare_hex) + text.strip())
        if len(rgb) != 3 or max(rgb) > 255:
            raise ValueError("transparent, or brighter than white")
    except ValueError:
        raise InputError(f"{text!r} is no color; give a name such as white, or a hex code such as #1e90ff") from None
    return rgb[0], rgb[1], rgb[2]


def color_for(rgb: tuple[int, int, int], icc: bytes | None) -> tuple[float, float, float]:
    """What looks like the sRGB color rgb in pixels with that profile, 0..255.

    >>> color_for((255, 0, 10), None)
    (255.0, 0.0, 10.0)
    """
    red, green, blue = convert(np.array([[rgb]], np.uint16) * np.uint16(257), None, icc)[0, 0].tolist()
    return red / 257, green / 257, blue / 257


def background_for(background: Photo, photo: Photo) -> Image:
    """The background's pixels as they look the same in a file with the photo's profile, no less deep than needed."""
    image = background.image
    if background.meta.icc == photo.meta.icc:
        return image
    if photo.image.itemsize > image.itemsize:
        image = image.astype(np.uint16) * np.uint16(257)
    return convert(image, background.meta.icc, photo.meta.icc)


def in_srgb(photo: Photo) -> NDArray[np.uint8]:
    """The photo's pixels as sRGB with 8 bits a channel, as frames of clips have them."""
    return in_bytes(convert(photo.image, photo.meta.icc, None))


def _fitting(icc: bytes | None, notes: list[str], *, but: str = "") -> bytes | None:
    """The profile if it is about RGB; a note if it is about anything else than `but`, which was dealt with."""
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
    """The parts of a picture with 8 bits per channel or less."""
    share: NDArray[Any] | None = None
    key = opened.info.get("transparency")
    mode = {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA", "RGBX": "RGB"}.get(opened.mode, opened.mode)
    if mode == "P":
        mode = "RGBA" if opened.has_transparency_data else "RGB"
    elif mode in ("L", "RGB") and key is not None:
        share = _differs(np.atleast_3d(np.asarray(opened.convert(mode))), _spread(key, kind, data))
    if mode != opened.mode:
        opened = opened.convert(mode)
    if mode in ("LA", "RGBA"):
        share = np.asarray(opened.getchannel("A"))
        opened = opened.convert(mode[:-1])
    image, icc = _in_rgb(opened, icc, notes)
    return image, _mask(share), icc


def _in_rgb(opened: PIL.Image.Image, icc: bytes | None, notes: list[str]) -> tuple[Image, bytes | None]:
    """RGB pixels of a picture without transparency, and the profile that still describes them."""
    if opened.mode == "RGB":
        return np.array(opened), _fitting(icc, notes)
    own = {"L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}.get(opened.mode, "")
    if opened.mode == "L" and icc and space(icc) == own:
        opened = PIL.Image.fromarray(_toned(np.asarray(opened), icc, notes))
    elif opened.mode == "LAB" or (icc and own and space(icc) == own):
        image = _in_srgb(opened, icc, notes)
        if image is not None:
            return np.array(image), None
    return np.array(opened.convert("RGB")), _fitting(icc, notes, but=own)


def _in_srgb(opened: PIL.Image.Image, icc: bytes | None, notes: list[str]) -> PIL.Image.Image | None:
    """The picture converted to sRGB by its profile; None and a note if the profile is broken."""
    from PIL import ImageCms

    try:
        # the shortcuts that make millions of pixels fast are off by 7 levels in the shadows of a gray ramp
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


def _spread(key: Any, kind: str, data: bytes | None) -> Any:
    """The transparent level of a gray PNG of 1, 2 or 4 bits, spread to 0..255 as Pillow spreads such pixels.

    >>> _spread(3, "PNG", bytes(24) + b"\\4"), _spread(3, "GIF", None)
    (51, 3)
    """
    bits = data[24] if kind == "PNG" and data else 8
    return min(255, key * 255 // ((1 << bits) - 1)) if isinstance(key, int) and bits < 8 else key


def _differs(pixels: NDArray[Any], key: Any) -> NDArray[np.bool_] | None:
    """Where pixels (H, W, C) are not the one transparent color; None if there is no such color."""
    if not isinstance(key, int | tuple):
        return None
    return np.asarray((pixels != np.array(key, np.int64)).any(axis=2))


def _mask(share: NDArray[Any] | None) -> Mask | None:
    """Transparency 0..1 of whole-number or boolean levels; None if all of it is opaque."""
    if share is None:
        return None
    most = 1 if share.dtype == np.bool_ else np.iinfo(share.dtype).max
    return None if share.min() == most else share.astype(np.float32) / np.float32(most)


def _deep_gray(opened: PIL.Image.Image) -> NDArray[np.uint16]:
    """Levels 0..65535 of a gray picture with 12 or 16 bits."""
    gray: NDArray[np.uint16] = np.asarray(opened).astype(np.uint16)
    tags = getattr(opened, "tag_v2", {})
    if tags.get(258) == (12,):
        gray = (gray << 4 | gray >> 8).astype(np.uint16)
    return ~gray if tags.get(262) == 0 else gray


def _toned(gray: NDArray[Any], icc: bytes, notes: list[str]) -> NDArray[Any]:
    """Gray levels of a gray profile as sRGB: 256 levels converted, those between (of 16 bits) interpolated."""
    ramp = PIL.Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    converted = _in_srgb(ramp, icc, notes)
    if converted is None:
        return gray
    levels = np.asarray(converted.getchannel("G"))[0]
    if gray.dtype == np.uint16:
        every = np.interp(np.arange(65536), np.arange(256) * 257, levels) * 257
        levels = np.rint(every).astype(np.uint16)
    return np.take(levels, gray)


def _deep_color(opened: PIL.Image.Image, kind: str, data: bytes | None, notes: list[str]) -> NDArray[np.uint16] | None:
    """RGB or RGBA with all 16 bits, by OpenCV; None if the file has 8, or if the two decoders disagree."""
    deep = kind == "PNG" and data is not None and data[24] == 16
    tags = getattr(opened, "tag_v2", {})
    deep = deep or (kind == "TIFF" and set(tags.get(258, ())) == {16})
    if not deep or data is None or opened.mode not in ("RGB", "RGBA"):
        return None
    if tags.get(284) == 2 and tags.get(259) == 1:  # Pillow and OpenCV both get it wrong without a word
        raise ValueError("16 bits per channel in separate, uncompressed planes")
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
    notes.append("has 16 bits per channel in an unusual layout; read with 8")
    return None
