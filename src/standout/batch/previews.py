"""A photo and its result side by side, small, for pages that people look through.

before, after   Photo                   as images.read gives them
preview         uint8 (side, W, 3)      RGB
"""

from __future__ import annotations

import cv2
import numpy as np

from standout.support.draw import boxed
from standout.types import Bytes, Photo

SQUARE = 10
"""Pixels of a square of the pattern that shows through where a result is transparent."""


def side_by_side(before: Photo, after: Photo, *, side: int) -> Bytes:
    """Both pictures, each in a square with that side in pixels."""
    return np.hstack([_flat(before, side), np.full((side, 4, 3), 255, np.uint8), _flat(after, side)])


def _flat(photo: Photo, side: int) -> Bytes:
    """The photo in a square, 8-bit, before a pattern of squares where it is transparent."""
    wide = photo.image.dtype == np.uint16
    image = (photo.image >> 8).astype(np.uint8) if wide else np.asarray(photo.image, np.uint8)
    small = boxed(image, side, level=255)
    if photo.alpha is None:
        return small
    levels = np.repeat((photo.alpha * 255).astype(np.uint8)[..., None], 3, 2)
    alpha = boxed(levels, side, level=255).astype(np.float32) / 255
    rows, columns = np.indices((side, side)) // SQUARE
    pattern = np.where((rows + columns) % 2, 235, 205)[..., None]
    return cv2.convertScaleAbs(alpha * small + (1 - alpha) * pattern).astype(np.uint8)
