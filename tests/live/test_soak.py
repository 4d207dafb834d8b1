"""What is held in memory does not grow while a camera runs."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from standout.live import latest, loop
from tests.live.soak import ROUND, Clock, soak


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_memory_is_flat_over_a_day(traced: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """After all effects had their turn, and more visitors came than are remembered, nothing more is held."""
    count = 6 * ROUND
    clock = Clock(step=24 * 3600 / count)
    for module in (loop, latest):
        monkeypatch.setattr(module, "monotonic", clock)
    held: list[tuple[int, int]] = []

    def each(shown: int) -> None:
        if shown % ROUND == 0:
            gc.collect()
            held.append((tracemalloc.get_traced_memory()[0], len(gc.get_objects())))

    pace = soak(count, clock, each=each)
    assert (pace.shown, pace.blank) == (count - 1, 0) and pace.seconds > 23.9 * 3600
    (bytes_then, objects_then), (bytes_now, objects_now) = held[2], held[-1]
    assert bytes_now - bytes_then < 100_000, "the hundred and fifty visitors since then would be a megabyte and a half"
    assert objects_now - objects_then < 300
