"""Runs that are killed at a random moment, by benchmarks/kills.py, which kills more of them."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]
pytest.importorskip("pyarrow", reason="needs pyarrow")
pytest.importorskip("ray", reason="needs ray")

PHOTOS = 24


@pytest.fixture(scope="module")
def kills() -> Iterator[ModuleType]:
    """benchmarks/kills.py, which is no package."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("kills")
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="module")
def ground(kills: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The photos, and what a run gives that nobody kills."""
    return kills.ground(tmp_path_factory.mktemp("kills"), PHOTOS)


@pytest.mark.parametrize("kind", ["worker", "driver", "shard", "process"])
def test_nothing_is_lost_half_written_or_done_again(kills: ModuleType, ground: Any, kind: str) -> None:
    kill = kills.once(ground, kind, random.Random())
    assert kill.kind == kind and kill.results <= PHOTOS


def test_what_is_wrong_after_a_kill_is_found(kills: ModuleType, ground: Any, tmp_path: Path) -> None:
    """A result that is lost, or half-written, or written again, and what was left behind."""
    place = kills.Ground(tmp_path, ground.source, ground.wanted)
    assert kills.subprocess.run(place.command(), timeout=kills.LIMIT).returncode == 0
    before, (name, data) = place.results(), next(iter(place.wanted.items()))
    kills.check(place, before)
    path = place.target / name
    path.write_bytes(data[:100])
    with pytest.raises(kills.Failed, match=r"is not what a run gives that nobody kills"):
        kills.check(place, before)
    path.unlink()
    with pytest.raises(kills.Failed, match="1 results are lost, 0 odd"):
        kills.check(place, before)
    path.write_bytes(data)
    with pytest.raises(kills.Failed, match=f"1 results were there and have been written again, such as {name}"):
        kills.check(place, before)
    (place.target / ".half").touch()
    with pytest.raises(kills.Failed, match=r"\.half and 0 more were left behind"):
        kills.check(place, place.results())
