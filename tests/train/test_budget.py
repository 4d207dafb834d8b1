"""A run that takes a given time: on clocks that tests move, and once for real."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import torch

from standout.errors import InputError
from standout.train import run
from standout.train.batches import draw_order
from standout.train.budget import AROUND, Budget, Clock, sliced
from standout.train.callbacks import read_log
from standout.train.config import Recipe
from standout.train.module import SegmentationModule
from standout.train.pace import Rates, measure_rates
from standout.train.store import Store
from tests.train.conftest import tiny

SMALL, LARGE = (64, 64), (96, 64)
STAGES = [{"epochs": 6, "size": list(SMALL)}, {"epochs": 3, "size": list(LARGE)}]


class Hand(Clock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.now = 0.0

    def seconds(self) -> float:
        return self.now


def timed(minutes: float, **changes: Any) -> Recipe:
    return tiny(Path("data"), train={"stages": STAGES, "minutes": minutes} | changes)


def play(budget: Budget, recipe: Recipe, pace: Rates, clock: Hand, busy: Callable[[float], float]) -> list[float]:
    """Trains on paper: what happens takes busy(now) times as long as was measured. The learning rates' places."""
    places = []
    for epoch, stage in enumerate(recipe.epochs):
        budget.begin(epoch)
        trainer = MagicMock()
        trainer.fit_loop.epoch_loop.batch_progress.is_last_batch = False
        budget.on_train_epoch_start(trainer)
        for step in range(budget.steps):
            budget.on_train_batch_start(trainer, None, None, step)
            places.append(budget.progress)
            clock.now += pace.step[stage.size] * busy(clock.now)
            budget.on_train_batch_end(trainer, None, None, None, step)
            if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
                break
        clock.now += (pace.validation + AROUND) * busy(clock.now)
    clock.now += pace.finish * busy(clock.now)
    return places


@pytest.mark.parametrize(
    ("name", "busy"),
    [
        ("as measured", lambda now: 1.0),
        ("three times as slow from the start", lambda now: 3.0),
        ("four times as slow in the last two minutes of thirty", lambda now: 1.0 if now < 1680 else 4.0),
        ("twice as fast", lambda now: 0.5),
        ("another program comes after ten minutes", lambda now: 1.0 if now < 600 else 2.5),
        ("another program ends after ten minutes", lambda now: 2.5 if now < 600 else 1.0),
        ("another program comes and goes", lambda now: 1.0 + (now // 120) % 2),
    ],
)
@pytest.mark.parametrize("minutes", [3, 30])
def test_a_run_ends_in_time_whatever_else_the_machine_does(
    minutes: int, name: str, busy: Callable[[float], float]
) -> None:
    clock, pace = Hand(), Rates({SMALL: 0.2, LARGE: 0.3}, validation=2.0, finish=6.0)
    clock.now = 8.0
    recipe = sliced(timed(minutes), pace, clock)
    places = play(Budget(recipe, pace, clock), recipe, pace, clock, busy)
    assert 0.95 * minutes * 60 <= clock.now <= 1.05 * minutes * 60
    assert places == sorted(places) and places[0] < 0.01 and places[-1] > 0.94, "the schedule is whole"
    assert len(places) > 50


def test_a_run_that_was_stopped_has_the_rest_of_the_time() -> None:
    clock, pace = Hand(), Rates({SMALL: 0.2, LARGE: 0.3}, validation=2.0, finish=6.0)
    recipe = sliced(timed(10), pace, clock)
    first = Budget(recipe, pace, clock)
    for epoch in range(2):
        first.begin(epoch)
        first.done = first.expected
        clock.now += first.expected * 0.2
    kept = json.loads(json.dumps(first.state_dict()))
    again = Hand()
    again.now = 5.0
    second = Budget(recipe, pace, again)
    second.load_state_dict(kept)
    assert second.elapsed() == pytest.approx(clock.now + 5)
    second.begin(2)
    assert second.drawn == kept["drawn"] > 0
    assert second.expected < first.expected


def test_slices_keep_the_stages_proportions_and_leave_room_for_training() -> None:
    clock, quick = Hand(), Rates({SMALL: 0.2, LARGE: 0.3}, validation=1.0, finish=5.0)
    assert [stage.epochs for stage in sliced(timed(30), quick, clock).train.stages] == [6, 3]
    slow = Rates({SMALL: 0.2, LARGE: 0.3}, validation=60.0, finish=120.0)
    assert [stage.epochs for stage in sliced(timed(30), slow, clock).train.stages] == [4, 2]
    frozen = sliced(timed(30, frozen_epochs=3), slow, clock).train.frozen_epochs
    assert frozen == 2
    few = timed(30, stages=[{"epochs": 2, "size": [64, 64]}])
    assert len(sliced(few, quick, clock).epochs) == 8, "a run of few passes adapts eight times all the same"


def test_too_little_time_is_told_with_what_would_do() -> None:
    clock, pace = Hand(), Rates({SMALL: 0.2, LARGE: 0.3}, validation=20.0, finish=60.0)
    clock.now = 15.0
    with pytest.raises(InputError, match=r"2 minutes leave too little .*finish 60 s; give --minutes 2\.6 or more"):
        sliced(timed(2), pace, clock)
    sliced(timed(4.0), pace, clock)


def test_batches_go_on_where_the_epoch_before_has_ended(data: Path) -> None:
    recipe = tiny(data, train={"stages": STAGES, "minutes": 1})
    store = Store(run.pairs(recipe)[0])
    passes = [draw_order(store, recipe, number) for number in range(4)]
    every = [batch for one in passes for batch in one]
    budget = Budget(recipe, Rates({SMALL: 1.0, LARGE: 1.0}, 0.0, 0.0), Hand())
    assert budget.batches(store, 2) == every[:2]
    budget.drawn = 2
    assert budget.batches(store, 5) == every[2:7]
    nothing = tiny(data, train={"stages": STAGES, "minutes": 1}, data={"folder": str(data), "draws": {"drawn": 0.0}})
    with pytest.raises(InputError, match="draws no photo"):
        Budget(nothing, Rates({SMALL: 1.0, LARGE: 1.0}, 0.0, 0.0), Hand()).batches(store, 1)


def test_what_is_measured_is_above_nothing_and_leaves_the_network_alone(data: Path) -> None:
    recipe = tiny(data)
    pairs = run.pairs(recipe)
    net = run.build(recipe)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    stores = (Store(pairs[0]), Store(pairs[1]))
    pace = measure_rates(net, recipe, stores, run.card_of(recipe, pairs), device="cpu", teacher=None)
    assert pace.step.keys() == {(96, 64), (64, 64)} and all(one > 0 for one in pace.step.values())
    assert pace.validation > 0 and pace.finish > pace.validation
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_timed_run_trains_resumes_and_ends_its_schedule(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine where every step takes two seconds of a clock that stands still otherwise."""
    clock, step = Hand(), SegmentationModule.training_step
    pace = Rates({SMALL: 2.0, LARGE: 2.0}, validation=1.0, finish=1.0)
    monkeypatch.setattr(run, "measure_rates", lambda *_, **__: pace)
    recipe = tiny(data, train={"stages": [{"epochs": 3, "size": [64, 64]}], "minutes": 1.5, "ema": 0.0})

    def train(clock: Hand, dies: int | None) -> None:
        def slow(module: SegmentationModule, batch: Any, number: int) -> torch.Tensor:
            if module.current_epoch == dies and number == 1:
                raise RuntimeError("power cut")
            clock.now += 2.0
            return step(module, batch, number)

        with monkeypatch.context() as patch:
            patch.setattr(SegmentationModule, "training_step", slow)
            run.train(recipe, tmp_path / "out", run.Compute("cpu"), clock=clock)

    with pytest.raises(RuntimeError, match="power cut"):
        train(clock, 3)
    second = Hand()
    train(second, None)
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    rows = read_log(tmp_path / "out" / "log.csv")
    assert facts["slices"]["stages"][0]["epochs"] == 8 == len(rows)
    photos = sum(row["photos_per_second"] * row["seconds"] for row in rows)
    assert 60 <= photos / 4 * 2 <= 99, "batches of 4 photos, two seconds each, in 90 seconds"
    assert rows[-1]["lr"] < 0.05 * max(row["lr"] for row in rows)
    assert recipe.train.minutes == 1.5 and facts["results"]["epoch"] <= 8
