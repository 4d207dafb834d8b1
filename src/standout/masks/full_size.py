"""The network's mask -> the mask at the picture's own size."""

from __future__ import annotations

from standout.masks.letterbox import resize
from standout.masks.refine import refine
from standout.types import Image, Mask


def full_size(coarse: Mask, image: Image, *, refined: bool = True) -> Mask:
    """The mask (H, W) of the image, of the network's own mask (h, w).

    refined: whether the edge follows the edges of the image; a mask that is merely enlarged is softer, and faster to
    get for large images.
    """
    return refine(coarse, image) if refined else resize(coarse, *image.shape[:2])
