"""What every effect keeps to; a new row in EFFECTS is tested by all of it."""

import json
from dataclasses import MISSING, fields, replace
from fractions import Fraction
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import cv2
import numpy as np
import pytest

from standout import editing
from standout.editing import Edge, Edit, People, Placement
from standout.effects import EFFECTS, ClipSpace, Color, Effect, PhotoSpace, Replace, Setting
from standout.errors import InputError
from standout.types import Photo
from standout.video import SRGB
from tests.effects.test_compose import soft_disc

BEHIND = np.random.default_rng(3).integers(0, 255, (20, 31, 3), np.uint8)
every = pytest.mark.parametrize("kind", EFFECTS.values(), ids=EFFECTS)


def made(kind: type[Effect]) -> Effect:
    """The effect at its defaults; a picture is what every effect so far must be given, if anything."""
    needed = [one.name for one in fields(kind) if one.init and one.default is MISSING]
    return kind(**dict.fromkeys(needed, Photo(BEHIND)))


@every
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (33, 129), (300, 200)])
def test_size_and_depth_stay(kind: type[Effect], dtype: type, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, np.iinfo(dtype).max, (*shape, 3), dtype)
    before, effect = image.copy(), made(kind)
    picture = effect(image, rng.random(shape, np.float32))
    assert picture.shape[:2] == shape and picture.dtype == dtype
    assert picture.shape[2] == (1 if kind.is_mask else 4 if effect.is_transparent else 3)
    np.testing.assert_array_equal(image, before)


@every
def test_the_person_is_untouched(kind: type[Effect]) -> None:
    if kind.is_mask or kind.hides_people:
        pytest.skip("shows no person")
    image, mask = np.random.default_rng(0).integers(0, 255, (240, 240, 3), np.uint8), soft_disc()
    picture = made(kind)(image, mask)
    np.testing.assert_array_equal(picture[mask >= 1][..., :3], image[mask >= 1])


@every
def test_a_mask_of_another_size_is_refused(kind: type[Effect]) -> None:
    if kind.is_mask:
        pytest.skip("is the mask")
    with pytest.raises(InputError, match="mask is 5x4, the photo 6x4"):
        made(kind)(np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5), np.float32))


@every
def test_transparency_that_is_kept_is_that_of_the_photo(kind: type[Effect]) -> None:
    image, alpha = np.full((30, 40, 3), 120, np.uint8), np.zeros((30, 40), np.float32)
    alpha[:, :20] = 1
    picture = made(kind)(image, alpha * 0, alpha=alpha)
    if kind.keeps_transparency:
        np.testing.assert_array_equal(picture[..., 3], np.rint(alpha * 255))
        assert not picture[alpha == 0].any(), "what is hidden is black"
    else:
        assert picture.shape[2] != 4 or not picture[..., 3].any()


@every
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_people_stand_before_what_is_behind_them(kind: type[Effect], dtype: type) -> None:
    effect = made(kind)
    image, mask = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (240, 240, 3), dtype), soft_disc()
    if not effect.has_behind:
        with pytest.raises(InputError, match=f"the effect {kind.name} puts nothing behind the people"):
            effect.behind(image, mask)
        return
    behind = effect.behind(image, mask)
    assert behind.shape == (240, 240, 4 if effect.is_transparent else 3) and behind.dtype == dtype
    behind[:] = behind  # it belongs to the caller, who may change it
    np.testing.assert_array_equal(effect(image, mask)[mask == 0], behind[mask == 0])
    np.testing.assert_array_equal(effect.painted(image, mask, behind)[mask >= 1][..., :3], image[mask >= 1])


@every
def test_photos_and_clips_of_srgb_look_alike(kind: type[Effect]) -> None:
    image, mask = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8), soft_disc(60)
    photo = made(kind)(image, mask, space=PhotoSpace())
    with made(kind).begun() as effect:
        np.testing.assert_array_equal(effect(image, mask, Fraction(1), space=ClipSpace(SRGB)), photo)


@every
def test_every_setting_is_told_to_users(kind: type[Effect]) -> None:
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        if one.init:
            assert get_origin(hints[one.name]) is Annotated, one.name
            setting = get_args(hints[one.name])[1]
            assert isinstance(setting, Setting) and setting.help.endswith("."), one.name
    assert kind.__doc__ and kind.examples and all(kind.name in command for command, _ in kind.examples)
    assert EFFECTS[kind.name] is kind


@every
def test_an_edit_goes_to_json_and_back(kind: type[Effect]) -> None:
    effect = made(kind)
    if isinstance(effect, Replace):
        with pytest.raises(InputError, match="background is a Photo, which JSON cannot hold"):
            Edit(effect).to_json()
        effect = replace(effect, background="beach.jpg")
    edit = Edit(effect, People("largest"), Edge(refine=False, grow=-1.5, feather=2), Placement(crop=True))
    assert Edit.from_json(edit.to_json()) == edit
    assert json.loads(edit.to_json())["effect"]["name"] == kind.name


def test_what_is_left_out_is_at_its_default() -> None:
    assert Edit.from_json('{"effect": {"name": "color"}}') == Edit(Color())
    assert Edit.from_json("{}") == Edit()
    assert Edit.from_json('{"effect": {"name": "color", "color": [1, 2, 3]}}').effect == Color((1, 2, 3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the edit is not JSON"),
        ("[]", r"the edit is \[\]; wanted an object"),
        ('{"efect": {}}', "field of the edit 'efect' is not known; did you mean 'effect'"),
        ('{"effect": {"name": "blurr"}}', "effect 'blurr' is not known; did you mean 'blur'"),
        (
            '{"effect": {"name": "blur", "strenght": 1}}',
            "field of blur 'strenght' is not known; did you mean 'strength'",
        ),
        ('{"effect": {"name": "blur", "strength": "1"}}', 'blur.strength is "1"; wanted a number'),
        ('{"effect": {"name": "blur", "strength": true}}', "blur.strength is true; wanted a number"),
        ('{"effect": {"name": "blur", "strength": 2}}', "blur strength is 2.0; wanted 0 to 1"),
        ('{"effect": {"name": "color", "color": "blurple"}}', "'blurple' is no color"),
        ('{"effect": {"name": "replace"}}', "replace needs background"),
        ('{"people": {"which": "tallest"}}', "'tallest' names nobody; wanted all, largest, center, left or right"),
        ('{"edge": {"refine": 1}}', "edge.refine is 1; wanted true or false"),
        ('{"edge": {"feather": -1}}', "feather is -1; wanted 0 or more"),
        ('{"placement": null}', "placement is None; wanted an object"),
    ],
)
def test_what_is_wrong_with_an_edit_is_named(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Edit.from_json(text)


def test_grow_moves_the_outline_by_so_many_pixels() -> None:
    mask = np.zeros((101, 101), np.float32)
    cv2.circle(mask, (50, 50), 20, 1.0, -1)

    def radius(edge: Edge) -> float:
        return float(np.sqrt(edge.drawn(mask).sum() / np.pi))

    here = radius(Edge())
    for pixels in (5.0, 2.0, 0.5, -0.5, -7.0):
        assert radius(Edge(grow=pixels)) - here == pytest.approx(pixels, abs=0.35)
    np.testing.assert_array_equal(Edge(grow=-3).drawn(np.ones((9, 9), np.float32)), 1)
    assert not Edge(grow=3).drawn(np.zeros((9, 9), np.float32)).any()


def test_an_effect_of_another_package_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Glow(Color):
        name = "glow"

    def found(group: str, *, ours: Any = ()) -> dict[str, object]:
        assert group == "standout.effects" and "blur" in ours
        return {"glow": Glow}

    monkeypatch.setattr("standout.effects.plugins.found", found)
    assert editing.Edit.from_json('{"effect": {"name": "glow", "color": "red"}}') == Edit(Glow("red"))
