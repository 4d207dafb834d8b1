import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from standout.cli import main
from standout.data import find_splits
from standout.errors import InputError
from standout.evaluate.photos import Score
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.train import run
from standout.train.config import load
from standout.train.corrections.collect import TABLE, collect
from standout.train.corrections.gain import Assessment, Gain
from standout.train.corrections.improve import Plan, improve, replaced
from tests.train.corrections.test_collect import page_zip
from tests.train.test_run import CPU

LONG = {"stages": [{"epochs": 6, "size": [64, 64], "compose": 0.0}], "batch": 4, "lr": 5e-3, "ema": 0.9}


def plan_for(pairs: Path, base: Path, **settings: Any) -> Plan:
    given = {"name": "mine", "data": {"folder": str(pairs / TABLE)}, "model": {"init": str(base)}, "sheet_every": 0}
    return Plan(load(None, given | {"train": LONG | {"ships": "last"}}), **settings)


def scores(dices: list[float], *, share: float = 0.3) -> list[Score]:
    made = []
    for number, dice in enumerate(dices):
        fields = dict.fromkeys(Score.__dataclass_fields__, 0.0)
        made.append(Score(**fields | {"name": f"p{number}", "source": "x", "dice": dice, "share": share}))
    return made


def test_a_gain_is_the_mean_difference_and_alike_photos_count_together() -> None:
    before, after = scores([0.5, 0.6, 0.7, 0.8]), scores([0.6, 0.7, 0.8, 0.9])
    apart = Gain.of(before, after, ["a", "b", "c", "d"])
    assert apart.apart.mean == pytest.approx(0.1) and apart.apart.low == pytest.approx(0.1)
    rng = np.random.default_rng(0)
    after = scores([float(dice) for dice in np.repeat(rng.uniform(0.4, 0.9, 10), 4)])
    before = scores([0.5] * 40)
    alone = Gain.of(before, after, [str(n) for n in range(40)]).apart
    together = Gain.of(before, after, [str(n // 4) for n in range(40)]).apart
    assert alone.mean == together.mean and together.high - together.low > 1.5 * (alone.high - alone.low)


def test_a_loss_on_other_photos_outweighs_a_gain() -> None:
    many = [str(n) for n in range(20)]
    gained = Gain.of(scores([0.5] * 20), scores([0.6] * 20), many)
    lost = Gain.of(scores([0.9] * 20), scores([0.8] * 20), many)
    assert Assessment(gained, 5).better and Assessment(gained, 5, gained).better
    assert Assessment(gained, 5, lost).lost and not Assessment(gained, 5, lost).better
    assert Assessment(gained, 5, lost).lines()[-1].startswith("worse on the photos of the check")
    mixed = Gain.of(scores([0.5] * 20), scores([0.4, 0.6] * 10), many)
    assert Assessment(mixed, 5).lines()[-1].startswith("no difference that 20 photos can show")
    assert Assessment(lost, 5).lines()[-1] == "worse"


@pytest.mark.slow
def test_corrections_teach_and_the_gain_is_of_photos_left_out(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = find_checkpoint("standout-tiny")
    pairs = collect([page_zip(tmp_path / "saved.zip", list(range(200, 212)))], tmp_path / "out" / "pairs")
    plan = plan_for(tmp_path / "out" / "pairs", base, folds=2, keep=0.2)
    seen: list[tuple[set[str], set[str]]] = []
    train = run.train

    def watched(recipe: Any, out: Path, machine: Any, *, splits: run.Splits, scored: bool) -> Path:
        seen.append(({pair.name for pair in splits[0]}, {pair.name for pair in splits[1]}))
        return train(recipe, out, machine, splits=splits, scored=scored)

    monkeypatch.setattr(run, "train", watched)
    check = find_splits(data)[1]
    found = improve(pairs, plan, tmp_path / "out", CPU, check=check)
    everybody = {pair.name for pair in pairs}
    assert not seen[0][0] & seen[0][1] and not seen[1][0] & seen[1][1]
    assert seen[0][1] | seen[1][1] == everybody == seen[2][0] and not seen[0][1] & seen[1][1]
    assert found.corrected.apart.n == 12 and found.corrected.apart.mean > 0.02
    assert found.check is not None and found.check.apart.n <= 4
    facts = json.loads((tmp_path / "out" / "gain.json").read_text())
    assert facts["corrected"]["apart"]["mean"] == pytest.approx(found.corrected.apart.mean, abs=1e-4)
    assert len(facts["photos"]) == 12
    net, card = checkpoint.load(tmp_path / "out" / "model.safetensors")
    assert card.name == "mine" and "each left out of the run that answered it" in card.protocol
    assert card.scores["corrections"] == pytest.approx(found.corrected.after.mean, abs=2e-4)
    first, tuned = (checkpoint.load(path)[0] for path in (base, tmp_path / "out" / "final" / "model.safetensors"))
    for one, two, three in zip(first.parameters(), tuned.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(three, 0.2 * one + 0.8 * two, atol=2e-3, rtol=2e-2)
    runs = len(list((tmp_path / "out").glob("*/run.json")))
    assert improve(pairs, plan, tmp_path / "out", CPU, check=check) == found and runs == 3


def test_one_scene_is_too_little_to_measure_with(tmp_path: Path, finished: Path) -> None:
    pairs = collect([page_zip(tmp_path / "saved.zip", [200])], tmp_path / "out" / "pairs")
    with pytest.raises(InputError, match="1 corrected photos show 1 scene; at least two different ones are needed"):
        improve(pairs, plan_for(tmp_path / "out" / "pairs", finished / "model.safetensors"), tmp_path / "out", CPU)


def test_only_a_better_model_takes_the_place_of_another(tmp_path: Path) -> None:
    """And the one before is kept, whatever is there already."""
    new, old = tmp_path / "new.safetensors", tmp_path / "mine.safetensors"
    new.write_bytes(b"new")
    old.write_bytes(b"old")
    (tmp_path / "mine-before-1.safetensors").write_bytes(b"older")
    many = [str(n) for n in range(20)]
    worse = Assessment(Gain.of(scores([0.5] * 20), scores([0.4] * 20), many), 5)
    better = Assessment(Gain.of(scores([0.5] * 20), scores([0.6] * 20), many), 5)
    assert replaced(new, old, worse) is None and old.read_bytes() == b"old"
    assert replaced(new, old, better) == tmp_path / "mine-before-2.safetensors"
    assert old.read_bytes() == b"new"
    assert (tmp_path / "mine-before-2.safetensors").read_bytes() == b"old"
    assert (tmp_path / "mine-before-1.safetensors").read_bytes() == b"older"


@pytest.mark.slow
def test_the_command_says_the_gain_and_leaves_the_rest_to_the_user(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, out = page_zip(tmp_path / "saved.zip", list(range(200, 206))), tmp_path / "out"
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes((finished / "model.safetensors").read_bytes())
    command = ["improve", str(saved), "-o", str(out), "--init", str(mine), "--folds", "2", "--device", "cpu"]
    command += ["--set", "train.stages=[{epochs=1,size=[64,64]}]", "--set", "train.lr=1e-9", "--replace", str(mine)]
    assert main(command) == 1, "nothing was learned, so nothing is replaced"
    said = capsys.readouterr()
    assert "on 6 corrected photos that it had not learned from (2 folds): Dice" in said.out
    assert "no difference that 6 photos can show" in said.out
    assert "stays as it is" in said.err
    assert mine.read_bytes() == (finished / "model.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == ["mine.safetensors"]
    assert main(["improve", str(saved), "-o", str(tmp_path / "x"), "--replace", str(tmp_path / "no")]) == 2
