import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from standout import runtimes
from standout.cli import main
from standout.export import int8

pytestmark = pytest.mark.usefixtures("converted_once")


def export(*arguments: object) -> int:
    return main(["export", "standout-mobile", *map(str, arguments)])


@pytest.mark.slow
def test_several_targets_and_precisions_ship_with_their_proofs(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On 24 real portraits, half of them to calibrate with."""
    table = tmp_path / "some.csv"
    rows = [f"{people / part}/images/eg1800_{n:04d}.webp,{people / part}/masks/eg1800_{n:04d}.png,{part}"
            for part in ("train", "val") for n in _numbers(people / part, 12)]  # fmt: skip
    table.write_text("\n".join(["image,mask,split", *rows]))
    out = tmp_path / "out"
    assert export("--to", "onnx,openvino", "--precision", "float32,int8", "--data", table, "-o", out) == 0
    said = capsys.readouterr().err
    assert said.count("wrote ") == 4 and said.count("over 12 photos") == 4 and said.count("takes size any") == 4
    found = json.loads((out / "standout-mobile.proof.json").read_text())
    assert [one["precision"] for one in found] == ["float32"] * 2 + ["int8"] * 2
    by_file = {one["file"]: one for one in found}
    assert by_file["standout-mobile-int8.onnx"]["megabytes"] < 0.35 * by_file["standout-mobile.onnx"]["megabytes"]
    assert all(one["failure"] == "" and one["dice"]["mean"] > -0.002 for one in found)
    for file in ("standout-mobile.onnx", "standout-mobile.xml", "standout-mobile-int8.xml"):
        assert runtimes.open(out / file).card.name == "standout-mobile"
    capsys.readouterr()
    assert export("-o", out) == 2
    assert "is kept" in capsys.readouterr().err


@pytest.mark.slow
def test_all_is_what_is_installed_and_the_rest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from standout.export import TARGETS

    for name in ("openvino", "coreml", "litert"):
        monkeypatch.setitem(TARGETS, name, replace(TARGETS[name], package="no_such_package"))
    assert export("--to", "all", "--precision", "float32,float16", "--size", "64x96", "-o", tmp_path / "o") == 0
    said = capsys.readouterr().err
    assert "left out: litert; for it, pip install 'standout[litert]'" in said and said.count("left out") == 3
    assert "onnx), takes size 64x96 alone" in said and "pytorch), takes size any" in said
    assert sorted(file.name for file in (tmp_path / "o").iterdir()) == [
        "standout-mobile-float16.onnx", "standout-mobile.onnx", "standout-mobile.proof.json", "standout-mobile.pt",
    ]  # fmt: skip


def _numbers(folder: Path, count: int) -> list[int]:
    return [int(file.stem.rpartition("_")[2]) for file in sorted((folder / "images").glob("eg1800_*"))[:count]]


@pytest.mark.slow
def test_without_photos_the_proof_is_of_drawn_figures_and_there_is_no_int8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("-o", tmp_path / "a", "--name", "mine") == 0
    assert json.loads((tmp_path / "a" / "mine.proof.json").read_text())[0]["dice"] is None
    assert export("-o", tmp_path / "b", "--precision", "int8") == 2
    assert "give them by --data DIR" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
def test_a_failed_proof_writes_nothing_and_says_by_how_much(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calibrated on pictures that are far too bright, 8 bits hold nothing of a photo."""
    quantize = int8.to_int8

    def blind(source: Path, target: Path, inputs: object) -> None:
        quantize(source, target, [np.full((1, 3, 64, 64), 300, np.float32)])

    monkeypatch.setattr("standout.export.onnx.to_int8", blind)
    assert export("-o", tmp_path / "o", "--precision", "float32,int8", "--data", data) == 1
    said = capsys.readouterr().err
    assert "standout-mobile-int8.onnx is not written: as onnx in int8, " in said and "more than 0.0" in said
    assert sorted(file.name for file in (tmp_path / "o").iterdir()) == [
        "standout-mobile.onnx",
        "standout-mobile.proof.json",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "onyx"], "--to 'onyx' is not known; choose from: onnx, openvino, coreml, torchscript, litert"),
        (["--precision", "int4"], "--precision 'int4' is not known"),
        (["--size", "320"], "--size '320' is not a size; wanted height x width in pixels, such as 320x256"),
        (["--size", "300x256"], "size 300x256: both sides must be multiples of 32"),
        (["--to", "onnx,torchscript", "--precision", "float16"], "torchscript is not made in float16; choose float32"),
    ],
)
def test_bad_input(arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(*arguments, "-o", tmp_path) == 2
    assert message in capsys.readouterr().err
