import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from standout.cli import main
from standout.support import atomic
from tests.cli.conftest import MASK, folder, read, standout
from tests.waiting import LIMIT, started, until

HELD = """
import sys, time
from pathlib import Path
from standout.batch import run
from standout.cli import main

add = run.Ledger.add

def held(self, result):
    add(self, result)
    while not Path("go-on").exists():
        time.sleep(0.01)

run.Ledger.add = held
sys.exit(main(sys.argv[1:]))
"""
"""The command, which waits once its first result is told: it is not over before it is interrupted."""


@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_ctrl_c_then_the_same_command_goes_on() -> None:
    folder(60, size=(400, 300))
    cv2.imwrite("hand.png", cv2.resize(MASK, (300, 400)))
    arguments = ("cut", "pics", "--mask-from", "hand.png", "-j", "2")
    ledger, code = Path("jobs.jsonl"), [sys.executable, "-c", HELD, *arguments, "--report", "jobs.jsonl"]
    with started(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: ledger.exists() and ledger.stat().st_size, "the first result was told", process=process)
        process.send_signal(signal.SIGINT)
        until(lambda: b"finishing the photos in work" in process.stderr.readline(), "it said so", process=process)
        Path("go-on").touch()
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert b"the same command goes on from here" in err and b"Traceback" not in err
    done = list(Path("pics-cut").iterdir())
    assert 0 < len(done) < 60 and all(path.suffix == ".png" for path in done)
    assert all(read(str(path)).shape == (400, 300, 4) for path in done)
    assert len(Path("jobs.jsonl").read_text().splitlines()) == len(done)
    again = standout(*arguments, "--report", "jobs.jsonl")
    assert again.returncode == 0 and f"{60 - len(done)} done, {len(done)} kept".encode() in again.stderr
    assert len(Path("jobs.jsonl").read_text().splitlines()) == 60


@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_ctrl_c_switched_off_interrupts_nothing() -> None:
    """As by nohup, or in a script's background."""
    folder(3)
    ledger, command = Path("jobs.jsonl"), [sys.executable, "-c", HELD, "cut", "pics", "--mask-from", "hand.png"]
    code = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command, "--report", "jobs.jsonl"]
    with started(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: ledger.exists() and ledger.stat().st_size, "the first result was told", process=process)
        process.send_signal(signal.SIGINT)
        Path("go-on").touch()
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0 and b"3 done" in err


def test_ctrl_c_during_one_photo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(handle: int) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(atomic.os, "fsync", interrupted)
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png"]) == 130
    assert "interrupted; no half file is left" in capsys.readouterr().err
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["beach.png", "hand.png", "photo.jpg"]
