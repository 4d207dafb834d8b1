"""The people's own colors, brought to the light of what is behind them: color match, and light that wraps their edge.

behind   (H, W, 3) RGB, or (H, W, 4) RGBA whose colors are multiplied by its alpha
mask     float32 (H, W)       share of each pixel that is person, 0..1
colors   float32 (h, w, 3)    of a tile, in the photo's levels, as compose.Finish takes and gives them
"""

from __future__ import annotations

import cv2
import numpy as np

from standout.effects.compose import Finish
from standout.effects.foreground import three
from standout.effects.framing import SOFTEST
from standout.masks.people import shrink
from standout.masks.tiles import Tile, cell_for, cells, enlarge, levels
from standout.types import Doubles, Floats, Image, Mask, Picture

SIDE = 256
"""Longest side, in pixels, of the pictures of which mean and spread are taken."""

LIGHTER, TINTED, SPREAD = 12.0, 6.0, 1.25
"""The most that a match moves lightness (of 100) and color (a and b together), and stretches or narrows their spread.

A difference of 6 is seen at once, but leaves skin the color of skin, even before a meadow."""


def match(image: Image, mask: Mask, behind: Picture, strength: float) -> list[Finish]:
    """What brings the people's mean color and its spread towards those of what is seen behind them.

    "Color Transfer between Images" (Reinhard, Ashikhmin, Gooch and Shirley, IEEE CG&A 21, 2001), in CIE Lab, and
    bounded: see LIGHTER. The numbers are read as those of sRGB: people and background are in one space anyway. No
    step at all where there are no people, or nothing is seen behind them.
    """
    share = shrink(mask, SIDE)
    people, ground = _lab(shrink(image, SIDE), levels(image)), shrink(behind, SIDE)
    seen = 1 - share
    if ground.shape[2] == 4:
        alpha = ground[..., 3].astype(np.float32) / np.float32(levels(behind))
        seen = seen * alpha
        ground = ground[..., :3] / np.maximum(alpha, np.float32(1e-3))[..., None]
    # soft edges hold some of both
    weights = share**4, seen**4
    if min(float(weight.sum()) for weight in weights) < 1e-3 * share.size:
        return []
    mean, spread = _mean_and_spread(people, weights[0])
    wanted, wanted_spread = _mean_and_spread(_lab(ground, levels(image)), weights[1])
    shift = wanted - mean
    shift[0] = np.clip(shift[0], -LIGHTER, LIGHTER)
    shift[1:] *= min(1.0, TINTED / max(float(np.hypot(*shift[1:])), 1e-6))
    stretch = np.clip(wanted_spread / np.maximum(spread, 1e-3), 1 / SPREAD, SPREAD)
    gain = ((stretch - 1) * strength).astype(np.float32)
    offset = (shift * strength - mean * gain).astype(np.float32)
    white = np.float32(levels(image))

    def matched(colors: Floats, tile: Tile) -> Floats:
        lab: Floats = np.asarray(cv2.cvtColor(colors * (1 / white), cv2.COLOR_RGB2Lab), np.float32)
        # OpenCV's way there and back is off by a level; of the difference between two ways back it is not
        change = -np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), np.float32)
        lab += lab * gain + offset
        change += np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), np.float32)
        change *= white
        colors += change
        return np.clip(colors, 0, white, out=colors)

    return [matched]


def wrap(mask: Mask, behind: Picture, strength: float, reach: float) -> Finish:
    """What lets light from behind spill over the people's edge, inward over about so many pixels.

    It only lightens, and nothing becomes lighter than what is behind there; a dark background changes nothing.
    """
    height, width = mask.shape
    cell = cell_for(reach, SOFTEST)
    sigma = max(reach / cell, 0.1)
    # two ways of blurring: what is behind is looked at from further away, so that none of its lines are seen
    ground = cv2.GaussianBlur(cells(behind, cell)[..., :3].astype(np.float32), (0, 0), 2 * sigma)
    rim = cv2.GaussianBlur(1 - cells(mask, cell), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    share_of_light: Floats = np.clip(np.asarray(rim, np.float32) * np.float32(1.2 * strength), 0, 1)
    size = share_of_light.shape[0] * cell, share_of_light.shape[1] * cell
    assert size[0] >= height and size[1] >= width, "whole cells cover the picture"

    def wrapped(colors: Floats, tile: Tile) -> Floats:
        share = enlarge(share_of_light, tile, *size)
        if share.max() < 1e-3:
            return colors
        light = enlarge(np.asarray(ground, np.float32), tile, *size)
        light -= colors
        np.maximum(light, 0, out=light)
        light *= three(share)
        colors += light
        return colors

    return wrapped


def _lab(picture: Image | Floats, white: float) -> Floats:
    """The colors in CIE Lab, float32 (h, w, 3)."""
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / np.float32(white), cv2.COLOR_RGB2Lab), np.float32)


def _mean_and_spread(colors: Floats, weight: Floats) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation of each channel."""
    flat, share = colors.reshape(-1, 3).astype(np.float64), weight.reshape(-1).astype(np.float64)
    mean = np.average(flat, axis=0, weights=share)
    return mean, np.sqrt(np.average((flat - mean) ** 2, axis=0, weights=share))
