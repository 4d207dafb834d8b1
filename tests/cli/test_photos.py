import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.cli import main
from tests.cli.conftest import MASK, folder, read, standout
from tests.waiting import LIMIT, started

# ---- each command


def test_a_plain_photo_is_cut_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["photo.jpg", "--mask-from", "hand.png"]) == 0
    assert capsys.readouterr().out == "photo-cut.png\n"
    assert (read("photo-cut.png")[..., 3] == MASK).all()


def test_the_model_in_the_package_is_used_without_a_mask() -> None:
    assert main(["mask", "photo.jpg"]) == 0
    assert read("photo-mask.png").shape == MASK.shape


@pytest.mark.parametrize(
    ("arguments", "result", "behind"),
    [
        (["cut"], "photo-cut.png", (0, 0, 0, 0)),
        (["cut", "-b", "red"], "photo-cut.png", (0, 0, 255)),
        (["color", "-f", "png"], "photo-color.png", (255, 255, 255)),
        (["color"], "photo-color.jpg", None),
        (["color", "--color", "#1e90ff", "-f", "png"], "photo-color.png", (255, 144, 30)),
        (["color", "-c", "1e90ff", "-f", "png", "--no-decontaminate"], "photo-color.png", (255, 144, 30)),
        (["replace", "--background", "beach.png", "-f", "png"], "photo-replace.png", (200, 100, 50)),
        (["replace", "-b", "beach.png", "--fit", "-f", "webp"], "photo-replace.webp", None),
        (["blur"], "photo-blur.jpg", None),
        (["mask"], "photo-mask.png", 0),
    ],
)
def test_every_effect(arguments: list[str], result: str, behind: tuple[int, ...] | int | None) -> None:
    assert main([*arguments, "photo.jpg", "--mask-from", "hand.png"]) == 0
    picture = read(result)
    assert picture.shape[:2] == MASK.shape
    if behind is not None:
        assert (picture[MASK == 0] == behind).all()


def test_options_reach_the_work() -> None:
    assert main(["blur", "photo.jpg", "--mask-from", "hand.png", "--strength", "0", "-f", "png"]) == 0
    assert (read("photo-blur.png") == read("photo.jpg")).all()
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png", "--crop", "--feather", "3", "-o", "small.webp"]) == 0
    assert read("small.webp").shape[1] < MASK.shape[1]
    sizes = []
    for quality in ("20", "95"):
        out = f"{quality}.jpg"
        assert main(["color", "photo.jpg", "--mask-from", "hand.png", "--quality", quality, "-o", out]) == 0
        sizes.append(Path(out).stat().st_size)
    assert sizes[0] < sizes[1] / 2


def test_a_cut_out_can_be_the_next_mask() -> None:
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png"]) == 0
    assert main(["mask", "photo.jpg", "--mask-from", "photo-cut.png"]) == 0
    assert (read("photo-mask.png") == MASK).all()


# ---- many files


def test_a_folder_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    folder()
    Path("pics/bad.jpg").write_text("no picture")
    arguments = ["blur", "pics", "--jobs", "2", "--report", "jobs.jsonl"]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "4 done, 1 failed in" in err and f"results in pics-blur{os.sep}" in err
    assert "error: pics/bad.jpg is not a picture" in err
    assert len(Path("jobs.jsonl").read_text().splitlines()) == 5
    Path("pics/bad.jpg").unlink()
    assert main(arguments) == 0
    assert "0 done, 4 kept (there already; --overwrite makes them anew)" in capsys.readouterr().err


def test_quiet_tells_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    folder(2)
    assert main(["color", "pics", "-q"]) == 0
    assert main(["cut", "photo.jpg", "-q", "--mask-from", "hand.png"]) == 0
    assert capsys.readouterr() == ("", "")
    Path("pics/bad.jpg").write_text("no picture")
    assert main(["color", "pics", "-q"]) == 1
    assert capsys.readouterr().err.startswith("error: pics/bad.jpg")


def test_json_has_a_line_a_photo_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    folder(2)
    Path("pics/bad.jpg").write_text("no picture")
    assert main(["mask", "pics", "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["status"] for line in lines) == ["done", "done", "failed"]
    assert main(["mask", "photo.jpg", "--json", "--mask-from", "hand.png"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["person_share"] == pytest.approx((MASK > 0).mean(), abs=1e-4)


def test_many_failures_are_not_all_listed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pics").mkdir()
    for n in range(25):
        Path(f"pics/{n}.jpg").touch()
    assert main(["cut", "pics", "--mask-from", "hand.png"]) == 1
    err = capsys.readouterr().err
    assert err.count("is empty") == 20 and "... and 5 more; --report FILE lists them all" in err


def test_warnings_are_gathered(capsys: pytest.CaptureFixture[str]) -> None:
    folder(5)
    cv2.imwrite("nobody.png", np.zeros_like(MASK))
    assert main(["cut", "pics", "--mask-from", "nobody.png", "-j", "1"]) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    told = re.fullmatch(r"warning: nobody found: (pics/p00\d.jpg), (pics/p00\d.jpg), (pics/p00\d.jpg) and 2 more", line)
    assert told is not None and len({*told.groups()}) == 3, line  # whichever were done first


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_sees_progress() -> None:
    import pty

    folder(6)
    leader, follower = pty.openpty()
    code = [sys.executable, "-m", "standout", "cut", "pics", "--mask-from", "hand.png", "--json"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(code, stdout=subprocess.PIPE, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    out, _ = process.communicate()
    assert process.returncode == 0 and len(out.splitlines()) == 6, "JSON goes to standard output beside the bar"
    assert b"photos/s" in shown and b"6/6" in shown and b"6 done" in shown


# ---- pipes


def test_a_pipe_in_and_out() -> None:
    done = standout("cut", "-", "--mask-from", "hand.png", stdin=Path("photo.jpg").read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    picture = cv2.imdecode(np.frombuffer(done.stdout, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (picture[..., 3] == MASK).all()
    again = standout("color", "-", "--mask-from", "hand.png", "-f", "jpg", stdin=done.stdout)
    assert again.stdout[:3] == b"\xff\xd8\xff"
    out = standout("mask", "photo.jpg", "-o", "-", "--mask-from", "hand.png")
    assert out.stdout[:4] == b"\x89PNG"


@pytest.mark.parametrize(("stdin", "message"), [(b"", "standard input is empty"), (b"hello", "is not a picture")])
def test_a_pipe_with_no_picture(stdin: bytes, message: str) -> None:
    done = standout("cut", "-", "--mask-from", "hand.png", stdin=stdin)
    assert done.returncode == 1 and done.stdout == b"" and message in done.stderr.decode()


def test_json_and_a_picture_cannot_share_a_pipe() -> None:
    done = standout("cut", "-", "--json", stdin=Path("photo.jpg").read_bytes())
    assert done.returncode == 2 and b"both go to standard output" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_no_picture_goes_to_a_terminal() -> None:
    import pty

    leader, follower = pty.openpty()
    code = [sys.executable, "-m", "standout", "cut", "photo.jpg", "-o", "-", "--mask-from", "hand.png"]
    process = subprocess.run(code, stdout=follower, stderr=subprocess.PIPE)
    os.close(follower)
    os.close(leader)
    assert process.returncode == 2 and b"a terminal shows no pictures" in process.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="file names there are text")
def test_a_file_name_that_is_no_text() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    Path(name).write_bytes(Path("photo.jpg").read_bytes())
    done = standout("mask", name, "--mask-from", "hand.png")
    assert (done.returncode, done.stdout) == (0, b"caf\xe9-mask.png\n")
    assert json.loads(standout("mask", name, "--json").stdout)["target"] == os.fsdecode(b"caf\xe9-mask.png")
    Path(name).write_bytes(b"")
    assert b"error: caf" in standout("cut", name).stderr


def test_a_reader_that_goes_away() -> None:
    folder(40)
    code = [sys.executable, "-m", "standout", "cut", "pics", "--mask-from", "hand.png", "--json"]
    with started(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read() and process.wait(LIMIT) == 1
