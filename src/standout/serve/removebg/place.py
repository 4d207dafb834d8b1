"""Which part of the photo counts, and where the people stand in the result.

    box      (top, left, bottom, right) in pixels; bottom and right are the first row and column beyond it
    canvas   the result's frame; the people are moved there with the photo about them, so that effects see both

Beyond the photo, its edge is repeated; nobody is there, so that only what has no background of its own shows it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.masks.letterbox import resize
from standout.serve import pictures
from standout.serve.removebg.errors import refused
from standout.serve.removebg.fields import Four, Removal
from standout.types import Image, Mask, Photo

Box: TypeAlias = tuple[int, int, int, int]

CONTEXT = 0.1
"""What of the photo is moved along on each side of the people, as a share of the longer side of their box."""


class Placed(NamedTuple):
    """The canvas: the photo's pixels about the people, and the people's mask."""

    image: Image
    mask: Mask


def shrunk(photo: Photo, megapixels: float) -> Photo:
    """The photo with at most so many megapixels, its shape kept; it is never enlarged."""
    height, width = photo.image.shape[:2]
    factor = (megapixels * 1e6 / (height * width)) ** 0.5
    if factor >= 1:
        return photo
    size = max(1, int(height * factor)), max(1, int(width * factor))
    return pictures.resized(photo, *size)


def region(roi: Four, *, width: int, height: int) -> Box:
    """The box of the region of interest. Raises Refusal for an empty one, and for one that exceeds the picture."""
    left, top, right, bottom = (
        round(length.pixels(whole)) for length, whole in zip(roi, (width, height, width, height), strict=True)
    )
    told = f"roi is {left} {top} {right} {bottom} in pixels, the picture {width}x{height}"
    if right > width or bottom > height:
        raise refused("roi_exceeds_bounds", f"{told}; give a region within the picture")
    if right <= left or bottom <= top:
        raise refused("roi_region_empty", f"{told}; give left, top, right and bottom, each pair in that order")
    return top, left, bottom, right


def scaled(box: Box, before: tuple[int, ...], after: tuple[int, ...]) -> Box:
    """The box of a picture of the shape `before` in the same picture of the shape `after`; at least a pixel.

    >>> scaled((10, 20, 30, 40), (100, 100), (50, 200))
    (5, 40, 15, 80)
    """
    (tall, wide), (height, width) = before[:2], after[:2]
    top, left = min(height - 1, round(box[0] * height / tall)), min(width - 1, round(box[1] * width / wide))
    bottom, right = round(box[2] * height / tall), round(box[3] * width / wide)
    return top, left, max(top + 1, bottom), max(left + 1, right)


def placed(image: Image, mask: Mask, box: Box, order: Removal) -> Placed:
    """The people, whose box is given, in the result's frame: cropped, scaled and moved as the order says."""
    if not order.crop and order.scale is None and order.position is None:
        return Placed(image, mask)
    top, left, bottom, right = box
    tall, wide = bottom - top, right - left
    if order.crop:
        above, after, below, before = (
            round(length.pixels(side)) for length, side in zip(order.margin, (tall, wide, tall, wide), strict=True)
        )
        height, width, at = tall + above + below, wide + before + after, (above, before)
    else:
        (height, width), at = mask.shape, (top, left)
    factor = 1.0
    if order.scale is not None:
        factor = order.scale / 100 * min(height / tall, width / wide)
    size = max(1, round(tall * factor)), max(1, round(wide * factor))
    if order.position is not None:
        across, down = order.position
        at = round((height - size[0]) * down / 100), round((width - size[1]) * across / 100)
    return _moved(image, mask, box, (*at, at[0] + size[0], at[1] + size[1]), (height, width))


def _moved(image: Image, mask: Mask, box: Box, to: Box, canvas: tuple[int, int]) -> Placed:
    """The box of the image, and some of the photo about it, in a canvas (height, width), scaled to the box `to`."""
    height, width = mask.shape
    top, left, bottom, right = box
    rows, columns = (to[2] - to[0]) / (bottom - top), (to[3] - to[1]) / (right - left)
    more = max(2, round(CONTEXT * max(bottom - top, right - left)))
    outer = max(0, top - more), max(0, left - more), min(height, bottom + more), min(width, right + more)
    first = to[0] - round((top - outer[0]) * rows), to[1] - round((left - outer[1]) * columns)
    size = max(1, round((outer[2] - outer[0]) * rows)), max(1, round((outer[3] - outer[1]) * columns))
    part = slice(outer[0], outer[2]), slice(outer[1], outer[3])
    return Placed(
        _on(canvas, resize(image[part], *size), first, cv2.BORDER_REPLICATE),
        _on(canvas, resize(mask[part], *size), first, cv2.BORDER_CONSTANT),
    )


def _on(canvas: tuple[int, int], part: NDArray[Any], first: tuple[int, int], border: int) -> NDArray[Any]:
    """The part with its first pixel at a row and column of the canvas; what is beyond the canvas is cut off."""
    top, left = first
    seen = part[max(0, -top) : canvas[0] - top, max(0, -left) : canvas[1] - left]
    above, before = max(0, top), max(0, left)
    below, after = canvas[0] - above - seen.shape[0], canvas[1] - before - seen.shape[1]
    return np.asarray(cv2.copyMakeBorder(seen, above, below, before, after, border, value=0))
