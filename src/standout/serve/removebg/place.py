"""The size of the photo that is worked on, and where the people stand in the result, as remove.bg words it."""

from __future__ import annotations

from standout.editing import frame
from standout.editing.frame import Box, Placed
from standout.errors import InputError
from standout.lengths import Box as Region
from standout.serve import pictures
from standout.serve.removebg.errors import refused
from standout.serve.removebg.fields import Removal
from standout.types import Image, Mask, Photo


def shrunk(photo: Photo, megapixels: float) -> Photo:
    """The photo with at most so many megapixels, its shape kept; it is never enlarged."""
    height, width = photo.image.shape[:2]
    factor = (megapixels * 1e6 / (height * width)) ** 0.5
    if factor >= 1:
        return photo
    size = max(1, int(height * factor)), max(1, int(width * factor))
    return pictures.resized(photo, *size)


def region(roi: Region, *, width: int, height: int) -> Box:
    """The box of the region of interest. Raises Refusal for an empty one, and for one that exceeds the picture."""
    try:
        return frame.region(roi, width=width, height=height)
    except InputError as error:
        _, _, right, bottom = (round(value) for value in roi.pixels(width, height))
        exceeds = right > width or bottom > height
        raise refused("roi_exceeds_bounds" if exceeds else "roi_region_empty", str(error)) from None


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
    margin = order.margin if order.crop else None
    view = frame.standing(mask.shape, box, margin=margin, scale=order.scale, position=order.position)
    return view.placed(image, mask)
