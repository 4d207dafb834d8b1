import cv2
import numpy as np
import pytest

from standout.effects import Lens
from standout.effects.bokeh import Curve, lens_blurred
from standout.effects.figures import figures
from standout.errors import InputError
from tests.effects.drawn import figure
from tests.effects.test_compose import BLUE, ORANGE, composed, see_through, soft_disc


def test_a_point_of_light_becomes_an_even_disc() -> None:
    image, radius = np.full((201, 201, 3), 10, np.uint8), 20.0
    image[98:103, 98:103] = 255
    picture = lens_blurred(image, np.zeros((201, 201), np.float32), radius=radius, blurred=np.ones(201, np.float32))
    shown = picture[..., 0].astype(float)
    away = np.hypot(*np.mgrid[-100:101, -100:101])
    within, outside = shown[away < 0.75 * radius], shown[away > 1.4 * radius]
    assert within.min() > outside.max() + 30 and within.max() - within.min() < 0.12 * within.max()
    assert outside.max() <= 12, "the rest stays dark"
    area = (shown > (within.mean() + outside.mean()) / 2).sum()
    assert np.sqrt(area / np.pi) == pytest.approx(radius, rel=0.12)


def test_highlights_are_raised() -> None:
    image = np.full((120, 120, 3), 10, np.uint8)
    image[58:62, 58:62] = 255
    brightest = [Lens(1, highlights=share)(image, np.zeros((120, 120), np.float32)).max() for share in (0.0, 0.5, 1.0)]
    assert brightest[0] + 20 < brightest[1] < brightest[2]


@pytest.mark.parametrize("highlights", [0, 0.5, 1])
def test_an_even_background_stays_what_it_is_right_up_to_the_person(highlights: float) -> None:
    mask = soft_disc()
    for back in (BLUE, (250, 250, 250), (3, 2, 1)):
        picture = Lens(1, highlights=highlights)(composed(mask, ORANGE, back), mask)
        assert np.abs(picture[mask == 0].astype(int) - back).max() <= 6


def test_light_there_and_back_is_the_level() -> None:
    for highlights in (0, 1):
        curve = Curve(highlights)
        table = curve.table(65535)
        assert (np.diff(table) > 0).all()
        np.testing.assert_allclose(curve.levels(table.copy()) * 65535, np.arange(65536), atol=12)


def test_a_frame_full_of_person_keeps_it_and_so_does_no_blur() -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 80, 3), np.uint8)
    np.testing.assert_array_equal(Lens()(image, np.ones((90, 80), np.float32)), image)
    np.testing.assert_array_equal(Lens(0)(image, np.random.default_rng(1).random((90, 80), np.float32)), image)


def test_the_floor_at_the_feet_stays_sharp_and_blurs_with_its_distance() -> None:
    mask = figure()
    image = np.random.default_rng(0).integers(0, 255, (*mask.shape, 3), np.uint8)
    picture = Lens(1)(image, mask)
    left = slice(0, 60)  # beside the person
    spread = [picture[rows, left].std() for rows in (slice(357, 362), slice(320, 325), slice(280, 285), slice(50, 100))]
    assert spread[0] > 60 > spread[1] > spread[2] > 1.2 * spread[3]
    feet = round(figures(mask)[0].bottom)
    np.testing.assert_array_equal(picture[feet, left], image[feet, left])
    assert Lens(1, falloff=0)(image, mask)[feet, left].std() < 20


def test_without_feet_in_the_picture_all_is_blurred_alike() -> None:
    mask = figure(down=1.3)
    image = np.random.default_rng(0).integers(0, 255, (*mask.shape, 3), np.uint8)
    np.testing.assert_array_equal(Lens()(image, mask), Lens(falloff=0)(image, mask))


def test_no_row_shows_where_one_blur_gives_way_to_the_next() -> None:
    mask = figure()
    image = np.full((*mask.shape, 3), 90, np.uint8)
    image[:, ::2] = 160
    picture = Lens(1)(image, mask).astype(float)
    rows = picture[:330, :50].std(axis=(1, 2))
    assert np.abs(np.diff(rows)).max() < 3


@pytest.mark.parametrize("strength", [0.05, 0.5, 1.0])
def test_16_bits_are_those_of_8(strength: float) -> None:
    mask = figure()
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (*mask.shape, 3), np.uint8), (0, 0), 2)
    eight, sixteen = Lens(strength)(image, mask), Lens(strength)(image.astype(np.uint16) * 257, mask)
    assert np.abs(eight - sixteen / 257).max() <= 2


def test_it_takes_nothing_from_what_the_photo_hides() -> None:
    image, alpha = see_through(120, 120, hidden=(0, 255, 0))
    mask = np.zeros((120, 120), np.float32)
    mask[40:80, 80:100] = 1
    picture = Lens(1)(image, mask, alpha=alpha)
    assert picture.shape == (120, 120, 4) and (picture[:, :60] == 0).all()
    assert np.abs(picture[:, 60:, :3].astype(int) - (200, 30, 30)).max() <= 3


def test_a_value_out_of_range_is_refused() -> None:
    for wrong in ({"strength": 2}, {"highlights": -0.1}, {"falloff": 5}, {"strength": float("nan")}):
        with pytest.raises(InputError, match=f"lens {next(iter(wrong))} is .*; wanted 0 to"):
            Lens(**wrong)


def test_figures_are_told_with_where_they_stand() -> None:
    mask = np.zeros((300, 400), np.float32)
    mask[100:200, 50:90], mask[150:300, 200:300], mask[5:8, 5:8] = 1, 1, 1
    large, small = figures(mask)
    assert (large.top, large.bottom, large.left, large.right, large.stands) == (150, 300, 200, 300, False)
    assert (small.height, small.stands) == (100, True), "the speck is none"
    assert figures(mask * 0) == []
