"""Recipes for given photos and times, on rates that are set and once on measured ones."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from standout.cli import main
from standout.data import find_splits
from standout.data.traits import traits
from standout.errors import InputError
from standout.train import config, plan, run
from standout.train.pace import Rates

CPU = run.Compute("cpu")


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Photos a second by model; what they are set to is what is measured."""
    table = {"standout-quality": 10.0, "standout-mobile": 20.0, "standout-tiny": 50.0}

    def measured(net: Any, recipe: config.Recipe, *_: Any, **__: Any) -> Rates:
        step = recipe.train.batch / table[str(recipe.model.init)]
        return Rates({recipe.epochs[0].size: step}, validation=0.5, finish=1.0)

    monkeypatch.setattr(plan, "measure_rates", measured)
    return table


def test_the_traits_are_counted(data: Path) -> None:
    found = traits(*find_splits(data))
    assert (found.train, found.val, found.sources, found.looked_at) == (12, 4, {"drawn": 12}, 12)
    assert found.long_side == (120, 120, 120) and found.upright == 1
    assert found.nobody == pytest.approx(1 / 12) and found.small == found.soft == found.undecided == 0
    assert 0.15 < found.share[0] <= found.share[1] <= found.share[2] < 0.4
    assert any("12 photos to train on, 4 to validate (drawn 12)" in line for line in found.lines())


def test_the_best_model_that_is_quick_enough_is_chosen(data: Path, rates: dict[str, float]) -> None:
    assert plan.propose(data, 10, CPU).start == "standout-quality"
    rates["standout-quality"] = 0.1
    found = plan.propose(data, 5, CPU)
    assert found.start == "standout-mobile"
    assert any(reason.startswith("not standout-quality at 256x192: 0.1 photos/s") for reason in found.reasons)
    assert found.size == (256, 192), "photos of 120 pixels need no larger network"
    rates["standout-mobile"] = rates["standout-tiny"] = 0.1
    with pytest.raises(InputError, match=r"5 minutes are too short for 12 photos .* give --minutes 10 or more"):
        plan.propose(data, 5, CPU)


def test_few_photos_do_not_take_longer_than_they_need(data: Path, rates: dict[str, float]) -> None:
    found = plan.propose(data, 600, CPU)
    assert found.passes == plan.MOST_PASSES and found.minutes < 600
    assert any("60 passes are enough for 12 photos" in reason for reason in found.reasons)
    assert any("--folds 5" in reason for reason in found.reasons)


def test_the_recipe_is_one_that_train_takes(
    data: Path, tmp_path: Path, rates: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    command = ["plan", str(data), "--minutes", "3", "-o", str(path), "--device", "cpu"]
    assert main(command) == 0
    recipe = config.load(path, {})
    assert recipe.name == "mine" and recipe.data.folder == data and recipe.model.init == "standout-quality"
    assert 0 < (recipe.train.minutes or 0) <= 3 and recipe.train.batch == 8
    assert "people fill" in path.read_text() and "# 12 photos to train on" in path.read_text()
    assert f"wrote {path}; standout train {path} -o runs/mine takes" in capsys.readouterr().err
    assert main(command) == 2
    assert "exists and is kept" in capsys.readouterr().err
    assert main(["plan", str(data), "--minutes", "3"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["model"]["init"] == "standout-quality"


@pytest.mark.slow
def test_rates_are_measured(data: Path) -> None:
    found = plan.propose(data, 60, CPU)
    assert found.rate > 0 and found.start in plan.STARTS


def test_small_people_ask_for_a_larger_network() -> None:
    def like(share: float, side: float) -> Any:
        return plan.Traits(100, 20, {}, 100, (side, side, side), 1.0, (share, 0.2, 0.5), 0.1, 0.0, 0.0, 0.0)

    assert plan._size(like(0.1, 1000))[0] == (256, 192)
    assert plan._size(like(0.008, 1000))[0] == (384, 288)
    assert plan._size(like(0.001, 1000))[0] == (512, 384)
    assert plan._size(like(0.001, 320))[0] == (384, 288), "no larger than the photos"


def test_a_model_keeps_the_size_it_was_trained_at_where_photos_have_it() -> None:
    def like(side: float) -> Any:
        return plan.Traits(100, 20, {}, 100, (side, side, side), 1.0, (0.1, 0.2, 0.5), 0.1, 0.0, 0.0, 0.0)

    assert plan._own_size("standout-quality", (256, 192), like(1000)) == (384, 288)
    assert plan._own_size("standout-quality", (256, 192), like(300)) == (256, 192)
    assert plan._own_size("standout-mobile", (384, 288), like(1000)) == (384, 288)
