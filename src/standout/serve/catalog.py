"""The effects and their settings as plain values, from which a page or a program builds its controls.

    effect    {"name", "summary", "settings": [setting, ...], "transparent", "is_mask"}
    setting   {"name", "help", "kind", "default", "required", "optional", "least", "most", "choices"}
    kind      "number", "integer", "switch", "choice", "color", "text" or "file"

They are made of the fields of each effect's class, so a new effect is listed without a change here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from standout import effects
from standout.effects import Effect, Setting
from standout.serve import schema

COLOR = "COLOR"
"""The metavar of a setting whose text is a color."""


_VALUE = {"type": ["string", "number", "boolean", "null"]}
_LIMIT = {"type": ["number", "null"]}
SCHEMA = schema.record(
    {
        "name": schema.TEXT,
        "summary": schema.TEXT,
        "settings": {
            "type": "array",
            "items": schema.record(
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
            ),
        },
        "transparent": schema.SWITCH,
        "is_mask": schema.SWITCH,
    }
)
"""Of an effect, as OpenAPI has it."""


def listed() -> list[dict[str, Any]]:
    """Every effect that is known, in the order in which users see them."""
    return [described(kind) for kind in effects.known().values()]


def described(kind: type[Effect]) -> dict[str, Any]:
    """An effect. transparent: whether its results are, as long as every setting has its default."""
    settings = list(_settings(kind))
    return {
        "name": kind.name,
        "summary": first_sentence(kind.__doc__ or ""),
        "settings": settings,
        "transparent": not any(one["required"] for one in settings) and kind().is_transparent,
        "is_mask": kind.is_mask,
    }


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, in one line.

    >>> first_sentence("Cut the people out: all else\\n    becomes transparent. Hidden pixels are black.")
    'Cut the people out: all else becomes transparent.'
    """
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0]


def _settings(kind: type[Effect]) -> Iterator[dict[str, Any]]:
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        if one.init:
            annotation, setting = get_args(hints[one.name])
            yield _setting(one, annotation, setting)


def _setting(one: Field[Any], annotation: Any, setting: Setting) -> dict[str, Any]:
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    choices = [value for part in parts if get_origin(part) is Literal for value in get_args(part)]
    required = one.default is MISSING and one.default_factory is MISSING
    default = None if one.default is MISSING else one.default
    return {
        "name": one.name,
        "help": setting.help,
        "kind": "choice" if choices else _kind(parts, setting),
        "default": str(default) if isinstance(default, Path) else default,
        "required": required,
        "optional": type(None) in parts,
        "least": setting.least,
        "most": setting.most,
        "choices": choices,
    }


def _kind(parts: tuple[Any, ...], setting: Setting) -> str:
    if Path in parts:
        return "file"
    if str in parts:
        return "color" if setting.metavar == COLOR else "text"
    return next(name for of, name in ((bool, "switch"), (int, "integer"), (float, "number")) if of in parts)
