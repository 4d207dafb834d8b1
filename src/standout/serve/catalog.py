"""The effects, the parts of an edit, and their settings as plain values, from which a page builds its controls.

    effect    {"name", "summary", "settings": [setting, ...], "transparent", "is_mask", "dressed"}
    part      name -> [setting, ...]: "people", "edge", "placement", "dress"
    setting   {"name", "help", "kind", "default", "required", "optional", "least", "most", "choices"}
    kind      "number", "integer", "switch", "choice", "color", "text" or "file"

They are made of the fields of each class, so a new effect or a new setting is listed without a change here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from standout import effects
from standout.editing import PARTS, EditPart
from standout.editing.plain import is_text, kinds_of, written
from standout.effects import Effect, Setting
from standout.serve import schema

COLOR = "COLOR"
"""The metavar of a setting whose text is a color."""


_VALUE = {"type": ["string", "number", "boolean", "null", "array"]}
_LIMIT = {"type": ["number", "null"]}
_SETTING = schema.record(
    {
        "name": schema.TEXT,
        "help": schema.TEXT,
        "kind": {"enum": ["number", "integer", "switch", "choice", "color", "text", "file"]},
        "default": _VALUE,
        "required": schema.SWITCH,
        "optional": schema.SWITCH,
        "least": _LIMIT,
        "most": _LIMIT,
        "choices": {"type": "array", "items": schema.TEXT},
    }
)
SCHEMA = schema.record(
    {
        "name": schema.TEXT,
        "summary": schema.TEXT,
        "settings": {"type": "array", "items": _SETTING},
        "transparent": schema.SWITCH,
        "is_mask": schema.SWITCH,
        "dressed": schema.SWITCH,
    }
)
"""Of an effect, as OpenAPI has it."""

PARTS_SCHEMA = schema.record({name: {"type": "array", "items": _SETTING} for name in PARTS})
"""Of the parts of an edit."""


def listed() -> list[dict[str, Any]]:
    """Every effect that is known, in the order in which users see them."""
    return [described(kind) for kind in effects.known().values()]


def parts() -> dict[str, list[dict[str, Any]]]:
    """The settings of the parts of an edit, which go with every effect; a dress with those alone that say "dressed"."""
    return {name: list(_settings(kind)) for name, kind in PARTS.items()}


def described(kind: type[Effect]) -> dict[str, Any]:
    """An effect. transparent: whether its results are, as long as every setting has its default."""
    settings = list(_settings(kind))
    return {
        "name": kind.name,
        "summary": first_sentence(kind.__doc__ or ""),
        "settings": settings,
        "transparent": not any(one["required"] for one in settings) and kind().is_transparent,
        "is_mask": kind.is_mask,
        "dressed": kind.behind is not Effect.behind,
    }


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, in one line.

    >>> first_sentence("Cut the people out: all else\\n    becomes transparent. Hidden pixels are black.")
    'Cut the people out: all else becomes transparent.'
    """
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0]


def _settings(kind: type[Effect] | type[EditPart]) -> Iterator[dict[str, Any]]:
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        if one.init:
            annotation, setting = get_args(hints[one.name])
            yield _setting(one, annotation, setting)


def _setting(one: Field[Any], annotation: Any, setting: Setting) -> dict[str, Any]:
    kinds = kinds_of(annotation)
    choices = [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]
    required = one.default is MISSING and one.default_factory is MISSING
    default = None if one.default is MISSING else one.default
    return {
        "name": one.name,
        "help": setting.help,
        "kind": "choice" if choices else _kind(kinds, setting),
        "default": written(default, one.name),
        "required": required,
        "optional": type(None) in kinds,
        "least": setting.least,
        "most": setting.most,
        "choices": choices,
    }


def _kind(kinds: tuple[Any, ...], setting: Setting) -> str:
    if Path in kinds:
        return "file"
    if str in kinds:
        return "color" if setting.metavar == COLOR else "text"
    if any(is_text(kind) or get_origin(kind) is tuple for kind in kinds):
        return "text"
    return next(name for of, name in ((bool, "switch"), (int, "integer"), (float, "number")) if of in kinds)
