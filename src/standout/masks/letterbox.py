"""Letterboxing: a photo fits the network's rectangle, and a mask the photo again, alike in training and inference.

image   (H, W, C) or (H, W), of a dtype that OpenCV resizes   a photo or a mask
size    (long, short)                                         the network's rectangle, before it is turned
fitted  (h, w, C) or (h, w)                                   the image scaled to fit, centered, the rest filled
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

BAND = 1 << 20
"""Bytes of an image that are averaged at once."""

FILL = 128
"""The level (of 255) around a letterboxed photo."""


@dataclass(frozen=True)
class Where:
    """Where in the network's rectangle a photo lies, and at what size."""

    top: int
    left: int
    inner_height: int
    inner_width: int


def rectangle(height: int, width: int, size: tuple[int, int]) -> tuple[int, int]:
    """The network's (h, w) for a photo: its long side lies along the photo's longer side.

    >>> rectangle(4000, 3000, (320, 256)), rectangle(1080, 1920, (320, 256))
    ((320, 256), (256, 320))
    """
    long, short = max(size), min(size)
    return (long, short) if height >= width else (short, long)


def trimmed(height: int, width: int, rect: tuple[int, int]) -> tuple[int, int]:
    """The smallest rectangle, in multiples of 32, in which the photo lies as large as in rect (h, w).

    >>> trimmed(1080, 1920, (256, 320)), trimmed(4000, 3000, (320, 256)), trimmed(90, 160, (240, 320))
    ((192, 320), (320, 256), (192, 320))
    """
    where = place(height, width, rect)
    return min(rect[0], 32 * -(-where.inner_height // 32)), min(rect[1], 32 * -(-where.inner_width // 32))


def place(height: int, width: int, rect: tuple[int, int]) -> Where:
    """Where a photo of height x width lies in rect (h, w): as large as fits, centered, at least 1x1 pixel.

    >>> place(100, 50, (320, 256))
    Where(top=0, left=48, inner_height=320, inner_width=160)
    """
    scale = min(rect[0] / height, rect[1] / width)
    inner_height = min(rect[0], max(1, round(height * scale)))
    inner_width = min(rect[1], max(1, round(width * scale)))
    return Where((rect[0] - inner_height) // 2, (rect[1] - inner_width) // 2, inner_height, inner_width)


def resize(image: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The image at height x width: averaged where it shrinks, interpolated linearly where it grows.

    An image of that size already is returned itself. For all sizes the whole image maps onto the whole result: what
    lies at x of W pixels comes to lie at x * width / W. Large images are first averaged over square cells, which takes
    OpenCV several times less time than one step by a fractional factor. Where the side is not a multiple of the cell's,
    the last cell is narrower, and counts for less.
    """
    tall, wide = image.shape[:2]
    if (tall, wide) == (height, width):
        return image
    if height > tall or width > wide:
        return _by_opencv(image, height, width, cv2.INTER_LINEAR)
    cell = 1
    while tall >= 2 * cell * height and wide >= 2 * cell * width:
        cell *= 2
    cells = _cells(image, cell)
    if (tall, wide) == (cell * height, cell * width):
        return cells
    # With factors instead of a size, OpenCV lets the last cell count for the part of it that lies within the image.
    done = cv2.resize(cells, None, fx=cell * width / wide, fy=cell * height / tall, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(done[:height, :width]).reshape(height, width, *image.shape[2:])


def shrunk(image: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The image at height x width, no larger than it is: halved by averaging, and the rest of the way linearly.

    That is several times faster than resize, and less sharp: for pictures that are only looked at.
    """
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        image = _by_opencv(image, image.shape[0] // 2, image.shape[1] // 2, cv2.INTER_AREA)
    return image if image.shape[:2] == (height, width) else _by_opencv(image, height, width, cv2.INTER_LINEAR)


def _cells(image: NDArray[Any], cell: int) -> NDArray[Any]:
    """The means of square cells of the image; the last row and column may be narrower. cell: the side, a power of 2."""
    if cell == 1:
        return image
    tall, wide = image.shape[0] // cell, image.shape[1] // cell
    whole: NDArray[Any] = image[: tall * cell, : wide * cell]
    whole = _halved(whole, cell) if whole.nbytes <= BAND else _halved_in_bands(whole, cell)
    if (tall * cell, wide * cell) == image.shape[:2]:
        return whole
    rows, columns = -(-image.shape[0] // cell), -(-image.shape[1] // cell)
    cells = np.empty((rows, columns, *image.shape[2:]), image.dtype)
    cells[:tall, :wide] = whole
    if columns > wide:
        cells[:tall, wide] = _by_opencv(image[: tall * cell, wide * cell :], tall, 1, cv2.INTER_AREA)[:, 0]
    if rows > tall:
        cells[tall, :wide] = _by_opencv(image[tall * cell :, : wide * cell], 1, wide, cv2.INTER_AREA)[0]
    if rows > tall and columns > wide:
        cells[tall, wide] = _by_opencv(image[tall * cell :, wide * cell :], 1, 1, cv2.INTER_AREA)[0, 0]
    return cells


def _halved(whole: NDArray[Any], cell: int) -> NDArray[Any]:
    """The image with its sides, multiples of cell, halved until a cell is a pixel."""
    while cell > 1:
        whole = _by_opencv(whole, whole.shape[0] // 2, whole.shape[1] // 2, cv2.INTER_AREA)
        cell //= 2
    return whole


def _halved_in_bands(whole: NDArray[Any], cell: int) -> NDArray[Any]:
    """What _halved gives without a picture of half the size in memory."""
    small = np.empty((whole.shape[0] // cell, whole.shape[1] // cell, *whole.shape[2:]), whole.dtype)
    step = max(1, BAND // whole[:cell].nbytes)
    for top in range(0, len(small), step):
        small[top : top + step] = _halved(whole[top * cell : (top + step) * cell], cell)
    return small


def _by_opencv(image: NDArray[Any], height: int, width: int, interpolation: int) -> NDArray[Any]:
    """The image resized by OpenCV, with the axis of a single channel, which OpenCV drops, put back."""
    done = np.asarray(cv2.resize(image, (width, height), interpolation=interpolation))
    return done.reshape(height, width, *image.shape[2:])


def fit(image: NDArray[Any], rect: tuple[int, int], *, fill: float = FILL) -> tuple[NDArray[Any], Where]:
    """The image letterboxed into rect (h, w) in its own dtype, and where it lies there.

    Shrinking averages, so that fine texture does not alias. fill: the level around it, of 255 at every depth.
    """
    height, width = image.shape[:2]
    where = place(height, width, rect)
    scaled = resize(image, where.inner_height, where.inner_width)
    level = fill * 257 if image.dtype == np.uint16 else fill
    fitted = np.full((*rect, *image.shape[2:]), level, image.dtype)
    fitted[where.top : where.top + where.inner_height, where.left : where.left + where.inner_width] = scaled
    return fitted, where


def inner(mask: NDArray[np.float32], where: Where) -> NDArray[np.float32]:
    """The network's (h, w) mask without the letterbox: the mask of the photo, at the size at which it was seen."""
    rows = slice(where.top, where.top + where.inner_height)
    return np.ascontiguousarray(mask[rows, where.left : where.left + where.inner_width])


def to_input(fitted: NDArray[Any]) -> NDArray[np.float32]:
    """The fitted (h, w, 3) uint8 or uint16 pixels as the network takes them: (1, 3, h, w) float32 in 0..1."""
    scaled = fitted.transpose(2, 0, 1)[None].astype(np.float32)
    scaled /= 255.0 if fitted.dtype == np.uint8 else 65535.0
    return scaled
