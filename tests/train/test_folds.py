"""Cross-validation from end to end, on drawn people."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from standout import Segmenter
from standout.cli import main
from standout.data import find_splits
from standout.errors import InputError, ModelError, SetupError
from standout.evaluate.photos import score
from standout.net import checkpoint
from standout.net.ensemble import Ensemble
from standout.train import run
from standout.train.budget import Clock
from standout.train.folds import fold as one_fold
from standout.train.folds import train_folds
from standout.train.folds.record import scores_by_source
from standout.train.folds.shares import Shares
from standout.train.folds.together import Candidate, choose
from standout.train.module import SegmentationModule
from tests.conftest import MadeOnce
from tests.train.conftest import tiny

CPU = run.Compute("cpu")
SHORT: dict[str, Any] = {"stages": [{"epochs": 1, "size": [64, 64]}]}


def three(data: Path, /, **changes: Any) -> Any:
    return tiny(data, **({"folds": {"count": 3}, "train": SHORT} | changes))


@pytest.fixture
def folded(data: Path, made_once: MadeOnce) -> Path:
    """Three folds from random weights, the same for all tests: what is to be changed is copied first."""
    return made_once("folded", lambda out: train_folds(three(data), out, CPU))


def facts(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "folds.json").read_text())
    return found


def test_each_photo_is_answered_by_a_model_that_has_not_seen_it(data: Path, folded: Path) -> None:
    rows = facts(folded)["photos"]
    train, val = find_splits(data)
    assert sorted((row["name"], row["part"]) for row in rows) == sorted(
        [(pair.name, "train") for pair in train] + [(pair.name, "val") for pair in val]
    )
    assert {row["fold"] for row in rows if row["part"] == "train"} == {1, 2, 3}
    assert {row["fold"] for row in rows if row["part"] == "val"} == {0}
    assert len({row["mask"] for row in rows}) == 16, "the names of both parts are the same, the files are not"
    for row in rows:
        if row["fold"]:
            seen = json.loads((folded / f"fold-{row['fold']}" / "run.json").read_text())["data"]
            assert seen["train"] + seen["val"] == 12 and seen["val"] in (3, 4, 5)


def test_the_kept_masks_are_the_answers_of_the_folds_model(data: Path, folded: Path) -> None:
    train, _ = find_splits(data)
    row = next(row for row in facts(folded)["photos"] if row["fold"] == 2)
    pair = next(pair for pair in train if pair.name == row["name"])
    mask = Segmenter(folded / "fold-2" / "model.safetensors").mask(cv2.imread(str(pair.image))[..., ::-1].copy())
    kept = cv2.imread(str(folded / row["mask"]), cv2.IMREAD_UNCHANGED)
    assert kept.dtype == np.uint8 and kept.shape == mask.shape
    np.testing.assert_allclose(kept / 255, mask, atol=0.02)
    label = cv2.imread(str(pair.mask), cv2.IMREAD_UNCHANGED)
    again = score(mask, label, threshold=0.5, tolerance=0.0075, name=row["name"], source=row["source"])
    assert again.dice == pytest.approx(row["dice"], abs=0.01)


def test_random_beginnings_make_an_ensemble_in_one_file(folded: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"ensemble of 3 networks, which cannot be trained on; .*distill\.teacher"):
        checkpoint.load(folded / "model.safetensors")
    net, card = checkpoint.load_any(folded / "model.safetensors")
    assert isinstance(net, Ensemble) and card.members == 3 and card.card_version == 2
    assert card.base == "the mean of the outputs of 3 folds"
    assert card.scores and "4 photos" in card.protocol
    image = torch.rand(2, 3, 64, 96)
    singles = [checkpoint.load(folded / f"fold-{n}" / "model.safetensors")[0] for n in (1, 2, 3)]
    with torch.inference_mode():
        wanted = torch.stack([torch.sigmoid(single(image)) for single in singles]).mean(0)
        torch.testing.assert_close(torch.sigmoid(net(image)), wanted, atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_an_ensemble_is_exported_and_teaches_like_any_model(data: Path, folded: Path, tmp_path: Path) -> None:
    assert main(["export", str(folded / "model.safetensors"), "-o", str(tmp_path)]) == 0
    exported = next(tmp_path.glob("*.onnx"))
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    masks = [Segmenter(path).mask(image) for path in (exported, folded / "model.safetensors")]
    np.testing.assert_allclose(masks[0], masks[1], atol=0.01)
    recipe = tiny(data, train=SHORT, distill={"teacher": str(folded / "model.safetensors")})
    assert checkpoint.load(run.train(recipe, tmp_path / "student", CPU))[1].teacher.startswith("drawn ")


@pytest.mark.slow
def test_folds_of_one_beginning_may_ship_the_mean_of_their_weights(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = three(data, model={"init": "standout-tiny"}, folds={"count": 2, "ships": "weights"})
    net, card = checkpoint.load(train_folds(recipe, tmp_path, CPU))
    singles = [checkpoint.load(tmp_path / f"fold-{n}" / "model.safetensors")[0] for n in (1, 2)]
    for mean, one, two in zip(net.parameters(), *(single.parameters() for single in singles), strict=True):
        torch.testing.assert_close(mean, (one + two) / 2, atol=2e-3, rtol=2e-3)
    assert card.members == 1 and card.base.startswith("the mean of the weights of 2 folds, each started from standout-")
    said = capsys.readouterr().err
    assert "fold 1 of 2: " in said and "Dice of photos left out, all: " in said
    assert "the mean of weights ships: the recipe asks for it" in said


def test_a_stop_in_the_second_fold_is_made_up_for(
    data: Path, tmp_path: Path, folded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = SegmentationModule.training_step

    def die(module: SegmentationModule, batch: Any, number: int) -> torch.Tensor:
        if module.recipe.name == "drawn-fold-2":
            raise RuntimeError("power cut")
        return step(module, batch, number)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "training_step", die)
        with pytest.raises(RuntimeError, match="power cut"):
            train_folds(three(data), tmp_path, CPU)
    first = (tmp_path / "fold-1" / "model.safetensors").stat().st_mtime_ns
    train_folds(three(data), tmp_path, CPU)
    assert (tmp_path / "fold-1" / "model.safetensors").stat().st_mtime_ns == first
    one, two = (checkpoint.load_any(out / "model.safetensors")[0].state_dict() for out in (folded, tmp_path))
    for name, value in one.items():
        torch.testing.assert_close(value, two[name], atol=5e-3, rtol=5e-3)


def test_finished_folds_are_left_as_they_are_and_others_refused(data: Path, tmp_path: Path, folded: Path) -> None:
    out = Path(shutil.copytree(folded, tmp_path / "out"))
    before = (out / "model.safetensors").stat().st_mtime_ns
    assert train_folds(three(data), out, CPU).stat().st_mtime_ns == before
    with pytest.raises(InputError, match="folds were 3, are 4"):
        train_folds(three(data, folds={"count": 4}), out, CPU)
    (data / "train" / "images" / "drawn_0.png").unlink()
    (data / "train" / "masks" / "drawn_0.png").unlink()
    with pytest.raises(InputError, match=r"the data were 12 \+ 4 pairs, are 11 \+ 4"):
        train_folds(three(data), out, CPU)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patience": 2}, r"train\.patience lets the photos that a fold leaves out decide"),
        ({"schedule": "plateau"}, "choose another schedule for folds"),
    ],
)
def test_nothing_that_is_left_out_may_decide(data: Path, tmp_path: Path, settings: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_folds(three(data, train=SHORT | settings), tmp_path, CPU)
    with pytest.raises(SetupError, match="on one machine"):
        train_folds(three(data), tmp_path, run.Compute("cpu", nodes=2))


@pytest.mark.slow
def test_folds_beside_one_another_give_what_folds_in_turn_give(data: Path, tmp_path: Path) -> None:
    recipe, threads = three(data, folds={"count": 2}, train=SHORT | {"precision": "32-true"}), torch.get_num_threads()
    torch.set_num_threads(1)  # a fold beside another one has a share of the cores, and sums depend on the threads
    try:
        train_folds(recipe, tmp_path / "turn", CPU)
    finally:
        torch.set_num_threads(threads)
    train_folds(recipe, tmp_path / "beside", run.Compute("cpu", devices=2))
    for one, two in zip(facts(tmp_path / "turn")["photos"], facts(tmp_path / "beside")["photos"], strict=True):
        assert one["name"] == two["name"] and one["dice"] == pytest.approx(two["dice"], abs=0.02)
    assert "epoch   1" in (tmp_path / "beside" / "fold-2" / "output.txt").read_text()


@pytest.mark.slow
def test_a_fold_that_fails_beside_another_one_is_told(data: Path, tmp_path: Path) -> None:
    (data / "train" / "masks" / "drawn_5.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"fold \d failed: .*drawn_5\.png"):
        train_folds(three(data, folds={"count": 2}), tmp_path, run.Compute("cpu", devices=2))


def graded(kind: str, dices: list[float]) -> Candidate:
    def one(dice: float) -> Any:
        found = score(
            np.zeros((2, 2), np.float32),
            np.full((2, 2), 255, np.uint8),
            threshold=0.5,
            tolerance=0.1,
            name="a",
            source="a",
        )
        return found.__class__(**{**found.__dict__, "dice": dice})

    return Candidate(kind, torch.nn.Identity(), None, [one(dice) for dice in dices])  # type: ignore[arg-type]


def test_the_mean_of_weights_ships_unless_it_falls_behind() -> None:
    steady = [0.9 + 0.001 * (n % 5) for n in range(40)]
    weights, better = graded("weights", steady), graded("outputs", [one + 0.01 for one in steady])
    same = graded("outputs", [one + 0.01 * (-1) ** n for n, one in enumerate(steady)])
    assert choose([same, weights], [one - 0.01 for one in steady])[0] is weights
    ships, why = choose([better, weights], [one - 0.01 for one in steady])
    assert ships is better and why.startswith("it is better than the mean of weights by +0.0100")
    ships, why = choose([same, weights], [one + 0.02 for one in steady])
    assert ships is same and "worse than single folds by -0.0200" in why
    assert choose([better], steady)[0] is better


def test_photos_of_a_group_are_drawn_together_for_the_interval() -> None:
    rows = [{"source": "a", "share": 0.2, "dice": float(n // 10 % 2), "area": 0.2, "fold": 1} for n in range(100)]
    alone = scores_by_source(rows, [str(n) for n in range(100)])["all"]
    grouped = scores_by_source(rows, [str(n // 10) for n in range(100)])["all"]
    assert alone.mean == grouped.mean == 0.5
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_answers_of_another_model_are_made_anew(folded: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folded, tmp_path / "out"))
    fold = one_fold.Fold(1, ([], []), (), out)
    assert one_fold.answered(fold)
    shutil.copy(out / "fold-2" / "model.safetensors", fold.model)
    assert not one_fold.answered(fold)


class Hand(Clock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.now = 0.0

    def seconds(self) -> float:
        return self.now


@pytest.mark.parametrize("beside", [1, 2])
def test_minutes_are_shared_among_the_folds_that_are_left(data: Path, tmp_path: Path, beside: int) -> None:
    """Four folds that keep to their time end with the minutes, in turn or two at a time."""
    recipe, clock = three(data, train=SHORT | {"minutes": 30.0}, folds={"count": 4}), Hand()
    time = Shares(recipe, clock, spent=60.0, answer=2.0, together=90.0, beside=beside)
    _, val = find_splits(data)
    for waiting in range(4, 0, -beside):
        fold = one_fold.Fold(1, ([], val), (), tmp_path)
        clock.now += (time.recipe_for(fold, waiting).train.minutes or 0) * 60 + len(val) * 2.0
    assert 60 + clock.now + 90 == pytest.approx(30 * 60)
    with pytest.raises(InputError, match="30 minutes are over before fold 1 begins"):
        time.recipe_for(one_fold.Fold(1, ([], val), (), tmp_path), 1)
    timeless = Shares(three(data), clock, spent=0.0, answer=0.0, together=0.0, beside=1)
    assert timeless.recipe_for(fold, 1).train.minutes is None
