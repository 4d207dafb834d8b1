"""The network's mask -> the mask at the photo's own size: refined, reduced to the largest person, and feathered."""

from __future__ import annotations

from typing import Literal

from standout.masks.letterbox import resize
from standout.masks.people import feather, keep_largest
from standout.masks.refine import refine
from standout.types import Image, Mask


def full_size(
    coarse: Mask, image: Image, *, refined: bool = True, keep: Literal["all", "largest"] = "all", feathered: float = 0.0
) -> Mask:
    """The mask at the photo's own size.

    refined: whether the edge follows the edges of the photo; a mask that is merely enlarged is softer, and faster to
    get on large photos. keep: which people. feathered: the pixels by which the edge is softened.
    """
    mask = refine(coarse, image) if refined else resize(coarse, *image.shape[:2])
    return feather(keep_largest(mask) if keep == "largest" else mask, feathered)
