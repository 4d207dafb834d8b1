"""Which of the people that were found an edit is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Self

from standout.editing.part import EditPart
from standout.editing.who import Who, who_is_there
from standout.effects import Setting
from standout.errors import InputError
from standout.lengths import Point
from standout.types import Image, Mask, PersonFinder, Photo

if TYPE_CHECKING:
    from standout.clicknet import ClickNet
    from standout.masks.people.found import Group


@dataclass(frozen=True)
class People(EditPart):
    """Which of the people that were found: all, or those that a word, numbers or points in the picture choose.

    which: the text of a Who. at: points in the picture, each on somebody who is chosen; they take the place of which.
    not_at: points, each on somebody who is not. at_time: the time of the frame of a clip in which the choice is made,
    in seconds; it is made in the first frame from there on in which somebody is.
    """

    which: Annotated[
        Who | str,
        Setting(
            "Which people: all, largest, center, left, right, or numbers from left to right, such as 2 or 1,3 "
            "(standout people lists them).",
            metavar="WHO", option="people", earlier="keep",
        ),
    ] = "all"  # fmt: skip
    at: Annotated[
        tuple[Point, ...],
        Setting("Whoever is at this point, in pixels or percent, such as 640,360 or 50%,30%; several.", metavar="X,Y"),
    ] = ()
    not_at: Annotated[tuple[Point, ...], Setting("Nobody who is at this point; several.", metavar="X,Y")] = ()
    at_time: Annotated[float, Setting("In clips: choose in the frame at this time.", metavar="SECONDS", least=0)] = 0.0

    def __post_init__(self) -> None:
        """Raises InputError for people that cannot be chosen so."""
        object.__setattr__(self, "which", str(self.who))
        if self.at and self.who != Who():
            raise InputError(f"people are chosen by points and as {self.who}; give one of the two")
        if self.at_time < 0:
            raise InputError(f"the time of the choice is {self.at_time:g}; wanted 0 or more seconds")

    @property
    def who(self) -> Who:
        """What which says."""
        return Who.of(str(self.which))

    @property
    def is_everybody(self) -> bool:
        """Whether nobody is left out."""
        return self.who == Who() and not self.at and not self.not_at

    def scaled(self, factor: float) -> Self:
        """See EditPart."""
        at, not_at = (tuple(one.scaled(factor) for one in points) for points in (self.at, self.not_at))
        return replace(self, at=at, not_at=not_at)

    def chosen(self, mask: Mask, image: Image) -> Mask:
        """The mask (H, W) of those people alone, in the photo that the mask is of.

        Words and numbers choose among the people that told_apart lists. Points are asked of the click network, which
        answers with whoever is there.

        Raises InputError for a point on nobody, and for a number of which there is nobody; it says who is there.
        """
        if self.is_everybody:
            return mask
        import numpy as np

        from standout.masks.people.found import or_whole_part

        size = (mask.shape[0], mask.shape[1])
        at, not_at = (self._on_people(mask, points, name) for points, name in self._points())
        kept = mask
        if self.at:
            some = [or_whole_part(mask, click_net().person(image, mask, at=[one], not_at=not_at), one) for one in at]
            return np.asarray(np.minimum(mask, np.max(some, axis=0)), np.float32)
        if self.who.word != "all":
            group = told_apart(mask, image)
            kept = group.mask(mask, self.who.among(group.people, size[1]))
        for one in not_at:
            other = or_whole_part(mask, click_net().person(image, mask, at=[one]), one)
            kept = np.asarray(np.maximum(0, np.minimum(kept, mask - other)), np.float32)
        return kept

    def _points(self) -> tuple[tuple[tuple[Point, ...], str], ...]:
        return (self.at, "at"), (self.not_at, "not_at")

    def _on_people(self, mask: Mask, points: tuple[Point, ...], name: str) -> list[tuple[float, float]]:
        """The points in pixels. Raises InputError where one is on nobody."""
        if not points:
            return []
        from standout.masks.people.found import people_in

        group, (height, width) = people_in(mask), mask.shape
        for point in points:
            self._at(group, point, (height, width), name)
        pixels = [point.pixels(width, height) for point in points]
        return [(min(x, width - 1.0), min(y, height - 1.0)) for x, y in pixels]

    def among(self, group: Group, size: tuple[int, int]) -> tuple[int, ...]:
        """The indexes of those people in a group. size: of the picture (H, W).

        Raises InputError as chosen does.
        """
        if self.at:
            indexes = {self._at(group, point, size, "at") for point in self.at}
        else:
            indexes = set(self.who.among(group.people, size[1]))
        return tuple(sorted(indexes - {self._at(group, point, size, "not_at") for point in self.not_at}))

    def _at(self, group: Group, point: Point, size: tuple[int, int], name: str) -> int:
        x, y = point.pixels(size[1], size[0])
        index = 0 if x > size[1] or y > size[0] else group.at(x, y, size=size)
        if not index:
            raise InputError(
                f"{name} {point} is on nobody ({x:.0f},{y:.0f} of {size[1]}x{size[0]} pixels); "
                f"{who_is_there(group.people)}"
            )
        return index


@cache
def click_net() -> ClickNet:
    """The bundled click network, opened once."""
    from standout.clicknet import ClickNet
    from standout.support.system import cores

    return ClickNet.open(threads=max(1, cores() // 2))


def told_apart(mask: Mask, image: Image, *, sure: Mask | None = None) -> Group:
    """The people in the mask (H, W) of a photo. sure: where their confidence is read from; see people_in."""
    from standout.masks.people.found import people_in

    return people_in(mask, sure=sure, masks=click_net().apart(image, mask))


def group_of(photo: Photo, finder: PersonFinder) -> Group:
    """The people that the finder finds in a photo."""
    import numpy as np

    from standout.masks.full_size import full_size

    sure = finder.probability(photo.image)
    mask = full_size(sure, photo.image)
    if photo.alpha is not None:
        mask = np.minimum(mask, photo.alpha)
    return told_apart(mask, photo.image, sure=sure)
