from pathlib import Path
from xml.etree import ElementTree

import cv2
import pytest

from standout.cli import main
from standout.net import checkpoint

TINY = ["--set", "train.stages=[{epochs=1,size=[96,64]}]", "--set", "train.batch=4", "--device", "cpu"]


def test_a_folder_and_a_bundled_model_are_enough(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs" / "mine"
    assert main(["train", "--data", str(data), "--init", "standout-mobile", "-o", str(out), *TINY]) == 0
    _, card = checkpoint.load(out / "model.safetensors")
    assert card.name == "mine"
    said = capsys.readouterr().err
    assert "1.94 M parameters, " in said and "12 photos to train on, 4 to validate" in said
    assert "epoch   1  96x64  loss " in said and f"the model is {out / 'model.safetensors'}" in said


@pytest.mark.slow
def test_folds_end_in_a_model_and_a_ranking(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "two"
    assert main(["train", "--data", str(data), "--init", "standout-tiny", "--folds", "2", "-o", str(out), *TINY]) == 0
    assert (out / "model.safetensors").is_file()
    assert f"standout data suspects {out} shows the labels" in capsys.readouterr().err
    assert main(["data", "suspects", str(out), "--csv", str(tmp_path / "s.csv")]) == 0
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 17


@pytest.mark.slow
def test_the_heavy_encoder_trains_from_end_to_end(data: Path, tmp_path: Path) -> None:
    command = ["train", "--data", str(data / "train"), "--encoder", "resnet101", "--decoder", "heavy"]
    assert main([*command, "-o", str(tmp_path / "o"), *TINY]) == 0
    _, card = checkpoint.load(tmp_path / "o" / "model.safetensors")
    assert (card.encoder, card.decoder) == ("resnet101", "heavy")


@pytest.mark.slow
def test_a_preview_and_a_sweep_of_rates_are_drawn(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, rates = tmp_path / "sheet.jpg", tmp_path / "lr.svg"
    command = ["train", "--data", str(data), "--preview", str(sheet), "--find-lr", str(rates), *TINY]
    assert main([*command, "--set", "data.draws.drawn=3"]) == 0
    assert "try --set train.lr=" in capsys.readouterr().err
    assert cv2.imread(str(sheet)) is not None
    drawn = ElementTree.fromstring(rates.read_text())
    points = drawn.find(".//{http://www.w3.org/2000/svg}polyline").get("points").split()
    assert len(points) > 10 and "Suggested train.lr: " in drawn.get("aria-label")
    assert main(["train", "--data", str(data), "--find-lr", str(tmp_path / "lr.png"), *TINY]) == 2
    assert "charts are SVG files" in capsys.readouterr().err
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "needs a RECIPE, or --data DIR"),
        (["--data", "DATA"], "needs --out DIR"),
        (["none.toml", "-o", "o"], "none.toml does not exist"),
        (["--data", "nowhere", "-o", "o"], "nowhere does not exist"),
        (["--data", "DATA", "-o", "o", "--set", "train.lr"], "not of the form KEY=VALUE"),
        (["--data", "DATA", "-o", "o", "--set", "train.bacth=3"], "did you mean 'batch'"),
        (["--data", "DATA", "-o", "o", "--encoder", "resnet_18"], "not a timm model; did you mean"),
        (["--data", "DATA", "-o", "o", "--init", "standout-moble"], "did you mean 'standout-mobile'"),
        (["--data", "DATA", "-o", "o", "--set", "loss.bce=0.9"], "sum to 1.4, not 1"),
        (["--data", "DATA", "-o", "o", "--device", "gpu"], "finds no CUDA device"),
        (["--data", "DATA", "-o", "o", "--set", "folds.count=1"], "one fold leaves nothing to train on"),
        (["--data", "DATA", "-o", "o", "--folds", "2", "--set", "train.patience=3"], "set it to 0 for folds"),
        (["--data", "DATA", "-o", "o", "--folds", "3", "--nodes", "2"], "folds train on one machine"),
    ],
)
def test_what_will_not_do_is_explained_and_nothing_begun(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", *[str(data) if one == "DATA" else one for one in arguments]]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
