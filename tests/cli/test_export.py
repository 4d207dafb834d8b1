import json
from pathlib import Path

import numpy as np
import pytest

from standout import runtimes
from standout.cli import main
from standout.errors import MissingExtra
from standout.export import int8, proof
from standout.export.proof import Proof


def export(*arguments: object) -> int:
    return main(["export", "standout-mobile", *map(str, arguments)])


def test_every_target_and_precision_ships_with_its_proof(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On 24 real portraits, half of them to calibrate with."""
    table = tmp_path / "some.csv"
    rows = [f"{people / part}/images/eg1800_{n:04d}.webp,{people / part}/masks/eg1800_{n:04d}.png,{part}"
            for part in ("train", "val") for n in _numbers(people / part, 12)]  # fmt: skip
    table.write_text("\n".join(["image,mask,split", *rows]))
    out = tmp_path / "out"
    assert export("--to", "onnx,openvino", "--precision", "float32,float16,int8", "--data", table, "-o", out) == 0
    said = capsys.readouterr().err
    assert said.count("wrote ") == 6 and said.count("over 12 photos") == 6
    found = json.loads((out / "standout-mobile.proof.json").read_text())
    assert [one["precision"] for one in found] == ["float32"] * 2 + ["float16"] * 2 + ["int8"] * 2
    by_file = {one["file"]: one for one in found}
    assert by_file["standout-mobile-int8.onnx"]["megabytes"] < 0.35 * by_file["standout-mobile.onnx"]["megabytes"]
    assert all(one["failure"] == "" and one["dice"]["mean"] > -0.002 for one in found)
    for file in (
        "standout-mobile.onnx",
        "standout-mobile.xml",
        "standout-mobile-int8.xml",
        "standout-mobile-float16.onnx",
    ):
        assert runtimes.open(out / file).card.name == "standout-mobile"
    capsys.readouterr()
    assert export("-o", out) == 2
    assert "is kept" in capsys.readouterr().err


def _numbers(folder: Path, count: int) -> list[int]:
    return [int(file.stem.rpartition("_")[2]) for file in sorted((folder / "images").glob("eg1800_*"))[:count]]


def test_without_photos_the_proof_is_of_noise_and_there_is_no_int8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("-o", tmp_path / "a", "--name", "mine") == 0
    assert json.loads((tmp_path / "a" / "mine.proof.json").read_text())[0]["dice"] is None
    assert export("-o", tmp_path / "b", "--precision", "int8") == 2
    assert "give labelled ones: --data DIR" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_a_failed_proof_writes_nothing_and_says_by_how_much(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calibrated on black pictures, 8 bits hold nothing of a photo."""
    quantize = int8.to_int8

    def blind(source: Path, target: Path, inputs: object) -> None:
        quantize(source, target, [np.zeros((1, 3, 64, 64), np.float32)])

    monkeypatch.setattr("standout.export.to_int8", blind)
    assert export("-o", tmp_path / "o", "--precision", "float32,int8", "--data", data) == 1
    said = capsys.readouterr().err
    assert "standout-mobile-int8.onnx is not written: as onnx in int8, " in said and "more than 0.0" in said
    assert sorted(file.name for file in (tmp_path / "o").iterdir()) == [
        "standout-mobile.onnx",
        "standout-mobile.proof.json",
    ]


def test_what_a_proof_allows() -> None:
    from standout.evaluate.intervals import Mean

    def failure(precision: str, mean: float, lost: float) -> str:
        return Proof("f", precision, "onnx", 1, 1, 0.1, mean, Mean(-lost, -lost - 0.001, -lost + 0.001, 9)).failure

    assert failure("float32", 0.0, 0.0) == failure("int8", 0.01, 0.0019) == ""
    assert failure("float32", 0.0, -0.01) == "", "better is no failure"
    assert "Dice fell by 0.0030 (0.0020 to 0.0040) over 9 photos, more than 0.002" in failure("int8", 0.0, 0.003)
    assert "probability differs by 0.0300 on average" in failure("float16", 0.03, 0.0)
    assert set(proof.MOST_LOST) == set(proof.MOST_APART)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "onyx"], "--to 'onyx' is not known; choose from: onnx, openvino"),
        (["--precision", "int4"], "--precision 'int4' is not known"),
    ],
)
def test_bad_input(arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(*arguments, "-o", tmp_path) == 2
    assert message in capsys.readouterr().err


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from standout import export as room
    from standout.models import find_checkpoint

    monkeypatch.setattr(room, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"exporting to openvino needs .*standout\[openvino\]"):
        room.export(find_checkpoint("standout-mobile"), tmp_path / "m.xml", target="openvino")
