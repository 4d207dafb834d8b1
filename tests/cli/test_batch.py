"""`standout batch`: what it says, its exit codes, and its options."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from standout.cli import main
from standout.cli.counter import Counter
from standout.effects import EFFECTS
from tests.cli.conftest import folder, read
from tests.waiting import LIMIT, started, until

pytest.importorskip("pyarrow", reason="needs pyarrow")

BATCH = ("batch", "pics", "out")
QUICK = ("--ledger", "ledger", "--model", "standout-tiny", "--no-tta")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capsys


def test_done_and_done_before(said: pytest.CaptureFixture[str]) -> None:
    folder(3)
    assert main([*BATCH, "cut", *QUICK]) == 0
    assert re.match(r"3 done in .* s \(.* a second\); results in out, ledger in ledger\n", said.readouterr().err)
    assert read("out/p000.jpg.png").shape[2] == 4
    assert main([*BATCH, "cut", *QUICK]) == 0
    assert said.readouterr().err.startswith("0 done, 3 done before in")


def test_failures_are_named_and_have_their_exit_code(said: pytest.CaptureFixture[str]) -> None:
    folder(2)
    Path("pics/bad.jpg").write_text("no picture")
    assert main([*BATCH, "blur", *QUICK]) == 1
    err = said.readouterr().err
    assert err.startswith("2 done, 1 failed in") and "error: pics/bad.jpg is not a picture" in err
    assert main([*BATCH, "blur", *QUICK]) == 1, "not all photos have a result"
    assert "failed in earlier runs: 1; --retry tries them again" in said.readouterr().err
    Path("pics/bad.jpg").write_bytes(Path("pics/p000.jpg").read_bytes())
    assert main([*BATCH, "blur", *QUICK, "--retry"]) == 0
    assert "1 done, 2 done before" in said.readouterr().err


@pytest.mark.parametrize("effect", list(EFFECTS))
def test_every_effect(effect: str) -> None:
    folder(1)
    more = ("--background", "beach.png") if effect == "replace" else ()
    assert main([*BATCH, effect, *QUICK, *more, "-q"]) == 0
    assert len(list(Path("out").iterdir())) == 1


def test_the_background_is_found_from_elsewhere() -> None:
    """The ledger tells it in full."""
    folder(1)
    assert main([*BATCH, "replace", "-b", "beach.png", *QUICK, "-q"]) == 0
    assert json.loads(Path("ledger/_work.json").read_text())["background"] == str(Path("beach.png").absolute())


def test_lines_of_json(said: pytest.CaptureFixture[str]) -> None:
    folder(2)
    assert main([*BATCH, "mask", *QUICK, "--json", "-q"]) == 0
    out, err = said.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert {row["key"] for row in rows} == {"p000.jpg", "p001.jpg"} and err == ""
    assert {row["status"] for row in rows} == {"done"}


def test_a_sample_first(said: pytest.CaptureFixture[str]) -> None:
    folder(4)
    assert main([*BATCH, "blur", *QUICK, "--sample", "2"]) == 0
    err = said.readouterr().err
    sheet = re.search(r"look at (ledger/_sample-2-\w+\.html); the same command without --sample does the rest", err)
    assert sheet is not None and Path(sheet[1]).is_file()
    assert main([*BATCH, "blur", *QUICK]) == 0 and "2 done, 2 done before" in said.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["pics", "pics", "blur", *QUICK],
            "target pics is the source itself, pics; give another folder for the target",
        ),
        (
            ["pics", "out", "blur", "--ledger", "pics/l"],
            "ledger pics/l lies in the source, pics; give another --ledger",
        ),
        (["nowhere", "out", "blur", *QUICK], "nowhere does not exist; name a folder, a list"),
        (["htp://x/y", "out", "blur", *QUICK], "htp://x/y begins with htp://, which is not known; wanted a folder"),
        (["pics", "out", "blur", *QUICK, "--shards", "3"], "--shards '3' is no part of a whole; wanted K/N"),
        (["pics", "out", "replace", "-b", "no.png", *QUICK], "no.png does not exist"),
        (["pics", "out", "cut", "-f", "jpg", *QUICK], ".jpg cannot hold the transparency of a cut-out"),
        (["pics", "out", "blur", "--start", "soon", *QUICK], "--start 'soon' is no time"),
        (["pics", "out", "blur", "--ledger", "l", "--model", "x"], "model 'x' is neither a bundled model nor a file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(
    arguments: list[str], why: str, said: pytest.CaptureFixture[str]
) -> None:
    folder(1)
    assert main(["batch", *arguments]) == 2
    assert why in said.readouterr().err
    assert [path.name for path in Path("pics").iterdir()] == ["p000.jpg"]
    assert not list(Path("out").iterdir() if Path("out").exists() else [])


def test_another_effect_with_the_same_ledger_is_refused(said: pytest.CaptureFixture[str]) -> None:
    folder(1)
    assert main([*BATCH, "blur", *QUICK]) == 0
    assert main([*BATCH, "blur", "--strength", "0.9", *QUICK]) == 2
    assert "is that of another batch, whose strength is '0.5', not '0.9'" in said.readouterr().err


def test_the_missing_extra_is_named(said: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder(1)
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main([*BATCH, "blur", *QUICK]) == 2
    assert "run: pip install 'standout[batch]'" in said.readouterr().err


HELD = """
import sys, time
from pathlib import Path
from standout.batch.bulk import run
from standout.cli import main

add = run._Recorder.add

def held(self, row):
    add(self, row)
    print("held", flush=True)
    while not Path("go-on").exists():
        time.sleep(0.01)

run._Recorder.add = held
sys.exit(main(sys.argv[1:]))
"""
"""The command, which waits once its first photo is done: it is not over before it is interrupted."""


@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_goes_on(number: signal.Signals, code: int, said: pytest.CaptureFixture[str]) -> None:
    folder(30)
    command = [sys.executable, "-c", HELD, *BATCH, "cut", *QUICK]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout.readline() == b"held\n"
        os.killpg(process.pid, number)  # as a terminal and SLURM do: to all processes
        until(lambda: b"finishing the photos in work" in process.stderr.readline(), "it said so", process=process)
        Path("go-on").touch()
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == code and b"Traceback" not in err
    assert b"interrupted; the same command goes on from here" in err
    done = len(list(Path("out").iterdir()))
    assert 0 < done < 30
    assert main([*BATCH, "cut", *QUICK]) == 0
    assert f"{30 - done} done, {done} done before" in said.readouterr().err


def test_the_rate_is_that_of_the_last_minutes() -> None:
    now = 0.0
    shown: list[str] = []
    counter = Counter(lambda counter: shown.append(counter.line()), clock=lambda: now)
    counter.expect(1000)
    for _ in range(100):
        now += 10
        counter.add()
    for _ in range(300):
        now += 1
        counter.add(failed=True)
    assert shown[49] == "50 of 1,000, 0.1 a second, 3 hours left"
    assert shown[-1] == "400 of 1,000, 300 failed, 1.0 a second, 10 minutes left"


def test_without_a_terminal_a_line_is_said_now_and_then(
    monkeypatch: pytest.MonkeyPatch, said: pytest.CaptureFixture[str]
) -> None:
    from standout.cli import counter

    folder(3)
    monkeypatch.setattr(counter, "EVERY", 0.0)
    assert main([*BATCH, "cut", *QUICK]) == 0
    lines = said.readouterr().err.splitlines()
    assert [line.split(",")[0].partition(" of ")[0] for line in lines[:3]] == ["1", "2", "3"]
    assert lines[2].startswith("3 of 3, ") and lines[2].endswith(" seconds left")
