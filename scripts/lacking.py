"""Ends with 1 where packages that pyproject.toml asks for are not installed, or are in another version.

    .venv/bin/python scripts/lacking.py            # what the program needs
    .venv/bin/python scripts/lacking.py dev        # and what this extra needs, with the extras that it names

Nothing of what it looks for is loaded, so that it takes no time.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    from packaging.requirements import Requirement
except ImportError:  # it comes with what the program needs
    sys.exit(1)


def lacking(extras: list[str]) -> list[str]:
    """The requirements that are not met."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts, extras = [project["name"], *project["dependencies"]], list(extras)
    for extra in extras:  # which grows while it is gone through
        for text in project["optional-dependencies"][extra]:
            texts.append(text)
            named = Requirement(text)
            if named.name == project["name"]:
                extras += sorted(named.extras - set(extras))
    return [text for text in texts if not _is_met(Requirement(text))]


def _is_met(wanted: Requirement) -> bool:
    if wanted.marker is not None and not wanted.marker.evaluate():
        return True
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(1 if lacking(sys.argv[1:]) else 0)
