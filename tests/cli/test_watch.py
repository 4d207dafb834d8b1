"""`--watch` and `--review` as users type them."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from standout.cli import main
from tests.cli.conftest import IMAGE, folder, read, standout
from tests.conftest import SAMPLE
from tests.waiting import LIMIT, started, until

WATCH = (sys.executable, "-m", "standout", "blur", "in", "-o", "in/out", "--watch", "--mask-from", "hand.png")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_files_are_done_as_they_come_and_a_restart_does_none_again() -> None:
    """A photo that is there, one that comes, one that is written slowly, and one that is none."""
    Path("in").mkdir()
    shutil.copy("photo.jpg", "in/there.jpg")
    ledger = Path("jobs.jsonl")

    def told() -> list[dict[str, object]]:
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        return [json.loads(line) for line in lines]

    with started([*WATCH, "--report", str(ledger)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert b"watching in; results go to in/out" in process.stderr.readline()
        until(lambda: len(told()) == 1, "what was there is done", process=process)
        whole = Path("photo.jpg").read_bytes()
        Path("in/slow.jpg").write_bytes(whole[: len(whole) // 2])
        Path("in/temporary.jpg.part").write_bytes(whole)
        Path("in/comes.jpg").write_bytes(whole)
        until(lambda: Path("in/out/comes.jpg").exists(), "what came is done", process=process)
        Path("in/slow.jpg").write_bytes(whole)
        until(lambda: len(told()) == 3, "all are done", process=process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0 and b"ended; 3 done, 0 failed" in err and b"Traceback" not in err
    done = told()
    assert {one["source"] for one in done} == {"in/there.jpg", "in/comes.jpg", "in/slow.jpg"}
    assert all(one["status"] == "done" for one in done)
    assert sorted(path.name for path in Path("in/out").iterdir()) == ["comes.jpg", "slow.jpg", "there.jpg"]
    assert read("in/out/slow.jpg").shape == IMAGE.shape
    before = {path: path.stat().st_mtime_ns for path in Path("in/out").iterdir()}
    shutil.copy("photo.jpg", "in/later.jpg")
    with started([*WATCH, "--report", str(ledger)], stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        until(lambda: Path("in/out/later.jpg").exists(), "what came meanwhile is done", process=process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT)
    assert {path: path.stat().st_mtime_ns for path in before} == before and len(told()) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("photo.jpg",), "watches folders, and photo.jpg is none"),
        (("gone",), "watches folders, and gone is none"),
        (("-",), "watches folders, and - is none"),
        (("pics", "-o", "pics"), "pics is the input folder itself"),
        (("pics", "-o", "-"), "- is no folder"),
        (("pics", "-o", "a.png"), "a.png is no folder"),
        (("pics", "--review", "sheet.html"), "--review is written at the end of a run, and --watch has none"),
    ],
)
def test_what_cannot_be_watched(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder(1)
    assert main(["cut", *arguments, "--watch"]) == 2
    assert said in capsys.readouterr().err


def test_a_review_of_a_folder() -> None:
    folder(3)
    Path("pics/none.jpg").write_bytes(b"nothing")
    done = standout("blur", "pics", "-o", "out", "--review", "sheet.html", "--model", "standout-tiny")
    assert done.returncode == 1 and b"look at sheet.html" in done.stderr
    page = Path("sheet.html").read_text()
    assert page.count("<img") == 3 and "Review of 3 results" in page and "none.jpg" in page
    again = standout("blur", "pics", "-o", "out", "--review", "sheet.html", "--model", "standout-tiny")
    assert again.returncode == 1 and "3 were there already" in Path("sheet.html").read_text()


def test_a_page_that_is_no_review_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    Path("sheet.html").write_text("mine")
    assert main(["blur", "photo.jpg", "-o", "b.jpg", "--mask-from", "hand.png", "--review", "sheet.html"]) == 2
    assert "is no earlier review" in capsys.readouterr().err
    assert Path("sheet.html").read_text() == "mine" and not Path("b.jpg").exists()


def test_the_report_tells_the_confidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blur", str(SAMPLE), "-o", "b.jpg", "--json", "--model", "standout-tiny"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert 0.8 < line["confidence"] <= 1 and 0 <= line["nobody"] < 0.1 and line["least_confidence"] is None
    assert main(["blur", "photo.jpg", "-o", "c.jpg", "--json", "--mask-from", "hand.png"]) == 0
    by_hand = json.loads(capsys.readouterr().out)
    assert by_hand["confidence"] is None and by_hand["nobody"] is None
    assert cv2.imread("c.jpg") is not None
