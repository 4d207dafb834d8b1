"""The pages of the reference that are generated from the code."""

import importlib
import importlib.util
import re
from types import ModuleType
from typing import Any

import pytest
import typer

import standout
from standout.cli import application
from standout.effects import EFFECTS
from standout.train.config import Recipe
from standout.train.parts import Part, Stage
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_called_stable_is_there_and_in_the_reference(reference: ModuleType) -> None:
    page = (ROOT / "docs" / "stability.md").read_text()
    listed = dict(re.findall(r"^- `(standout\.[\w.]+)`: (.*(?:\n  .*)*)", page, re.MULTILINE))
    assert listed.keys() == reference.MODULES.keys() | {"standout.errors"}
    for name, members in reference.MODULES.items():
        module = importlib.import_module(name)
        for member in members:
            assert hasattr(module, member)
            is_effect = member in {kind.__name__ for kind in EFFECTS.values()}
            assert (
                f"`{member}`" in listed[name]
                or "`__all__`" in listed[name]
                or (is_effect and "`EFFECTS`" in listed[name])
            )
            assert f"::: {name}.{member}\n" in reference.python()
    for name in set(standout.__all__) - {"__version__"}:
        assert f".{name}\n" in reference.python()


def commands(command: Any, name: str) -> dict[str, Any]:
    below = {} if not hasattr(command, "commands") else command.commands
    return {name: command} | {
        path: one for key, child in below.items() for path, one in commands(child, f"{name} {key}").items()
    }


def test_the_command_line_page_has_every_command_and_option(reference: ModuleType) -> None:
    page = reference.command_line()
    for name, command in commands(typer.main.get_command(application()), "standout").items():
        if name == "standout":
            continue
        assert f"## {name}\n" in page
        section = page.split(f"## {name}\n")[1].split("\n## ")[0]
        for one in command.params:
            if one.param_type_name != "argument":
                assert getattr(one, "hidden", False) or f"`{one.opts[0]}`" in section, f"{name} {one.opts}"
    assert "[bold" not in page and "[dim]" not in page
    usage = set(page.split("```\n"))
    assert {"standout cut INPUT [OPTIONS]\n", "standout data check DIR [OPTIONS]\n"} <= usage
    assert {"standout batch SOURCE TARGET EFFECT [OPTIONS]\n", "standout batch SOURCE TARGET cut [OPTIONS]\n"} <= usage


def keys(part: type[Part], prefix: str = "") -> dict[str, str | None]:
    found = {}
    for name, field in part.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Part):
            found |= keys(kind, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = field.description
    return found


def test_the_recipe_page_has_every_key_with_its_description(reference: ModuleType) -> None:
    page = reference.recipe()
    for key, description in (keys(Recipe) | keys(Stage)).items():
        assert description, f"{key} of the recipe has no docstring"
        assert f"| `{key}` |" in page


def test_the_recipe_page_says_limits_choices_and_defaults(reference: ModuleType) -> None:
    lines = {line.split("`")[1]: line for line in reference.recipe().splitlines() if line.startswith("| `")}
    assert "number, at least 0, below 1 | `0.998`" in lines["train.ema"]
    assert "`adam`, `adamw`, `sgd`" in lines["train.optimizer"] and '`"adamw"`' in lines["train.optimizer"]
    assert "required" in lines["data.folder"]
