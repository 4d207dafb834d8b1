"""On drawn clips: what flickers is calmed at the stated rate, what moves leaves no ghost, cuts forget the past."""

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from standout.errors import InputError
from standout.masks.temporal import HALF_LIFE, TemporalFilter

SHAPE = (108, 192)


def texture(
    seed: int = 0, shape: tuple[int, int] = SHAPE, *, color: tuple[int, int, int] = (120, 120, 120)
) -> np.ndarray:
    """Soft blots about a color."""
    rng = np.random.default_rng(seed)
    blots = cv2.GaussianBlur(rng.normal(0, 1, (*shape, 3)).astype(np.float32), (0, 0), 3)
    return np.clip(blots / blots.std() * 30 + color, 0, 255).astype(np.uint8)


def disc(x: float, y: float, radius: float) -> np.ndarray:
    """Coverage of each pixel by a disc."""
    rows, columns = np.indices(SHAPE)
    return np.clip(radius + 0.5 - np.hypot(columns - x, rows - y), 0, 1).astype(np.float32)


def painted(background: np.ndarray, alpha: np.ndarray, color: tuple[int, int, int] = (230, 60, 40)) -> np.ndarray:
    return np.rint(background + alpha[..., None] * (np.array(color) - background)).astype(np.uint8)


def half(level: float = 0.5) -> np.ndarray:
    return np.full(SHAPE, level, np.float32)


def test_off_gives_the_mask_back() -> None:
    steady, mask = TemporalFilter(0), half()
    assert all(steady(mask, texture(i), Fraction(i, 30)) is mask for i in range(3))


def test_the_first_frame_is_as_it_is() -> None:
    np.testing.assert_array_equal(TemporalFilter()(half(0.4), texture(), Fraction(0)), half(0.4))


@pytest.mark.parametrize("half_life", [0.05, 0.2])
@pytest.mark.parametrize("fps", [25, 60])
def test_noise_falls_by_the_factor_of_a_recursive_mean(half_life: float, fps: int) -> None:
    rng, image, steady = np.random.default_rng(0), texture(), TemporalFilter(half_life)
    noisy = [half() + rng.normal(0, 0.01, SHAPE).astype(np.float32) for _ in range(120)]
    calmed = [steady(mask, image, Fraction(i, fps)) for i, mask in enumerate(noisy)]
    weight = 2 ** (-1 / fps / half_life)
    spread, change = np.std(calmed[60:]), np.std(np.diff(calmed[60:], axis=0))
    assert spread == pytest.approx(0.01 * np.sqrt((1 - weight) / (1 + weight)), rel=0.1)
    assert change == pytest.approx(0.01 * np.sqrt(2) * (1 - weight) / np.sqrt(1 + weight), rel=0.1)


@pytest.mark.parametrize("steps", [[Fraction(1, 30)] * 6, [Fraction(1, 60)] * 12, [Fraction(1, 50), Fraction(9, 50)]])
def test_the_same_seconds_forget_as_much_at_any_frame_rate(steps: list[Fraction]) -> None:
    steady, image, time = TemporalFilter(0.1), texture(), Fraction(0)
    mask = steady(half(0.3), image, time)
    for step in steps:
        time += step
        mask = steady(half(0.6), image, time)
    left = 0.3 * 2 ** (-0.2 / (0.1 * 0.8))  # of the step from 0.3 to 0.6, where p = 0.6 leaves 0.8 of the half-life
    np.testing.assert_allclose(mask, 0.6 - left, atol=1e-3)


def test_moving_clips_are_calmed_alike_at_any_frame_rate() -> None:
    """Twice the frames, each with twice the noise's variance: the mean of a second's frames knows as much."""
    left = []
    for fps in (30, 60):
        rng, steady, errors = np.random.default_rng(0), TemporalFilter(0.1), []
        for number in range(fps):
            shape = disc(50 + 60 * number / fps, 54, 25)
            noise = rng.normal(0, 0.03 * np.sqrt(fps / 30), SHAPE)
            mask = (0.4 + 0.2 * shape + noise).astype(np.float32)
            steadied = steady(mask, painted(texture(), shape), Fraction(number, fps))
            errors.append(np.abs(steadied - 0.4 - 0.2 * shape).mean())
        left.append(np.mean(errors[fps // 3 :]))
    assert left[0] == pytest.approx(left[1], rel=0.15)
    assert max(left) < 0.5 * 0.8 * 0.03


def test_the_surer_the_network_the_less_the_past_counts() -> None:
    image = texture()

    def pull(level: float) -> float:
        """Share of the past in a mask of that level, a frame after one 0.02 away."""
        steady = TemporalFilter(0.2)
        steady(half(level - 0.02), image, Fraction(0))
        return float((half(level) - steady(half(level), image, Fraction(1, 30))).mean() / 0.02)

    assert 1 > pull(0.5) > pull(0.7) > pull(0.9) > pull(0.99)
    assert pull(0.5) == pytest.approx(2 ** (-1 / 6), abs=0.01)
    assert pull(1.0) == pytest.approx(0, abs=1e-3)


def test_a_hole_that_opens_for_a_frame_in_a_still_picture_is_filled() -> None:
    steady, image = TemporalFilter(), painted(texture(), disc(96, 54, 40))
    whole, holed = disc(96, 54, 40) * 0.95, disc(96, 54, 40) * 0.95
    holed[40:60, 80:110] = 0.35
    for number in range(10):
        steady(whole, image, Fraction(number, 30))
    assert steady(holed, image, Fraction(10, 30))[45:55, 85:105].min() > 0.8


def moving(pixels: float, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(image, alpha) of a disc that goes so many pixels a frame."""
    x = 25.0
    while x < SHAPE[1] - 25:
        alpha = disc(x, 54, 14)
        yield painted(texture(seed), alpha), alpha
        x += pixels


@pytest.mark.parametrize("pixels", [9, 17, 30])
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("half_life", [HALF_LIFE, 5.0])
def test_what_moves_fast_leaves_no_ghost(pixels: float, plain: bool, half_life: float) -> None:
    """Nor where the filter hardly forgets and the network is never quite sure: the picture tells what moved."""
    steady, gone = TemporalFilter(half_life), np.zeros(SHAPE, bool)
    for number, (image, alpha) in enumerate(moving(pixels)):
        if plain:
            image = painted(np.full_like(image, 170), alpha)
        mask = steady((0.03 + 0.94 * alpha).astype(np.float32), image, Fraction(number, 30))
        away = cv2.distanceTransform((alpha == 0).astype(np.uint8), cv2.DIST_L2, 3) > 2
        if (behind := gone & away).any():
            assert mask[behind].mean() < 0.05
            assert mask[behind].max() < (0.05 if half_life == HALF_LIFE else 0.25)
        assert mask[alpha == 1].mean() > 0.95
        gone |= alpha > 0.5
    assert steady.cuts == 0


def test_what_moves_is_calmed_too() -> None:
    rng, steady = np.random.default_rng(0), TemporalFilter(0.2)
    raw, calm = [], []
    for number, (image, alpha) in enumerate(moving(3)):
        mask = (0.4 + 0.2 * alpha + rng.normal(0, 0.03, SHAPE)).astype(np.float32)
        steadied = steady(mask, image, Fraction(number, 30))
        for errors, one in ((raw, mask), (calm, steadied)):
            errors.append(np.abs(one - 0.6)[alpha == 1].mean())
    assert np.mean(calm[10:]) < 0.5 * np.mean(raw[10:])


def test_a_hard_cut_forgets_the_past() -> None:
    steady = TemporalFilter()
    for number in range(5):
        steady(half(0.6), texture(0, color=(60, 90, 150)), Fraction(number, 30))
    after = steady(half(0.4), texture(1, color=(170, 120, 80)), Fraction(5, 30))
    np.testing.assert_array_equal(after, half(0.4))
    assert steady.cuts == 1
    steady(half(0.4), texture(1, color=(170, 120, 80)), Fraction(6, 30))
    assert steady.cuts == 1


def play(images: list[np.ndarray]) -> int:
    """How many cuts are seen in it."""
    steady = TemporalFilter()
    for number, image in enumerate(images):
        steady(half(), image, Fraction(number, 30))
    return steady.cuts


def lit(image: np.ndarray, gain: float, add: float = 0) -> np.ndarray:
    return np.clip(image * gain + add, 0, 255).astype(np.uint8)


def test_light_and_camera_moves_are_no_cuts() -> None:
    scene, other = texture(0, color=(60, 90, 150)), texture(1, color=(170, 120, 80))
    wide = texture(2, (108, 900))
    assert play([scene, lit(scene, 1.5, 20), scene, lit(scene, 0.4), scene]) == 0, "flashes"
    assert play([lit(scene, 1 - i / 20) for i in range(21)]) == 0, "fade to black"
    assert play([cv2.addWeighted(scene, 1 - i / 20, other, i / 20, 0) for i in range(21)]) == 0, "cross-fade"
    for pixels in (2, 15, 60):
        assert play([wide[:, i * pixels : i * pixels + 192] for i in range(11)]) == 0, f"pan of {pixels} pixels"
    noisy = np.random.default_rng(0).normal(0, 15, (8, *scene.shape))
    assert play([np.clip(scene + one, 0, 255).astype(np.uint8) for one in noisy]) == 0, "sensor noise"


def carrying(
    images: list[np.ndarray], masks: list[np.ndarray], fps: int = 30
) -> tuple[TemporalFilter, list[int], list[np.ndarray]]:
    """(filter, numbers of the frames for which a mask had to be found, all filtered masks)."""
    steady, found, out = TemporalFilter(), [], []
    for number, (image, mask) in enumerate(zip(images, masks, strict=True)):
        filtered = steady.carried(image, Fraction(number, fps))
        if filtered is None:
            found.append(number)
            filtered = steady(mask, image, Fraction(number, fps))
        out.append(filtered)
    return steady, found, out


@pytest.mark.parametrize(("fps", "every"), [(10, 1), (15, 1), (24, 2), (30, 2), (60, 2)], ids=lambda value: str(value))
def test_a_still_picture_carries_masks_to_every_other_frame(fps: int, every: int) -> None:
    images, masks = [painted(texture(), disc(90, 54, 25))] * 13, [disc(90, 54, 25)] * 13
    _, found, out = carrying(images, masks, fps)
    assert found == list(range(0, 13, every))
    assert all(np.abs(mask - masks[0]).max() < 0.01 for mask in out)


def test_a_carried_mask_moves_with_the_people() -> None:
    shapes = [disc(60 + number, 54, 40) for number in range(12)]
    _, found, out = carrying([painted(texture(), one) for one in shapes], shapes)
    assert found == list(range(0, 12, 2))
    for mask, shape in zip(out, shapes, strict=True):
        assert ((mask > 0.5) != (shape > 0.5)).sum() < 0.05 * shape.sum()


def test_what_cannot_be_followed_is_found_anew() -> None:
    """A disc that jumps about before a still background; one that comes in from nowhere; and a hard cut."""
    jumps = [disc(40 + 90 * (number % 2), 54, 20) for number in range(8)]
    assert carrying([painted(texture(), one) for one in jumps], jumps)[1] == list(range(8))
    nobody = [np.zeros(SHAPE, np.float32)] * 3
    comes = [*nobody, disc(150, 54, 20), disc(150, 54, 20)]
    assert 3 in carrying([painted(texture(), one) for one in comes], comes)[1]
    first, second = texture(0, color=(60, 90, 150)), texture(1, color=(170, 120, 80))
    steady, found, _ = carrying([first] * 3 + [second] * 2, [half()] * 5)
    assert found == [0, 2, 3] and steady.cuts == 1


def test_in_the_dark_less_counts_as_lost() -> None:
    jumps = [disc(40 + 90 * (number % 2), 54, 20) for number in range(6)]
    dark = [lit(painted(texture(), one), 0.15) for one in jumps]
    assert carrying(dark, jumps)[1] == list(range(6))


def test_a_filter_that_carried_a_mask_is_restored() -> None:
    shapes = [disc(60 + number, 54, 40) for number in range(9)]
    images = [painted(texture(), one) for one in shapes]
    for stop in (3, 4):
        first, _, _ = carrying(images[:stop], shapes[:stop])
        second = TemporalFilter()
        second.restore(first.state())
        for number in range(stop, 9):
            time = Fraction(number, 30)
            one, other = (steady.carried(images[number], time) for steady in (first, second))
            assert (one is None) == (other is None)
            if one is None or other is None:
                one, other = (steady(shapes[number], images[number], time) for steady in (first, second))
            np.testing.assert_array_equal(one, other)


def test_nothing_is_carried_without_a_past_or_a_filter() -> None:
    steady = TemporalFilter()
    assert steady.carried(texture(), Fraction(0)) is None
    steady(half(), texture(), Fraction(0))
    assert steady.carried(texture(0, (216, 384)), Fraction(1, 30)) is None, "frames of another size"
    assert steady.carried(texture(), Fraction(0)) is None, "a time that does not go on"
    off = TemporalFilter(0)
    off(half(), texture(), Fraction(0))
    assert off.carried(texture(), Fraction(1, 30)) is None


def test_asking_first_changes_no_mask_that_is_found() -> None:
    """Where a mask had to be found, the filter gives what it gives when it is not asked."""
    jumps = [disc(40 + 90 * (number % 2), 54, 20) * 0.9 for number in range(6)]
    images = [painted(texture(), one) for one in jumps]
    _, found, asked = carrying(images, jumps)
    steady = TemporalFilter()
    assert found == list(range(6))
    for number, mask in enumerate(asked):
        np.testing.assert_array_equal(mask, steady(jumps[number], images[number], Fraction(number, 30)))


def test_a_flash_does_no_harm() -> None:
    steady, scene = TemporalFilter(), texture()
    for number, image in enumerate([scene, scene, np.full_like(scene, 255), scene]):
        mask = steady(half(0.4 + 0.01 * number), image, Fraction(number, 30))
        assert 0.39 < mask.min() <= mask.max() < 0.44


@pytest.mark.parametrize("change", ["mask", "image", "time back", "time still"])
def test_another_size_or_time_that_does_not_go_on_starts_anew(change: str) -> None:
    steady = TemporalFilter()
    steady(half(0.6), texture(), Fraction(1))
    shape = (54, 96) if change == "mask" else SHAPE
    image = texture(0, (216, 384)) if change == "image" else texture()
    time = {"time back": Fraction(1, 2), "time still": Fraction(1)}.get(change, Fraction(31, 30))
    mask = np.full(shape, 0.4, np.float32)
    np.testing.assert_array_equal(steady(mask, image, time), mask)
    assert steady.cuts == 0


@pytest.mark.parametrize("mask", [(1, 1), (1, 300), (300, 1), (7, 9), (17, 400), (500, 700)])
@pytest.mark.parametrize("image", [(1, 1), (40, 3), (301, 199)])
def test_any_size_goes(mask: tuple[int, int], image: tuple[int, int]) -> None:
    rng, steady = np.random.default_rng(0), TemporalFilter()
    for number in range(3):
        frame = rng.integers(0, 255, (*image, 3), np.uint8)
        steadied = steady(rng.random(mask, np.float32), frame, Fraction(number, 30))
        assert steadied.shape == mask
        assert steadied.dtype == np.float32
        assert 0 <= steadied.min() <= steadied.max() <= 1


def test_the_given_mask_is_left_alone() -> None:
    steady, mask = TemporalFilter(), half(0.4)
    steady(half(0.6), texture(), Fraction(0))
    assert steady(mask, texture(), Fraction(1, 30)).mean() > 0.45
    np.testing.assert_array_equal(mask, half(0.4))


def test_painting_on_masks_changes_nothing_later() -> None:
    calm, painted_on = TemporalFilter(), TemporalFilter()
    for number in range(3):
        given = half(0.4 + 0.1 * number)
        wanted = calm(given.copy(), texture(), Fraction(number, 30))
        mask = painted_on(given, texture(), Fraction(number, 30))
        np.testing.assert_array_equal(mask, wanted)
        given[:], mask[:] = 1, 1


def test_wrong_input_says_so() -> None:
    with pytest.raises(InputError, match="half-life is -1"):
        TemporalFilter(-1)
    with pytest.raises(InputError, match="half-life is nan"):
        TemporalFilter(float("nan"))
    with pytest.raises(InputError, match=r"image is uint16 .*wanted uint8"):
        TemporalFilter()(half(), texture().astype(np.uint16), Fraction(0))
    with pytest.raises(InputError, match=r"mask is float64 .*wanted float32"):
        TemporalFilter()(half().astype(np.float64), texture(), Fraction(0))
