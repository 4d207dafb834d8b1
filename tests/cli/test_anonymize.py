"""`standout anonymize`: what is hidden, what is stripped, and what is put on record."""

import json
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

import standout
from standout import effects, faces, images
from standout.cli import main
from standout.errors import MissingExtra
from tests.cli.conftest import IMAGE, MASK, read
from tests.video.drawn import Made, make

HAND = ["--mask-from", "hand.png"]
PLACE = b"48.137154"


def told_everything(path: str) -> None:
    """Writes photo.jpg again with the place, the camera, a thumbnail, XMP and a comment."""
    picture = PIL.Image.open("photo.jpg")
    exif = picture.getexif()
    exif[0x010F], exif[0x9286] = "ACME", "Anna at home"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[29] = "N", (48.0, 8.0, 13.7), "2024:05:06"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + PLACE + b"</x:xmpmeta>"
    picture.save(path, exif=exif, comment=b"Anna", xmp=xmp, dpi=(300, 300), quality=95)


def test_a_photo_without_its_metadata_and_a_line_on_record(capsys: pytest.CaptureFixture[str]) -> None:
    told_everything("told.jpg")
    data = Path("told.jpg").read_bytes()
    assert b"ACME" in data and PLACE in data and b"Anna" in data, "or the test would say nothing"
    assert main(["anonymize", "told.jpg", *HAND, "--report", "audit.jsonl"]) == 0
    made = Path("told-anonymize.jpg").read_bytes()
    assert not any(word in made for word in (b"ACME", PLACE, b"Anna", b"Exif", b"GPS", b"xmp"))
    photo = images.read("told-anonymize.jpg")
    assert photo.meta.exif is None and photo.meta.dpi == (300, 300)
    (line,) = map(json.loads, Path("audit.jsonl").read_text().splitlines())
    record = line["audit"]
    assert record["sha256"] == sha256(made).hexdigest() and record["people"] == 1
    assert record["covered"] == line["person_share"] > (MASK > 127).mean()
    assert record["effect"] == {
        "name": "anonymize", "how": "pixelate", "blocks": 5, "color": "black", "threshold": 0.05, "margin": 0.02
    }  # fmt: skip
    assert record["standout"] == standout.__version__ and "hand.png" in record["model"]


def test_whoever_wants_to_keep_the_metadata_says_so() -> None:
    told_everything("told.jpg")
    assert main(["anonymize", "told.jpg", *HAND, "--metadata", "keep"]) == 0
    exif = images.read("told-anonymize.jpg").meta.exif
    assert exif is not None and b"ACME" in exif


@pytest.mark.parametrize("how", ["pixelate", "blur", "fill", "silhouette"])
def test_nothing_of_the_person_is_left(how: str) -> None:
    """With one block to a person, there is one color, or a few that run into each other."""
    assert main(["anonymize", "photo.jpg", "-o", "one.png", *HAND, "--how", how, "--blocks", "1"]) == 0
    picture = read("one.png")[..., ::-1]
    inside = MASK > 0
    source = images.read("photo.jpg").image
    colors = {tuple(color) for color in picture[inside].tolist()}
    assert len(colors) <= (1 if how != "blur" else 40)
    assert (picture[inside] == source[inside]).all(-1).mean() < 0.05
    far = cv2.dilate(MASK, np.ones((41, 41), np.uint8)) == 0
    if how != "fill":
        np.testing.assert_array_equal(picture[far], source[far])


def test_the_model_finds_whom_to_hide() -> None:
    assert main(["anonymize", "photo.jpg", "-o", "out.png", "--how", "fill", "--color", "#ff0000", "-q"]) == 0
    red = (read("out.png") == (0, 0, 255)).all(-1)
    assert red[MASK > 127].mean() > 0.98


def test_a_face_that_is_left_uncovered_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    height, width = MASK.shape
    spot = (1.0, 1.0)
    far = faces.Face((0, 0, 10, 10), *[spot] * 5, 0.9)
    rows, columns = np.nonzero(MASK > 127)
    middle = float(np.median(columns)), float(np.median(rows))
    hidden = faces.Face((middle[0] - 3, middle[1] - 3, middle[0] + 3, middle[1] + 3), *[spot] * 5, 0.9)
    assert not MASK[:10, :10].any() and height > 10 < width
    monkeypatch.setattr(faces, "faces", lambda image: [far, hidden])
    monkeypatch.setattr(faces, "model_file", lambda: Path("model"))
    command = ["anonymize", "photo.jpg", *HAND, "--report", "audit.jsonl"]
    assert main(command) == 0
    assert "1 face is left uncovered: photo.jpg" in capsys.readouterr().err
    assert json.loads(Path("audit.jsonl").read_text())["audit"]["faces_uncovered"] == 1
    assert main([*command, "--strict", "--overwrite"]) == 1
    monkeypatch.setattr(faces, "faces", lambda image: [hidden])
    assert main([*command, "--strict", "--overwrite"]) == 0


def test_without_the_face_model_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> None:
        raise MissingExtra("finding faces", "idphoto")

    monkeypatch.setattr(faces, "faces", missing)
    monkeypatch.setattr(faces, "model_file", missing)
    assert main(["anonymize", "photo.jpg", *HAND, "--report", "audit.jsonl"]) == 0
    assert json.loads(Path("audit.jsonl").read_text())["audit"]["faces_uncovered"] is None
    assert main(["anonymize", "photo.jpg", *HAND, "--strict", "--overwrite"]) != 0
    assert "standout[idphoto]" in capsys.readouterr().err


def test_strict_makes_any_warning_a_failure() -> None:
    cv2.imwrite("nobody.png", MASK * 0)
    command = ["cut", "photo.jpg", "--mask-from", "nobody.png", "--overwrite"]
    assert main(command) == 0 and main([*command, "--strict"]) == 1


def test_a_clip_without_its_tags_is_warned_of_its_voices(capsys: pytest.CaptureFixture[str]) -> None:
    make(Path("clip.mp4"), Made(tags={"title": "Anna", "location": "+48.1+011.5/"}, tracks=["aac"]))
    command = ["anonymize", "clip.mp4", "--model", "standout-tiny", "--end", "0.2", "--report", "audit.jsonl"]
    assert main(command) == 0
    assert "voices tell who speaks" in capsys.readouterr().err
    made = Path("clip-anonymize.mp4").read_bytes()
    assert b"Anna" not in made and b"+48.1" not in made
    record = json.loads(Path("audit.jsonl").read_text())["audit"]
    assert record["sha256"] == sha256(made).hexdigest() and record["model"].startswith("standout-tiny ")
    assert main([*command, "--no-sound", "--overwrite"]) == 0
    assert "voices" not in capsys.readouterr().err


def test_an_option_of_refined_edges_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anonymize", "photo.jpg", "--no-refine", *HAND]) == 0
    assert "--no-refine has no effect" in capsys.readouterr().err


def test_in_python() -> None:
    told_everything("told.jpg")
    picture = standout.anonymize("told.jpg", "fill", mask="hand.png")
    assert picture.meta.exif is None and not picture[MASK > 127].any()
    standout.write("out.jpg", picture, metadata="all")
    assert images.read("out.jpg").meta.exif is None
    blurred = standout.edit(IMAGE, effects.Anonymize("blur"), mask=MASK)
    assert blurred.shape == IMAGE.shape
