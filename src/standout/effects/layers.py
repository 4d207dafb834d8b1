"""What a dress is made of: colors laid over what is behind the people, and changes of the people's own colors in turn.

behind   (H, W, 3) RGB, or (H, W, 4) RGBA whose colors are multiplied by its alpha; changed in place
cover    float32 (h, w)   0..1, in bands of the picture
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from standout.effects.compose import Finish
from standout.effects.rounding import dithered
from standout.masks.tiles import Tile, levels
from standout.types import Floats, Picture

STEP = 8
"""Rows of a band that are mixed at once: few enough for the processor's cache."""


def in_turn(steps: Sequence[Finish]) -> Finish | None:
    """All the steps as one, each after the other; None where there is none."""
    if not steps:
        return None

    def finish(colors: Floats, tile: Tile) -> Floats:
        for step in steps:
            colors = step(colors, tile)
        return colors

    return finish


def lay(behind: Picture, covers: Iterable[tuple[Tile, Floats]], rgb: tuple[float, float, float]) -> None:
    """Lays a color, 0..255 as the photo's own profile counts, over a picture in place.

    Over RGBA the cover adds to the alpha. Soft covers are dithered, so that no bands show.
    """
    white = levels(behind)
    color = np.array([level * white / 255 for level in rgb] + [white] * (behind.shape[2] - 3), np.float32)
    for (rows, columns), cover in covers:
        used = np.flatnonzero(cv2.reduce(cover, 0, cv2.REDUCE_MAX))
        if not used.size:
            continue
        first, last = int(used[0]), int(used[-1]) + 1
        for top in range(0, len(cover), STEP):
            share = cover[top : top + STEP, first:last]
            begun = rows.start + top
            tile = slice(begun, begun + len(share)), slice(columns.start + first, columns.start + last)
            mixed: Floats = behind[tile].astype(np.float32)
            more = color - mixed
            more *= cv2.merge([share] * len(color))
            mixed += more
            behind[tile] = dithered(mixed, tile, behind.dtype)
