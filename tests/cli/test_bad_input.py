import errno
import os
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.cli import main
from standout.models import registry
from standout.support import atomic
from tests.cli.conftest import read, standout


def bad_files() -> dict[str, bytes]:
    whole = Path("photo.jpg").read_bytes()
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (100_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0"
    crc = zlib.crc32(header[12:]).to_bytes(4)
    return {
        "empty.jpg": b"",
        "text.jpg": b"this is text",
        "cut-off.jpg": whole[: len(whole) // 2],
        "huge.png": header + crc + b"\0\0\0\0IDAT\x35\xaf\x06\x1e",
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.jpg", "empty.jpg is empty"),
        ("text.jpg", "text.jpg is not a picture"),
        ("cut-off.jpg", "cut-off.jpg"),
        ("huge.png", "--max-pixels"),
    ],
)
def test_files_that_are_no_photos(name: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_bytes(bad_files()[name])
    assert main(["color", name, "--mask-from", "hand.png"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and message in err and err.count("\n") == 1
    assert len(list(Path.cwd().glob("*color*"))) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cut", "nope.jpg"], "nope.jpg does not exist"),
        (["nope.jpg"], "nope.jpg does not exist"),
        (["blurr", "photo.jpg"], "did you mean `standout blur`"),
        (["cut", "nopics/"], "does not exist"),
        (["cut", "bare"], "bare holds no photo"),
        (["cut", "photo.jpg", "-o", "photo.jpg"], "transparency"),
        (["blur", "photo.jpg", "-o", "photo.jpg"], "never written over"),
        (["cut", "photo.jpg", "-o", "x.jpg"], "--background"),
        (["cut", "photo.jpg", "-f", "bmp"], "transparency"),
        (["cut", "photo.jpg", "--model", "standout-mobil"], "did you mean 'standout-mobile'"),
        (["cut", "photo.jpg", "--model", "text.onnx"], "text.onnx"),
        (["cut", "photo.jpg", "--device", "quantum"], "quantum"),
        (["cut", "photo.jpg", "-b", "blurple"], "'blurple' is no color"),
        (["replace", "photo.jpg", "-b", "nope.png"], "background nope.png does not exist"),
        (["replace", "photo.jpg", "-b", "text.onnx"], "is not a picture"),
        (["cut", "photo.jpg", "--mask-from", "nope.png"], "mask nope.png does not exist"),
        (["cut", "photo.jpg", "--report", "photo.jpg", "--mask-from", "hand.png"], "no ledger"),
        (["train", "nope.toml", "--out", "runs"], "nope.toml does not exist"),
    ],
)
def test_what_cannot_be_begun(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bare").mkdir()
    Path("text.onnx").write_text("this is no model")
    before = sorted(path.name for path in Path.cwd().iterdir())
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and message in err and err.count("\n") == 1
    assert sorted(path.name for path in Path.cwd().iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["replace", "photo.jpg"], "Missing option '--background'"),
        (["blur", "photo.jpg", "--strength", "2"], "--strength"),
        (["blur", "photo.jpg", "--quality", "0"], "--quality"),
        (["cut", "photo.jpg", "--feather", "-1"], "--feather"),
        (["cut", "photo.jpg", "--keep", "some"], "--keep"),
        (["cut", "photo.jpg", "--metadata", "some"], "--metadata"),
        (["cut"], "INPUT"),
        (["cut", "photo.jpg", "--nope"], "--nope"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_device_that_is_not_here_is_never_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    from standout.runtimes import onnx

    missing = next(device for device in onnx.PROVIDERS if device not in onnx.devices())
    assert main(["photo.jpg", "--mask-from", "hand.png"]) == 0
    capsys.readouterr()
    for rest in ([], ["--overwrite"], ["--mask-from", "hand.png"]):  # also where nothing is left to do
        assert main(["photo.jpg", "--device", missing, *rest]) == 2
        assert f"device '{missing}' is not available" in capsys.readouterr().err


def test_the_pixel_limit_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["color", "photo.jpg", "--mask-from", "hand.png", "-f", "png"]
    assert main([*arguments, "--max-pixels", "100"]) == 1
    assert "--max-pixels 10800" in capsys.readouterr().err
    assert main([*arguments, "--max-pixels", "0"]) == 0


@pytest.mark.parametrize(
    ("number", "message"), [(errno.ENOSPC, "no space left"), (errno.EACCES, "no permission to write")]
)
def test_a_disk_that_refuses(
    number: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic.os, "fsync", refuse)
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png"]) == 1
    assert message in capsys.readouterr().err
    assert not list(Path.cwd().glob("*cut*"))


def test_a_corrupt_bundled_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = {name: replace(weights, sha256="0" * 64) for name, weights in registry.REGISTRY.items()}
    monkeypatch.setattr(registry, "REGISTRY", damaged)
    assert main(["cut", "photo.jpg"]) == 2
    assert "is damaged" in capsys.readouterr().err
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "checksum BAD" in out and "broken: the bundled model" in out


def test_smallest_and_longest_photos() -> None:
    for height, width in ((1, 1), (1, 5000), (5000, 1)):
        cv2.imwrite("odd.png", np.full((height, width, 3), 77, np.uint8))
        for command in ("cut", "blur", "color", "mask"):
            assert main([command, "odd.png", "-o", f"{command}.png", "--overwrite"]) == 0
            assert read(f"{command}.png").shape[:2] == (height, width)


def test_debug_shows_where_an_error_came_from() -> None:
    os.environ["STANDOUT_DEBUG"] = "1"
    try:
        done = standout("cut", "nope.jpg")
        Path("empty.jpg").touch()
        other = standout("cut", "empty.jpg", "photo.jpg", "--mask-from", "hand.png")
    finally:
        del os.environ["STANDOUT_DEBUG"]
    assert b"Traceback" in done.stderr
    assert b"Traceback" in other.stderr and (other.returncode, other.stderr.count(b"1 failed")) == (1, 1)
