import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from standout.benchmark import fresh
from standout.benchmark.process import Reading
from standout.benchmark.rounds import Run
from standout.benchmark.trials import Skipped, Trial
from standout.cli import main
from standout.runtimes import RUNTIMES
from tests.test_imports import HEAVY, command, loaded

QUICK = ("--rounds", "1", "--threads", "1", "--runtime", "onnx", "--device", "cpu", "--size", "64x32")


def benchmark(*arguments: object) -> int:
    return main(["benchmark", *map(str, arguments)])


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures out of thin air, but for OpenVINO, which breaks."""

    @contextmanager
    def runner(photo: Path | None = None) -> Iterator[Run]:
        def run(trial: Trial) -> Reading | Skipped:
            if trial.runtime == "openvino":
                return Skipped(trial.model, "openvino", trial.device, "it fell over", broken=True)
            return Reading(10.0 / trial.threads, 100.0, 50.0)

        yield run

    monkeypatch.setattr(fresh, "runner", runner)


def test_a_model_is_measured_in_a_table_and_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark(*QUICK, "--json", "speed.json") == 0
    said = capsys.readouterr().out
    assert "mobilenetv2_100" in said and "1.92 M" in said and "64x32" in said
    assert "photos/s" in said and "Threadripper 1900X" in said
    found = json.loads(Path("speed.json").read_text())
    (row,) = found["rows"]
    assert (row["kind"], row["model"], row["runtime"], row["device"]) == ("network", "standout-mobile", "onnx", "cpu")
    assert row["ratio"] == 1 and row["threads"] == 1 and row["rounds"] == 1 and row["size"] == [64, 32]
    assert 0 < row["low"] <= row["ms"] <= row["high"] and row["per_second"] == pytest.approx(1000 / row["ms"])
    assert row["start_ms"] > row["ms"], "start-up holds Python, the imports, the model and a call"
    assert sys.platform == "win32" or 30 < row["peak_mb"] < 400
    (model,) = found["models"]
    assert model["parameters"] == 1_920_708 and model["multiply_adds"] == pytest.approx(635_146_240 / 40)
    assert {one["ms"] for one in found["original"]["rows"]} == {2140, 437, 43, 24}
    assert found["machine"]["cores"] >= 1 and found["machine"]["processor"]


def test_a_photo_goes_end_to_end_and_nothing_is_left(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in here.iterdir())
    for given, said in (("0.05mp", "a drawn portrait of 194x258"), ("photo.jpg", "photo.jpg, 90x120")):
        assert benchmark(*QUICK, "--photo", given, "--markdown") == 0
        out = capsys.readouterr().out
        assert said in out and "| cores |" in out and "JPEG to PNG" in out
    assert sorted(path.name for path in here.iterdir()) == before


def test_frames_are_blurred_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark(*QUICK, "--video", "--json", "v.json") == 0
    assert "frames in memory; no decoding or encoding" in capsys.readouterr().out
    rows = json.loads(Path("v.json").read_text())["rows"]
    assert [(row["kind"], row["ratio"]) for row in rows] == [("network", 1), ("video", 1)]
    assert rows[1]["ms"] > rows[0]["ms"]


def test_a_file_is_kept_unless_it_may_go(no_processes: None, capsys: pytest.CaptureFixture[str]) -> None:
    Path("speed.json").write_text("mine")
    assert benchmark(*QUICK, "--json", "speed.json") == 2
    assert "is kept; use --overwrite" in capsys.readouterr().err and Path("speed.json").read_text() == "mine"
    assert benchmark(*QUICK, "--json", "speed.json", "--overwrite") == 0
    assert json.loads(Path("speed.json").read_text())["rows"]


def test_what_breaks_is_told_and_is_the_exit_code(no_processes: None, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openvino")
    assert benchmark("--rounds", "2", "--device", "cpu", "--threads", "1,4") == 1
    out, err = capsys.readouterr()
    assert "it fell over" in out and "standout-mobile on openvino (cpu): it fell over" in err
    rows = [line.split() for line in out.splitlines() if " onnx " in line]
    assert [(row[3], row[-1]) for row in rows] == [("1", "1.00"), ("4", "4.00")]


def test_missing_packages_are_lines_not_failures(
    no_processes: None,
    as_trained: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trained = as_trained("standout-mobile")
    for name in ("openvino", "pytorch"):
        monkeypatch.setitem(RUNTIMES, name, replace(RUNTIMES[name], package="no_such_package"))
    assert benchmark("standout-mobile", trained, "--rounds", "1") == 0
    out = capsys.readouterr().out
    assert "standout-mobile on openvino: runtime 'openvino' needs packages that are not installed" in out
    assert "standout-mobile.safetensors" in out and out.count("needs standout[train]") == 3
    assert "pip install 'standout[train]'" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "neither a bundled model nor a file"),
        (["notes.txt"], "is no model file that standout can run"),
        (["broken.onnx"], "broken.onnx cannot be loaded"),
        (["--runtime", "abacus"], "--runtime 'abacus' is not known; choose from: auto, onnx"),
        (["--device", "abacus"], "--device 'abacus' is not known; choose from: auto, cpu"),
        (["--runtime", "pytorch"], "nothing could be measured: standout-mobile on pytorch: not for .onnx files"),
        (["--threads", "0"], "--threads '0': wanted numbers from 1, or all"),
        (["--threads", ","], "wanted numbers from 1, or all"),
        (["--size", "100x100"], "multiples of 32, such as 320x256"),
        (["--photo", "rubbish"], "neither a size such as 12mp nor the file of a photo"),
        (["--photo", "notes.txt"], "notes.txt is not a picture"),
        (["--rounds", "0"], "--rounds"),
    ],
)
def test_bad_input_is_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.onnx").write_bytes(b"nothing")
    Path("notes.txt").write_text("nothing")
    assert benchmark(*arguments) == 2
    assert message in capsys.readouterr().err


def test_a_device_that_is_not_here_is_an_error_when_it_is_all(capsys: pytest.CaptureFixture[str]) -> None:
    from standout.runtimes import onnx

    missing = next(device for device in onnx.PROVIDERS if device not in onnx.devices())
    assert benchmark("--device", missing, "--runtime", "onnx", "--rounds", "1") == 2
    assert f"device '{missing}' is not available here" in capsys.readouterr().err


def test_a_process_that_dies_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial("network", "standout-mobile", "onnx", "cpu", 1, (33, 47))
    with fresh.runner() as run:
        found = run(trial)
        assert isinstance(found, Skipped) and found.broken and found.why
        monkeypatch.setattr(fresh, "LONGEST", 0.01)
        found = run(trial)
    assert isinstance(found, Skipped) and found.broken and "no answer in" in found.why


def test_help_is_light(tmp_path: Path) -> None:
    assert not loaded(command("benchmark", "--help"), tmp_path) & HEAVY
