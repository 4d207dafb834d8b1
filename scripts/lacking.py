"""Prints what pip is to install where the environment lacks something of what pyproject.toml asks for, else nothing.

    .venv/bin/python scripts/lacking.py                    # what the program needs
    .venv/bin/python scripts/lacking.py dev converters     # and what these dependency groups need

The output is a requirements file: the project itself, editable, with the extras that the groups name, and the groups'
packages. `pip install --group` would read the groups itself, but only pip 25.1 and later knows it, and a fresh
environment of Python 3.11 or 3.12 brings an older one. Nothing of what it looks for is imported: that is slow.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

try:
    from packaging.requirements import Requirement
except ImportError:  # a fresh environment holds pip alone, which has a copy of its own
    from pip._vendor.packaging.requirements import Requirement  # type: ignore[assignment, unused-ignore]

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def lacking(pyproject: dict[str, Any], groups: Iterable[str]) -> list[str]:
    """The lines of the requirements file; empty when all that the project and the groups need is installed.

    Raises KeyError for a group that does not exist.
    """
    project = pyproject["project"]
    own, extras, tools = Requirement(project["name"]), set[str](), list[str]()
    for group in groups:
        for text in pyproject["dependency-groups"][group]:
            wanted = Requirement(text)
            if wanted.name == own.name:
                extras |= wanted.extras if _applies(wanted) else set()
            else:
                tools.append(text)
    needed = [own.name, *project["dependencies"], *_of_extras(project, extras), *tools]
    if all(_is_met(Requirement(text)) for text in needed):
        return []
    return [f"--editable .[{','.join(sorted(extras))}]" if extras else "--editable .", *tools]


def _of_extras(project: dict[str, Any], extras: set[str]) -> list[str]:
    """The requirements of these extras and of those that they name."""
    found, queue = list[str](), sorted(extras)
    for extra in queue:  # which grows while it is gone through
        for text in project["optional-dependencies"][extra]:
            wanted = Requirement(text)
            if wanted.name == project["name"]:
                queue += sorted(wanted.extras - set(queue)) if _applies(wanted) else []
            else:
                found.append(text)
    return found


def _applies(wanted: Requirement) -> bool:
    return wanted.marker is None or wanted.marker.evaluate()


def _is_met(wanted: Requirement) -> bool:
    if not _applies(wanted):
        return True
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    try:
        lines = lacking(tomllib.loads(PYPROJECT.read_text(encoding="utf-8")), sys.argv[1:])
    except KeyError as error:
        sys.exit(f"pyproject.toml has no dependency group or extra {error}; see [dependency-groups] there")
    sys.stdout.writelines(f"{line}\n" for line in lines)
