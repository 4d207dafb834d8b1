"""The light that the numbers of a picture stand for: primaries, transfer curves and white points, of stills and clips.

    primaries, transfer   int                    codes of ITU-T H.273, as HEIC, AVIF, PNG and clips state them
    level                 float64, 0..1          a number of the picture
    light                 float64, 0 and up      1 = the white of a page; in HDR that is 203 cd/m2 (ITU-R BT.2408)

To add primaries: a row in PRIMARIES. To add a curve: a row in GAMMAS, or a case in light and another in levels.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from standout.types import Doubles

Point: TypeAlias = tuple[float, float]
"""A chromaticity: x and y of CIE 1931."""
Corners: TypeAlias = tuple[Point, Point, Point]

D65: Point = (0.3127, 0.3290)
SRGB_PRIMARIES: Corners = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))

_C: Point = (0.310, 0.316)
_SMPTE: Corners = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_P3: Corners = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
PRIMARIES: dict[int, tuple[Corners, Point]] = {
    1: (SRGB_PRIMARIES, D65),
    2: (SRGB_PRIMARIES, D65),
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), _C),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    6: (_SMPTE, D65),
    7: (_SMPTE, D65),
    8: (((0.681, 0.319), (0.243, 0.692), (0.145, 0.049)), _C),
    9: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), D65),
    11: (_P3, (0.314, 0.351)),
    12: (_P3, D65),
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), D65),
}
"""Code of H.273 -> the chromaticities of red, green and blue, and of white."""

SRGB = 13
"""The transfer code of sRGB."""

SRGB_LIKE = frozenset({1, 2, 6, 7, 11, 12, SRGB, 14, 15})
"""Transfers of SD, HD and sRGB. Viewers and players show all of them by the curve of sRGB."""

GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
"""Transfers that are a power, and its exponent."""

PQ, HLG = 16, 18
WHITE, PEAK = 203, {PQ: 10_000, HLG: 1_000}
"""Candela per square meter of light 1, and of the highest level."""

_SHOWN = 1_000
"""Candela per square meter that become the brightest level of the standard range; brighter light is clipped."""

_KNEE = 0.7
"""Light up to which the standard range shows HDR unchanged; brighter light is compressed."""

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def light(level: Doubles, transfer: int) -> Doubles:
    """The light of levels in 0..1.

    >>> light(np.array([0.0, 1.0]), SRGB).tolist(), round(float(light(np.array([1.0]), PQ)[0]) * WHITE)
    ([0.0, 1.0], 10000)
    """
    if transfer == PQ:  # SMPTE ST 2084
        root = level ** (1 / 78.84375)
        part = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return 10_000 / WHITE * part ** (1 / 0.1593017578125)
    if transfer == HLG:  # ITU-R BT.2100, on a screen of 1000 cd/m2
        scene = np.where(level <= 0.5, level**2 / 3, (np.exp((level - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        return 1_000 / WHITE * scene**1.2
    if transfer in GAMMAS:
        return level ** GAMMAS[transfer]
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def levels(light: Doubles, transfer: int) -> Doubles:
    """The levels, in 0..1, of light: the inverse of the function light."""
    if transfer == PQ:
        power = (light * WHITE / 10_000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    if transfer == HLG:
        scene = (light * WHITE / 1_000) ** (1 / 1.2)
        high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)
    if transfer in GAMMAS:
        return light ** (1 / GAMMAS[transfer])
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def compressed(light: Doubles, transfer: int) -> Doubles:
    """Light of an HDR transfer in the standard range, 0..1.

    It stays as it is up to the knee and then grows ever flatter, so that the transfer's peak, or 1000 cd/m2 where that
    is less, becomes 1.
    """
    above = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    top = (min(PEAK[transfer], _SHOWN) / WHITE - _KNEE) / (1 - _KNEE)
    shoulder = above * (1 + above / top**2) / (1 + above)
    return np.where(light <= _KNEE, light, _KNEE + (1 - _KNEE) * np.minimum(shoulder, 1))


def xyz(point: Point) -> Doubles:
    """XYZ of a chromaticity, with Y = 1.

    >>> xyz((0.25, 0.5)).tolist()
    [0.5, 1.0, 0.5]
    """
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])


def adaptation(white: Point, under: Doubles) -> Doubles:
    """Bradford's matrix from XYZ of colors under one white to XYZ under another. under: XYZ of that other white."""
    ratio = (_BRADFORD @ under) / (_BRADFORD @ xyz(white))
    adapted: Doubles = np.linalg.inv(_BRADFORD) @ np.diag(ratio) @ _BRADFORD
    return adapted


def to_xyz(corners: Corners, white: Point, *, under: Doubles) -> Doubles:
    """The matrix from the light of red, green and blue to XYZ under another white. under: XYZ of that other white.

    Raises ValueError where three such colors cannot be mixed to that white.
    """
    try:
        columns = np.array([xyz(point) for point in corners]).T
        shares = np.linalg.solve(columns, xyz(white))
        matrix: Doubles = adaptation(white, under) @ (columns * shares)
    except (ZeroDivisionError, np.linalg.LinAlgError):
        raise ValueError(f"no white {white} can be mixed of {corners}") from None
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-6 or shares.min() <= 0:
        raise ValueError(f"no white {white} can be mixed of {corners}")
    return matrix
