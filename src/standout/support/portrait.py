"""A portrait drawn by code, for timing models and for comparing exports: the package holds no photo.

image   uint8 (H, W, 3)   RGB: head and shoulders before muted colors, lit from one side, with a sensor's noise all over
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SKETCH = 640
"""Longer side, in pixels, at which the shapes are drawn before they are enlarged."""

NOISE = 4.0
"""Standard deviation of the noise, in levels of 255. Without it, encoders of pictures would be too fast."""

MUTED = 0.8
"""How far the colors behind are drawn toward gray."""

Color = tuple[int, int, int]
"""RGB, 0..255."""


def portrait(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """The portrait at this size, uint8 (H, W, 3).

    The bundled models find the person, so that all the work on edges is done. seed: another one draws another
    background, other clothes, other noise, and the person a little to the left or right.

    >>> portrait(40, 30).shape
    (40, 30, 3)
    """
    rng = np.random.default_rng(seed)
    scale = SKETCH / max(height, width)
    sketch = _sketch(max(8, round(height * scale)), max(8, round(width * scale)), rng)
    large = cv2.resize(sketch, (width, height), interpolation=cv2.INTER_LINEAR)
    # One patch of noise is repeated: an encoder cannot tell, and large pictures are drawn in a fraction of the time.
    patch = rng.normal(0, NOISE, (min(height, 256), min(width, 256), 3)).astype(np.float32)
    noise = np.tile(patch, (-(-height // patch.shape[0]), -(-width // patch.shape[1]), 1))[:height, :width]
    return np.asarray(np.clip(large + noise, 0, 255), np.uint8)


def _sketch(height: int, width: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The portrait without noise, uint8 (height, width, 3)."""
    soft = rng.integers(60, 190, (5, 4, 3)).astype(np.float32)
    soft += MUTED * (soft.mean(2, keepdims=True) - soft)
    behind = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    picture = np.ascontiguousarray(np.clip(behind, 0, 255).astype(np.uint8))
    unit, middle = min(height, width), int(width * rng.uniform(0.44, 0.56))
    head, top = (int(0.15 * unit), int(0.2 * unit)), int(height * 0.40)
    red, green, blue = (int(level) for level in rng.integers(20, 110, 3))

    def oval(at: tuple[float, float], radii: tuple[float, float], *, color: Color) -> None:
        center = (middle + int(at[0] * unit), top + int(at[1] * unit))
        axes = (max(1, int(radii[0] * unit)), max(1, int(radii[1] * unit)))
        cv2.ellipse(picture, center, axes, 0, 0, 360, color, -1, cv2.LINE_AA)

    hair, skin, shade, cloth = (52, 36, 28), (224, 178, 150), (198, 150, 124), (red, green, blue)
    oval((0, -0.05), (0.18, 0.22), color=hair)
    bottom = top + int(0.62 * unit)
    cv2.ellipse(picture, (middle, bottom), (int(0.42 * unit), int(0.3 * unit)), 0, 180, 360, cloth, -1, cv2.LINE_AA)
    picture[bottom:, max(0, middle - int(0.42 * unit)) : middle + int(0.42 * unit)] = cloth
    oval((0, 0.24), (0.075, 0.15), color=shade)
    cv2.ellipse(picture, (middle, top), head, 0, 0, 360, skin, -1, cv2.LINE_AA)
    oval((0, -0.15), (0.14, 0.07), color=hair)
    for side in (-1, 1):
        oval((side * 0.058, -0.02), (0.026, 0.013), color=(250, 250, 250))
        oval((side * 0.058, -0.02), (0.011, 0.012), color=(40, 30, 25))
        oval((side * 0.058, -0.055), (0.034, 0.007), color=hair)
    oval((0, 0.035), (0.016, 0.036), color=shade)
    oval((0, 0.105), (0.048, 0.013), color=(176, 84, 84))
    return _lit(picture, rng)


def _lit(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture in light from the left, with folds and shadows: a flat drawing looks like no photo to a network."""
    height, width = picture.shape[:2]
    folds = rng.normal(1, 0.1, (height // 24 + 2, width // 24 + 2)).astype(np.float32)
    light = np.linspace(1.12, 0.72, width) * cv2.resize(folds, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(picture * light[..., None], 0, 255), np.uint8)
