"""Effects, layouts and runtimes that other installed packages add, by the entry points of their metadata.

    group   str                 "standout.effects", "standout.layouts", "standout.runtimes"
    found   dict[str, object]   name -> what the entry point of that name leads to, loaded

A package adds an effect, for example, by these lines in its pyproject.toml:

    [project.entry-points."standout.effects"]
    glow = "standout_glow:Glow"

To add a group: call found with its name where our own table does not hold what was asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

from standout.errors import SetupError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def found(group: str, *, ours: Collection[str] = ()) -> dict[str, object]:
    """What other packages add to the group, by name. ours: the names that standout itself uses.

    A process searches for packages once and loads them then, so call this only where our own table does not suffice.

    Raises SetupError, which names the package, where a package cannot be loaded or one of its names is taken.
    """
    points = _points(group)
    for name, point in points.items():
        if name in ours:
            raise SetupError(
                f"the package {_package(point)} adds {name!r} to {group}, a name that standout itself uses; "
                "uninstall the package, or ask its makers for another name"
            )
    return {name: _loaded(point) for name, point in points.items()}


def forget() -> None:
    """Lets the next call look again, for packages that were installed while this process ran."""
    _points.cache_clear()
    _loaded.cache_clear()


@cache
def _points(group: str) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # slow to load, and most runs need no other package

    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        other = points.setdefault(point.name, point)
        if _package(other) != _package(point):
            raise SetupError(
                f"the packages {_package(other)} and {_package(point)} both add {point.name!r} to {group}; "
                "uninstall one of them"
            )
    return points


@cache
def _loaded(point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:  # another package may raise any error while it is imported
        raise SetupError(
            f"the package {_package(point)} cannot be loaded: {point.name} = {point.value!r} of {point.group} raised "
            f"{type(error).__name__} ({error}); update the package, or uninstall it"
        ) from error


def _package(point: EntryPoint) -> str:
    return "of an unknown name" if point.dist is None else f"{point.dist.name} {point.dist.version}"
