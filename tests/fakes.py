"""A model of three lines, and the work and tasks that tests do with it."""

import numpy as np

from standout.batch.naming import Naming
from standout.batch.photo import Work, by_model
from standout.batch.plan import Task, plan
from standout.effects import compose
from standout.types import Image, Mask

CUT = Naming("-cut", default=".png", alpha=True)


class LeftHalf:
    """A fake model: the left half of every photo is person."""

    def mask(self, image: Image, *, refine: bool = True) -> Mask:
        mask = np.zeros(image.shape[:2], np.float32)
        mask[:, : image.shape[1] // 2] = 1
        return mask

    def probability(self, image: Image) -> Mask:
        return self.mask(image)[::4, ::4]


WORK = Work(by_model(LeftHalf()), lambda photo, mask: compose.cut(photo.image, mask))


def tasks(*inputs: str) -> list[Task]:
    return plan(inputs or ("pics",), naming=CUT, recursive=True)
