"""Photo -> mask: the model, kept ready between photos.

image  uint8 or uint16  (H, W, 3)  RGB
mask   float32          (H, W)     0..1, the photo's own size
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from standout import runtimes
from standout.errors import InputError
from standout.masks.full_size import full_size
from standout.masks.letterbox import fit, inner, resize, to_input
from standout.models.registry import DEFAULT, find
from standout.types import Image, Mask, Runner


class Segmenter:
    """Finds the people in photos. Safe to share between threads.

    model: a bundled model's name, the path of a model file, or a session that is open. runtime: "auto" or one of
    runtimes.RUNTIMES. device: "auto", "cpu", "cuda", "coreml", "directml". threads: for one photo; None = all cores.
    mirror: the network also sees each photo mirrored, and as much larger as its card says, and the two answers are
    averaged: steadier, and surer of small people, for 2 times (as large) to 2.7 times (1.3 times larger) the network's
    time. Models of certain sizes see both at those of them that come nearest.

    Raises ModelError for an unknown or damaged model, SetupError for a runtime or device that is not here.
    """

    def __init__(
        self,
        model: str | Path | runtimes.Session = DEFAULT,
        *,
        runtime: str = "auto",
        device: str = "auto",
        threads: int | None = None,
        mirror: bool = True,
    ) -> None:
        if isinstance(model, runtimes.Session):
            session = model
        else:
            session = runtimes.open(find(model), runtime=runtime, device=device, threads=threads)
        self._run: Runner = session.run
        self._rectangle = session.rectangle
        self.mirror = mirror
        self.card = session.card
        self.device = session.device
        self.runtime = session.runtime

    def mask(self, image: Image, *, refine: bool = True) -> Mask:
        """The person mask of an RGB image, at its own size.

        refine=False gives the network's own probability, merely enlarged: softer, and faster on large photos.
        """
        return full_size(self.probability(image), image, refined=refine)

    def probability(self, image: Image) -> Mask:
        """The network's own mask of the whole RGB image, small: float32 (h, w), 0..1; 0.5 stands for its threshold.

        Raises InputError for what is no such image.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16) or not image.size:
            raise InputError(f"image is {image.dtype} {image.shape}; wanted uint8 or uint16 (H, W, 3), RGB")
        first, *rest = self.looks(*image.shape[:2])
        found = self._look(image, first)
        for second in rest:
            again = self._look(image, second, mirrored=True)
            found = np.asarray((found + resize(again, *found.shape)) / 2, np.float32)
        return centered(found, self.card.threshold)

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        """The (h, w) at which the network sees a photo of height x width, one look after the other."""
        sizes = [self.card.size, *([scaled(self.card.size, self.card.second_look)] if self.mirror else [])]
        return [self._rectangle(height, width, size) for size in sizes]

    def _look(self, image: Image, rect: tuple[int, int], *, mirrored: bool = False) -> Mask:
        """The network's mask of the whole image, seen in a rectangle of that (height, width)."""
        fitted, where = fit(image, rect)
        turn = slice(None, None, -1 if mirrored else None)
        found = self._run(np.ascontiguousarray(to_input(fitted)[..., turn]))[0, 0]
        return inner(found[:, turn], where)


def scaled(size: tuple[int, int], by: float) -> tuple[int, int]:
    """The size so many times as long and wide, in multiples of 32.

    >>> scaled((320, 256), 1.3), scaled((64, 32), 1.3), scaled((384, 288), 1)
    ((416, 320), (96, 32), (384, 288))
    """
    long, short = (max(32, 32 * round(by * side / 32)) for side in size)
    return long, short


def centered(probability: Mask, threshold: float) -> Mask:
    """The probability with the threshold moved to one half, where masks are cut, refined and blended.

        p (1 - t) / (p (1 - t) + (1 - p) t),    the logistic function of logit(p) - logit(t)

    0 and 1 stay where they are; a threshold of one half changes nothing.

    >>> centered(np.float32([0, 0.2, 0.5, 1]), 0.2).tolist()
    [0.0, 0.5, 0.800000011920929, 1.0]
    """
    if threshold == 0.5:
        return probability
    person, other = probability * np.float32(1 - threshold), (1 - probability) * np.float32(threshold)
    return np.asarray(person / (person + other), np.float32)
