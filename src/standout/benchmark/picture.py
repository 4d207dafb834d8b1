"""A portrait drawn by code, for timing: the package holds no photo.

image   uint8 (H, W, 3)   RGB: head and shoulders before soft colours, with a sensor's noise all over
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SKETCH = 640
"""Longer side, in pixels, at which shapes are drawn before they are enlarged."""

NOISE = 4.0
"""Standard deviation of the noise, in levels of 255: without it, encoders would be too fast."""


def drawn(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """The portrait at this size; the bundled model finds the person, so that all work on edges is done.

    >>> drawn(40, 30).shape
    (40, 30, 3)
    """
    rng = np.random.default_rng(seed)
    scale = SKETCH / max(height, width)
    sketch = _sketch(max(8, round(height * scale)), max(8, round(width * scale)), rng)
    large = cv2.resize(sketch, (width, height), interpolation=cv2.INTER_LINEAR)
    # one patch of noise over and over: an encoder cannot tell, and large pictures are drawn in a fraction of the time
    patch = rng.normal(0, NOISE, (min(height, 256), min(width, 256), 3)).astype(np.float32)
    noise = np.tile(patch, (-(-height // patch.shape[0]), -(-width // patch.shape[1]), 1))[:height, :width]
    return np.asarray(np.clip(large + noise, 0, 255), np.uint8)


def _sketch(height: int, width: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    soft = rng.integers(60, 190, (5, 4, 3), np.uint8)
    picture = np.ascontiguousarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC))
    unit, middle = min(height, width), width // 2
    head, top = (int(0.15 * unit), int(0.2 * unit)), int(height * 0.40)

    def oval(at: tuple[float, float], radii: tuple[float, float], *, colour: tuple[int, int, int]) -> None:
        centre = (middle + int(at[0] * unit), top + int(at[1] * unit))
        axes = (max(1, int(radii[0] * unit)), max(1, int(radii[1] * unit)))
        cv2.ellipse(picture, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)

    hair, skin, shade, cloth = (52, 36, 28), (224, 178, 150), (198, 150, 124), (38, 56, 96)
    oval((0, -0.05), (0.18, 0.22), colour=hair)
    bottom = top + int(0.62 * unit)
    cv2.ellipse(picture, (middle, bottom), (int(0.42 * unit), int(0.3 * unit)), 0, 180, 360, cloth, -1, cv2.LINE_AA)
    picture[bottom:, max(0, middle - int(0.42 * unit)) : middle + int(0.42 * unit)] = cloth
    oval((0, 0.24), (0.075, 0.15), colour=shade)
    cv2.ellipse(picture, (middle, top), head, 0, 0, 360, skin, -1, cv2.LINE_AA)
    oval((0, -0.15), (0.14, 0.07), colour=hair)
    for side in (-1, 1):
        oval((side * 0.058, -0.02), (0.026, 0.013), colour=(250, 250, 250))
        oval((side * 0.058, -0.02), (0.011, 0.012), colour=(40, 30, 25))
        oval((side * 0.058, -0.055), (0.034, 0.007), colour=hair)
    oval((0, 0.035), (0.016, 0.036), colour=shade)
    oval((0, 0.105), (0.048, 0.013), colour=(176, 84, 84))
    return np.asarray(picture, np.uint8)
