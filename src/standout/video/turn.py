"""How a decoded picture becomes upright: phones store a clip as the sensor sees it, and a matrix beside it.

image   uint8 (H, W, C)   as decoded -> upright
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Turn:
    """The steps that make a picture upright: rows and columns are swapped first, then the picture is mirrored."""

    swaps: bool = False
    left_right: bool = False
    up_down: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Turn:
        """What the frame's display matrix asks for, rounded to the nearest right angle.

        The matrix takes a point (x, y), with y downwards, to (a x + c y, b x + d y).
        """
        side_data: Any = frame.side_data  # PyAV's stub declares a dict, but it iterates over the entries
        found = next((entry for entry in side_data if entry.type.name == "DISPLAYMATRIX"), None)
        if found is None:
            return cls()
        a, b, _, c, d = struct.unpack("=5i", bytes(found)[:20])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image upright, C-contiguous.

        >>> Turn(swaps=True)(np.zeros((480, 640, 3), np.uint8)).shape
        (640, 480, 3)
        """
        turned: NDArray[Any] = cv2.transpose(image) if self.swaps else image
        if self.left_right or self.up_down:
            turned = cv2.flip(turned, -1 if self.left_right and self.up_down else int(self.left_right))
        return np.ascontiguousarray(turned)
