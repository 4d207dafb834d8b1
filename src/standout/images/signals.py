"""What a file without an ICC profile says its numbers mean -> a profile, so that nothing later has to know of it.

    primaries, transfer   codes of ITU-T H.273, as HEIC and AVIF (nclx) and PNG (cICP) tell them; 2 = not said
    gamma, chromaticity   PNG's gAMA and cHRM: level = light ** gamma; white, red, green, blue, x and y of each
    color space           EXIF: 1 sRGB, 65535 another one

HDR (PQ, HLG) has no place in 8 bits and in profiles that every program knows, so it is brought into the standard range.

To add a transfer: a case in _gamma; primaries: a row in _PRIMARIES.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout.images import exif, profiles
from standout.images.profiles import D65, SRGB_PRIMARIES, Point, Unusable
from standout.types import Image

Primaries = tuple[tuple[Point, Point, Point], Point]

_C: Point = (0.310, 0.316)
_SMPTE = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_PRIMARIES: dict[int, Primaries] = {
    1: (SRGB_PRIMARIES, D65),
    2: (SRGB_PRIMARIES, D65),
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), _C),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    6: (_SMPTE, D65),
    7: (_SMPTE, D65),
    9: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), D65),
    11: (_P3, (0.314, 0.351)),
    12: (_P3, D65),
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), D65),
}
_ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
_ADOBE_GAMMA = 563 / 256

_SRGB_LIKE = frozenset({1, 2, 6, 7, 11, 12, 13, 14, 15})
"""Transfers of SD, HD and sRGB: viewers show pictures of all of them by the curve of sRGB."""

_HDR = {16: "PQ", 18: "HLG"}

WHITE = 203
"""Light of a white page in HDR, in candela per square meter (ITU-R BT.2408)."""

PEAK = 1000
"""Light, in the same unit, that becomes the brightest level of the standard range; what is brighter is clipped."""

_KNEE = 0.7
"""Light up to which the standard range shows HDR as it is, white = 1; above, it is compressed."""


def understood(
    image: Image, info: Mapping[Any, Any], block: bytes | None, notes: list[str]
) -> tuple[Image, bytes | None]:
    """The image and its profile, by what Pillow or our own readers left in info, or else the EXIF block tells.

    HDR comes back in the standard range. The profile is None for sRGB, and where nothing is said.
    """
    nclx = info.get("nclx_profile") or {}
    codes = info.get("cicp") or (nclx.get("color_primaries", 2), nclx.get("transfer_characteristics", 2))
    if tuple(codes) != (2, 2):
        return _by_codes(image, int(codes[0]), int(codes[1]), notes)
    gamma, chromaticity = info.get("gamma"), info.get("chromaticity")
    if "srgb" not in info and (gamma or chromaticity):
        return image, _by_gamma(gamma, chromaticity, notes)
    return image, _by_exif(block, notes) if block else None


def _by_codes(image: Image, primaries: int, transfer: int, notes: list[str]) -> tuple[Image, bytes | None]:
    """The image and its profile by codes of H.273."""
    try:
        corners, white = _PRIMARIES[primaries]
        if transfer in _HDR:
            notes.append(f"is HDR ({_HDR[transfer]}); its highlights were compressed to the standard range")
            return np.take(_standard(transfer, np.iinfo(image.dtype).max), image), profiles.built(corners, white, None)
        return image, profiles.built(corners, white, _gamma(transfer))
    except (KeyError, Unusable):
        notes.append(f"tells its colors by codes that are not known ({primaries}, {transfer}); they were read as sRGB")
        return image, None


def _gamma(transfer: int) -> float | None:
    """The power of a transfer, None for sRGB's curve. Raises KeyError for one that is unknown."""
    return None if transfer in _SRGB_LIKE else {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}[transfer]


def _standard(transfer: int, most: int) -> NDArray[Any]:
    """Levels of sRGB's curve by the level of an HDR curve."""
    level = np.linspace(0, 1, most + 1)
    if transfer == 16:  # SMPTE ST 2084
        root = level ** (1 / 78.84375)
        light = 10000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    else:  # ITU-R BT.2100, for a screen of 1000 cd/m2
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(level <= 0.5, level**2 / 3, (np.exp((level - c) / a) + b) / 12)
        light = 1000 * scene**1.2
    shown = _compressed(light / WHITE)
    curve = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    levels: NDArray[Any] = np.rint(np.clip(curve, 0, 1) * most).astype(np.uint8 if most == 255 else np.uint16)
    return levels


def _compressed(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light of HDR, white = 1, in 0..1: as it is up to the knee, then ever flatter, so that the peak becomes 1."""
    above = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    top = (PEAK / WHITE - _KNEE) / (1 - _KNEE)
    shoulder = above * (1 + above / top**2) / (1 + above)
    return np.where(light <= _KNEE, light, _KNEE + (1 - _KNEE) * np.minimum(shoulder, 1))


def _by_gamma(gamma: float | None, chromaticity: tuple[float, ...] | None, notes: list[str]) -> bytes | None:
    """The profile by PNG's gAMA and cHRM."""
    points = list(zip(chromaticity[::2], chromaticity[1::2], strict=True)) if chromaticity else []
    white, *corners = points or (D65, *SRGB_PRIMARIES)
    power = None if not gamma or (abs(gamma * 2.2 - 1) < 0.01 and not _is_wide(corners)) else 1 / gamma
    try:
        return profiles.built((corners[0], corners[1], corners[2]), white, power)
    except Unusable:
        notes.append("tells its colors by chromaticities that cannot be; they were read as sRGB")
        return None


def _is_wide(corners: list[Point]) -> bool:
    """Whether these are other primaries than sRGB's, so that a gamma of 2.2 is meant as such."""
    return not np.allclose(corners, SRGB_PRIMARIES, atol=0.002)


def _by_exif(block: bytes, notes: list[str]) -> bytes | None:
    """The profile by EXIF: cameras that follow DCF name Adobe RGB so, without a profile."""
    code, index = exif.color_space(block)
    if code == 2 or (code == exif.UNCALIBRATED and index == b"R03"):
        return profiles.built(_ADOBE, D65, _ADOBE_GAMMA)
    if code == exif.UNCALIBRATED:
        notes.append("says in its EXIF that its colors are not sRGB, but not what they are; they were read as sRGB")
    return None
