"""The settings of effects, and of the other parts of an edit, as options of a command.

    Option   one setting
    PANELS   the heading in the help under which the settings of a part stand

Text stands for what is written as text (see standout.lengths), and several options of one name for a tuple.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer

from standout.editing import PARTS, EditPart
from standout.editing.plain import is_text, kinds_of, made, plain
from standout.effects import Effect, Setting

P = TypeVar("P", bound=EditPart)

PANELS = {"people": "People", "edge": "Mask", "placement": "Placement", "dress": "Around the people"}


@dataclass(frozen=True)
class Option:
    """One setting of an effect or of a part. default: None where it must be given; required tells that apart."""

    owner: type[Effect] | type[EditPart]
    name: str
    kind: Any
    setting: Setting
    default: Any = None
    required: bool = False

    @property
    def spelled(self) -> str:
        """The option as it is typed.

        >>> from standout.editing import Edge
        >>> [one.spelled for one in options(Edge)]
        ['--refine', '--grow', '--feather']
        """
        return f"--{(self.setting.option or self.name).replace('_', '-')}"

    def field(self, *, optional: bool = False, panel: str | None = None) -> tuple[str, Any, Any]:
        """Name, annotation and default, as make_dataclass takes them for a class that Typer reads.

        optional: it may be left out, and is None then.
        """
        setting, kind = self.setting, self.kind
        declared = [self.spelled, *([setting.short] if setting.short else [])]
        if kind is bool:
            declared[0] += f"/--{setting.off or 'no-' + self.spelled[2:]}"
        elif optional or get_origin(kind) is list:  # Typer takes no factory of an empty list as a default
            kind = kind | None
        told = typer.Option(
            *declared, help=setting.help, metavar=setting.metavar or None, min=setting.least,
            max=setting.most, rich_help_panel=panel, show_default=kind is bool or self.default not in (None, 0, []),
        )  # fmt: skip
        if (optional or get_origin(self.kind) is list) and kind is not bool:
            return self.name, Annotated[kind, told], field(default=None)
        return self.name, Annotated[kind, told], field() if self.required else field(default=self.default)

    def earlier(self) -> tuple[str, Any, Any] | None:
        """The name that the option had before, as field gives it: it is taken, but not shown."""
        if not self.setting.earlier:
            return None
        told = typer.Option(f"--{self.setting.earlier}", hidden=True, help=f"The earlier name of {self.spelled}.")
        return self.setting.earlier, Annotated[self.kind | None, told], field(default=None)


def options(owner: type[Effect] | type[EditPart]) -> Iterator[Option]:
    """The settings of an effect or of a part, in the order of its fields."""
    hints = get_type_hints(owner, include_extras=True)
    for one in fields(owner):
        if one.init:
            kind, setting = get_args(hints[one.name])
            required = one.default is MISSING
            default = None if required else plain(owner()).get(one.name) if issubclass(owner, EditPart) else one.default
            yield Option(owner, one.name, typed(kind), setting, default, required)


def of_parts() -> Iterator[tuple[str, Option]]:
    """The settings of all parts, each with its panel."""
    for name, part in PARTS.items():
        for one in options(part):
            yield PANELS[name], one


def fields_of_parts(*, clips_alone: bool = False) -> Iterator[tuple[str, Any, Any]]:
    """The settings of all parts as make_dataclass takes them, and their earlier names.

    clips_alone: without those that only photos have.
    """
    for panel, one in of_parts():
        if one.setting.clips or not clips_alone:
            yield one.field(panel=panel)
            if earlier := one.earlier():
                yield earlier


def part_of(command: object, part: type[P]) -> P:
    """The part that a command asks for. Raises InputError for values that make no sense, naming the option."""
    spelled, values = {}, {}
    for one in options(part):
        earlier = getattr(command, one.setting.earlier, None) if one.setting.earlier else None
        value = getattr(command, one.name, None) if earlier is None else earlier
        spelled[one.name] = one.spelled if earlier is None else f"--{one.setting.earlier}"
        if value is not None:
            values[one.name] = value
    return made(part, values, part.__name__, label=lambda name: spelled[name])


def typed(kind: Any) -> Any:
    """The kind as one that can be typed: a path or text stands for what only Python can give, such as an array.

    >>> typed(str | tuple[int, int, int]), typed(float), typed(str | None)
    (<class 'str'>, <class 'float'>, str | None)
    """
    kinds = kinds_of(kind)
    if len(kinds) == 1 and get_origin(kind) is tuple:
        return list[typed(get_args(kind)[0])]  # type: ignore[misc]
    if len(kinds) == 1:
        return str if is_text(kind) else kind
    known = [one for one in kinds if one in (str, Path, int, float, bool) or get_origin(one) is Literal or is_text(one)]
    first = str if is_text(known[0]) else known[0]
    return first | None if type(None) in kinds else first
