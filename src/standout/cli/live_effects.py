"""The effects that `standout webcam` offers, and which of them its options ask for.

To add an effect: see effects/__init__.py. It is offered here unless it needs transparency.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from standout.cli.settings import Option, options
from standout.effects import known
from standout.errors import InputError, unknown

if TYPE_CHECKING:
    from standout.editing import Edit, EditPart

LEFT_OUT = ("cut",)
"""Effects whose pictures are transparent, which neither a window nor a virtual camera shows."""

NOT_LIVE = ("canvas",)
"""Settings of an edit's parts that clips have, and live pictures have not: their size is asked of the camera."""

DEFAULTS = {("color", "color"): "#00b140"}
"""Effect and setting: those whose default is another one than for photos: green, for a program that keys it out."""


def _effect(one: Option) -> str:
    """The name of the effect whose setting it is."""
    return one.owner.name  # type: ignore[union-attr]


@cache
def settings() -> list[Option]:
    """The settings of all effects that are shown live."""
    return [one for name, effect in known().items() if name not in LEFT_OUT for one in options(effect)]


OWNERS = {one.name: {_effect(other) for other in settings() if other.name == one.name} for one in settings()}
"""Setting -> the names of the effects that have it."""


def given(command: object) -> list[str]:
    """The settings that a command was given, switches aside."""
    return [name for name in OWNERS if not isinstance(getattr(command, name), bool | None)]


def edits(command: object, parts: dict[str, EditPart]) -> dict[str, Edit]:
    """Each effect's name and what is done by it; an effect that lacks a setting it needs is left out.

    parts: the other parts of each edit, by the names of their fields. What cannot be dressed, such as the mask, is
    shown as it is.
    """
    from standout.editing import Edit

    made = {}
    for name, effect in known().items():
        values = {}
        for one in options(effect):
            value = getattr(command, one.name, None)
            values[one.name] = DEFAULTS.get((name, one.name), one.default) if value is None else value
        lacks = any(one.required and values[one.name] is None for one in options(effect))
        if name not in LEFT_OUT and not lacks:
            shown = effect(**values)
            fitting = parts if shown.has_behind else {part: one for part, one in parts.items() if part != "dress"}
            made[name] = Edit.of(shown, fitting)
    return made


def chosen(wanted: str | None, offered: dict[str, Edit], given: list[str]) -> str:
    """The effect to begin with: the wanted one, or the one that the given settings ask for, or blur.

    Raises InputError for an unknown effect, and for one that lacks a setting it needs.
    """
    from standout.live.loop import UNTOUCHED

    if wanted is None:
        asked = [name for name in offered if any(name in OWNERS[one] for one in given)]
        return next((name for name in ("replace", "color") if name in asked), asked[0] if asked else "blur")
    if wanted in offered or wanted == UNTOUCHED:
        return wanted
    lacking = [one.name for one in settings() if _effect(one) == wanted and one.required]
    if lacking:
        raise InputError(f"{wanted} needs something to put behind; give --{lacking[0]}, a picture or a clip")
    raise InputError(unknown("effect", wanted, [*offered, UNTOUCHED]))
