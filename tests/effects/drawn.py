"""A figure from head to foot, drawn by code, for effects that look at where people stand."""

import cv2
import numpy as np


def figure(height: int = 400, width: int = 300, *, down: float = 0.9, scale: float = 0.7) -> np.ndarray:
    """The mask of a person who stands with feet apart. down: the soles' row; scale: their height; both of height."""
    mask = np.zeros((height, width), np.float32)
    tall, middle, floor = scale * height, width / 2, down * height

    def part(x: float, y: float, wide: float, high: float) -> None:
        center = (round(middle + x * tall), round(floor - y * tall))
        cv2.ellipse(mask, center, (round(wide * tall), round(high * tall)), 0, 0, 360, 1.0, -1)

    part(0, 0.92, 0.055, 0.08)
    part(0, 0.68, 0.13, 0.19)
    for side in (-1, 1):
        part(side * 0.07, 0.27, 0.045, 0.27)
        part(side * 0.085, 0.02, 0.06, 0.02)
    return cv2.GaussianBlur(mask, (0, 0), 1.0)
