"""Dataclasses of an edit <-> plain values, as JSON and a command line hold them.

    bool, int, float, text, a Literal   as they are
    Path                                its text
    standout.lengths                    their text, see there
    tuple                               a list

plain writes them, made reads them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from standout.errors import InputError, unknown

T = TypeVar("T")


def plain(part: Any) -> dict[str, Any]:
    """The fields of a dataclass as plain values. Raises InputError for a value that JSON cannot hold."""
    return {one.name: written(getattr(part, one.name), one.name) for one in fields(part) if one.init}


def as_object(values: Any, what: str, known: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The values, if they are an object of JSON with these fields at most. Raises InputError where they are not."""
    if not isinstance(values, dict):
        raise InputError(f"{what} is {values!r}; wanted an object")
    for name in values:
        if known is not None and name not in known:
            raise InputError(unknown(f"field of {what}", name, known))
    return values


def made(kind: type[T], values: Any, what: str, *, label: Callable[[str], str] | None = None) -> T:
    """A dataclass of that kind from plain values. label: what a field is called in errors; "what.field" by default.

    Raises InputError for anything but an object of its fields, each of its type.
    """
    known = tuple(one.name for one in fields(kind) if one.init)  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    told = label or (lambda name: f"{what}.{name}")
    given = {name: _read(value, hints[name], told(name)) for name, value in as_object(values, what, known).items()}
    try:
        return kind(**given)
    except TypeError:
        missing = [name for name in known if name not in given]
        raise InputError(f"{what} needs {', '.join(missing)}") from None


def kinds_of(hint: Any) -> tuple[Any, ...]:
    """The types of which a value of that type hint may be.

    >>> kinds_of(str | None), kinds_of(int)
    ((<class 'str'>, <class 'NoneType'>), (<class 'int'>,))
    """
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def is_text(kind: Any) -> bool:
    """Whether values of the type are written as text, which its method of() reads: those of standout.lengths."""
    return isinstance(kind, type) and callable(getattr(kind, "of", None))


def written(value: Any, name: str) -> Any:
    """The value of a field as a plain one. Raises InputError for a value that JSON cannot hold, calling it name."""
    if isinstance(value, tuple):
        return [written(one, name) for one in value]
    if isinstance(value, Path) or is_text(type(value)):
        return str(value)
    if isinstance(value, str | int | float | None):
        return value
    raise InputError(f"{name} is a {type(value).__name__}, which JSON cannot hold; give the path of a file")


def _read(value: Any, hint: Any, what: str) -> Any:
    """The value if it is of the hinted type. Raises InputError where it is not."""
    kinds = kinds_of(hint)
    for kind in kinds:
        if is_text(kind) and isinstance(value, str | kind):
            return _of(kind, value, what)
        if kind is Path and isinstance(value, str | Path):
            return Path(value)
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if get_origin(kind) is Literal and value in get_args(kind):
            return value
        if get_origin(kind) is tuple and isinstance(value, list | tuple):
            of = get_args(kind)
            if of[-1] is Ellipsis:
                return tuple(_read(one, of[0], what) for one in value)
            if len(value) == len(of):
                return tuple(_read(one, each, what) for one, each in zip(value, of, strict=True))
        if isinstance(kind, type) and type(value) is kind:
            return value
    raise InputError(f"{what} is {json.dumps(value, default=repr)}; wanted {_said(kinds)}")


def _of(kind: Any, value: Any, what: str) -> Any:
    if isinstance(value, kind):
        return value
    try:
        return kind.of(value)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None


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
            of = get_args(kind)
            count = "a list" if of[-1] is Ellipsis else str(len(of))
            said.append(f"{count} of {_said(of[:1])}")
        elif kind is type(None):
            said.append("null")
        elif is_text(kind):
            said.append("text")
        elif kind in names:
            said.append(names[kind])
    return " or ".join(said)
