"""Writes the pages of the reference that are generated from the code, into docs/reference/.

    .venv/bin/python scripts/reference.py

The Python names are those of standout.__all__, whose docstrings and signatures mkdocstrings adds. The command line is
read from the Typer application, the recipe's keys from the pydantic models in train/config.py and train/parts.py.
scripts/docs runs this before it builds the site. Git ignores the pages, so that they cannot fall behind the code.

To add a generated page: a function that returns Markdown, and a row in PAGES.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from rich.text import Text

import standout
from standout import metrics
from standout.cli import application
from standout.effects import EFFECTS
from standout.support.atomic import write_atomic
from standout.train.config import Recipe
from standout.train.parts import Part, Stage

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


MODULES = {
    "standout.editing": ("People", "Edge", "Placement", "Dress"),
    "standout.effects": ("Effect", "Setting", *(kind.__name__ for kind in EFFECTS.values())),
    "standout.batch.clip": ("ClipOptions", "Excerpt"),
    "standout.metrics": tuple(metrics.__all__),
    "standout.images": ("read_mask", "read_alpha"),
}
"""The other stable modules, and their stable names: docs/stability.md lists the same."""


def python() -> str:
    """The page of all stable names, which mkdocstrings fills."""
    names = sorted((name for name in standout.__all__ if name != "__version__"), key=lambda name: name[0].isupper())
    blocks = [f"::: {_origin(name)}" for name in names]
    for module, more in MODULES.items():
        blocks += [
            f"## In `{module}`",
            *(f"::: {module}.{name}\n    options:\n      heading_level: 3" for name in more),
        ]
    return "\n\n".join([
        "# Python API",
        "These are the names of `standout` itself, all that `standout.__all__` lists beside `__version__`: functions "
        "first, then classes and types. The [guide](../guides/python.md) shows how they work together, and "
        "[stability](../stability.md) says what is promised about them.",
        *blocks,
    ]) + "\n"  # fmt: skip


def _origin(name: str) -> str:
    """Where the name is defined: the package imports it from there on first use."""
    return f"standout.{standout._FACE[name]}.{name}"


def command_line() -> str:
    """The page of all commands with their arguments, options and examples."""
    root = typer.main.get_command(application())
    return "\n\n".join([
        "# Command line",
        "This page is generated from the code. The [guide to photos](../guides/photos.md) says what happens to your "
        "files, and what the exit codes mean. `standout photo.jpg` is short for `standout cut photo.jpg`.",
        *_commands(root, "standout"),
    ]) + "\n"  # fmt: skip


def _commands(command: Any, name: str, typed: str = "standout") -> Iterator[str]:
    """The sections of a command and of the commands below it. typed: the command with the arguments of those above."""
    if name != "standout":
        yield f"## {name}"
        yield _paragraphs(command.help)
        places = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
        names = [parameter.metavar or parameter.name.upper() for parameter in places]
        typed = " ".join([typed, *names])
        is_group = hasattr(command, "commands")
        more = (command.subcommand_metavar if names else "") if is_group else "[OPTIONS]"
        yield f"```\n{f'{typed} {more}'.strip()}\n```"
        for panel, parameters in _panels(command).items():
            rows = [f"| {_named(one)} | {_cell(_plain(one.help or ''))} | {_default(one)} |" for one in parameters]
            head = "argument" if panel == "Arguments" else "option"
            yield f"**{panel}**\n\n| {head} | what it does | default |\n|---|---|---|\n" + "\n".join(rows)
    if command.epilog:
        yield f"```\n{_plain(command.epilog).removeprefix('Examples').strip()}\n```"
    for below, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _commands(child, f"{name} {below}", f"{typed} {below}")


def _panels(command: Any) -> dict[str, list[Any]]:
    """The parameters that help shows, by the panel they are in: arguments first."""
    panels: dict[str, list[Any]] = {}
    for one in sorted(command.params, key=lambda one: one.param_type_name != "argument"):
        if not getattr(one, "hidden", False):
            panel = "Arguments" if one.param_type_name == "argument" else one.rich_help_panel or "Options"
            panels.setdefault(panel, []).append(one)
    return panels


def _named(parameter: Any) -> str:
    """The option as it is typed, with what it takes."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    takes = "" if parameter.is_flag else f" `{parameter.metavar or 'VALUE'}`"
    return names + takes


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or value == () or value is False or callable(value):
        return ""
    if value is True:
        return f"`{parameter.opts[0]}`"
    return f"`{getattr(value, 'value', value)}`"


def _plain(text: str) -> str:
    return Text.from_markup(text).plain


def _paragraphs(text: str | None) -> str:
    return _plain(inspect.cleandoc(text or "")).split("\f")[0].strip()


def _cell(text: str) -> str:
    """The text as it may stand in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def recipe() -> str:
    """The page of all keys of a recipe, a table for each part."""
    sections = [
        "# Recipe keys",
        "This page is generated from the code. A recipe is a TOML file; each key that has a default may be left out, "
        "and a key that does not exist is refused with the nearest one that does. `--set KEY=VALUE` changes a key for "
        "one run, such as `--set train.lr=3e-4`. [Training](../guides/training.md) tells how recipes are used.",
        *_part(Recipe, ""),
    ]
    return "\n\n".join(sections) + "\n"


def _part(part: type[Part], prefix: str) -> Iterator[str]:
    """The sections of a part and of the parts in it."""
    kinds = {name: field.annotation for name, field in part.model_fields.items()}
    nested = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Part)}
    yield f"## {f'`[{prefix}]`' if prefix else 'At the top'}"
    yield " ".join(inspect.cleandoc(part.__doc__ or "").split())
    yield _keys({name: field for name, field in part.model_fields.items() if name not in nested}, prefix)
    if prefix == "train":
        yield "### `train.stages`"
        yield inspect.cleandoc(Stage.__doc__ or "")
        yield _keys(Stage.model_fields, "")
    for name, kind in nested.items():
        yield from _part(kind, f"{prefix}.{name}".strip("."))


def _keys(fields: dict[str, FieldInfo], prefix: str) -> str:
    rows = ["| key | type | default | what it does |", "|---|---|---|---|"]
    for name, field in fields.items():
        default = "required" if field.is_required() else _value(field.get_default(call_default_factory=True))
        key, text = f"{prefix}.{name}".strip("."), field.description or ""
        rows.append(f"| `{key}` | {_type(field)} | {default} | {_cell(text)} |")
    return "\n".join(rows)


def _type(field: FieldInfo) -> str:
    """The type as a reader of TOML knows it, with the limits that pydantic checks."""
    schema = _schema(field)
    options = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    return " or ".join(_of_schema(one) for one in options)


def _schema(field: FieldInfo) -> dict[str, Any]:
    kind: Any = field.annotation
    for limit in field.metadata:
        kind = Annotated[kind, limit]
    return TypeAdapter(kind).json_schema()


def _of_schema(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "enum" in (items := schema.get("items", {})):
        return f"{_of_schema(items)}, or a list of them"
    names = {"number": "number", "integer": "whole number", "string": "text", "boolean": "true or false"}
    text = names.get(schema.get("type", ""), {"array": "list", "object": "table"}.get(schema.get("type", ""), "table"))
    limits = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    told = [f"{words} {schema[key]:g}" for key, words in limits.items() if key in schema]
    return ", ".join([text, *told])


def _value(value: Any) -> str:
    """The default as it would stand in the TOML file; empty where there is none."""
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, tuple) and value and isinstance(value[0], Stage):
        stage = value[0]
        return f"{stage.epochs} epochs at {stage.size[0]}x{stage.size[1]}"
    if isinstance(value, tuple):
        return f"`{json.dumps(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


PAGES: dict[str, Callable[[], str]] = {"python.md": python, "command-line.md": command_line, "recipe.md": recipe}


def main() -> None:
    """Writes the pages that are not what the code says."""
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_atomic(path, text.encode(), overwrite=True)
            print(f"wrote {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
