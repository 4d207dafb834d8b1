import tracemalloc

import numpy as np
import pytest

from standout.evaluate import intervals
from standout.evaluate.intervals import CHUNK, DRAWS, gap, mean, paired


def test_an_interval_is_about_two_standard_errors_to_either_side() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 400)
    found = mean(list(values))
    error = values.std(ddof=1) / 20
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    held = [found.low <= 0.3 <= found.high for found in (mean(list(rng.beta(3, 7, 60))) for _ in range(200))]
    assert 0.90 <= np.mean(held) <= 0.99


def test_pairing_sees_what_two_intervals_hide() -> None:
    one = np.random.default_rng(2).uniform(0.5, 1.0, 50)
    two = one + 0.01
    assert mean(list(one)).high > mean(list(two)).low, "apart, the two overlap"
    assert paired(list(one), list(two)).low > 0


def test_a_gap_of_equal_groups_reaches_down_to_chance() -> None:
    rng = np.random.default_rng(3)
    same = gap([list(rng.normal(0.9, 0.05, 80)) for _ in range(2)])
    apart = gap([list(rng.normal(level, 0.05, 80)) for level in (0.9, 0.8)])
    assert same.low < 0.01 and apart.low > 0.07
    assert apart.n == 160


def test_one_value_is_its_own_interval() -> None:
    assert mean([0.7]).row() == {"mean": 0.7, "low": 0.7, "high": 0.7, "n": 1}


def all_at_once(values: np.ndarray, seed: int) -> np.ndarray:
    chosen = np.random.default_rng(seed).integers(len(values), size=(DRAWS, len(values)))
    return values[chosen].mean(1)


@pytest.mark.parametrize("count", [1, 2, 3, 37, 131, 132, 1000, 4999])
@pytest.mark.parametrize("chunk", [1, 1000, CHUNK])
def test_drawing_in_parts_draws_the_same(monkeypatch: pytest.MonkeyPatch, count: int, chunk: int) -> None:
    """To the last bit, odd numbers of values too, whose random bits are handed on from part to part."""
    monkeypatch.setattr(intervals, "CHUNK", chunk)
    values = np.random.default_rng(count).random(count)
    for seed in (0, 3):
        assert (intervals._means(values, seed=seed) == all_at_once(values, seed)).all()


def test_memory_does_not_grow_with_draws_times_photos() -> None:
    """60,000 photos took 1.9 GB at once."""
    values = list(np.random.default_rng(0).random(60_000))
    tracemalloc.start()
    found = mean(values)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.n == 60_000 and found.low < found.mean < found.high
    assert most < 16e6
