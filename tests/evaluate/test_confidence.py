"""Fitting how masks are judged: what the regression finds, that no photo judges itself, and the card in the file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.cli import main
from standout.data import find_pairs
from standout.errors import InputError, ModelError
from standout.evaluate.confidence import FEWEST, JudgedPhoto, by_photo, by_source, collect, fit
from standout.masks.confidence import SIGNS
from standout.models.registry import REGISTRY, find
from standout.net.header import card_in
from standout.net.rewrite import with_card
from standout.net.trainable import load
from standout.segmenter import Segmenter
from tests.conftest import drawn_person


def photos(count: int = 400, *, seed: int = 0) -> list[JudgedPhoto]:
    """Photos whose Dice follows from their signs: a logistic function of "own"; a fifth show nobody."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        is_empty = number % 5 == 0
        signs = dict.fromkeys(SIGNS, 0.0) | {
            "own": rng.normal(1.5, 1.5),
            "surest": rng.normal(-4 if is_empty else 4, 2),
        }
        is_found = not is_empty
        dice = 1.0 if is_empty else 1 / (1 + np.exp(-0.5 - signs["own"]))
        made.append(JudgedPhoto(str(number), "abc"[number % 3], signs, float(dice), is_empty, is_found))
    return made


def test_the_regression_finds_the_function_that_made_the_dice() -> None:
    judge = fit(photos(4000))
    assert judge.found["own"] == pytest.approx(1.0, abs=0.03) and judge.found["constant"] == pytest.approx(0.5, abs=0.1)
    others = photos(500, seed=1)
    told = [judge.chances(one.signs, is_found=one.is_found)[0] for one in others]
    assert np.mean(told) == pytest.approx(np.mean([one.dice for one in others]), abs=0.02)


def test_who_is_not_there_is_told_by_the_signs_of_presence() -> None:
    everybody = [replace(one, is_found=True, dice=one.dice * (not one.is_empty)) for one in photos(1000)]
    judge = fit(everybody)
    told = np.array([judge.chances(one.signs, is_found=True)[1] for one in everybody])
    empty = np.array([one.is_empty for one in everybody])
    assert judge.nobody["surest"] < -0.3 and told[empty].mean() > 0.7 > 0.1 > told[~empty].mean()


def test_no_photo_has_a_say_in_how_it_is_judged() -> None:
    """Photos with a Dice of their own kind change what is expected of others, but not of themselves."""
    some = photos(120)
    odd = 7
    changed = [replace(one, dice=0.0) if i == odd else one for i, one in enumerate(some)]
    before, after = (by_photo(each, repeats=1).dice for each in (some, changed))
    assert before[odd] == after[odd] and not np.array_equal(before, after)
    wrong = [replace(one, dice=0.0) if one.source == "a" and not one.is_empty else one for one in some]
    told = np.array([one.source == "a" and not one.is_empty for one in some])
    before, after = (by_source(each).dice for each in (some, wrong))
    assert np.array_equal(before[told], after[told]) and not np.array_equal(before[~told], after[~told])


def test_too_few_photos_are_refused() -> None:
    with pytest.raises(InputError, match=f"wanted {FEWEST} or more"):
        fit(photos(20))


def test_a_fit_stands_where_everybody_is_found() -> None:
    judge = fit([one for one in photos() if not one.is_empty])
    assert judge.missed["constant"] == pytest.approx(0.0, abs=1e-6)


def drawn(folder: Path, count: int) -> Path:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        image, mask = drawn_person(64, 48, seed=number)
        cv2.imwrite(str(folder / "images" / f"d_{number}.png"), image[..., ::-1])
        cv2.imwrite(str(folder / "masks" / f"d_{number}.png"), mask)
    return folder


@pytest.mark.slow
def test_a_model_of_ones_own_gets_its_confidence_into_its_file(
    as_trained: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, data = tmp_path / "mine.safetensors", drawn(tmp_path / "data", FEWEST + 2)
    bare = replace(card_in(as_trained("standout-tiny")), confidence={})
    mine.write_bytes(with_card(as_trained("standout-tiny"), bare))
    assert Segmenter(mine, threads=1).find(drawn_person()[0]).confidence is None
    assert main(["evaluate", str(mine), str(data), "--fit-confidence", "--runtime", "pytorch"]) == 0
    assert "fitted on 52 photos, 52 of them with people" in capsys.readouterr().err
    told = Segmenter(mine, threads=1)
    assert told.card == replace(bare, confidence=told.card.confidence) and told.card.judge is not None
    found = told.find(drawn_person(seed=99)[0]).confidence
    assert found is not None and 0 < found <= 1


def test_bundled_models_are_not_fitted_by_the_command(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "standout-tiny", str(data), "--fit-confidence"]) == 2
    assert "is bundled, and its confidence is fitted already" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_another_card_leaves_every_weight_as_it_is(name: str, tmp_path: Path) -> None:
    path, copy = find(name), tmp_path / "copy.onnx"
    card = card_in(path)
    assert card.judge is not None and card.confidence["of"] == card.sha256
    copy.write_bytes(with_card(path, replace(card, confidence={})))
    assert card_in(copy).judge is None
    copy.write_bytes(with_card(copy, card))
    assert copy.read_bytes() == path.read_bytes()
    before, after = load(path), load(copy)
    assert before.graph == after.graph and before.training_info == after.training_info
    with pytest.raises(ModelError, match="give the card of the file's own weights"):
        with_card(path, replace(card, sha256="0" * 64))


def test_a_checkpoint_keeps_its_tensors(as_trained: Callable[[str], Path], tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    path, copy = as_trained("standout-tiny"), tmp_path / "copy.safetensors"
    card = replace(card_in(path), confidence={"of": "other weights", "note": "ümlaut " * 7})
    copy.write_bytes(with_card(path, card))
    assert card_in(copy) == card and card.judge is None, "judges of other weights are not used"
    before, after = load_file(path), load_file(copy)
    assert before.keys() == after.keys() and all(np.array_equal(before[one], after[one]) for one in before)


@pytest.mark.slow
def test_the_judge_of_the_default_model_ranks_real_photos(people: Path) -> None:
    """On validation photos, where it was fitted: the card and the code belong together."""
    pairs = [pair for pair in find_pairs(people / "val") if pair.source in ("cocoval", "empty")][::5]
    segmenter = Segmenter("standout-tiny", threads=1)
    judge = segmenter.card.judge
    assert judge is not None
    found = collect(pairs, segmenter)
    told = np.array([judge.chances(one.signs, is_found=one.is_found)[0] for one in found])
    assert np.corrcoef(told, [one.dice for one in found])[0, 1] > 0.6
