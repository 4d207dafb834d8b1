import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import pytest
import torch

from standout.errors import InputError, OutputError
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.train import run, store
from standout.train.callbacks import read_log
from standout.train.module import SegmentationModule
from tests.train.conftest import tiny
from tests.waiting import LIMIT, started, until

CPU = run.Compute("cpu")


def weights(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "last.ckpt", weights_only=True)["state_dict"]


def same(one: Path, two: Path) -> bool:
    a, b = weights(one), weights(two)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"frozen_epochs": 2, "accumulate": 2, "optimizer": "sgd"}, id="frozen", marks=pytest.mark.slow),
        pytest.param(
            {"schedule": "plateau", "plateau_patience": 1, "optimizer": "adam", "ema": 0.0},
            id="plateau",
            marks=pytest.mark.slow,
        ),
        pytest.param({"patience": 1, "lr": 1e-9, "precision": "32-true"}, id="early-stop", marks=pytest.mark.slow),
    ],
)
def test_a_broken_off_run_goes_on_exactly(
    data: Path, tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    recipe = tiny(data, train=settings)
    whole = run.train(recipe, tmp_path / "whole", CPU).parent if settings else finished
    step = SegmentationModule.training_step

    def die(module: SegmentationModule, batch: Any, number: int) -> torch.Tensor:
        if module.current_epoch == 1 and number == 1:
            raise RuntimeError("power cut")
        return step(module, batch, number)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "training_step", die)
        with pytest.raises(RuntimeError, match="power cut"):
            run.train(recipe, tmp_path / "broken", CPU)
    assert not (tmp_path / "broken" / "model.safetensors").exists()
    run.train(recipe, tmp_path / "broken", CPU)
    assert same(whole, tmp_path / "broken")
    timeless = [
        [{key: row[key] for key in row if key not in ("seconds", "photos_per_second")} for row in read_log(out)]
        for out in (whole / "log.csv", tmp_path / "broken" / "log.csv")
    ]
    assert timeless[0] == timeless[1]


@pytest.mark.slow
def test_a_killed_process_goes_on_exactly(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "standout", "train", "--data", str(data), "--device", "cpu"]
    command += ["--set", "train.stages=[{epochs=4,size=[64,64]}]", "--set", "train.batch=4", "-o", str(tmp_path / "k")]
    # as a run has them; that they sleep while they wait saves minutes where other processes compute as well
    threads = os.environ | {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    with started(command, stderr=subprocess.PIPE, env=threads) as process:
        until((tmp_path / "k" / "last.ckpt").exists, "an epoch was over", process=process)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "k" / "model.safetensors").exists()
    subprocess.run(command, check=True, capture_output=True, env=threads)
    subprocess.run([*command[:-1], str(tmp_path / "w")], check=True, capture_output=True, env=threads)
    assert same(tmp_path / "w", tmp_path / "k")


@pytest.mark.slow
def test_a_run_repeats_bit_for_bit(data: Path, tmp_path: Path, finished: Path) -> None:
    run.train(tiny(data), tmp_path / "b", CPU)
    assert same(finished, tmp_path / "b")
    run.train(tiny(data, train={"seed": 1}), tmp_path / "c", CPU)
    assert not same(finished, tmp_path / "c")


@pytest.mark.slow
def test_training_learns_the_drawn_people(data: Path, tmp_path: Path) -> None:
    stages = [{"epochs": 14, "size": [64, 64], "compose": 0.0}]
    out = run.train(tiny(data, train={"stages": stages, "lr": 5e-3, "ema": 0.9}), tmp_path / "out", CPU)
    rows = read_log(tmp_path / "out" / "log.csv")
    assert len(rows) == 14
    assert rows[-1]["loss"] < 0.6 * rows[0]["loss"]
    assert rows[-1]["val_dice"] > 0.7
    _, card = checkpoint.load(out)
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert card.scores == facts["results"]["scores"] and card.protocol == facts["results"]["protocol"]
    assert card.sha256 == facts["results"]["sha256"]
    assert facts["data"]["train"] == 12
    assert cv2.imread(str(tmp_path / "out" / "worst.jpg")) is not None
    for picture, lines in (("curves.svg", 4), ("threshold.svg", 2)):
        drawn = ElementTree.fromstring((tmp_path / "out" / picture).read_text())
        assert len(drawn.findall(".//{http://www.w3.org/2000/svg}polyline")) >= lines, picture
    assert list((tmp_path / "out" / "tensorboard").iterdir())


def test_the_best_epoch_is_what_ships(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch that ruins the weights changes last.ckpt, not the model."""
    out = tmp_path / "out"
    recipe = tiny(data, train={"stages": [{"epochs": 6, "size": [64, 64]}], "lr": 5e-3, "ema": 0.0})
    start = SegmentationModule.on_validation_epoch_start

    def spoil(module: SegmentationModule) -> None:
        start(module)
        if module.current_epoch == 5:
            with torch.no_grad():
                module.net.head.bias.fill_(-50.0)

    monkeypatch.setattr(SegmentationModule, "on_validation_epoch_start", spoil)
    run.train(recipe, out, CPU)
    facts = json.loads((out / "run.json").read_text())["results"]
    assert facts["epoch"] < 6
    assert facts["val_dice"] == pytest.approx(max(row["val_dice"] for row in read_log(out / "log.csv")), abs=0.02)
    record = json.loads((out / "run.json").read_text())
    del record["results"]
    (out / "run.json").write_text(json.dumps(record))
    run.train(recipe.model_copy(update={"train": recipe.train.model_copy(update={"ships": "last"})}), out, CPU)
    facts = json.loads((out / "run.json").read_text())["results"]
    assert (facts["epoch"], facts["val_dice"]) == (6, 0.0)


def test_what_ships_is_the_average_that_was_validated(data: Path, tmp_path: Path) -> None:
    """And the best checkpoint holds nothing else."""
    out = tmp_path / "out"
    settings = {"stages": [{"epochs": 4, "size": [64, 64]}], "lr": 5e-3, "ema": 0.9, "precision": "32-true"}
    run.train(tiny(data, train=settings), out, CPU)
    facts = json.loads((out / "run.json").read_text())["results"]
    row = read_log(out / "log.csv")[facts["epoch"] - 1]
    assert facts["val_loss"] == pytest.approx(row["val_loss"], rel=1e-4)
    last = torch.load(out / "last.ckpt", weights_only=True)
    name = next(name for name in last["state_dict"] if name.endswith("head.weight"))
    assert not torch.equal(last["state_dict"][name], last["current_model_state"][name]), "the average lags behind"
    assert set(torch.load(out / "best-dice.ckpt", weights_only=True)) == {"epoch", "global_step", "state_dict"}


def test_a_frozen_encoder_does_not_move_and_a_released_one_does(data: Path, tmp_path: Path) -> None:
    stages = [{"epochs": 3, "size": [96, 64]}]
    recipe = tiny(data, train={"frozen_epochs": 2, "stages": stages, "ema": 0.0})
    seen: list[dict[str, torch.Tensor]] = []
    start = SegmentationModule.on_validation_epoch_start

    def look(module: SegmentationModule) -> None:
        seen.append({name: value.clone() for name, value in module.net.encoder.state_dict().items()})
        start(module)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SegmentationModule, "on_validation_epoch_start", look)
        run.train(recipe, tmp_path, CPU)
    assert all(torch.equal(seen[0][name], seen[1][name]) for name in seen[0])
    assert not all(torch.equal(seen[1][name], seen[2][name]) for name in seen[0])


@pytest.mark.parametrize("where", ["training", "validation"])
def test_a_loss_that_is_no_number_stops_the_run_and_keeps_what_was(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    forward = SegmentationModule.forward

    def poison(module: SegmentationModule, image: torch.Tensor) -> torch.Tensor:
        logits = forward(module, image)
        bad = module.current_epoch == 1 and module.training == (where == "training")
        return logits * float("nan") if bad else logits

    monkeypatch.setattr(SegmentationModule, "forward", poison)
    message = r"loss became nan in epoch 2, batch 1, of .*drawn_\d+.png" if where == "training" else "validation loss"
    with pytest.raises(InputError, match=message):
        run.train(tiny(data), tmp_path, CPU)
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert kept["epoch"] == 0
    assert all(torch.isfinite(value).all() for value in kept["state_dict"].values() if value.is_floating_point())


@pytest.mark.slow
def test_a_photo_damaged_in_the_third_epoch_is_named_and_nothing_lost(
    data: Path, tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos that memory cannot hold are read in a worker process, whose traceback is nobody's business."""
    monkeypatch.setattr(store, "_memory", lambda: 1000)
    victim, start = data / "train" / "images" / "drawn_5.png", SegmentationModule.on_validation_epoch_start
    whole = victim.read_bytes()

    def damage(module: SegmentationModule) -> None:
        start(module)
        if module.current_epoch == 1:
            victim.write_bytes(b"\0" * len(whole))

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "on_validation_epoch_start", damage)
        with pytest.raises(InputError, match=r"^/.*drawn_5\.png is not a picture: .*convert it first$"):
            run.train(tiny(data), tmp_path / "out", CPU)
    assert torch.load(tmp_path / "out" / "last.ckpt", weights_only=True)["epoch"] == 1
    victim.write_bytes(whole)
    run.train(tiny(data), tmp_path / "out", CPU)
    assert same(tmp_path / "out", finished)


def test_a_changed_recipe_is_not_gone_on_with(data: Path, tmp_path: Path, finished: Path) -> None:
    shutil.copytree(finished, tmp_path / "out")
    with pytest.raises(InputError, match=r"train\.lr was 0\.001, is 0\.003.*--init .*model\.safetensors"):
        run.train(tiny(data, train={"lr": 3e-3}), tmp_path / "out", CPU)
    with pytest.raises(InputError, match=r"processes .* were 1, are 2"):
        run.train(tiny(data), tmp_path / "out", run.Compute("cpu", devices=2))
    (data / "train" / "images" / "drawn_0.png").unlink()
    (data / "train" / "masks" / "drawn_0.png").unlink()
    with pytest.raises(InputError, match=r"the data were 12 \+ 4 pairs, are 11 \+ 4"):
        run.train(tiny(data), tmp_path / "out", CPU)


def test_a_finished_run_is_left_as_it_is(data: Path, tmp_path: Path, finished: Path) -> None:
    model = shutil.copytree(finished, tmp_path / "out") / "model.safetensors"
    before = model.stat().st_mtime_ns
    assert run.train(tiny(data), tmp_path / "out", CPU) == model
    assert model.stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_full_disk_keeps_the_checkpoint_before(
    data: Path, tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save

    def full(state: dict[str, Any], path: Path) -> None:
        if state["epoch"] == 1:
            path.write_bytes(b"half")
            raise RuntimeError("[enforce fail at inline_container.cc:664] unexpected pos 64 vs 0")
        save(state, path)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(OutputError, match="free some disk space, then give the same command"):
            run.train(tiny(data), out, CPU)
    assert torch.load(out / "last.ckpt", weights_only=True)["epoch"] == 0
    assert not list(out.glob("*.part"))
    run.train(tiny(data), out, CPU)
    assert same(out, finished)


def test_fine_tuning_starts_from_the_model_and_keeps_its_network(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, card = checkpoint.load(run.registry.find_checkpoint("standout-mobile"))
    recipe = tiny(data, model={"init": "standout-mobile"}, train={"lr": 1e-9, "ema": 0.0, "frozen_norms": True})
    net, mine = checkpoint.load(run.train(recipe, tmp_path, CPU))
    for one, two in zip(base.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=2e-3, rtol=2e-3)
    assert isinstance(mine, ModelCard) and mine.encoder == card.encoder
    assert "started from standout-mobile" in mine.data
    facts = json.loads((tmp_path / "run.json").read_text())
    assert facts["before"]["val_dice"] == pytest.approx(facts["results"]["val_dice"], abs=0.01)
    said = capsys.readouterr().err
    assert f"before training: validation loss {facts['before']['val_loss']:.4f}" in said and ", which ships" in said


def sees_everywhere(model: Path, path: Path) -> str:
    """A teacher made of the model, at that path, that sees people wherever it looks."""
    net, card = checkpoint.load(model)
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.bias.fill_(9.0)  # type: ignore[union-attr]
    checkpoint.save(net, card, path)
    return str(path)


@pytest.mark.slow
def test_a_teacher_alone_teaches_without_labels(data: Path, tmp_path: Path, finished: Path) -> None:
    """With the whole share, the labels do not count: a student of a teacher that sees people everywhere does so too."""
    first = finished / "model.safetensors"
    distill = {"teacher": sees_everywhere(first, tmp_path / "everywhere.safetensors"), "share": 1.0}
    student = run.train(tiny(data, distill=distill, train={"lr": 2e-2}), tmp_path / "student", CPU)
    image = torch.rand(1, 3, 96, 64)
    assert checkpoint.load(student)[0](image).mean() > checkpoint.load(first)[0](image).mean()
    assert not [name for name in weights(tmp_path / "student") if "teacher" in name]


@pytest.mark.slow
def test_a_doubted_source_does_not_unlearn_people(data: Path, tmp_path: Path, finished: Path) -> None:
    """All labels say nobody; a teacher that knows better keeps them from counting, of the sources named alone."""
    source = run.pairs(tiny(data))[0][0].source
    teacher = sees_everywhere(finished / "model.safetensors", tmp_path / "everywhere.safetensors")
    taught = {"teacher": teacher, "share": 0.5}
    found = {}
    for name, doubt in (("believed", {}), ("doubted", {source: 0.9})):
        recipe = tiny(data, distill=taught | {"doubt": doubt}, train={"lr": 1e-2})
        model = run.train(recipe, tmp_path / name, CPU)
        found[name] = float(checkpoint.load(model)[0](torch.zeros(1, 3, 96, 64)).detach().mean())
    assert found["doubted"] > found["believed"]


@pytest.mark.slow
def test_a_taught_run_goes_on_exactly(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny(
        data,
        model={"encoder": "mobilenetv2_050", "decoder": "slim", "prune": "standout-mobile"},
        distill={"teacher": "standout-mobile"},
    )
    run.train(recipe, tmp_path / "whole", CPU)
    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "on_train_epoch_end", _stop)
        with pytest.raises(RuntimeError):
            run.train(recipe, tmp_path / "broken", CPU)
    run.train(recipe, tmp_path / "broken", CPU)
    assert same(tmp_path / "whole", tmp_path / "broken")


def _stop(module: SegmentationModule) -> None:
    if module.current_epoch == 1:
        raise RuntimeError("power cut")


def test_a_run_older_than_a_setting_goes_on_with_its_default(data: Path, tmp_path: Path, finished: Path) -> None:
    out = shutil.copytree(finished, tmp_path / "out")
    record = json.loads((out / "run.json").read_text())
    record["recipe"]["augment"]["set"] = "colourful"
    (out / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"augment.set was 'colorful', is 'standard'"):
        run.train(tiny(data), out, CPU)
    del record["recipe"]["distill"], record["recipe"]["license"], record["recipe"]["augment"]["set"]
    record["recipe"]["model"]["narrow"] = record["recipe"]["model"].pop("prune")  # its name then
    del record["results"]["scores"], record["results"]["protocol"]
    (out / "run.json").write_text(json.dumps(record))
    before = (out / "model.safetensors").stat().st_mtime_ns
    run.train(tiny(data), out, CPU)
    assert (out / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(InputError, match=r"distill.share was 0.5, is 0.25"):
        run.train(tiny(data, distill={"share": 0.25}), out, CPU)
    record["recipe"]["model"]["narrow"] = "standout-mobile"
    (out / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"another recipe: model.prune was 'standout-mobile', is None\."):
        run.train(tiny(data), out, CPU)


def test_what_the_recipe_names_must_be_there(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no photo of source 'moon'; its sources are drawn"):
        run.train(tiny(data, data={"sources": ["moon"]}), tmp_path, CPU)
    with pytest.raises(InputError, match="nowhere"):
        run.train(tiny(tmp_path / "nowhere"), tmp_path / "out", CPU)


@pytest.mark.slow
def test_ctrl_c_ends_as_an_interruption(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "standout", "train", "--data", str(data), "--device", "cpu"]
    command += [
        "--set",
        "train.stages=[{epochs=400,size=[64,64]}]",
        "--set",
        "train.batch=4",
        "-o",
        str(tmp_path / "o"),
    ]
    with started(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"NO_COLOR": "1"}) as process:
        until((tmp_path / "o" / "last.ckpt").exists, "an epoch was over", process=process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert "Traceback" not in said and "same command continues" in said
