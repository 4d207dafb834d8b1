"""RGB of one kind of clip -> RGB of another that looks the same: what is put behind people must fit their clip.

    Colors    the light that the levels 0..255 of red, green and blue stand for: primaries and transfer curve
    image     uint8 or uint16 (H, W, 3)

The curves of SD, HD and sRGB count as one, as players show all of them alike. HDR that becomes standard range is
compressed above a knee, so that its brightest level becomes white.

To add primaries or a curve: see support/colorimetry.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.support import colorimetry
from standout.support.colorimetry import D65, GAMMAS, PEAK, PRIMARIES, SRGB_LIKE, WHITE
from standout.types import Image
from standout.video.color import Colors

Converter: TypeAlias = Callable[[Image], Image]

SRGB = Colors(primaries=1, transfer=13)
"""The colors of a picture without a profile."""

_STEPS = 1 << 14
"""Entries of the table from light to levels."""


def is_known(colors: Colors) -> bool:
    """Whether both codes, of primaries and transfer curve, have a known meaning."""
    curves = {*SRGB_LIKE, *GAMMAS, *PEAK}
    return colors.primaries in PRIMARIES and colors.transfer in curves


@lru_cache(maxsize=16)
def converter(source: Colors, target: Colors) -> Converter | None:
    """A function that converts images of source into images of target.

    None where both look alike, or where one of them is not known.
    """
    if not (is_known(source) and is_known(target)):
        return None
    turn = np.linalg.inv(_to_xyz(target.primaries)) @ _to_xyz(source.primaries)
    curves = ["sRGB" if colors.transfer in SRGB_LIKE else str(colors.transfer) for colors in (source, target)]
    if curves[0] == curves[1] and np.allclose(turn, np.eye(3), atol=1e-3):
        return None
    peak = PEAK.get(target.transfer, WHITE) / WHITE
    encode = colorimetry.levels(np.linspace(0, 1, _STEPS) ** 2 * peak, target.transfer)

    @lru_cache(maxsize=2)
    def tables(dtype: np.dtype[Any]) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Two tables: light by the source's level, and the target's level by the square root of light."""
        most = np.iinfo(dtype).max
        light = colorimetry.light(np.linspace(0, 1, most + 1), source.transfer)
        if source.transfer in PEAK and target.transfer not in PEAK:
            light = colorimetry.compressed(light, source.transfer)
        return light.astype(np.float32), np.rint(encode * most).astype(dtype)

    def convert(image: Image) -> Image:
        light, levels = tables(image.dtype)
        turned = cv2.transform(np.take(light, image), turn.astype(np.float32))
        place = np.sqrt(np.clip(turned / np.float32(peak), 0, 1)) * np.float32(_STEPS - 1)
        converted: Image = np.take(levels, np.rint(place).astype(np.int32))
        return converted

    return convert


def applied(convert: Converter | None, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The RGB or RGBA picture, converted; alpha stays. Without a converter, the picture itself."""
    if convert is None:
        return picture
    colors = np.asarray(convert(np.ascontiguousarray(picture[..., :3])), np.uint8)
    return np.dstack([colors, picture[..., 3:]])


def _to_xyz(primaries: int) -> NDArray[np.float64]:
    """The matrix (3, 3) from light of these primaries to XYZ, adapted to D65."""
    corners, white = PRIMARIES[primaries]
    return colorimetry.to_xyz(corners, white, under=colorimetry.xyz(D65))
