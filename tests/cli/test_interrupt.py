import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from standout import files
from standout.cli import main
from tests.cli.conftest import MASK, folder, read, standout


def started(*arguments: str) -> subprocess.Popen[bytes]:
    """The command in work: its first result is told."""
    code = [sys.executable, "-m", "standout", *arguments, "--report", "jobs.jsonl"]
    process = subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (Path("jobs.jsonl").exists() and Path("jobs.jsonl").stat().st_size):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_ctrl_c_then_the_same_command_goes_on() -> None:
    folder(60, size=(400, 300))
    cv2.imwrite("hand.png", cv2.resize(MASK, (300, 400)))
    arguments = ("cut", "pics", "--mask-from", "hand.png", "-j", "2")
    process = started(*arguments)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"the same command goes on from here" in err and b"Traceback" not in err
    done = list(Path("pics-cut").iterdir())
    assert 0 < len(done) < 60 and all(path.suffix == ".png" for path in done)
    assert all(read(str(path)).shape == (400, 300, 4) for path in done)
    assert len(Path("jobs.jsonl").read_text().splitlines()) == len(done)
    again = standout(*arguments, "--report", "jobs.jsonl")
    assert again.returncode == 0 and f"{60 - len(done)} done, {len(done)} kept".encode() in again.stderr
    assert len(Path("jobs.jsonl").read_text().splitlines()) == 60


def test_ctrl_c_during_one_photo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(handle: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr(files.os, "fsync", interrupted)
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png"]) == 130
    assert "interrupted; no half file is left" in capsys.readouterr().err
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["beach.png", "hand.png", "photo.jpg"]
