"""What tests stand on: how they wait, share what they make, and are started alike."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import waiting
from tests.surroundings import prepare, signals
from tests.waiting import once, started, until


def test_a_condition_is_waited_for_and_given_back() -> None:
    states = iter([[], 0, None, "there"])
    assert until(lambda: next(states), "it was there") == "there"


def test_what_never_comes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LIMIT", 0.01)
    with pytest.raises(AssertionError, match=r"waited 0.01 s in vain until the file was there"):
        until(lambda: False, "the file was there")


def test_a_process_that_ends_without_is_not_waited_for() -> None:
    with (
        started([sys.executable, "-c", "raise SystemExit(3)"]) as process,
        pytest.raises(AssertionError, match=r"the process ended \(3\) before the file was there"),
    ):
        until(lambda: False, "the file was there", process=process)


def test_a_process_ends_with_the_block() -> None:
    with pytest.raises(ZeroDivisionError), started([sys.executable, "-c", "import time; time.sleep(1000)"]) as process:
        raise ZeroDivisionError
    assert process.returncode not in (None, 0)


def test_several_who_need_a_file_make_it_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(target: Path) -> None:
        made.append(target)
        target.write_text("whole")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: once(tmp_path / "deep" / "file", make), range(8)))
    assert made == [tmp_path / "deep" / "file"] and {path.read_text() for path in found} == {"whole"}


def test_who_waits_for_a_file_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        once(tmp_path / "file", lambda target: 1 / 0)
    with pytest.raises(AssertionError, match="file was not made; the process that came first says why"):
        once(tmp_path / "file", lambda target: target.touch())


@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_children_can_be_interrupted_wherever_the_tests_are_started() -> None:
    """A job in the background ignores Ctrl-C, and so would the processes that it starts."""
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals():
            assert subprocess.run([sys.executable, "-c", code], capture_output=True).stdout.split() == [b"True"]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_environment_of_who_starts_the_tests_changes_nothing() -> None:
    environment = {"NO_COLOR": "1", "COLUMNS": "20", "HOME": "/home/me", "OMP_NUM_THREADS": "4"}
    prepare(environment)
    assert environment == {"HOME": "/home/me", "OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "1"}
