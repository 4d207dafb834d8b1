"""Removal -> the picture: read, scale, find the people, place them, and give them their background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from standout.editing import Edit, frame
from standout.effects import Color, Cut, Effect, Matte, Replace
from standout.masks.confidence import NOBODY
from standout.masks.people import bounds
from standout.serve import pictures
from standout.serve.removebg import place
from standout.serve.removebg.errors import refused
from standout.serve.removebg.fields import RGBA, Removal
from standout.serve.settings import PictureLimits
from standout.types import Image, Mask, Metadata, PersonFinder, Photo, Picture


@dataclass(frozen=True)
class Removed:
    """The result.

    image: the photo's pixels in the result's frame. box: of the people in the photo that was sent, (top, left, bottom,
    right). photo_size: (width, height) of that photo.
    """

    picture: Picture
    image: Image
    box: frame.Box
    photo_size: tuple[int, int]
    meta: Metadata


def removed(order: Removal, *, finder: PersonFinder, limits: PictureLimits) -> Removed:
    """The result of the order. Raises Refusal for a picture that cannot be used, and where nobody is found."""
    whole = pictures.opened(order.image, field=order.field, limits=limits)
    height, width = whole.image.shape[:2]
    roi = place.region(order.roi, width=width, height=height) if order.roi else None
    behind = None
    if order.background is not None:
        behind = pictures.opened(order.background, field="bg_image_file", limits=limits)
    photo = place.shrunk(whole, order.megapixels)
    mask = _found(photo, roi and place.scaled(roi, (height, width), photo.image.shape), finder)
    box = bounds(mask)
    assert box is not None, "somebody was found"
    image, mask, _ = place.placed(photo.image, mask, box, order)
    picture = Edit(_effect(order, behind)).of_photo(Photo(image, None, photo.meta), mask).picture
    box = place.scaled(box, photo.image.shape, (height, width))
    return Removed(picture, image, box, (width, height), photo.meta)


def _found(photo: Photo, roi: frame.Box | None, finder: PersonFinder) -> Mask:
    """The mask of the people in the region of interest."""
    mask = Edit().mask(finder.probability(photo.image), photo.image)
    if photo.alpha is not None:
        mask = np.minimum(mask, photo.alpha)
    share = float(mask.mean())
    if roi is not None:
        inside = slice(roi[0], roi[2]), slice(roi[1], roi[3])
        share = float(mask[inside].mean())
        mask = frame.within(mask, roi)
    if share < NOBODY or bounds(mask) is None:
        where = "in its region of interest" if roi else "in it"
        raise refused("unknown_foreground", f"nobody was found {where}; send a photo of people, larger in the frame")
    return mask


def _effect(order: Removal, behind: Photo | None) -> Effect:
    if order.channels == "alpha" and order.format != "zip":
        return Matte()
    if behind is not None:
        return Replace(behind)
    if order.color is None or order.color[3] == 0:
        return Cut()
    return Color(order.color[:3]) if order.color[3] == 255 else Replace(_flat(order.color))


def _flat(color: RGBA) -> Photo:
    """A picture of one pixel of that color and transparency, which fills any frame."""
    return Photo(np.array([[color[:3]]], np.uint8), np.array([[color[3] / 255]], np.float32))
