import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.cli import main
from tests.data.test_split import scene


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


def test_a_split_made_by_hand_keeps_its_parts_when_photos_join(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data / "train"
    by_hand = "name,split\n" + "".join(f"drawn_{n},{'val' if n < 4 else 'train'}\n" for n in range(11))
    (folder / "split.csv").write_text(by_hand)
    assert main(["data", "split", str(folder)]) == 2
    assert "--overwrite adds the photos that it lacks" in capsys.readouterr().err
    assert (folder / "split.csv").read_text() == by_hand
    assert main(["data", "split", str(folder), "--overwrite", "--val", "0.9"]) == 0
    written = (folder / "split.csv").read_text()
    said = capsys.readouterr().err
    assert written.startswith(by_hand) and len(written.splitlines()) == 13
    assert "11 photos keep their part, 1 are new" in said


def test_a_leak_is_mended_where_that_is_wished_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part, seeds in (("train", range(6)), ("val", (6, 7, 2))):
        for kind in ("images", "masks"):
            (tmp_path / part / kind).mkdir(parents=True)
        for n in seeds:
            cv2.imwrite(str(tmp_path / part / "images" / f"{part}_{n}.png"), scene(n))
            cv2.imwrite(str(tmp_path / part / "masks" / f"{part}_{n}.png"), np.zeros((120, 100), np.uint8))
    assert main(["data", "check", str(tmp_path)]) == 1
    assert "error: leak: 1" in capsys.readouterr().out
    assert main(["data", "split", str(tmp_path)]) == 0
    assert "9 photos keep their part" in capsys.readouterr().err
    assert main(["data", "split", str(tmp_path), "--overwrite", "--mend-leaks"]) == 0
    assert "1 photos move to the part of their near-duplicates: val_2 (val to train)" in capsys.readouterr().err
    assert main(["data", "check", str(tmp_path)]) == 0


def test_show_draws(data: Path, tmp_path: Path) -> None:
    assert main(["data", "show", str(data), "-o", str(tmp_path / "s.png"), "--count", "4"]) == 0
    assert cv2.imread(str(tmp_path / "s.png")) is not None


def test_a_mistyped_command_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dta", "check"]) == 2
    assert "standout data" in capsys.readouterr().err
