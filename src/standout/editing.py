"""What is done with a picture, as one value: which people, what edge, which effect, which part of the frame.

    Edit   People + Edge + Effect + Placement: frozen, and to and from JSON

The command line, Python, photo and clip jobs and live pictures all take the same Edit. As JSON it is

    {"effect": {"name": "blur", "strength": 0.8}, "people": {"which": "largest"},
     "edge": {"refine": true, "grow": 0.0, "feather": 2.0}, "placement": {"crop": true}}

where everything that is left out is at its default.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from standout import effects
from standout.effects import Cut, Effect, PhotoSpace
from standout.errors import InputError, unknown
from standout.types import Image, Mask, Photo, Picture

T = TypeVar("T")

MARGIN = 0.02
"""Room left around the people by a crop, as a share of the longer side of their box."""


@dataclass(frozen=True)
class People:
    """Which of the people that were found: all of them, or only the largest."""

    which: Literal["all", "largest"] = "all"

    def chosen(self, mask: Mask) -> Mask:
        """The mask (H, W) of those people alone."""
        from standout.masks.people import keep_largest

        return keep_largest(mask) if self.which == "largest" else mask


@dataclass(frozen=True)
class Edge:
    """What their outline is like.

    refine: it is drawn to the picture's own edges at full size; else the network's mask is merely enlarged. grow: the
    outline is moved outward by so many pixels, or inward where it is negative. feather: it is softened over about so
    many pixels to either side.
    """

    refine: bool = True
    grow: float = 0.0
    feather: float = 0.0

    def __post_init__(self) -> None:
        """Raises InputError for a negative feather."""
        if self.feather < 0:
            raise InputError(f"feather is {self.feather:g}; wanted 0 or more pixels")

    def drawn(self, mask: Mask) -> Mask:
        """The mask (H, W), grown and feathered."""
        from standout.masks.people import feather, grow

        return feather(grow(mask, self.grow), self.feather)


@dataclass(frozen=True)
class Placement:
    """Which part of the frame the result shows. crop: that with the people, and a small margin about them."""

    crop: bool = False

    def placed(self, picture: Picture, mask: Mask) -> Picture:
        """The part of the picture; the whole picture where nobody is."""
        from standout.masks.people import bounds

        box = bounds(mask) if self.crop else None
        if box is None:
            return picture
        top, left, bottom, right = box
        margin = max(1, round(MARGIN * max(bottom - top, right - left)))
        return picture[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]


class Edited(NamedTuple):
    """A photo's result: the picture, and the share of the photo that is person, 0..1."""

    picture: Picture
    person_share: float


@dataclass(frozen=True)
class Edit:
    """What is done with a picture."""

    effect: Effect = field(default_factory=Cut)
    people: People = People()
    edge: Edge = Edge()
    placement: Placement = Placement()

    def mask(self, coarse: Mask, image: Image) -> Mask:
        """The mask at the image's own size (H, W), of the network's mask (h, w): refined, chosen, grown, feathered."""
        from standout.masks.full_size import full_size

        return self.edge.drawn(self.people.chosen(full_size(coarse, image, refined=self.edge.refine)))

    def of_photo(self, photo: Photo, found: Mask) -> Edited:
        """The result of a photo in which these people (H, W) were found."""
        import numpy as np

        mask = self.people.chosen(found)
        share = float(mask.mean())
        mask = self.edge.drawn(mask)
        if photo.alpha is not None:
            mask = np.minimum(mask, photo.alpha)
        picture = self.effect(photo.image, mask, alpha=photo.alpha, space=PhotoSpace(photo.meta.icc))
        return Edited(self.placement.placed(picture, mask), share)

    def to_json(self) -> str:
        """The edit as JSON, in one line. Raises InputError where it holds a picture that is no file."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The edit as plain dicts, numbers, booleans and text. Raises InputError as to_json does."""
        parts = {"people": self.people, "edge": self.edge, "placement": self.placement}
        effect = {"name": self.effect.name} | _plain(self.effect)
        return {"effect": effect} | {name: _plain(part) for name, part in parts.items()}

    @classmethod
    def from_json(cls, text: str | bytes) -> Edit:
        """The edit that to_json wrote. Raises InputError for anything else, naming what is wrong."""
        try:
            made = json.loads(text)
        except ValueError as error:
            raise InputError(f"the edit is not JSON ({error})") from None
        return cls.from_dict(made)

    @classmethod
    def from_dict(cls, values: Any) -> Edit:
        """The edit that to_dict wrote. Raises InputError for anything else, naming what is wrong."""
        given = _object(values, "the edit", ("effect", "people", "edge", "placement"))
        effect = dict(_object(given.get("effect", {"name": Cut.name}), "effect"))
        kind = effects.find(str(effect.pop("name", None)))
        return cls(
            _made(kind, effect, kind.name),
            _made(People, given.get("people", {}), "people"),
            _made(Edge, given.get("edge", {}), "edge"),
            _made(Placement, given.get("placement", {}), "placement"),
        )


def _plain(part: Any) -> dict[str, Any]:
    """The fields of a dataclass, as JSON holds them."""
    values = {one.name: getattr(part, one.name) for one in fields(part) if one.init}
    for name, value in values.items():
        if isinstance(value, Path):
            values[name] = str(value)
        elif not isinstance(value, str | int | float | tuple | None):
            raise InputError(f"{name} is a {type(value).__name__}, which JSON cannot hold; give the path of a file")
    return values


def _object(values: Any, what: str, known: tuple[str, ...] | None = None) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise InputError(f"{what} is {values!r}; wanted an object")
    for name in values:
        if known is not None and name not in known:
            raise InputError(unknown(f"field of {what}", name, known))
    return values


def _made(kind: type[T], values: Any, what: str) -> T:
    """A dataclass of that kind from JSON values."""
    known = tuple(one.name for one in fields(kind) if one.init)  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    given = {
        name: _checked(value, hints[name], f"{what}.{name}") for name, value in _object(values, what, known).items()
    }
    try:
        return kind(**given)
    except TypeError:
        missing = [name for name in known if name not in given]
        raise InputError(f"{what} needs {', '.join(missing)}") from None


def _checked(value: Any, hint: Any, what: str) -> Any:
    """The value if it is of the hinted type. Raises InputError where it is not."""
    kinds = get_args(hint) if get_origin(hint) is Union or type(hint).__name__ == "UnionType" else (hint,)
    for kind in kinds:
        if kind is Path and isinstance(value, str):
            return Path(value)
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if get_origin(kind) is Literal and value in get_args(kind):
            return value
        if get_origin(kind) is tuple and isinstance(value, list) and len(value) == len(get_args(kind)):
            return tuple(_checked(one, of, what) for one, of in zip(value, get_args(kind), strict=True))
        if isinstance(kind, type) and type(value) is kind:
            return value
    raise InputError(f"{what} is {json.dumps(value)}; wanted {_said(kinds)}")


def _said(kinds: tuple[Any, ...]) -> str:
    """What the types are called in JSON.

    >>> _said((float,)), _said((Literal["all", "largest"],)), _said((str, type(None)))
    ('a number', "'all' or 'largest'", 'text or null')
    """
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "text", Path: "the path of a file"}
    said = []
    for kind in kinds:
        if get_origin(kind) is Literal:
            said += [repr(one) for one in get_args(kind)]
        elif get_origin(kind) is tuple:
            said.append(f"{len(get_args(kind))} of {_said(get_args(kind)[:1])}")
        elif kind is type(None):
            said.append("null")
        elif kind in names:
            said.append(names[kind])
    return " or ".join(said)
