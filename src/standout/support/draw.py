"""Pictures that show masks to people: outlines, captions, and sheets of tiles.

image   uint8 (H, W, 3)   RGB
mask    bool  (H, W)
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from standout.types import Bools, Bytes

GREEN, RED = (40, 220, 40), (255, 40, 40)


def outlined(image: Bytes, *, truth: Bools, found: Bools, counts: Bools) -> Bytes:
    """The photo with the label's outline in green and the found mask's in red, dark where pixels do not count."""
    shown = np.ascontiguousarray(image).copy()
    shown[~counts] //= 3
    for plane, color in ((truth & counts, GREEN), (found & counts, RED)):
        lines, _ = cv2.findContours(plane.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, lines, -1, color, max(1, round(max(shown.shape) / 400)))
    return shown


def boxed(image: Bytes, side: int, *, level: int = 90) -> Bytes:
    """The image scaled to fit a square with that side, centered, on gray of that level."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    box = np.full((side, side, 3), level, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    box[top : top + size[1], left : left + size[0]] = small
    return box


CAPTION = 20
"""Height of a caption in pixels."""


def captioned(picture: Bytes, text: str, *, light: bool = False) -> Bytes:
    """The picture with a line of text below it: white on black, or, if light, black on white."""
    paper, ink = (255, 40) if light else (0, 255)
    strip = np.full((CAPTION, picture.shape[1], 3), paper, np.uint8)
    cv2.putText(strip, text[:70], (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (ink, ink, ink), 1, cv2.LINE_AA)
    return np.vstack([picture, strip])


def mosaic(tiles: Sequence[Bytes], *, columns: int) -> Bytes:
    """The tiles, which have one size, in rows; the last row is filled up with black ones."""
    filled = [*tiles, *[np.zeros_like(tiles[0])] * (-len(tiles) % columns)]
    return np.vstack([np.hstack(filled[i : i + columns]) for i in range(0, len(filled), columns)])


def jpeg(image: Bytes, *, quality: int = 88) -> bytes:
    """The RGB picture as the bytes of a JPEG file."""
    turned = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)  # OpenCV would copy image[..., ::-1] thirty times as slowly
    return bytes(cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
