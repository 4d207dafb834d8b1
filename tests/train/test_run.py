import csv
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from standout.errors import InputError
from standout.net import checkpoint
from standout.train import run
from standout.train.config import Config, Stage, load_config
from tests.conftest import ROOT


def config(data: Path, **changes: object) -> Config:
    settings = {"stages": (Stage(1, (64, 32)), Stage(1, (64, 64))), "batch": 4, "lr": 1e-3} | changes
    return Config("drawn", data, **settings)


def test_a_killed_run_goes_on_exactly(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run.train(config(data), tmp_path / "whole")
    save = run._save

    def save_and_die(state: run.State, path: Path) -> None:
        save(state, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "_save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            run.train(config(data), tmp_path / "killed")
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    resumed = run.train(config(data), tmp_path / "killed")
    for one, two in zip(*(checkpoint.load(path)[0].state_dict().values() for path in (whole, resumed)), strict=True):
        assert torch.equal(one, two)


def test_training_learns_the_drawn_people(data: Path, tmp_path: Path) -> None:
    run.train(config(data, stages=(Stage(14, (64, 64), compose=0.0),), lr=5e-3, ema=0.9), tmp_path)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert len(rows) == 14
    assert float(rows[-1]["loss"]) < 0.6 * float(rows[0]["loss"])
    assert float(rows[-1]["drawn"]) > 0.7


def test_a_loss_that_is_no_number_stops_the_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "bce_dice", lambda *_, **__: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(InputError, match="loss became nan in epoch 1, step 1"):
        run.train(config(data), tmp_path)


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="images is not a folder"):
        run.train(config(tmp_path / "nowhere"), tmp_path / "out")


def test_one_cycle_rises_once_and_falls_to_0() -> None:
    rates = [run.one_cycle(step, 200) for step in range(201)]
    peak = rates.index(max(rates))
    assert peak == 30
    assert all(a <= b for a, b in pairwise(rates[: peak + 1]))
    assert all(a >= b for a, b in pairwise(rates[peak:]))
    assert rates[-1] == 0


@pytest.mark.parametrize("recipe", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda path: path.name)
def test_every_recipe_loads(recipe: Path) -> None:
    assert load_config(recipe).name == recipe.stem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "a"\ndata = "b"\nepoch = 3', "unknown key 'epoch'"),
        ('name = "a"\ndata = "b"\nbacth = 3', "did you mean 'batch'"),
        ('name = "a"', "'data' is missing"),
        (
            'name = "a"\ndata = "b"\nstages = [{ epoch = 1, size = [96, 64] }]',
            "stage 1: unknown key 'epoch'; did you mean",
        ),
        ('name = "a"\ndata = "b"\nstages = [{ epochs = 1 }]', "stage 1: 'size' is missing"),
        ("name = ", "not valid TOML"),
        ('name = "a"\ndata = "b"\nstages = [{ epochs = 1, size = [100, 64] }]', "not a multiple of 32"),
    ],
)
def test_a_wrong_recipe_is_explained(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_config(path)
