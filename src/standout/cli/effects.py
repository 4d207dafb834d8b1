"""The effects as commands: each is made of its effect's class, whose docstring is the command's help.

    Photos   what the user asked for; a class for each effect, with the effect's own settings as options
    Option   one setting of an effect, as an option of a command

To add an effect: see effects/__init__.py. To add an option to every effect: a field of Photos in options.py.
"""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields, make_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer

from standout.cli.options import Photos
from standout.cli.show import examples
from standout.effects import Effect, Setting


@dataclass(frozen=True)
class Option:
    """One setting of an effect. default: None where it must be given; required tells that apart from a default None."""

    effect: type[Effect]
    name: str
    kind: Any
    setting: Setting
    default: Any = None
    required: bool = False

    def field(self, *, optional: bool = False, panel: str | None = None) -> tuple[str, Any, Any]:
        """Name, annotation and default, as make_dataclass takes them for a class that Typer reads.

        optional: it may be left out, and is None then.
        """
        declared = [f"--{self.name.replace('_', '-')}", *([self.setting.short] if self.setting.short else [])]
        kind: Any = self.kind
        if kind is bool:
            declared[0] += f"/--{self.setting.off or 'no-' + self.name.replace('_', '-')}"
        elif optional:
            kind = kind | None
        told = typer.Option(
            *declared, help=self.setting.help, metavar=self.setting.metavar or None, min=self.setting.least,
            max=self.setting.most, rich_help_panel=panel,
        )  # fmt: skip
        if optional and kind is not bool:
            return self.name, Annotated[kind, told], field(default=None)
        return self.name, Annotated[kind, told], field() if self.required else field(default=self.default)


def options(effect: type[Effect]) -> Iterator[Option]:
    """The settings of an effect, in the order of its fields."""
    hints = get_type_hints(effect, include_extras=True)
    for one in fields(effect):
        if one.init:
            kind, setting = get_args(hints[one.name])
            required = one.default is MISSING
            yield Option(effect, one.name, _typed(kind), setting, None if required else one.default, required)


def command(effect: type[Effect], base: type[Photos] = Photos) -> tuple[type[Photos], str]:
    """The effect's command as a class of options, and the examples under its help. base: has the shared options."""
    made = make_dataclass(
        effect.__name__, [one.field() for one in options(effect)], bases=(base,), frozen=True, kw_only=True,
        namespace={"kind": effect, "__doc__": effect.__doc__},
    )  # fmt: skip
    return made, examples(*effect.examples) if effect.examples else ""


def _typed(kind: Any) -> Any:
    """The kind as one that can be typed: a path or text stands for what only Python can give, such as an array.

    >>> _typed(str | tuple[int, int, int]), _typed(float), _typed(str | None)
    (<class 'str'>, <class 'float'>, str | None)
    """
    if get_origin(kind) not in (Union, UnionType):
        return kind
    typed = [one for one in get_args(kind) if one in (str, Path, int, float, bool)]
    return typed[0] | None if type(None) in get_args(kind) else typed[0]
