"""What a trained model's card takes over from the models it came from, and what it says of itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from standout.data import find_pairs
from standout.errors import InputError, ModelError
from standout.evaluate import scored
from standout.models.card import OF_BASE, ModelCard
from standout.models.registry import REGISTRY, find_checkpoint
from standout.net import checkpoint
from standout.net.header import card_in
from standout.net.soup import card_of_mean
from standout.net.unet import UNet
from standout.segmenter import Segmenter
from standout.train import config, finish, run
from standout.train.config import load, parse_changes
from tests.models.test_card import FULL
from tests.train.conftest import tiny

CPU = run.Compute("cpu")


def recipe(data: Path, **changes: object) -> config.Recipe:
    return load(None, {"name": "mine", "data": {"folder": str(data)}} | changes)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A checkpoint whose card says something else than the defaults in everything."""
    torch.manual_seed(0)
    path, net = tmp_path / "base.safetensors", UNet(FULL.encoder, decoder=FULL.decoder)
    torch.nn.init.constant_(net.head.bias, 9.0)  # people everywhere, without a doubt
    checkpoint.save(net, FULL, path)
    return path


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_fine_tuning_is_at_the_models_own_size(name: str, data: Path) -> None:
    wanted = card_in(find_checkpoint(name)).size
    plain = recipe(data, model={"init": name})
    assert [stage.size for stage in plain.epochs] == [wanted] * 12


def test_a_stage_without_a_size_has_the_base_models(base: Path, data: Path, tmp_path: Path) -> None:
    init = {"model": {"init": str(base)}}
    assert {stage.size for stage in recipe(data, **init).epochs} == {(96, 64)}
    settings = parse_changes(["train.stages=[{epochs=2}, {epochs=1, size=[64,64]}]"])
    assert [stage.size for stage in recipe(data, **init, **settings).epochs] == [(96, 64), (96, 64), (64, 64)]
    path = tmp_path / "recipe.toml"
    path.write_text(f'name = "a"\n[data]\nfolder = "{data}"\n[model]\ninit = "{base}"\n')
    assert [stage.size for stage in load(path, {}).epochs] == [(96, 64)] * 20
    assert [stage.size for stage in load(path, parse_changes(["train.batch=2"])).epochs] == [(96, 64)] * 20
    path.write_text(path.read_text() + "[train]\nstages = [{ epochs = 3, size = [128, 96] }]\n")
    assert {stage.size for stage in load(path, {}).epochs} == {(128, 96)}
    pruned = recipe(data, model={"prune": str(base), "encoder": "mobilenetv2_050"})
    assert {stage.size for stage in pruned.epochs} == {(96, 64)}
    assert {stage.size for stage in recipe(data).epochs} == {(320, 256)}


def test_sizes_are_not_looked_for_where_the_recipe_says_them(data: Path) -> None:
    """Recipes name models that are not there yet."""
    stages = {"stages": [{"epochs": 1, "size": [64, 64]}]}
    assert recipe(data, model={"init": "runs/later.safetensors"}, train=stages).epochs
    with pytest.raises(ModelError, match=r"runs/later\.safetensors.* is neither a bundled model nor a file"):
        recipe(data, model={"init": "runs/later.safetensors"})
    with pytest.raises(InputError, match=r"train\.stages.*"):
        recipe(data, model={"init": "standout-mobile"}, train={"stages": 3})
    with pytest.raises(InputError, match=r"model\.init = 3"):
        recipe(data, model={"init": 3})


def card(plan: config.Recipe) -> ModelCard:
    return run.card_of(plan, run.pairs(plan))


def test_a_model_trained_from_scratch_has_no_license_but_the_one_it_is_given(data: Path) -> None:
    plain = card(recipe(data))
    assert (plain.license, plain.base, plain.teacher, plain.protocol) == ("", "", "", "")
    assert (plain.second_look, plain.threshold) == (1.3, 0.5)
    said = card(recipe(data, **parse_changes(["license=CC0-1.0", "second_look=1.5", "threshold=0.4"])))
    assert (said.license, said.second_look, said.threshold) == ("CC0-1.0", 1.5, 0.4)
    pretrained = card(recipe(data, model={"encoder_weights": "far/imagenet.safetensors"}))
    assert pretrained.base == "encoder weights: imagenet.safetensors" and pretrained.license == ""
    for wrong in ("threshold=1.5", "second_look=0", "license=3"):
        with pytest.raises(InputError, match=wrong.split("=")[0]):
            recipe(data, **parse_changes([wrong]))


def test_fine_tuning_starts_from_the_base_models_card(base: Path, data: Path) -> None:
    mine = card(recipe(data, model={"init": str(base)}))
    found = card_in(base)
    assert (mine.size, mine.second_look, mine.threshold) == ((96, 64), 1.7, 0.35)
    assert (mine.encoder, mine.decoder, mine.unknown) == ("mobilenetv2_050", "slim", FULL.unknown)
    assert mine.license == f"CC-BY-4.0{OF_BASE}" and mine.base == f"mine {found.sha256[:12]} (CC-BY-4.0)"
    assert (mine.name, mine.scores, mine.protocol, mine.teacher, mine.sha256) == ("mine", {}, "", "", "")
    assert mine.data.startswith("data: 12 photos, 4 to validate; started from mine ")
    settings = parse_changes(
        ["license=MIT", "second_look=1", "threshold=0.5", "train.stages=[{epochs=1,size=[64,64]}]"]
    )
    mine = card(recipe(data, model={"init": str(base)}, **settings))
    assert (mine.license, mine.second_look, mine.threshold, mine.size) == ("MIT", 1.0, 0.5, (64, 64))
    assert "(CC-BY-4.0)" in mine.base, "whose license holds beside it"


def test_a_base_without_a_license_gives_none(base: Path, data: Path) -> None:
    net, found = checkpoint.load(base)
    checkpoint.save(net, replace(found, license=""), base)
    assert card(recipe(data, model={"init": str(base)})).license == ""
    checkpoint.save(net, replace(found, license=f"MIT{OF_BASE}"), base)
    assert card(recipe(data, model={"init": str(base)})).license == f"MIT{OF_BASE}"


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_what_is_trained_on_from_a_bundled_model_names_it(name: str, data: Path) -> None:
    mine, bundled = card(recipe(data, model={"init": name})), card_in(find_checkpoint(name))
    assert mine.base == f"{name} {bundled.sha256[:12]} (Apache-2.0)" and mine.license == f"Apache-2.0{OF_BASE}"
    assert (mine.second_look, mine.threshold, mine.size) == (bundled.second_look, bundled.threshold, bundled.size)


def test_pruned_and_taught_models_name_whom_they_have_it_from(base: Path, data: Path) -> None:
    plan = recipe(
        data,
        model={"encoder": "mobilenetv2_050", "decoder": "slim", "prune": str(base)},
        distill={"teacher": "standout-mobile"},
    )
    mine = card(plan)
    assert mine.base.startswith("the encoder's channels: mine ") and mine.license == f"CC-BY-4.0{OF_BASE}"
    assert (mine.second_look, mine.threshold) == (1.7, 0.5), "the threshold was another network's"
    assert mine.teacher == Segmenter("standout-mobile", threads=1).card.identity
    taught = card(recipe(data, distill={"teacher": "standout-mobile"}))
    assert taught.license == "" and taught.base == "" and taught.teacher == mine.teacher


def test_a_mean_names_all_with_their_shares() -> None:
    one = replace(FULL, name="one", sha256="1" * 64, teacher="t 1")
    two = replace(FULL, name="two", sha256="2" * 64, teacher="t 1", second_look=1.1)
    mean = card_of_mean([one, two], [0.25, 0.75])
    assert mean.base == f"the mean of 0.25 of {one.identity}, 0.75 of {two.identity}"
    assert (mean.license, mean.teacher, mean.second_look) == (FULL.license, "t 1", 1.1)
    assert (mean.scores, mean.protocol, mean.sha256) == ({}, "", "")
    assert card_of_mean([one, replace(two, license="")], [0.5, 0.5]).license == "CC-BY-4.0; not stated"
    assert card_of_mean([replace(one, license="")] * 2, [0.5, 0.5]).license == ""
    alone = card_of_mean([one], [1.0])
    assert alone.base == FULL.base and alone.scores == {}


def test_the_scores_on_the_card_are_what_evaluating_finds(
    base: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the photo's own size, refined, with the looks and the threshold of the card; as bundled models' are."""
    out = tmp_path / "out"
    stages = {"stages": [{"epochs": 1, "size": [96, 64]}], "ema": 0.0}
    model = run.train(tiny(data, model={"init": str(base)}, train=stages), out, CPU)
    _, mine = checkpoint.load(model)
    assert mine.protocol == (
        "mean Dice of a photo at its own size, edges refined, two looks (96x64, 160x96), threshold 0.35, 4 photos"
    )
    val = [pair for pair in find_pairs(data) if pair.split == "val"]
    again = scored(mine, val, Segmenter(model, threads=1))
    assert again == mine and set(mine.scores) == {"drawn", "empty"}
    assert mine.scores["drawn"] > 0.2 and mine.scores["empty"] > 0.9
    results = json.loads((out / "run.json").read_text())["results"]
    assert (results["scores"], results["protocol"]) == (mine.scores, mine.protocol)
    assert f"on its card: drawn {mine.scores['drawn']:.4f}" in capsys.readouterr().err

    changed = tiny(data, model={"init": str(base)}, train=stages, license="MIT", threshold=0.5)
    run.train(changed, out, CPU)  # finished, but what comes out is to be another
    _, anew = checkpoint.load(model)
    assert (anew.license, anew.threshold, anew.sha256) == ("MIT", 0.5, mine.sha256)
    before = model.stat().st_mtime_ns
    run.train(changed, out, CPU)
    assert model.stat().st_mtime_ns == before


def test_a_photo_that_cannot_be_measured_loses_no_training(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> ModelCard:
        raise InputError("huge.jpg has too many pixels")

    monkeypatch.setattr(finish, "scored", refuse)
    model = run.train(tiny(data, train={"stages": [{"epochs": 1, "size": [64, 64]}]}), tmp_path / "out", CPU)
    mine = checkpoint.load(model)[1]
    assert (mine.scores, mine.protocol) == ({}, "not measured: huge.jpg has too many pixels")
    assert not list((tmp_path / "out").glob("*.part"))
