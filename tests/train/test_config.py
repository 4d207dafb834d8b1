from pathlib import Path

import pytest

from standout.errors import InputError
from standout.train.config import Recipe, load, parse_changes
from tests.conftest import ROOT

BASE = 'name = "a"\n[data]\nfolder = "b"\n'


@pytest.mark.parametrize("recipe", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda path: path.name)
def test_every_recipe_loads_and_says_command_cost_and_result(recipe: Path) -> None:
    assert load(recipe, {}).name == recipe.stem
    lines = recipe.read_text().splitlines()
    for line, word in zip(lines, ("command", "cost", "result"), strict=False):
        key, _, said = line.removeprefix("# ").partition(":")
        assert key == word and said.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3\n" + BASE, "unknown key 'epoch'; known keys: name, data, "),
        (BASE + "[train]\nbacth = 3", "unknown key 'train.bacth'; did you mean 'batch'"),
        ('name = "a"', "'data' is missing"),
        ('name = "a"\n[data]\n', "'data.folder' is missing"),
        (
            BASE + "[train]\nstages = [{ epoch = 1, size = [96, 64] }]",
            r"unknown key 'train.stages.1.epoch'; did you mean 'epochs'",
        ),
        (BASE + "[train]\nstages = [{ epochs = 1 }]", "'train.stages.1.size' is missing"),
        (BASE + "[train]\nstages = [{ epochs = 1, size = [100, 64] }]", "must be multiples of 32"),
        (BASE + "[train]\nstages = []", "at least 1 item"),
        (BASE + '[train]\nlr = "fast"', "train.lr = 'fast': Input should be a valid number"),
        (BASE + "[train]\nlr = -1", "train.lr = -1: Input should be greater than 0"),
        (BASE + '[train]\nschedule = "linear"', "train.schedule = 'linear': Input should be 'one-cycle'"),
        (BASE + '[model]\nnarrow = "standout-mobile"', "'model.narrow' is called 'model.prune' now"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_explained(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        load(path, {})
    assert str(path) in str(error.value)


def test_all_wrong_keys_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(BASE + "[train]\nbacth = 3\nlr = -1")
    with pytest.raises(InputError, match=r"train\.lr.*; .*bacth"):
        load(path, {})


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml does not exist"):
        load(tmp_path / "none.toml", {})


def test_settings_lie_on_top_of_the_recipe(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(BASE + "[train]\nbatch = 4\nlr = 1e-3")
    recipe = load(path, parse_changes(["train.lr=3e-4", "model.encoder=resnet18", "data.draws.coco=2"]))
    assert (recipe.train.batch, recipe.train.lr, recipe.model.encoder) == (4, 3e-4, "resnet18")
    assert recipe.data.draws == {"coco": 2}


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(InputError, match=r"--set 'train.lr' is not of the form KEY=VALUE"):
        parse_changes(["train.lr"])


def test_fine_tuning_has_its_own_defaults_unless_a_recipe_says_otherwise(tmp_path: Path) -> None:
    changes = {"name": "mine", "data": {"folder": "b"}, "model": {"init": "standout-mobile"}}
    assert load(None, changes).train.batch == 8
    assert load(None, changes | {"train": {"batch": 2}}).train.batch == 2
    path = tmp_path / "recipe.toml"
    path.write_text(BASE)
    assert load(path, changes).train.batch == 16


def test_the_shares_of_the_loss_are_those_above_0() -> None:
    recipe = Recipe.model_validate({"name": "a", "data": {"folder": "b"}, "loss": {"bce": 0.0, "dice": 1.0}})
    assert recipe.loss.shares == {"dice": 1.0}


def test_the_older_spelling_of_a_set_is_read() -> None:
    for name in ("colourful", "colorful"):
        recipe = Recipe.model_validate({"name": "a", "data": {"folder": "b"}, "augment": {"set": name}})
        assert recipe.augment.set == "colorful"
