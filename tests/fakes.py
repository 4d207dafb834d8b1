"""A model of three lines, and the jobs and tasks that tests do with it."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from standout.batch.clip import ClipJob, ClipOptions
from standout.batch.naming import Naming
from standout.batch.photo import MaskSource, PhotoJob, PhotoOptions
from standout.batch.plan import Task, plan
from standout.editing import Edge, Edit, People, Placement
from standout.effects import Cut, Effect
from standout.effects.space import SRGB, Space
from standout.types import Image, Mask, Picture

CUT = Naming("-cut", default=".png", alpha=True)


class LeftHalf:
    """A fake model: the left half of every photo is person."""

    def probability(self, image: Image) -> Mask:
        mask = np.zeros(image.shape[:2], np.float32)
        mask[:, : image.shape[1] // 2] = 1
        return mask[::4, ::4]


def left_half(task: Task, photo: Any) -> Mask:
    """The left half, to the pixel, as a mask made by hand would say it."""
    mask = np.zeros(photo.image.shape[:2], np.float32)
    mask[:, : mask.shape[1] // 2] = 1
    return mask


@dataclass(frozen=True)
class Plain(Effect):
    """An effect that is a function of image, mask and time."""

    name: ClassVar[str] = "plain"
    paint: Callable[[Image, Mask, Any], Picture]

    def __call__(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        return self.paint(image, mask, time)


def photo_job(masks: MaskSource = left_half, effect: Effect = Cut(), **how: Any) -> PhotoJob:  # noqa: B008
    """A job on photos; how: fields of Edge, People, Placement and PhotoOptions."""
    of = {kind: {one.name: how.pop(one.name) for one in fields(kind) if one.name in how}
          for kind in (Edge, People, Placement, PhotoOptions)}  # fmt: skip
    assert not how, how
    edit = Edit(effect, People(**of[People]), Edge(**of[Edge]), Placement(**of[Placement]))
    return PhotoJob(masks, edit, PhotoOptions(**of[PhotoOptions]))


def changed(job: ClipJob, **how: Any) -> ClipJob:
    """The job with other fields of its own, of its options, of its edit's edge, or with another effect."""
    options = {one.name: how.pop(one.name) for one in fields(ClipOptions) if one.name in how}
    edge = {one.name: how.pop(one.name) for one in fields(Edge) if one.name in how}
    edit = replace(job.edit, edge=replace(job.edit.edge, **edge), effect=how.pop("effect", job.edit.effect))
    return replace(job, options=replace(job.options, **options), edit=edit, **how)


def clip_job(finder: Any, effect: Effect, **how: Any) -> ClipJob:
    """A job on clips, without a temporal filter where none is asked for."""
    return changed(ClipJob(finder, Edit(effect), ClipOptions(half_life=0.0)), **how)


WORK = photo_job()


def tasks(*inputs: str) -> list[Task]:
    return plan(inputs or ("pics",), naming=CUT, recursive=True)
