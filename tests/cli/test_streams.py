"""Standard output that is closed, full, or read by nobody: quiet ends, and nothing lost that could be kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import folder, read, standout

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="other shells")

TELLING = [["--version"], ["--help"], ["models"], ["doctor", "--json"], ["cut", "--help"]]
PHOTO = ["cut", "photo.jpg", "--mask-from", "hand.png"]


def shell(arguments: list[str], streams: str) -> subprocess.CompletedProcess[bytes]:
    """The command with streams as a shell sets them up."""
    command = [sys.executable, "-m", "standout", *arguments]
    return subprocess.run(["sh", "-c", f'exec "$@" {streams}', "sh", *command], capture_output=True)


def unread(*arguments: str) -> tuple[int, bytes]:
    """The exit code and standard error of the command, whose standard output nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "standout", *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize("arguments", TELLING, ids=" ".join)
def test_nobody_reads(arguments: list[str]) -> None:
    code, err = unread(*arguments)
    assert err == b"" and code == 1


def test_figures_are_in_their_files_before_they_are_printed(data: Path) -> None:
    command = ["evaluate", "standout-tiny", str(data), "--part", "val", "--no-mirror", "--json", "e.json"]
    assert unread(*command, "--report", "e.html")[0] == 1
    assert Path("e.json").stat().st_size and Path("e.html").stat().st_size


def test_nobody_reads_a_picture() -> None:
    assert unread(*PHOTO, "-o", "-") == (1, b"")


def test_nobody_reads_lines_of_json() -> None:
    folder(6)
    code, err = unread("cut", "pics", "--mask-from", "hand.png", "--json", "-j", "2", "--report", "jobs.jsonl")
    assert code == 1 and b"Traceback" not in err and b"Broken pipe" not in err
    made = list(Path("pics-cut").iterdir())
    assert 1 <= len(made) < 6 and {path.suffix for path in made} == {".png"}
    assert len(Path("jobs.jsonl").read_text().splitlines()) == len(made)


@pytest.mark.parametrize(
    ("arguments", "streams"),
    [
        (["--version"], ">&-"),
        (["models"], ">&- 2>&-"),
        *((PHOTO, streams) for streams in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-")),
    ],
)
def test_closed_streams_are_like_dev_null(arguments: list[str], streams: str) -> None:
    done = shell(arguments, streams)
    assert (done.returncode, done.stderr) == (0, b"")
    if arguments is PHOTO:
        assert read("photo-cut.png").shape == (120, 90, 4)


def test_a_picture_needs_a_standard_output() -> None:
    done = shell([*PHOTO, "-o", "-"], ">&-")
    assert done.returncode == 2 and b"standard output is closed" in done.stderr
    assert b"standard input is empty" in shell(["cut", "-", "-o", "x.png"], "<&-").stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
@pytest.mark.parametrize("arguments", [["--version"], ["models"], [*PHOTO, "-o", "-"]])
def test_a_full_disk_is_told(arguments: list[str]) -> None:
    done = shell(arguments, ">/dev/full")
    assert done.returncode in (1, 2) and done.stdout == b""
    assert done.stderr.startswith(b"error: ") and b"No space left on device" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_nobody_reads_errors() -> None:
    folder(3)
    Path("pics/bad.jpg").write_bytes(b"")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "standout", "cut", "pics", "--mask-from", "hand.png"]
    done = subprocess.run(command, stderr=writer, stdout=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 1 and len(list(Path("pics-cut").iterdir())) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="file names there are text")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_names_that_are_no_text_can_be_printed(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from standout import __main__

    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    code = "from standout import __main__ as m; m._open_streams(); print('caf\\udce9 \\u4eba')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    shown = "人".encode() if encoding == "utf-8" else b"\\u4eba"
    assert (done.returncode, done.stdout) == (0, b"caf\xe9 " + shown + b"\n"), __main__.__file__


def test_a_pipe_that_is_named_is_read() -> None:
    os.mkfifo("pipe")
    writer = subprocess.Popen(["sh", "-c", "cat photo.jpg > pipe"])
    done = standout("cut", "pipe", "-o", "out.png", "--mask-from", "hand.png")
    assert (done.returncode, writer.wait()) == (0, 0) and read("out.png").shape == (120, 90, 4)
