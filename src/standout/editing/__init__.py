"""What is done with a picture, as one value: which people, what edge, which effect, what about them, which frame.

    Edit   Effect + People + Edge + Placement + Dress: frozen, and to and from JSON

The command line, Python, photo and clip jobs and live pictures all take the same Edit. As JSON it is

    {"effect": {"name": "blur", "strength": 0.8}, "people": {"which": "largest"},
     "edge": {"refine": true, "grow": 0.0, "feather": 2.0}, "placement": {"crop": true}}

where everything that is left out is at its default.

To add an option to every effect: a field of a part (people.py, edge.py, placement.py, dress.py); part.py says how. The
command line, the webcam, the batch and JSON follow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from standout import effects
from standout.editing.dress import Dress
from standout.editing.edge import Edge
from standout.editing.part import EditPart
from standout.editing.people import People
from standout.editing.placement import Placement
from standout.editing.plain import as_object, made, plain
from standout.effects import SRGB, Cut, Effect, PhotoSpace, Space
from standout.errors import InputError
from standout.types import HidingFinder, Image, Mask, Metadata, PersonFinder, Photo, Picture, PlanarFrame

if TYPE_CHECKING:
    from standout.editing.follow import Follower

PARTS: dict[str, type[EditPart]] = {"people": People, "edge": Edge, "placement": Placement, "dress": Dress}
"""Field of Edit -> its class, in the order in which users see them."""

__all__ = ["PARTS", "Dress", "Edge", "Edit", "EditPart", "Edited", "People", "Placement"]


class Edited(NamedTuple):
    """A photo's result: the picture, the share of the photo that is person, 0..1, and the mask of the effect.

    Of an effect that hides people, they are the share that is hidden, and what is hidden.
    """

    picture: Picture
    person_share: float
    mask: Mask


@dataclass(frozen=True)
class Edit:
    """What is done with a picture."""

    effect: Effect = field(default_factory=Cut)
    people: People = People()
    edge: Edge = Edge()
    placement: Placement = Placement()
    dress: Dress = Dress()

    def __post_init__(self) -> None:
        """Raises InputError where the effect leaves nothing that could be dressed so."""
        self.dress.check(self.effect)

    @classmethod
    def of(cls, effect: Effect, parts: Mapping[str, EditPart]) -> Edit:
        """The edit of an effect and of those parts, by the names of their fields; the others are at their default."""
        return replace(cls(effect), **parts)  # type: ignore[arg-type]

    @property
    def refined(self) -> bool:
        """Whether masks are to be refined. What hides people needs the network's own doubts, which refining settles."""
        return self.edge.refine and not self.effect.hides_people

    def finder(self, finder: PersonFinder) -> PersonFinder:
        """What finds the people for this edit: where the effect hides them, so that as few as possible are missed."""
        return finder.for_hiding() if self.effect.hides_people and isinstance(finder, HidingFinder) else finder

    def kept(self, meta: Metadata) -> Metadata:
        """What the result keeps of a photo's metadata, whatever the policy: no EXIF where people are hidden."""
        if self.effect.is_mask:
            return Metadata(dpi=meta.dpi, bits=meta.bits)
        return replace(meta, exif=None) if self.effect.hides_people else meta

    def mask(self, coarse: Mask, image: Image) -> Mask:
        """The mask at the image's own size (H, W), of the network's mask (h, w): refined, grown, feathered.

        It is of everybody in the network's mask; see Follower for those who are chosen from frame to frame.
        """
        from standout.masks.full_size import full_size

        return self._shaped(full_size(coarse, image, refined=self.refined))

    @property
    def takes_planes(self) -> bool:
        """Whether frames of clips and cameras may be given to it by mask_of_planes; see Effect.takes_planes."""
        return self.effect.takes_planes and self.people.is_everybody and not self.dress.shows

    def mask_of_planes(self, coarse: Mask, frame: PlanarFrame) -> Mask:
        """What mask gives, of a frame with a small picture of it."""
        from standout.masks.planes import full_size_of_pixels

        return self._shaped(full_size_of_pixels(coarse, frame.image, frame.planes, refined=self.refined))

    def _shaped(self, mask: Mask) -> Mask:
        """The mask at full size with the region, the effect's cover and the edge of this edit."""
        return self.edge.drawn(self.effect.cover(self.placement.within(mask)))

    def follower(self, *, waits: bool = False) -> Follower:
        """What chooses the people in the frames of a clip, at its beginning. waits: see Follower."""
        from standout.editing.follow import Follower

        return Follower(self.people, waits=waits)

    def of_photo(self, photo: Photo, found: Mask) -> Edited:
        """The result of a photo in which these people (H, W) were found."""
        import numpy as np

        mask = self.effect.cover(self.people.chosen(self.placement.within(found), photo.image))
        share = float(mask.mean())
        mask = self.edge.drawn(mask)
        if photo.alpha is not None:
            mask = np.minimum(mask, photo.alpha)
        return Edited(self._placed(photo, mask), share, mask)

    def _placed(self, photo: Photo, mask: Mask) -> Picture:
        """The picture of a photo with its final mask, in its frame: before the effect where anything is scaled."""
        space, view = PhotoSpace(photo.meta.icc), self.placement.view(photo.image, mask)
        part = None if view is None else view.part(mask.shape)
        if view is None or part is not None:
            picture = self.painted(photo.image, mask, alpha=photo.alpha, space=space)
            return picture if part is None else picture[part]
        image, mask, alpha = view.placed(photo.image, mask, photo.alpha)
        return self.painted(image, mask, alpha=alpha, space=space)

    def painted(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The picture of an image with its final mask: the effect, and what is drawn about the people. See Effect."""
        return self.dress.painted(self.effect, image, mask, time, alpha=alpha, space=space)

    def fresh(self) -> Edit:
        """This edit with its effect at its beginning; see Effect.fresh."""
        return replace(self, effect=self.effect.fresh())

    @contextmanager
    def begun(self) -> Iterator[Edit]:
        """This edit with its effect at its beginning, which is closed at the end of the block."""
        with self.effect.begun() as effect:
            yield replace(self, effect=effect)

    def scaled(self, factor: float) -> Edit:
        """The same edit of a picture that is so many times as large: lengths in pixels are multiplied."""
        return Edit.of(self.effect, {name: getattr(self, name).scaled(factor) for name in PARTS})

    def for_photos_alone(self) -> tuple[str, ...]:
        """What is asked for that clips cannot have: names of fields of the parts."""
        return tuple(one for name in PARTS for one in getattr(self, name).for_photos_alone())

    def to_json(self) -> str:
        """The edit as JSON, in one line. Raises InputError where it holds a picture that is no file."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The edit as plain dicts, lists, numbers, booleans and text. Raises InputError as to_json does."""
        effect = {"name": self.effect.name} | plain(self.effect)
        return {"effect": effect} | {name: plain(getattr(self, name)) for name in PARTS}

    @classmethod
    def from_json(cls, text: str | bytes) -> Edit:
        """The edit that to_json wrote. Raises InputError for anything else, naming what is wrong."""
        try:
            read = json.loads(text)
        except ValueError as error:
            raise InputError(f"the edit is not JSON ({error})") from None
        return cls.from_dict(read)

    @classmethod
    def from_dict(cls, values: Any) -> Edit:
        """The edit that to_dict wrote. Raises InputError for anything else, naming what is wrong."""
        given = as_object(values, "the edit", ("effect", *PARTS))
        effect = dict(as_object(given.get("effect", {"name": Cut.name}), "effect"))
        kind = effects.find(str(effect.pop("name", None)))
        parts = {name: made(part, given.get(name, {}), name) for name, part in PARTS.items()}
        return cls.of(made(kind, effect, kind.name), parts)
