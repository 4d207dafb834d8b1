"""Images -> probabilities for what hides people: the mean of many looks, so that as few people as possible are missed.

image         uint8 or uint16  (H, W, 3)  RGB
probability   float32          (h, w)     0..1, of the whole image, at the size of the largest look

A look at half the size finds people who are so near that the network sees no more than skin or cloth, and a look at
twice the size finds small ones. What one bundled model overlooks, another may see: their errors differ. Which looks are
worth their time was measured on training photos; docs/guides/anonymize.md shows what they bring on others.

To add a look: an entry in SCALES.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from standout.masks.letterbox import resize
from standout.types import Image, Mask

if TYPE_CHECKING:
    from standout.segmenter import Segmenter

SCALES = (0.5, 2.0)
"""Sizes of the further looks of the model, as multiples of its own."""

OTHER_SCALES = (0.5,)
"""Those of the other model."""

OTHERS = ("standout-quality", "standout-mobile")
"""Whose opinion is asked as well: the first that is not the model itself."""


class SecondOpinion:
    """Finds people so that as few as possible are missed; a BatchFinder. It is safe to share between threads.

    segmenter: the model. Where it uses test-time augmentation, as it does for photos, all looks are taken, and the
    other model is asked, too; elsewhere, as in clips, only the look at half the size is added, which takes a quarter
    more time. load: makes a segmenter of a bundled model's name.
    """

    def __init__(self, segmenter: Segmenter, load: Callable[[str], Segmenter]) -> None:
        self.batch = segmenter.batch
        self._segmenter = segmenter
        self._load = load
        self._other: Segmenter | None = None
        self._loading = Lock()

    def probability(self, image: Image) -> Mask:
        """See PersonFinder. Raises InputError for an array that is no image."""
        return self.probabilities([image])[0]

    def probabilities(self, images: Sequence[Image]) -> list[Mask]:
        """See BatchFinder. Raises InputError for an array that is no image."""
        if not self._segmenter.tta:
            return means(looks(self._segmenter, images, SCALES[:1]))
        other = looks(self._second(), images, OTHER_SCALES)
        return means([*looks(self._segmenter, images, SCALES), *other])

    def _second(self) -> Segmenter:
        """The other model, loaded when it is first needed."""
        with self._loading:
            if self._other is None:
                own = self._segmenter.card.name
                self._other = self._load(next(name for name in OTHERS if name != own))
            return self._other


def looks(segmenter: Segmenter, images: Sequence[Image], scales: Sequence[float]) -> list[tuple[float, list[Mask]]]:
    """(weight, the mask of each image) of the usual looks together, and of the further ones."""
    usual = 2.0 if segmenter.tta else 1.0
    return [(usual, segmenter.probabilities(images)), *((1.0, segmenter.at_scale(images, one)) for one in scales)]


def means(taken: Sequence[tuple[float, list[Mask]]]) -> list[Mask]:
    """The mean of the looks at each image, by their weights, at the size of the largest of them."""
    total = sum(weight for weight, _ in taken)
    found = []
    for masks in zip(*(masks for _, masks in taken), strict=True):
        height, width = max((mask.shape for mask in masks), key=lambda shape: shape[0] * shape[1])
        mean = np.zeros((height, width), np.float32)
        for (weight, _), mask in zip(taken, masks, strict=True):
            mean += np.float32(weight / total) * resize(mask, height, width)
        found.append(mean)
    return found
