"""A model of three lines, and the work and tasks that tests do with it."""

import numpy as np

from standout import effects
from standout.naming import Naming
from standout.plan import Task, plan
from standout.types import Image, Mask
from standout.work import Work, by_model

CUT = Naming("-cut", default=".png", alpha=True)


class LeftHalf:
    """A fake model: the left half of every photo is person."""

    def mask(self, image: Image, *, refine: bool = True) -> Mask:
        mask = np.zeros(image.shape[:2], np.float32)
        mask[:, : image.shape[1] // 2] = 1
        return mask

    def probability(self, image: Image) -> Mask:
        return self.mask(image)[::4, ::4]


WORK = Work(by_model(LeftHalf()), lambda photo, mask: effects.cut(photo.image, mask))


def tasks(*inputs: str) -> list[Task]:
    return plan(inputs or ("pics",), naming=CUT, recursive=True)
