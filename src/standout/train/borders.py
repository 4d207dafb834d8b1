"""The weight of each pixel in the loss: higher at the outline, 0 where the label says that it does not count.

mask     uint8   (H, W)   255 = person, 0 = background
counts   uint8   (H, W)   255 = counts, 0 = does not
weight   float32 (H, W)   0, 1 or boost
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def weights(mask: NDArray[Any], counts: NDArray[Any], *, width: int, boost: float) -> NDArray[np.float32]:
    """The weights: 1 in general, boost within about width / 2 pixels of the person's outline, 0 where counts is 0.

    >>> row = np.repeat(np.array([[0, 255]], np.uint8), 6, axis=1)
    >>> weights(row, np.full_like(row, 255), width=4, boost=3.0)[0].astype(int).tolist()
    [1, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1, 1]
    """
    person = (mask > 127).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width // 2 * 2 + 1, width // 2 * 2 + 1))
    band = cv2.dilate(person, kernel) != cv2.erode(person, kernel)
    weight: NDArray[np.float32] = np.where(band, np.float32(boost), np.float32(1.0))
    weight[counts < 128] = 0.0
    return weight
