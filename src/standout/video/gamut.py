"""RGB of one kind of clip -> RGB of another that looks the same: what is put behind people must fit their clip.

    Colours       primaries and transfer are looked at: which light the numbers 0..255 of red, green and blue stand for
    image         uint8 or uint16 (H, W, 3)
    light         1 = the white of a page, as every screen shows it; in HDR 203 cd/m2 (ITU-R BT.2408)

The curves of SD, HD and sRGB are taken for one, as players show all of them alike. HDR that goes where there is none is
compressed above a knee, so that its brightest becomes white.

To add primaries or a curve: a row in _PRIMARIES; a case in _light and one in _levels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.types import Image
from standout.video.colours import Colours

Converter: TypeAlias = Callable[[Image], Image]
Floats: TypeAlias = NDArray[np.float64]
Point: TypeAlias = tuple[float, float]

SRGB = Colours(primaries=1, transfer=13)
"""What pictures without a profile are."""

_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
_HD = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_SMPTE = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_PRIMARIES: dict[int, tuple[tuple[Point, ...], Point]] = {
    1: (_HD, _D65),
    2: (_HD, _D65),
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), _C),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), _D65),
    6: (_SMPTE, _D65),
    7: (_SMPTE, _D65),
    8: (((0.681, 0.319), (0.243, 0.692), (0.145, 0.049)), _C),
    9: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), _D65),
    11: (_P3, (0.314, 0.351)),
    12: (_P3, _D65),
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), _D65),
}
"""Code of ITU-T H.273 -> red, green and blue, and white, as x and y of CIE 1931."""

_SRGB_LIKE = frozenset({1, 2, 6, 7, 11, 12, 13, 14, 15})
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_PQ, _HLG = 16, 18
_WHITE, _PEAK = 203, {_PQ: 10_000, _HLG: 1_000}
"""Light of 1, and of the highest number, in candela per square meter."""

_KNEE = 0.7
_STEPS = 1 << 14
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def is_known(colours: Colours) -> bool:
    """Whether it is known what the numbers mean."""
    curves = {*_SRGB_LIKE, *_GAMMAS, *_PEAK}
    return colours.primaries in _PRIMARIES and colours.transfer in curves


@lru_cache(maxsize=16)
def converter(source: Colours, target: Colours) -> Converter | None:
    """What turns an image of the one into an image of the other; None where they are alike, or one is not known."""
    if not (is_known(source) and is_known(target)):
        return None
    turn = np.linalg.inv(_to_xyz(target.primaries)) @ _to_xyz(source.primaries)
    curves = ["sRGB" if one.transfer in _SRGB_LIKE else str(one.transfer) for one in (source, target)]
    if curves[0] == curves[1] and np.allclose(turn, np.eye(3), atol=1e-3):
        return None
    peak = _PEAK.get(target.transfer, _WHITE) / _WHITE
    encode = _levels(np.linspace(0, 1, _STEPS) ** 2 * peak, target.transfer)

    def convert(image: Image) -> Image:
        most = np.iinfo(image.dtype).max
        light = _light(np.linspace(0, 1, most + 1), source.transfer)
        if source.transfer in _PEAK and target.transfer not in _PEAK:
            light = _compressed(light, _PEAK[source.transfer] / _WHITE)
        linear = np.take(light.astype(np.float32), image)
        turned = cv2.transform(linear, turn.astype(np.float32))
        place = np.sqrt(np.clip(turned / np.float32(peak), 0, 1)) * np.float32(_STEPS - 1)
        levels: NDArray[Any] = np.rint(encode * most).astype(image.dtype)
        converted: Image = np.take(levels, np.rint(place).astype(np.int32))
        return converted

    return convert


def applied(convert: Converter | None, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An RGB or RGBA picture converted; itself where there is nothing to convert."""
    if convert is None:
        return picture
    colors = np.asarray(convert(np.ascontiguousarray(picture[..., :3])), np.uint8)
    return np.dstack([colors, picture[..., 3:]])


def _light(level: Floats, transfer: int) -> Floats:
    """The light of levels 0..1."""
    if transfer == _PQ:  # SMPTE ST 2084
        root = level ** (1 / 78.84375)
        part = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return 10_000 / _WHITE * part ** (1 / 0.1593017578125)
    if transfer == _HLG:  # ITU-R BT.2100, on a screen of 1000 cd/m2
        scene = np.where(level <= 0.5, level**2 / 3, (np.exp((level - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        return 1_000 / _WHITE * scene**1.2
    if transfer in _GAMMAS:
        return level ** _GAMMAS[transfer]
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _levels(light: Floats, transfer: int) -> Floats:
    """The levels 0..1 of light: what _light takes back."""
    if transfer == _PQ:
        power = (light * _WHITE / 10_000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    if transfer == _HLG:
        scene = (light * _WHITE / 1_000) ** (1 / 1.2)
        high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)
    if transfer in _GAMMAS:
        return light ** (1 / _GAMMAS[transfer])
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _compressed(light: Floats, peak: float) -> Floats:
    """Light in 0..1: as it is up to the knee, then ever flatter, so that the peak (at most 1000 cd/m2) becomes 1."""
    above = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    top = (min(peak, 1_000 / _WHITE) - _KNEE) / (1 - _KNEE)
    shoulder = above * (1 + above / top**2) / (1 + above)
    return np.where(light <= _KNEE, light, _KNEE + (1 - _KNEE) * np.minimum(shoulder, 1))


def _to_xyz(primaries: int) -> Floats:
    """The matrix from light of these primaries to XYZ, adapted to D65 (Bradford)."""
    corners, white = _PRIMARIES[primaries]
    columns = np.array([_xyz(one) for one in corners]).T
    matrix = columns * np.linalg.solve(columns, _xyz(white))
    ratio = (_BRADFORD @ _xyz(_D65)) / (_BRADFORD @ _xyz(white))
    adapted: Floats = np.linalg.inv(_BRADFORD) @ np.diag(ratio) @ _BRADFORD @ matrix
    return adapted


def _xyz(point: Point) -> Floats:
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])
