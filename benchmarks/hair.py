"""Portraits of 12 megapixels whose hair is drawn strand by strand, so that the true alpha of each strand is known.

image   uint8    (HEIGHT, WIDTH, 3)  RGB
alpha   float32  (HEIGHT, WIDTH)     share of each pixel that is person, 0..1
plane   float32  (H, W, 4)           RGB in 0..255 times alpha, then alpha: a layer of the picture

The person is the astronaut of examples/ (public domain), cut out and enlarged; strands are drawn behind and before the
head, each with its own width, shade and curl, at FINE times the size, and averaged. Then come a lens that is not quite
sharp, the noise of a sensor and JPEG. The portraits are the same in every run.

To add a head of hair: a row of HEADS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import clips
import cv2
import numpy as np
from numpy.typing import NDArray

import standout
from standout.types import Bytes, Floats, Mask

HEIGHT, WIDTH = 4000, 3000
SCALE = 9.4
"""Pixels of the portrait to a pixel of the astronaut's photo."""
LEFT, TOP = -450.0, 520.0
"""Where in the portrait the astronaut's photo begins."""
MIDDLE, RADII = (229.0, 88.0), (68.0, 64.0)
"""The ellipse in the astronaut's photo on which hair grows: (x, y) of its middle, and its half axes."""
FACE = ((226.0, 128.0), (40.0, 50.0))
"""The ellipse of the face, which strands before the head leave free."""
FINE = 3
"""Strands are drawn at so many times the size: their coverage is exact to about a ninth of a pixel."""
SHADES, POINTS = 6, 28
BLUR, NOISE, QUALITY = 0.8, 2.5, 93
"""The lens's blur in pixels (standard deviation), the sensor's noise of 255, and the JPEG quality."""


@dataclass(frozen=True)
class Hair:
    """How a head of hair looks. Lengths are shares of the head's radius.

    curl: how far a strand swings to either side, and how often. stand: 0 where strands lie along the head, combed to
    both sides, 1 where they stand out from it. fall: how strongly they hang. fly: the share of strands that leave the
    others and are twice as long.
    """

    color: tuple[float, float, float]
    background: Callable[[], Floats]
    count: int = 8000
    length: float = 0.35
    curl: tuple[float, float] = (0.02, 2.0)
    stand: float = 0.4
    fall: float = 0.5
    fly: float = 0.05


def portrait(name: str) -> tuple[Bytes, Mask]:
    """The portrait with that head of hair, and its true alpha."""
    hair, rng = HEADS[name], np.random.default_rng(sum(name.encode()))
    matrix = np.array([[SCALE, 0, LEFT], [0, SCALE, TOP]])
    person = np.asarray(cv2.warpAffine(clips.cutout(), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC), np.float32)
    # Enlarging leaves a wide soft outline, which a photo in focus does not have: it is made six times as steep.
    steep = np.clip((person[..., 3:] - 0.5) * 6 + 0.5, 0, 1)
    colors = np.asarray(person[..., :3] / np.maximum(person[..., 3:], 0.02), np.float32)
    person = np.dstack([_dyed(colors, hair) * steep, steep])
    layer = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    _grow(layer, hair, rng, before=False)
    layer *= 1 - person[..., 3:]
    layer += person
    _grow(layer, hair, rng, before=True)
    layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), BLUR), np.float32)
    alpha = np.clip(layer[..., 3], 0, 1)
    light = hair.background() * (1 - alpha[..., None])
    light += layer[..., :3]
    light += rng.normal(0, NOISE, (HEIGHT, WIDTH, 1)).astype(np.float32)
    image = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8), alpha


def _dyed(colors: Floats, hair: Hair) -> Floats:
    """The astronaut's colors (HEIGHT, WIDTH, 3) with the hair in its new color, as light and dark as it was."""
    where = 1 - _ellipse(MIDDLE, (RADII[0] + 12, RADII[1] + 12)) - (1 - _ellipse(*FACE))
    light = colors.mean(2, keepdims=True) / np.float32(110)
    colors += np.maximum(where, 0)[..., None] * (light * np.array(hair.color, np.float32) - colors)
    return colors


def _grow(layer: Floats, hair: Hair, rng: np.random.Generator, *, before: bool) -> None:
    """Draws half of the strands over the layer (HEIGHT, WIDTH, 4), in place, a shade after the other."""
    strands, widths = _strands(hair, rng, before=before)
    low = np.maximum(np.floor(strands.min((0, 1))).astype(int) - 4, 0)
    high = np.minimum(np.ceil(strands.max((0, 1))).astype(int) + 4, (WIDTH, HEIGHT))
    there = layer[low[1] : high[1], low[0] : high[0]]
    free = _ellipse(*FACE)[low[1] : high[1], low[0] : high[0]] if before else 1.0
    for shade in range(SHADES):
        fine = np.zeros((there.shape[0] * FINE, there.shape[1] * FINE), np.uint8)
        for strand, width in zip(strands[shade::SHADES], widths[shade::SHADES], strict=True):
            _draw(fine, (strand - low) * FINE, width * FINE)
        cover = cv2.resize(fine, there.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255 * free
        color = np.array([*hair.color, 0]) * (0.6 + 0.9 * rng.random()) + (0, 0, 0, 1)
        there *= 1 - cover[..., None]
        there += cover[..., None] * np.minimum(color, 255).astype(np.float32)


def _draw(fine: Bytes, strand: NDArray[np.float64], width: float) -> None:
    """Draws a strand (points, x and y) into fine; it is thinner from its middle to its tip."""
    points, middle = np.rint(strand * 16).astype(np.int32), len(strand) // 2
    cv2.polylines(fine, [points[: middle + 1]], False, 255, max(1, round(width)), cv2.LINE_8, 4)
    cv2.polylines(fine, [points[middle:]], False, 255, max(1, round(width * 0.55)), cv2.LINE_8, 4)


def _strands(hair: Hair, rng: np.random.Generator, *, before: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The strands (n, POINTS, 2), in the portrait's pixels, and their widths: from roots on the ellipse outward."""
    count = hair.count // 2
    # 0 is to the right, -pi / 2 up; strands before the head do not grow out of the cheeks
    angle = rng.uniform(-1.06 * np.pi, 0.06 * np.pi, count) if before else rng.uniform(-1.25, 0.25, count) * np.pi
    middle, radii = (np.array(pair) * SCALE for pair in (MIDDLE, RADII))
    outward = np.stack([np.cos(angle), np.sin(angle)], 1)
    root = middle + (LEFT, TOP) + outward * radii * rng.uniform(0.5 if before else 0.7, 1.0, (count, 1)) ** 0.5
    length = hair.length * radii.mean() * rng.gamma(4.0, 0.25, count) * np.where(rng.random(count) < hair.fly, 2, 1)
    along = np.linspace(0, 1, POINTS)[None, :, None]
    combed = np.stack([-outward[:, 1], outward[:, 0]], 1) * np.sign(outward[:, :1])
    lean = hair.stand * outward + (1 - hair.stand) * combed + rng.normal(0, 0.2, (count, 2))
    hang = np.array([0, hair.fall]) * (1 - np.abs(outward[:, 1:]))
    line = root[:, None] + length[:, None, None] * (lean[:, None] * along + 1.5 * hang[:, None] * along**2)
    side = np.stack([-lean[:, 1], lean[:, 0]], 1) / np.linalg.norm(lean, axis=1, keepdims=True)
    swing, times = hair.curl
    phase, speed = rng.uniform(0, 2 * np.pi, (count, 1, 1)), times * rng.uniform(0.6, 1.4, (count, 1, 1))
    curls = np.sin(2 * np.pi * speed * along + phase) - np.sin(phase)
    line += swing * radii.mean() * rng.uniform(0.4, 1.6, (count, 1, 1)) * curls * along**0.5 * side[:, None]
    return line, rng.gamma(3.0, 0.55, count)


def _ellipse(middle: tuple[float, float], radii: tuple[float, float]) -> Mask:
    """0 in an ellipse of the astronaut's photo, 1 outside, with a soft edge, at the portrait's size."""
    at = round(middle[0] * SCALE + LEFT), round(middle[1] * SCALE + TOP)
    free = np.ones((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(free, at, (round(radii[0] * SCALE), round(radii[1] * SCALE)), 0, 0, 360, 0.0, -1)
    return np.asarray(cv2.blur(free, (41, 41)), np.float32)


def landscape(blur: float) -> Floats:
    """The landscape of examples/, out of focus by that many pixels."""
    image = standout.read(clips.EXAMPLES / "background.jpg").image
    tall = image[:, (image.shape[1] - image.shape[0] * WIDTH // HEIGHT) // 2 :][:, : image.shape[0] * WIDTH // HEIGHT]
    large = cv2.resize(tall, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), blur), np.float32)


def wall(color: tuple[float, float, float]) -> Floats:
    """A wall of one color, which is darker to the right and below."""
    across = np.linspace(1.1, 0.8, WIDTH, dtype=np.float32)[None, :] * np.linspace(1, 0.85, HEIGHT)[:, None]
    return np.asarray(across[..., None] * np.array(color), np.float32)


def blots(seed: int, size: int) -> Floats:
    """Blots of all colors, `size` pixels wide and wider: the busiest background."""
    rng = np.random.default_rng(seed)
    light = np.full((HEIGHT, WIDTH, 3), 120, np.float32)
    for cell, strength in ((size, 25), (5 * size, 30), (20 * size, 35)):
        small = rng.normal(0, strength, (HEIGHT // cell + 2, WIDTH // cell + 2, 1)).astype(np.float32)
        small = small + 0.4 * rng.normal(0, strength, (*small.shape[:2], 3)).astype(np.float32)
        light += cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(light, 0, 255)


HEADS = {
    "black, frizzy": Hair((44, 36, 33), lambda: wall((196, 190, 178)), length=0.18, curl=(0.04, 4), stand=0.7, fly=0.1),
    "blond, long": Hair((170, 138, 92), lambda: landscape(40), length=0.4, stand=0.2, fall=1.0),
    "brown, curly": Hair((96, 66, 46), lambda: landscape(6), length=0.3, curl=(0.06, 2.5), stand=0.5),
    "red, flying": Hair((140, 74, 44), lambda: wall((90, 120, 140)), length=0.25, stand=0.4, fly=0.2),
    "gray, short": Hair((140, 137, 132), lambda: wall((60, 66, 72)), length=0.14, curl=(0.02, 2), fly=0.1),
    "brown, before blots": Hair((80, 56, 42), lambda: blots(3, 30), length=0.25, curl=(0.03, 2)),
}
