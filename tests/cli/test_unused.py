"""No option is ignored in silence."""

from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.cli import main
from standout.cli.options import Photos
from standout.cli.settings import of_parts
from standout.cli.unused import BY_MODEL, PHOTOS
from tests.cli.conftest import MASK, read
from tests.video.drawn import make

HAND = ["--mask-from", "hand.png"]
OF_CLIPS = [
    ["--start", "1"],
    ["--end", "2"],
    ["--fps", "25"],
    ["--max-side", "320"],
    ["--steady", "0.5"],
    ["--steady", "0"],
    ["--every-frame"],
    ["--codec", "h264"],
    ["--no-sound"],
    ["--resume"],
]


@pytest.mark.parametrize("option", OF_CLIPS, ids=" ".join)
@pytest.mark.parametrize("command", ["cut", "blur"])
def test_options_of_clips_are_refused_for_photos(
    option: list[str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "photo.jpg", *HAND, *option]) == 2
    assert f"{option[0]} has no effect on photos, and no clip is named" in capsys.readouterr().err
    assert not list(Path.cwd().glob("photo-*"))


def test_several_are_named_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cut", "photo.jpg", "--start", "1", "--codec", "vp9", "--no-sound"]) == 2
    assert "--start, --codec and --no-sound have no effect on photos" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--metadata", "strip"], ["--metadata", "all"], ["--max-pixels", "1000"], ["--mask-from", "hand.png"], ["--crop"]],
    ids=" ".join,
)
def test_options_of_photos_are_refused_for_clips(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    make(Path("clip.mp4"))
    assert main(["blur", "clip.mp4", *options]) == 2
    assert options[0] in capsys.readouterr().err and not Path("clip-blur.mp4").exists()


def test_both_kinds_take_the_options_of_both(capsys: pytest.CaptureFixture[str]) -> None:
    make(Path("clip.mp4"))
    command = ["blur", "photo.jpg", "clip.mp4", "--end", "0.1", "--model", "standout-tiny", "--metadata", "strip"]
    assert main([*command, "--max-pixels", "0"]) == 0
    err = capsys.readouterr().err
    assert "2 done" in err and "--metadata has no effect on clips" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cut", *HAND, "--model", "standout-tiny"], "--model has no effect with --mask-from"),
        (["cut", *HAND, "--no-mirror", "--no-refine"], "--no-mirror and --no-refine have no effect with --mask-from"),
        (["cut", *HAND, "--quality", "50"], "--quality has no effect on .png"),
        (["color", *HAND, "-f", "tiff", "--quality", "50"], "--quality has no effect on .tiff"),
        (["mask", *HAND, "--metadata", "all"], "--metadata all has no effect on masks"),
        (["color", *HAND, "-f", "bmp", "--metadata", "all"], "--metadata all has no effect on .bmp"),
        (["color", *HAND, "--quality", "50", "--metadata", "all"], ""),
        (["cut", *HAND, "-f", "webp", "--quality", "50", "--feather", "2", "--jobs", "3"], ""),
    ],
)
def test_what_is_merely_useless_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([arguments[0], "photo.jpg", *arguments[1:]]) == 0
    err = capsys.readouterr().err
    assert err.count("has no effect") + err.count("have no effect") == bool(said) and said in err
    assert main([arguments[0], "photo.jpg", *arguments[1:], "-q", "--overwrite"]) == 0
    assert capsys.readouterr().err == ""


def test_a_clip_of_frames_has_no_quality_either(capsys: pytest.CaptureFixture[str]) -> None:
    make(Path("clip.mp4"))
    assert main(["blur", "clip.mp4", "-f", "frames", "--quality", "5", "--model", "standout-tiny"]) == 0
    assert "--quality has no effect on .frames" in capsys.readouterr().err


def test_names_in_the_tables_are_fields() -> None:
    shared = {option.name for _, option in of_parts()}
    assert {*PHOTOS, *BY_MODEL} <= {field.name for field in fields(Photos)} | shared


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["replace", "photo.jpg", "-b", "beach.png", "-o", "beach.png", *HAND], "--background"),
        (["cut", "photo.jpg", "-o", "hand.png", *HAND], "--mask-from"),
        (["cut", "photo.jpg", "-o", "link.png", *HAND], "--mask-from"),
        (["cut", "pics", "-o", "masks", "--mask-from", "masks"], "--mask-from"),
        (["cut", "photo.jpg", "-o", "jobs.png", "--report", "jobs.png", *HAND], "--report"),
    ],
)
def test_no_result_is_written_over_another_file_of_the_options(
    arguments: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("link.png").symlink_to("hand.png")
    for folder, name in (("pics", "a.jpg"), ("masks", "a.png")):
        Path(folder).mkdir()
        cv2.imwrite(f"{folder}/{name}", np.full((120, 90), 255, np.uint8))
    assert main([*arguments, "--overwrite"]) == 2
    assert f"is a file of {option}, which is never written over" in capsys.readouterr().err
    assert (read("hand.png") == MASK).all() and read("beach.png").shape == (40, 70, 3)
    assert read("masks/a.png").shape == (120, 90) and not Path("jobs.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fit"], "--fit has no effect without --background"),
        (["--port", "8766"], "--port has no effect with --no-window"),
        (["--key", "abcdefgh"], "--key has no effect with --no-window"),
        (["--no-open"], "--open has no effect with --no-window"),
        (["blur", "--color", "red"], "--color has no effect on blur with --no-window"),
        (["color", "--strength", "1"], "--strength has no effect on color with --no-window"),
        (["none", "-b", "beach.png"], "--background has no effect on none with --no-window"),
    ],
)
def test_webcam_too(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    rest = ["--camera", "photo.jpg", "--virtual-camera", "nowhere", "--no-window"]
    assert main(["webcam", *arguments, *rest]) == 2
    assert said in capsys.readouterr().err
