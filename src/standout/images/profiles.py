"""What the levels of an RGB picture mean: ICC profiles, read, built, and used to convert pixels.

    icc       bytes or None              an RGB profile; None is sRGB
    picture   uint8 or uint16 (H, W, C)  RGB, or RGBA, whose alpha stays
    curve     float64 (n,)               light, 0..1, of n evenly spaced levels from 0 to 1

Profiles of cameras, screens and color spaces are three curves and a matrix, which are computed here with 8 or 16 bits.
Profiles made of tables go through littleCMS, which Pillow offers for 8 bits only.

To add a color space that files name by a code: see color_tags.py, which calls built().
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from standout.images.depth import in_bytes
from standout.support import colorimetry
from standout.support.colorimetry import D65, SRGB_PRIMARIES, Corners, Point
from standout.types import Image, Picture

Curve = NDArray[np.float64]

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""g, a, b, c and d of ICC's parametric curve of type 3: (a x + b) ** g from d on, and c x below d."""

_D50 = np.array([0.9642, 1.0, 0.8249])
"""XYZ of the white to which ICC profiles refer."""

_STEPS = 1 << 16
"""Samples of a curve."""

_STRIP = 1 << 20
"""Pixels that are converted at once, so that a large picture takes little more memory than its own."""


class Unusable(ValueError):
    """The profile is damaged, or does not describe RGB pixels."""


@dataclass(frozen=True)
class Shaper:
    """The light of each channel's levels, and the matrix (3, 3) from light to XYZ, adapted to D50."""

    curves: tuple[Curve, Curve, Curve]
    to_xyz: NDArray[np.float64]


def space(icc: bytes) -> str:
    """The color space that an ICC profile describes: "RGB", "GRAY", "CMYK", ...; "" where it is no profile.

    >>> space(b"not a profile")
    ''
    """
    return icc[16:20].decode("latin-1").strip() if len(icc) >= 132 and icc[36:40] == b"acsp" else ""


def convert(picture: Picture, source: bytes | None, target: bytes | None) -> Picture:
    """The picture, converted from the source profile to the target profile, so that it looks the same.

    Where both profiles are the same, it is the picture itself. Raises Unusable where one of them is damaged.

    >>> convert(np.full((1, 1, 3), 200, np.uint8), None, None).tolist()
    [[[200, 200, 200]]]
    """
    if source == target:
        return picture
    shapers = _shaper(source), _shaper(target)
    done = picture.copy()
    colors = picture[..., :3]
    if shapers[0] is None or shapers[1] is None:
        done[..., :3] = _by_littlecms(colors, source, target)
    else:
        _shape(colors, done[..., :3], shapers[0], shapers[1])
    return done


@lru_cache(maxsize=16)
def is_usable(icc: bytes) -> bool:
    """Whether pixels can be converted with this RGB profile."""
    try:
        convert(np.zeros((1, 1, 3), np.uint8), icc, None)
    except Unusable:
        return False
    return True


def _shape(colors: Image, done: Image, source: Shaper, target: Shaper) -> None:
    """Converts colors by curves and matrices, and writes them into done."""
    import cv2

    most = np.iinfo(colors.dtype).max
    decode = [_sampled(curve, most + 1).astype(np.float32) for curve in source.curves]
    encode = [(_encoding(curve) * most).astype(np.float32) for curve in target.curves]
    matrix = np.linalg.inv(target.to_xyz) @ source.to_xyz
    rows = max(1, _STRIP // colors.shape[1])
    for top in range(0, colors.shape[0], rows):
        strip = colors[top : top + rows]
        light = np.stack([decode[n][strip[..., n]] for n in range(3)], axis=-1)
        light = np.asarray(cv2.transform(light, matrix), np.float32).reshape(strip.shape)
        roots = np.sqrt(np.clip(light, 0, 1)) * (_STEPS - 1) + 0.5
        for n in range(3):
            done[top : top + rows, :, n] = np.rint(encode[n][roots[..., n].astype(np.uint16)])


def _sampled(curve: Curve, count: int) -> Curve:
    """The curve at `count` evenly spaced levels."""
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(curve)), curve)


def _encoding(curve: Curve) -> Curve:
    """The inverse of the curve: levels, 0..1, by the square root of light, which has fine steps in the shadows."""
    rising = np.maximum.accumulate(curve)
    return np.interp(np.linspace(0, 1, _STEPS) ** 2, rising, np.linspace(0, 1, len(curve)))


def _by_littlecms(colors: Image, source: bytes | None, target: bytes | None) -> Image:
    """The colors, converted by littleCMS with 8 bits. Raises Unusable where it refuses a profile."""
    from PIL import ImageCms

    eight = np.ascontiguousarray(in_bytes(colors))
    profiles = [ImageCms.createProfile("sRGB") if icc is None else io.BytesIO(icc) for icc in (source, target)]
    try:
        done = ImageCms.profileToProfile(
            PIL.Image.fromarray(eight),
            profiles[0],
            profiles[1],
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise Unusable(str(error)) from error
    converted: NDArray[Any] = np.asarray(done)
    return converted if colors.dtype == np.uint8 else converted.astype(np.uint16) * np.uint16(257)


# ---- reading


@lru_cache(maxsize=16)
def _shaper(icc: bytes | None) -> Shaper | None:
    """The profile's curves and matrix; None where it is made of tables, or damaged."""
    if icc is None:
        return Shaper((_srgb(),) * 3, _to_xyz(SRGB_PRIMARIES, D65))
    try:
        tags = _tags(icc)
        if b"A2B0" in tags or b"A2B1" in tags or icc[20:24] != b"XYZ ":
            return None
        columns = [struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        red, green, blue = (_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    except (KeyError, IndexError, struct.error, Unusable):
        return None
    to_xyz = np.array(columns, np.float64).T / 65536
    sound = abs(np.linalg.det(to_xyz)) > 1e-6 and all(curve[-1] > 0.5 for curve in (red, green, blue))
    return Shaper((red, green, blue), to_xyz) if sound else None


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """The name and data of each tag of a profile. Raises Unusable where it does not describe RGB."""
    if space(icc) != "RGB":
        raise Unusable(f"it describes {space(icc) or 'no color space'}, wanted RGB")
    (count,) = struct.unpack_from(">I", icc, 128)
    rows = [struct.unpack_from(">4sII", icc, 132 + 12 * n) for n in range(min(count, 1000))]
    return {name: icc[start : start + size] for name, start, size in rows}


def _curve(tag: bytes) -> Curve:
    """The samples of a curve of the kind "curv" or "para". Raises Unusable for other kinds."""
    x = np.linspace(0, 1, _STEPS)
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        if count == 1:
            return np.asarray(x ** (struct.unpack_from(">H", tag, 12)[0] / 256), np.float64)
        points = np.frombuffer(tag[12 : 12 + 2 * count], ">u2")
        if len(points) != count:
            raise Unusable("one of its curves is cut off")
        return _sampled(points / 65535, _STEPS)
    if tag[:4] != b"para":
        raise Unusable(f"one of its curves is of the kind {tag[:4]!r}; wanted b'curv' or b'para'")
    (kind,) = struct.unpack_from(">H", tag, 8)
    size = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[kind]
    return _parametric(kind, [value / 65536 for value in struct.unpack_from(f">{size}i", tag, 12)])


def _parametric(kind: int, values: list[float]) -> Curve:
    """The samples of a parametric curve of ICC.1:2022, section 10.18."""
    x = np.linspace(0, 1, _STEPS)
    g, a, b, c, d, e, f = (values + [0.0] * 7)[:7]
    if kind == 0:
        return np.asarray(x**g, np.float64)
    power = np.maximum(a * x + b, 0) ** g
    start = -b / a if kind in (1, 2) and a else d
    above = power + {2: c, 4: e}.get(kind, 0.0)
    below = {1: 0 * x, 2: 0 * x + c, 3: c * x, 4: c * x + f}[kind]
    return np.clip(np.where(x >= start, above, below), 0, 1)


def _srgb() -> Curve:
    """The samples of sRGB's curve."""
    return _parametric(3, list(SRGB_CURVE))


# ---- building


def built(primaries: Corners, white: Point, gamma: float | None) -> bytes | None:
    """A profile with these chromaticities; None where it would be sRGB itself.

    gamma: the power of its curve; None is the curve of sRGB.

    Raises Unusable where the three primaries cannot be mixed to that white.

    >>> built(SRGB_PRIMARIES, D65, None), built(SRGB_PRIMARIES, D65, 1.0)[16:20]
    (None, b'RGB ')
    """
    usual = (*SRGB_PRIMARIES, D65)
    if gamma is None and np.allclose((*primaries, white), usual, atol=0.002):
        return None
    matrix = _to_xyz(primaries, white)
    if gamma is None:
        curve = struct.pack(">4sIHH5i", b"para", 0, 3, 0, *(round(value * 65536) for value in SRGB_CURVE))
    else:
        curve = struct.pack(">4sIHHi", b"para", 0, 0, 0, round(gamma * 65536))
    columns = {name: _xyz(matrix[:, n]) for n, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    adapted = struct.pack(
        ">4sI9i", b"sf32", 0, *np.rint(colorimetry.adaptation(white, _D50) * 65536).astype(int).ravel().tolist()
    )
    tags = {b"desc": _text("RGB of the photo"), b"cprt": _text("No copyright"), b"wtpt": _xyz(_D50), b"chad": adapted}
    tags |= columns | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _packed(tags)


def _to_xyz(primaries: Corners, white: Point) -> NDArray[np.float64]:
    """The matrix from linear RGB to XYZ, adapted to D50."""
    try:
        return colorimetry.to_xyz(primaries, white, under=_D50)
    except ValueError as error:
        raise Unusable(str(error)) from None


def _xyz(values: NDArray[np.float64]) -> bytes:
    """The three values as a tag of the kind "XYZ"."""
    return struct.pack(">4sI3i", b"XYZ ", 0, *np.rint(values * 65536).astype(int).tolist())


def _text(text: str) -> bytes:
    """The English text as a tag of the kind "mluc"."""
    letters = text.encode("utf-16-be")
    return struct.pack(">4sIII4sII", b"mluc", 0, 1, 12, b"enUS", len(letters), 28) + letters


def _packed(tags: dict[bytes, bytes]) -> bytes:
    """A display profile of version 4.3 with these tags."""
    rows, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        rows += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _xyz(_D50)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + rows + body
