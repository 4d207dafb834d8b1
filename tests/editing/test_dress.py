from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from standout.editing import Dress, Edit
from standout.effects import EFFECTS, Blur, Color, Cut, Effect, Lens, Matte, Replace
from standout.errors import InputError
from standout.lengths import Length
from standout.types import Photo
from tests.effects.drawn import figure
from tests.effects.test_compose import BLUE, ORANGE, composed, soft_disc
from tests.effects.test_contract import made

GRAY = (180, 180, 180)
ALL = {
    "soft": Dress(shadow="soft"),
    "contact": Dress(shadow="contact"),
    "outline": Dress(outline=Length(5)),
    "wrap": Dress(light_wrap=1.0),
    "match": Dress(match=1.0),
    "sticker": Dress(shadow="soft", outline=Length(3, "%"), outline_color="#fe0", shadow_color="navy"),
    "everything": Dress(shadow="contact", outline=Length(2), light_wrap=0.4, match=0.6),
}
every = pytest.mark.parametrize("dress", ALL.values(), ids=ALL)


def worn(effect: Effect, image: np.ndarray, mask: np.ndarray, dress: Dress, **more: Any) -> np.ndarray:
    if effect.is_transparent:
        dress = replace(dress, light_wrap=0.0, match=0.0)
    return Edit(effect, dress=dress).painted(image, mask, **more)


def scene(mask: np.ndarray, dtype: type = np.uint8) -> np.ndarray:
    return composed(mask, ORANGE, BLUE).astype(dtype) * (257 if dtype is np.uint16 else 1)


@every
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", EFFECTS.values(), ids=EFFECTS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (130, 97)])
def test_every_effect_wears_it(dress: Dress, dtype: type, kind: type[Effect], shape: tuple[int, int]) -> None:
    effect = made(kind)
    if not effect.has_behind:
        with pytest.raises(InputError, match=f"the effect {kind.name} puts nothing behind the people"):
            Edit(effect, dress=dress)
        return
    rng = np.random.default_rng(0)
    image, alpha = rng.integers(0, np.iinfo(dtype).max, (*shape, 3), dtype), np.full(shape, 0.9, np.float32)
    for mask in (np.zeros(shape, np.float32), alpha.copy(), cv2.GaussianBlur(rng.random(shape, np.float32), (0, 0), 3)):
        before = image.copy(), mask.copy()
        for own in (None, alpha):
            picture = worn(effect, image, np.minimum(mask, alpha), dress, alpha=own)
            kept = own is not None and effect.keeps_transparency
            assert picture.shape == (*shape, 4 if effect.is_transparent or kept else 3) and picture.dtype == dtype
        np.testing.assert_array_equal(image, before[0])
        np.testing.assert_array_equal(mask, before[1])


@every
@pytest.mark.parametrize("effect", [Cut(), Color("white"), Blur(), Replace(Photo(np.full((9, 9, 3), 50, np.uint8)))])
def test_nobody_is_dressed_in_nothing(dress: Dress, effect: Effect) -> None:
    image, nobody = scene(soft_disc()), np.zeros((240, 240), np.float32)
    np.testing.assert_array_equal(worn(effect, image, nobody, dress), effect(image, nobody))


@pytest.mark.parametrize("dress", ["soft", "contact", "outline", "sticker"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_behind_the_people_leaves_them_untouched(dress: str, dtype: type) -> None:
    mask = figure()
    image, sure = scene(mask, dtype), mask >= 1
    for effect in (Cut(), Color("white"), Blur()):
        picture = worn(effect, image, mask, ALL[dress])
        np.testing.assert_array_equal(picture[sure][:, :3], image[sure])
        assert (picture[sure][:, 3:] == np.iinfo(dtype).max).all()


@every
def test_everybody_everywhere_is_dressed_in_nothing_that_shows(dress: Dress) -> None:
    image = np.random.default_rng(0).integers(0, 255, (60, 50, 3), np.uint8)
    np.testing.assert_array_equal(worn(Color("white"), image, np.ones((60, 50), np.float32), dress), image)


def test_a_dress_goes_to_json_and_back_and_scales() -> None:
    for dress in ALL.values():
        edit = Edit(Color(), dress=dress)
        assert Edit.from_json(edit.to_json()) == edit
    double = ALL["outline"].scaled(2)
    assert double.outline == Length(10) and double.shadow_blur == Dress().shadow_blur
    assert ALL["sticker"].scaled(2).outline == Length(3, "%")
    assert Edit.from_json('{"dress": {"outline": "8", "shadow": "soft"}}').dress == Dress("soft", outline=Length(8))


def test_a_soft_shadow_falls_where_it_is_sent_and_grows_with_the_person() -> None:
    mask = figure(400, 300, scale=0.5)
    image = scene(mask)
    dress = Dress("soft", shadow_x=20, shadow_y=0, shadow_blur=Length(0), shadow_opacity=1)
    picture = worn(Color("white"), image, mask, dress)
    dark = (picture.max(axis=2) < 128) & (mask < 0.01)
    moved = np.roll(mask, round(0.2 * 0.5 * 400), axis=1) > 0.5
    both = dark & moved & (mask < 0.01)
    assert both.sum() > 0.9 * (moved & (mask < 0.01)).sum() and both.sum() > 0.9 * dark.sum()
    left = worn(Color("white"), image, mask, replace(dress, shadow_x=-20))
    assert left[:, :150].mean() < picture[:, :150].mean()


def test_a_shadow_is_soft_colored_and_as_dark_as_told() -> None:
    mask = figure()
    image = scene(mask)
    lone = worn(Cut(), image, mask, Dress("soft", shadow_x=0, shadow_y=30, shadow_opacity=0.4, shadow_color="#c00000"))
    beside = (mask < 0.004) & (lone[..., 3] > 60)
    assert lone[..., 3][mask < 0.004].max() <= round(0.4 * 255) + 1
    assert np.abs(lone[beside][:, :3].astype(int) - (0xC0, 0, 0)).max() <= 4
    down = lone[330:, 150, 3].astype(int)
    assert np.abs(np.diff(down)).max() < 14, "no hard step in a soft shadow"


def test_a_shadow_on_the_floor_is_below_the_feet_alone() -> None:
    mask = figure()
    picture = worn(Color("white"), scene(mask), mask, Dress("contact", shadow_opacity=0.8))
    darkness = np.where(mask < 0.004, 255 - picture[..., 0].astype(float), 0)
    assert darkness[345:375].max() > 100
    assert darkness[:300].max() == 0, "nothing higher up"
    rows = darkness.sum(axis=1)
    assert 350 <= int(rows.argmax()) <= 370 and rows[-1] < 0.1 * rows.max(), "it fades"
    raised = worn(Color("white"), scene(figure(down=1.2)), figure(down=1.2), Dress("contact"))
    np.testing.assert_array_equal(raised, Color("white")(scene(figure(down=1.2)), figure(down=1.2)))


@pytest.mark.parametrize("width", [1, 2.5, 8, 30])
def test_an_outline_is_as_wide_as_told_round_and_smooth(width: float) -> None:
    mask = np.zeros((260, 260), np.float32)
    cv2.circle(mask, (130 * 8, 130 * 8), 60 * 8, 1.0, -1, cv2.LINE_AA, 3)
    mask = cv2.GaussianBlur(mask, (0, 0), 1)
    picture = worn(Cut(), np.full((260, 260, 3), 80, np.uint8), mask, Dress(outline=Length(width)))
    cover, radius = picture[..., 3] / 255, np.sqrt((mask > 0.5).sum() / np.pi)
    assert np.sqrt(cover.sum() / np.pi) == pytest.approx(radius + width, abs=0.2)
    away = np.hypot(*(np.mgrid[0:260, 0:260] - 130.0)) - radius - width
    least = max(1.5, width / 12)
    assert (cover[away < -least] > 0.99).all() and (cover[away > least] < 0.05).all()
    assert ((cover > 0.1) & (cover < 0.9)).sum() > 100, "its edge is soft"
    line = (away > 4 - width) & (away < -1)
    assert (picture[line][:, :3] >= 250).all()


def test_holes_that_a_line_leaves_are_filled_and_real_gaps_stay() -> None:
    mask = np.ones((200, 200), np.float32)
    mask[:20], mask[-20:], mask[:, :20], mask[:, -20:] = 0, 0, 0, 0
    mask[60:80, 60:80], mask[110:170, 110:170] = 0, 0
    picture = worn(Cut(), np.full((200, 200, 3), 80, np.uint8), mask, Dress(outline=Length(9)))
    assert picture[70, 70, 3] == 255 and picture[140, 140, 3] == 0


def test_a_shadow_is_that_of_the_sticker() -> None:
    mask = figure()
    sticker = worn(Cut(), scene(mask), mask, Dress("soft", shadow_x=0, shadow_y=0, outline=Length(12)))
    alone = worn(Cut(), scene(mask), mask, Dress("soft", shadow_x=0, shadow_y=0))
    assert sticker[..., 3].sum() > 1.15 * alone[..., 3].sum()


def test_light_from_behind_only_lightens_and_only_the_edge() -> None:
    mask = soft_disc(960)
    image = composed(mask, (60, 60, 60), BLUE)
    plain, wrapped = (worn(Color("white"), image, mask, Dress(light_wrap=share)).astype(int) for share in (0, 1.0))
    assert (wrapped >= plain).all()
    near = (mask > 0.98) & (cv2.erode(mask, np.ones((9, 9))) < 0.98)
    assert (wrapped - plain)[near].mean() > 8 and (wrapped == plain)[400:560, 400:560].all()
    dark = worn(Color("black"), image, mask, Dress(light_wrap=1.0))
    np.testing.assert_array_equal(dark, Color("black")(image, mask))


def lab(picture: np.ndarray, where: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)[where].mean(axis=0)


def test_a_match_moves_people_towards_the_background_and_no_further_than_its_bounds() -> None:
    mask, skin = soft_disc(), (224, 178, 150)
    noise = np.random.default_rng(0).normal(0, 12, (240, 240, 1))
    image = np.clip(composed(mask, skin, BLUE) + noise, 0, 255).astype(np.uint8)
    sure = mask >= 1
    before = lab(image, sure)
    for color in ("#00ff00", "#001a00", "white", "#c08060"):
        moved = lab(worn(Color(color), image, mask, Dress(match=1.0)), sure)
        half = lab(worn(Color(color), image, mask, Dress(match=0.5)), sure)
        target = lab(np.full((1, 1, 3), Color(color).behind(image[:1, :1], mask[:1, :1])[0, 0]), np.ones((1, 1), bool))
        assert np.linalg.norm(moved - target) < np.linalg.norm(half - target) < np.linalg.norm(before - target)
        assert abs(moved[0] - before[0]) < 13 and np.hypot(*(moved - before)[1:]) < 7
        assert moved[1] > 0 and moved[2] > 0, "skin stays red and yellow, not green or blue"


def test_a_match_brings_the_background_into_the_people_alone() -> None:
    mask = soft_disc()
    image = composed(mask, ORANGE, BLUE)
    plain, matched = Color("teal")(image, mask), worn(Color("teal"), image, mask, Dress(match=1.0))
    np.testing.assert_array_equal(plain[mask == 0], matched[mask == 0])
    deep = worn(Color("teal"), image.astype(np.uint16) * 257, mask, Dress(match=1.0))
    assert np.abs(deep / 257 - matched).max() <= 1


@pytest.mark.parametrize("shape", [(300, 3), (3, 300), (90, 70)])
@pytest.mark.parametrize("length", ["99999px", "99999%", "70%"])
def test_lengths_beyond_the_picture_take_no_more_memory_or_fail(shape: tuple[int, int], length: str) -> None:
    mask, image = np.zeros(shape, np.float32), np.zeros((*shape, 3), np.uint8)
    mask[: shape[0] // 2, : max(1, shape[1] // 2)] = 1
    for dress in (Dress("soft", shadow_blur=Length.of(length)), Dress("contact", outline=Length.of(length))):
        picture = worn(Color("white"), image, mask, dress)
        assert picture.shape == image.shape and (picture[mask == 1] == 0).all()
    assert worn(Cut(), image, mask, Dress(outline=Length.of("99999px")))[..., 3].min() == 255


def test_what_cannot_be_dressed_says_so() -> None:
    with pytest.raises(InputError, match="light wrap and color match need a background, and that of cut is transp"):
        Edit(Cut(), dress=Dress(match=0.5))
    Edit(Cut("white"), dress=Dress(match=0.5))
    Edit(Matte(), dress=Dress(shadow_opacity=0.1))  # without a shadow
    with pytest.raises(InputError, match="the effect mask puts nothing behind the people"):
        Edit(Matte(), dress=Dress(shadow="soft"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("shadow_x", 101, "wanted -100 to 100"),
        ("shadow_opacity", -0.1, "wanted 0 to 1"),
        ("light_wrap", float("nan"), "wanted 0 to 1"),
        ("match", 2, "wanted 0 to 1"),
        ("shadow_color", "blurple", "'blurple' is no color"),
        ("outline_color", "", "is no color"),
    ],
)
def test_what_is_out_of_range_is_refused(name: str, value: float | str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Dress(**{name: value})


def test_a_lens_blur_gets_a_shadow_too() -> None:
    mask = figure()
    picture = worn(Lens(), scene(mask), mask, Dress("soft"))
    assert (picture < Lens()(scene(mask), mask)).any()
