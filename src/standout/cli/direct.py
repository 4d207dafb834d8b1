"""The command line of an effect, read without Typer's parser where it is written plainly.

    arguments   list[str]   what follows the command's name
    options     Photos      as Typer would make them, or None where Typer is to read the arguments

Typer has each value checked by pydantic, and to load that and build its checks takes longer than a small photo's mask.
What is less than plain is left to Typer, which says what is wrong: help, one-letter options in a group, a value that
begins with a hyphen, an option that is given twice, an unknown one, a number out of range.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from standout.cli.options import Photos
from standout.editing.plain import kinds_of

_TAKES_VALUE = object()
"""Stands for what an option means that is no switch: the value that follows it."""


class _Unclear(Exception):
    """The arguments are less than plain."""


def read(kind: type[Photos], arguments: list[str]) -> Photos | None:
    """The options of an effect's command, or None where Typer is to read the arguments."""
    try:
        return _read(kind, arguments)
    except _Unclear:
        return None


def _read(kind: type[Photos], arguments: list[str]) -> Photos:
    known = _spelled(kind)
    values: dict[str, Any] = {}
    inputs: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "-" or not argument.startswith("-"):
            inputs.append(argument)
            continue
        spelled, equals, text = argument.partition("=")
        if spelled not in known or (equals and not spelled.startswith("--")):
            raise _Unclear
        name, annotation, switched = known[spelled]
        if name in values or (switched is not _TAKES_VALUE and equals):
            raise _Unclear
        if switched is _TAKES_VALUE:
            values[name] = _value(text if equals else next(rest, ""), annotation)
        else:
            values[name] = switched
    needed = {one.name for one in fields(kind) if one.default is MISSING} - {"inputs"}
    if not inputs or "" in inputs or needed - values.keys():
        raise _Unclear
    return kind(inputs=inputs, **values)


def _spelled(kind: type[Photos]) -> dict[str, tuple[str, Any, Any]]:
    """How each option is typed -> its field, its annotation, and what it means; _TAKES_VALUE where it is no switch."""
    known: dict[str, tuple[str, Any, Any]] = {}
    for one in fields(kind):
        of, told, *_ = get_args(one.type)
        switch = bool in kinds_of(of)
        for declared in (told.default, *(told.param_decls or ())):  # typer.Option calls its first argument the default
            if not isinstance(declared, str):
                continue
            on, _, off = declared.partition("/")
            known[on] = one.name, one.type, True if switch else _TAKES_VALUE
            if off:
                known[off] = one.name, one.type, False
    return known


def _value(text: str, annotation: Any) -> Any:
    """The value that the text stands for. Raises _Unclear where Typer may find it wrong, or read it in its own way."""
    of, told, *_ = get_args(annotation)
    kinds = [one for one in kinds_of(of) if one is not type(None)]
    if len(kinds) != 1 or not text or (text != "-" and text.startswith("-")):
        raise _Unclear
    (kind,) = kinds
    if kind is str:
        return text
    if kind is Path:
        return Path(text)
    if get_origin(kind) is Literal and text in get_args(kind):
        return text
    if kind in (int, float) and re.fullmatch(r"\d{1,9}" if kind is int else r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        number = kind(text)
        if (told.min is None or number >= told.min) and (told.max is None or number <= told.max):
            return number
    raise _Unclear
