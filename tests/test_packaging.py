"""What pyproject.toml, the scripts around it and the workflows say of each other."""

import importlib.util
import re
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from standout.export import TARGETS
from standout.runtimes import RUNTIMES
from tests.conftest import ROOT

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["project"]["optional-dependencies"]


def script(name: str) -> ModuleType:
    """scripts/NAME.py as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there for what their annotations mean
    spec.loader.exec_module(module)
    return module


def project(groups: dict[str, list[str]], extras: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """A pyproject.toml whose base needs NumPy."""
    base = {"name": "standout", "dependencies": ["numpy>=1"], "optional-dependencies": extras or {}}
    return {"project": base, "dependency-groups": groups}


def test_nothing_is_installed_where_nothing_lacks() -> None:
    lacking = script("lacking").lacking
    assert lacking(project({"dev": ["pytest>=1"]}), []) == []
    assert lacking(project({"dev": ["pytest>=1"]}), ["dev"]) == []
    assert lacking(project({"dev": ["standout[x]"]}, {"x": ["numpy>=1"]}), ["dev"]) == []


@pytest.mark.parametrize(
    ("groups", "extras"),
    [
        ({"dev": ["no-such-package>=1", "standout[x]"]}, {"x": []}),
        ({"dev": ["pytest>=999", "standout[x]"]}, {"x": []}),
        ({"dev": ["pytest", "standout[x]"]}, {"x": ["numpy>=999"]}),
        ({"dev": ["pytest", "standout[x]"]}, {"x": ["standout[y]"], "y": ["standout[x]", "no-such-package"]}),
    ],
)
def test_what_lacks_brings_the_project_and_the_groups(
    groups: dict[str, list[str]], extras: dict[str, list[str]]
) -> None:
    tool = next(text for text in groups["dev"] if not text.startswith("standout"))
    assert script("lacking").lacking(project(groups, extras), ["dev"]) == ["--editable .[x]", tool]


def test_the_program_alone_may_lack_something() -> None:
    short = project({})
    short["project"]["dependencies"] = ["no-such-package"]
    assert script("lacking").lacking(short, []) == ["--editable ."]


def test_what_another_python_needs_is_not_looked_for() -> None:
    lacking = script("lacking").lacking
    old = "python_version < '3.0'"
    assert lacking(project({"dev": [f"no-such-package; {old}"]}), ["dev"]) == []
    assert lacking(project({"dev": [f"standout[x]; {old}"]}, {"x": ["no-such-package"]}), ["dev"]) == []
    assert lacking(project({"dev": ["standout[a]"]}, {"a": [f"standout[x]; {old}"], "x": ["no-such"]}), ["dev"]) == []


def test_every_extra_is_in_all_and_every_one_named_exists() -> None:
    named = {extra for text in EXTRAS["all"] for extra in Requirement(text).extras}
    bare = [text.partition(";")[0] for text in EXTRAS["all"] if not text.startswith("standout[")]
    assert named | {extra for extra in EXTRAS for text in bare if extra != "all" and text in EXTRAS[extra]} == (
        set(EXTRAS) - {"all"}
    )
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    told = set(re.findall(r'MissingExtra\([^()]*"(\w+)"\)', source)) | set(re.findall(r"standout\[(\w+)\]", source))
    told |= {kind.extra for kind in (*RUNTIMES.values(), *TARGETS.values()) if kind.extra}
    assert {"train", "openvino", "coreml", "litert"} <= told <= set(EXTRAS)


def test_what_is_installed_for_the_tests_without_its_dependencies_is_the_extra() -> None:
    assert PYPROJECT["dependency-groups"]["faces"] == EXTRAS["idphoto"]


def test_extras_that_extras_name_have_no_marker() -> None:
    """Hatchling puts the requirements of an extra in the place of its name, without the marker behind it."""
    for extra, texts in EXTRAS.items():
        assert not [text for text in texts if text.startswith("standout[") and ";" in text], extra


def test_versions_of_python_are_told_alike() -> None:
    """Classifiers, the workflow that tests them, and the least version."""
    prefix = "Programming Language :: Python :: 3."
    told = [one.removeprefix(prefix[:-2]) for one in PYPROJECT["project"]["classifiers"] if one.startswith(prefix)]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == told
    assert PYPROJECT["project"]["requires-python"] == f">={told[0]}"


def test_scripts_that_workflows_run_are_there() -> None:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(workflows) >= 3
    for workflow in workflows:
        for name in re.findall(r"(?<![\w/])scripts/[\w.]+", workflow.read_text()):
            assert (ROOT / name).is_file(), f"{workflow.name} runs {name}"


def test_a_wheel_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = script("wheel_size")
    assert sizes.LIMIT == 20
    wheel = tmp_path / "standout-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small.txt", b"1")
        archive.writestr("weights.onnx", bytes(200_000))
    text, fits = sizes.report(wheel)
    assert fits and "0.2 MB" in text.splitlines()[0] and "weights.onnx" in text.splitlines()[1]
    monkeypatch.setattr(sizes, "LIMIT", 0.1)
    assert not sizes.report(wheel)[1]
    monkeypatch.setattr("sys.argv", ["wheel_size.py", str(wheel)])
    assert sizes.main() == 1
