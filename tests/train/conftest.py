"""Runs small enough to take a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from standout.support.system import cores
from standout.train.config import Recipe, load, merge
from tests.conftest import MadeOnce

TINY: dict[str, Any] = {
    "name": "drawn",
    "train": {
        "stages": [{"epochs": 2, "size": [96, 64]}, {"epochs": 1, "size": [64, 64]}],
        "batch": 4,
        "lr": 1e-3,
    },
}


def tiny(data: Path, /, **changes: Any) -> Recipe:
    """A recipe of three short epochs on data; changes are tables, as in TOML."""
    return load(None, merge(merge(TINY, {"data": {"folder": str(data)}}), changes))


@pytest.fixture(autouse=True)
def threads() -> None:
    """The same number of threads for each test, whatever ran before it: the last digits of sums depend on it."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(cores())


@pytest.fixture
def finished(data: Path, made_once: MadeOnce) -> Path:
    """The folder of a finished run of tiny(data), the same for all tests: what is to be changed is copied first."""
    from standout.train import run

    return made_once("finished-run", lambda out: run.train(tiny(data), out, run.Compute("cpu")))
