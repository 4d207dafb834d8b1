"""SIGTERM and SIGHUP clean up as Ctrl-C does, in every command."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from standout import video
from standout.cli import doctor, main, signals
from standout.support import atomic
from tests.cli.conftest import folder
from tests.video.drawn import Made, make, picture
from tests.waiting import started, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="other signals")

ENDING = pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    """The signals as a terminal leaves them, however the tests were started."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "handlers are put back"
    for number, handler in before.items():
        signal.signal(number, handler)


def sending(number: int, *, at: int = 1) -> Callable[..., None]:
    """What sends this process a signal when it is called for the at-th time."""
    calls = iter(range(1, 10**9))

    def send(*_: Any, **__: Any) -> None:
        if next(calls) == at:
            os.kill(os.getpid(), number)
            if threading.current_thread() is threading.main_thread():
                time.sleep(5)

    return send


@ENDING
def test_one_photo(number: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(atomic.os, "fsync", sending(number))
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png"]) == code
    assert "interrupted; no half file is left" in capsys.readouterr().err
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["beach.png", "hand.png", "photo.jpg"]


@ENDING
@pytest.mark.parametrize("ignored", [False, True], ids=["", "SIGINT ignored"])
def test_a_folder_finishes_the_photos_in_work(
    number: int, code: int, ignored: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder(20)
    if ignored:  # as nohup and `&` in a script do
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    arguments = ["cut", "pics", "--mask-from", "hand.png", "--report", "jobs.jsonl", "-j", "2"]
    with monkeypatch.context() as patched:
        patched.setattr(atomic.os, "fsync", sending(number))
        assert main(arguments) == code
    err = capfd.readouterr().err
    assert "another signal leaves at once" in err and "the same command goes on from here" in err
    made = list(Path("pics-cut").iterdir())
    assert 0 < len(made) < 20 and {path.suffix for path in made} == {".png"}
    assert len(Path("jobs.jsonl").read_text().splitlines()) == len(made)
    assert main(arguments) == 0 and len(list(Path("pics-cut").iterdir())) == 20


@ENDING
@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("out.mp4", []),
        ("out.webp", []),
        ("out.frames", []),
        ("out.mp4", ["--resume"]),  # before the first minute is finished, there is nothing to go on from
    ],
)
def test_a_clip(number: int, code: int, name: str, rest: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    make(Path("clip.mp4"))
    add, send = video.Writer.add, sending(number, at=5)

    def sent(writer: video.Writer, *given: Any) -> None:
        add(writer, *given)
        send()

    monkeypatch.setattr(video.Writer, "add", sent)
    before = sorted(Path.cwd().iterdir())
    assert main(["blur", "clip.mp4", "-o", name, "--model", "standout-tiny", *rest]) == code
    assert sorted(Path.cwd().iterdir()) == before


@pytest.mark.parametrize("command", [["doctor"], ["doctor", "--json"]])
@ENDING
def test_other_commands(number: int, code: int, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", sending(number))
    assert main(command) == code


def test_ctrl_c_in_other_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", sending(signal.SIGINT))
    assert main(["doctor"]) == 130


def test_a_signal_where_nothing_cleans_up_yet_leaves_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = atomic._begun

    def interrupted(*given: Any, **named: Any) -> Path:
        part = begun(*given, **named)
        sending(signal.SIGTERM)()
        return part

    monkeypatch.setattr(atomic, "_begun", interrupted)
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png"]) == 143
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["beach.png", "hand.png", "photo.jpg"]


def test_what_was_switched_off_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals.answered(), signals.stoppable(wanted=True) as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.is_set()
    assert signals.exit_code(130) == 143 and signals.exit_code(1) == 1
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_a_clip_in_a_process_of_its_own() -> None:
    make(Path("clip.mp4"), Made([picture(n % 30) for n in range(600)]))
    Path("out").mkdir()
    command = [sys.executable, "-m", "standout", "blur", "clip.mp4", "-o", "out/x.mp4", "--model", "standout-tiny"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: list(Path("out").iterdir()), "a part file", process=process)
        process.terminate()
        out, err = process.communicate()
    assert (process.returncode, out) == (143, b"") and b"Traceback" not in err, err.decode()
    assert not list(Path("out").iterdir())


def test_a_second_signal_leaves_at_once_and_cleans_up() -> None:
    """The photo in work waits for ever, so only the second signal can end it."""
    folder(3)
    code = (
        "import os, signal, sys, time\n"
        "from standout.support import atomic\n"
        "from standout.cli import main\n"
        "def hang(handle):\n"
        "    print('in work', flush=True)\n"
        "    time.sleep(600)\n"
        "atomic.os.fsync = hang\n"
        "main(['cut', 'pics', '--mask-from', 'hand.png', '-j', '1'])\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == b"in work\n"
        assert len(list(Path("pics-cut").iterdir())) == 1
        process.terminate()
        while b"finishing" not in (line := process.stderr.readline()):
            assert line
        process.terminate()
        assert process.wait(60) == 143 and not list(Path("pics-cut").iterdir())
