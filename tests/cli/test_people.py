"""`standout people`, and the options that choose."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.cli import main
from tests.cli.conftest import IMAGE, folder, read

PHOTO = str(Path(__file__).parents[2] / "examples" / "astronaut.jpg")


def test_people_are_listed_and_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people", PHOTO, "-o", "who.png"]) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["no", "left", "top", "right", "bottom", "share", "sure"]
    assert line.split()[0] == "1" and 300 < int(line.split()[3]) <= 512
    assert read("who.png").shape[0] > 512
    assert main(["people", PHOTO, "-o", "who.png"]) == 1, "what is there is kept"
    assert "--overwrite" in capsys.readouterr().err
    assert main(["people", PHOTO, "-o", "who.png", "--overwrite"]) == 0


def test_several_photos_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    folder(2)
    Path("pics/bad.jpg").write_bytes(b"no picture")
    assert main(["people", "pics", "--json", "-o", "drawn"]) == 1
    told = capsys.readouterr()
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert sorted(Path(line["source"]).name for line in lines) == ["p000.jpg", "p001.jpg"]
    assert all(set(one) == {"index", "box", "share", "confidence"} for line in lines for one in line["people"])
    assert "bad.jpg" in told.err and len(list(Path("drawn").iterdir())) == 2


def test_what_cannot_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("clip.mp4").write_bytes(b"")
    assert main(["people", "clip.mp4"]) != 0 and main(["people", "-"]) == 2
    assert "name a photo" in capsys.readouterr().err


def test_a_photo_fails_for_a_person_who_is_not_there_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pics").mkdir()
    mask = np.zeros((120, 160), np.uint8)
    cv2.ellipse(mask, (30, 60), (15, 45), 0, 0, 360, 255, -1)
    Path("masks").mkdir()
    cv2.imwrite("masks/one.png", mask)
    cv2.ellipse(mask, (120, 60), (15, 45), 0, 0, 360, 255, -1)
    cv2.imwrite("masks/two.png", mask)
    for name in ("one", "two"):
        cv2.imwrite(f"pics/{name}.png", np.resize(IMAGE, (120, 160, 3)))
    assert main(["cut", "pics", "--mask-from", "masks", "--people", "2", "-o", "out"]) == 1
    assert "one.png: there is no person 2; one person was found: 1 at 15,15" in capsys.readouterr().err
    assert sorted(path.name for path in Path("out").iterdir()) == ["two.png"]
    alpha = read("out/two.png")[..., 3]
    assert alpha[60, 120] == 255 and not alpha[:, :70].any()
    for options in (["--at", "120,60"], ["--people", "right"], ["--not-at", "30,60"], ["--at", "75%,50%"]):
        assert (
            main(["cut", "pics/two.png", "--mask-from", "masks/two.png", "-o", "x.png", "--overwrite", *options]) == 0
        )
        np.testing.assert_array_equal(read("x.png")[..., 3] > 127, alpha > 127)


def test_the_earlier_name_of_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png", "--keep", "largest", "-o", "a.png"]) == 0
    assert main(["cut", "photo.jpg", "--mask-from", "hand.png", "--people", "largest", "-o", "b.png"]) == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    capsys.readouterr()
    main(["cut", "--help"])
    shown = capsys.readouterr().out
    assert "--people" in shown and "--keep " not in shown
    assert main(["cut", "photo.jpg", "--at-time", "2", "-o", "c.png"]) == 2
    assert "--at-time has no effect on photos" in capsys.readouterr().err
