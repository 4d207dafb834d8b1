"""The network's mask -> the mask at the picture's own size."""

from __future__ import annotations

from standout.masks.letterbox import resize
from standout.masks.refine import refine
from standout.types import Image, Mask


def full_size(coarse: Mask, image: Image, *, refined: bool = True) -> Mask:
    """The mask (H, W) of the image, of the network's own mask (h, w).

    refined: its edge is drawn to the picture's; else it is merely enlarged: softer, and faster on large photos.
    """
    return refine(coarse, image) if refined else resize(coarse, *image.shape[:2])
