import json
from pathlib import Path

import cv2
import pytest

from standout.cli import main


def test_check_tells_and_exits_by_what_it_found(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "r.html"
    code = main(["data", "check", str(data / "val"), "--report", str(report)])
    assert code == 0 and "4 pairs" in capsys.readouterr().out and report.exists()
    (data / "val" / "masks" / "drawn_0.png").unlink()
    assert main(["data", "check", str(data / "val"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["orphan"] == 1 and found["findings"][0]["severity"] == "error"
    assert main(["data", "check", str(tmp_path / "nowhere")]) == 2


def test_split_writes_what_training_reads_and_never_over(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data / "train"
    assert main(["data", "split", str(folder), "--val", "0.4"]) == 0
    before = (folder / "split.csv").read_text()
    assert before.startswith("name,split,source\n") and len(before.splitlines()) == 13
    assert main(["data", "split", str(folder), "--val", "0.1"]) == 2
    assert (folder / "split.csv").read_text() == before
    assert "exists" in capsys.readouterr().err
    assert main(["data", "split", str(folder), "--val", "0.1", "--overwrite"]) == 0


def test_show_draws(data: Path, tmp_path: Path) -> None:
    assert main(["data", "show", str(data), "-o", str(tmp_path / "s.png"), "--count", "4"]) == 0
    assert cv2.imread(str(tmp_path / "s.png")) is not None


def test_a_mistyped_command_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dta", "check"]) == 2
    assert "standout data" in capsys.readouterr().err
