"""A background in a photo's frame: filling it, or shown whole with soft bars.

background   uint8 or uint16 (H, W, 3|4)   RGB, or RGBA multiplied by its alpha
framed       (H, W, 3|4)                   of the photo's size
"""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np

from standout.errors import InputError
from standout.masks.letterbox import resize
from standout.types import Image, Mask, Picture

SOFTEST = 5.0
"""Standard deviation, in pixels, up to which a blur is done as it is; a wider one is done on a smaller picture."""


def framed(background: Picture, shape: tuple[int, ...], how: Literal["fill", "fit"]) -> Picture:
    """The background at the photo's (H, W)."""
    height, width = shape
    if how == "fill":
        return _covering(background, height, width)
    sigma = max(1.0, 0.03 * min(shape))
    times = halvings(sigma / SOFTEST)
    small = _covering(background, -(-height >> times), -(-width >> times))
    soft = cv2.GaussianBlur(small, (0, 0), sigma / 2**times)
    filled: Picture = np.ascontiguousarray(resize(soft, height, width))
    scale = min(height / background.shape[0], width / background.shape[1])
    sides = (max(1, round(side * scale)) for side in background.shape[:2])
    whole = resize(background, *sides)[:height, :width]
    top, left = (height - whole.shape[0]) // 2, (width - whole.shape[1]) // 2
    filled[top : top + whole.shape[0], left : left + whole.shape[1]] = whole
    return filled


def _covering(background: Picture, height: int, width: int) -> Picture:
    """The middle of the background, scaled so that it just covers height x width.

    It is cut to what will be seen before it is scaled. Where even that is much larger than the frame, it is enlarged
    one side after the other: of a background one pixel wide, nearly all would be made for nothing, and fill the memory.
    """
    scale = max(height / background.shape[0], width / background.shape[1])
    rows, tall, middle_rows = _span(background.shape[0], height, scale)
    columns, wide, middle_columns = _span(background.shape[1], width, scale)
    seen = background[rows, columns]
    wasteful = tall * wide > 2 * height * width
    if wasteful and height < width:  # the shorter side first
        seen, tall, middle_rows = resize(seen, tall, seen.shape[1])[middle_rows], height, slice(None)
    elif wasteful:
        seen, wide, middle_columns = resize(seen, seen.shape[0], wide)[:, middle_columns], width, slice(None)
    return np.ascontiguousarray(resize(seen, tall, wide)[middle_rows, middle_columns])


def _span(side: int, wanted: int, scale: float) -> tuple[slice, int, slice]:
    """What of a side to scale, how long that becomes, and which `wanted` pixels of it are the middle.

    >>> _span(100, 50, 0.5), _span(10, 30, 5.0)
    ((slice(0, 100, None), 50, slice(0, 50, None)), (slice(2, 8, None), 30, slice(0, 30, None)))
    """
    spare = max(0.0, side * scale - wanted) / 2
    first, last = int(spare / scale), min(side, math.ceil((spare + wanted) / scale))
    long = max(wanted, round((last - first) * scale))
    start = min(long - wanted, round(spare - first * scale))
    return slice(first, last), long, slice(start, start + wanted)


def weighted(background: Image, alpha: Mask) -> Picture:
    """RGBA whose colors are multiplied by alpha, so that scaling mixes in nothing of what is hidden."""
    if alpha.shape != background.shape[:2]:
        height, width = background.shape[:2]
        raise InputError(f"alpha is {alpha.shape[1]}x{alpha.shape[0]}, its background {width}x{height}")
    white = np.iinfo(background.dtype).max
    whole = np.empty((*alpha.shape, 4), background.dtype)
    for row, line in enumerate(alpha):
        whole[row, :, :3] = np.rint(background[row] * line[:, None])
        whole[row, :, 3] = np.rint(line * white)
    return whole


def halvings(ratio: float) -> int:
    """How many halvings bring a ratio to 1 or below.

    >>> [halvings(ratio) for ratio in (0.3, 1.0, 2.0, 2.1)]
    [0, 0, 1, 2]
    """
    return max(0, math.ceil(math.log2(ratio)))
