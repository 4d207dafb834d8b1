"""What a file without an ICC profile says about its colors -> a profile, so that only profiles matter afterwards.

    primaries, transfer   codes of ITU-T H.273, as HEIC and AVIF (nclx) and PNG (cICP) state them; 2 = unspecified
    gamma, chromaticity   PNG's gAMA and cHRM: level = light ** gamma; x and y of white, red, green and blue
    color space           EXIF: 1 is sRGB, 65535 is any other one

HDR (PQ, HLG) fits neither into 8 bits nor into profiles that every program knows, so it is compressed to the standard
range.

To add a transfer curve or primaries: see support/colorimetry.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout.images import exif, profiles
from standout.images.profiles import Unusable
from standout.support import colorimetry
from standout.support.colorimetry import D65, SRGB_PRIMARIES, Point
from standout.types import Image

_ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
_ADOBE_GAMMA = 563 / 256
"""Adobe RGB (1998): red, green and blue, and the power of its curve."""

_HDR = {colorimetry.PQ: "PQ", colorimetry.HLG: "HLG"}


def understood(
    image: Image, info: Mapping[Any, Any], block: bytes | None, notes: list[str]
) -> tuple[Image, bytes | None]:
    """The image, and a profile made of what info holds or, where it holds nothing, of what the EXIF block says.

    info: of the opened picture, filled by Pillow and metadata.add_colors. HDR is compressed to the standard range. The
    profile is None for sRGB, and where nothing is stated. notes: gets what could not be kept.
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
    """The image and its profile, by codes of H.273."""
    try:
        corners, white = colorimetry.PRIMARIES[primaries]
        if transfer in _HDR:
            notes.append(f"is HDR ({_HDR[transfer]}); its highlights were compressed to the standard range")
            return np.take(_standard(transfer, np.iinfo(image.dtype).max), image), profiles.built(corners, white, None)
        return image, profiles.built(corners, white, _gamma(transfer))
    except (KeyError, Unusable):
        notes.append(f"states its colors by codes that are not known ({primaries}, {transfer}); they were read as sRGB")
        return image, None


def _gamma(transfer: int) -> float | None:
    """The power of a transfer curve; None for the curve of sRGB. Raises KeyError for an unknown code."""
    return None if transfer in colorimetry.SRGB_LIKE else colorimetry.GAMMAS[transfer]


def _standard(transfer: int, most: int) -> NDArray[Any]:
    """A table: the level on sRGB's curve for each level, 0 to most, on an HDR curve."""
    light = colorimetry.light(np.linspace(0, 1, most + 1), transfer)
    curve = colorimetry.levels(colorimetry.compressed(light, transfer), colorimetry.SRGB)
    levels: NDArray[Any] = np.rint(np.clip(curve, 0, 1) * most).astype(np.uint8 if most == 255 else np.uint16)
    return levels


def _by_gamma(gamma: float | None, chromaticity: tuple[float, ...] | None, notes: list[str]) -> bytes | None:
    """The profile for the values of PNG's gAMA and cHRM."""
    points = list(zip(chromaticity[::2], chromaticity[1::2], strict=True)) if chromaticity else []
    white, *corners = points or (D65, *SRGB_PRIMARIES)
    power = None if not gamma or (abs(gamma * 2.2 - 1) < 0.01 and not _is_wide(corners)) else 1 / gamma
    try:
        return profiles.built((corners[0], corners[1], corners[2]), white, power)
    except Unusable:
        notes.append("states its colors by chromaticities that are impossible; they were read as sRGB")
        return None


def _is_wide(corners: list[Point]) -> bool:
    """Whether the primaries are not those of sRGB, so that a gamma of 2.2 does not stand for sRGB's curve."""
    return not np.allclose(corners, SRGB_PRIMARIES, atol=0.002)


def _by_exif(block: bytes, notes: list[str]) -> bytes | None:
    """The profile for what EXIF says: cameras that follow DCF mark Adobe RGB there, without a profile."""
    code, index = exif.color_space(block)
    if code == 2 or (code == exif.UNCALIBRATED and index == b"R03"):
        return profiles.built(_ADOBE, D65, _ADOBE_GAMMA)
    if code == exif.UNCALIBRATED:
        notes.append("says in its EXIF that its colors are not sRGB, but not what they are; they were read as sRGB")
    return None
