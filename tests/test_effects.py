import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standout import effects
from standout.errors import InputError

SIZE = 240


def soft_disc(size: int = SIZE) -> np.ndarray:
    mask = np.zeros((size, size), np.float32)
    cv2.circle(mask, (size // 2, size // 2), size // 4, 1.0, -1)
    return cv2.GaussianBlur(mask, (0, 0), 3)


def composed(mask: np.ndarray, front: tuple[int, int, int], back: tuple[int, int, int]) -> np.ndarray:
    """A photo whose true foreground, background and alpha are known."""
    alpha = mask[..., None]
    return np.rint(alpha * front + (1 - alpha) * np.array(back)).astype(np.uint8)


ORANGE, BLUE = (230, 120, 40), (20, 60, 200)
APPLY = {
    "cut": lambda image, mask: effects.cut(image, mask),
    "blur": lambda image, mask: effects.blur(image, mask),
    "color": lambda image, mask: effects.color(image, mask, rgb=(1, 2, 3)),
    "replace": lambda image, mask: effects.replace(image, mask, background=image[::2, ::3].copy()),
}


@pytest.mark.parametrize("name", sorted(effects.EFFECTS))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (33, 129), (300, 200)])
def test_every_effect_keeps_size_and_depth(name: str, dtype: type, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, np.iinfo(dtype).max, (*shape, 3), dtype)
    before = image.copy()
    picture = APPLY[name](image, rng.random(shape, np.float32))
    assert picture.shape[:2] == shape
    assert picture.shape[2] == (4 if name == "cut" else 3)
    assert picture.dtype == dtype
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", sorted(effects.EFFECTS))
def test_every_effect_leaves_the_person_untouched(name: str) -> None:
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8), soft_disc()
    picture = APPLY[name](image, mask)
    np.testing.assert_array_equal(picture[mask >= 1][..., :3], image[mask >= 1])


@pytest.mark.parametrize("name", sorted(effects.EFFECTS))
def test_a_mask_of_another_size_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="mask is 5x4, the photo 6x4"):
        APPLY[name](np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5), np.float32))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_cut_without_decontamination_composites_back_to_the_photo(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (60, 50, 3), np.uint8)
    mask = cv2.GaussianBlur(rng.random((60, 50)).astype(np.float32), (0, 0), 2)
    mask = np.clip((mask - 0.4) * 4, 0, 1)
    picture = effects.cut(image, mask, decontaminate=False)
    np.testing.assert_array_equal(picture[..., 3], np.rint(mask * 255))
    visible = picture[..., 3] > 0
    np.testing.assert_array_equal(picture[visible][:, :3], image[visible])


def test_cut_leaves_nothing_of_the_hidden_background_in_the_file() -> None:
    mask = soft_disc()
    picture = effects.cut(composed(mask, ORANGE, BLUE), mask)
    assert (picture[picture[..., 3] == 0] == 0).all()


def test_decontamination_recovers_the_true_foreground_colour() -> None:
    mask = soft_disc()
    image = composed(mask, ORANGE, BLUE)
    rim = (mask > 0.2) & (mask < 0.9)
    error = {
        clean: np.abs(effects.cut(image, mask, decontaminate=clean)[rim][:, :3] - np.array(ORANGE, float)).mean()
        for clean in (True, False)
    }
    assert error[False] > 30, "the scene must be one where the fringe shows"
    assert error[True] < 0.15 * error[False]


def test_blur_makes_no_halo_of_the_persons_colours() -> None:
    mask = soft_disc()
    picture = effects.blur(composed(mask, ORANGE, BLUE), mask, strength=1.0)
    behind = picture[mask == 0].astype(int)
    assert np.abs(behind - BLUE).max() <= 6, "a flat background must stay flat right up to the person"


def test_blur_keeps_the_rim_free_of_smear() -> None:
    mask = soft_disc()
    image = composed(mask, ORANGE, BLUE)
    picture = effects.blur(image, mask, strength=1.0)
    assert np.abs(picture.astype(int) - image).mean() < 1.0, "both sides are flat, so nothing should change"


def test_blur_flattens_texture_and_strength_grows_it() -> None:
    mask = soft_disc()
    image = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
    spread = [effects.blur(image, mask, strength=s)[mask == 0].std() for s in (0.0, 0.2, 1.0)]
    assert spread[0] > 60 > spread[1] > spread[2]
    np.testing.assert_array_equal(effects.blur(image, mask, strength=0), image)
    with pytest.raises(InputError, match=r"strength is 1.5"):
        effects.blur(image, mask, strength=1.5)


def test_blur_of_a_frame_full_of_person_is_the_photo() -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 80, 3), np.uint8)
    np.testing.assert_array_equal(effects.blur(image, np.ones((90, 80), np.float32)), image)


def test_color_behind_nobody_is_that_color() -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 80, 3), np.uint8)
    assert (effects.color(image, np.zeros((90, 80), np.float32), rgb=(9, 8, 7)) == (9, 8, 7)).all()
    deep = effects.color(image.astype(np.uint16) * 257, np.zeros((90, 80), np.float32), rgb=(9, 8, 7))
    assert (deep == np.array((9, 8, 7)) * 257).all()


@pytest.mark.parametrize("how", ["fill", "fit"])
@pytest.mark.parametrize("shape", [(10, 400), (400, 10), (90, 80), (1, 1), (45, 40)])
def test_replace_takes_backgrounds_of_any_shape(how: str, shape: tuple[int, int]) -> None:
    image = np.zeros((90, 80, 3), np.uint8)
    background = np.full((*shape, 3), 200, np.uint8)
    picture = effects.replace(image, np.zeros((90, 80), np.float32), background=background, how=how)
    assert (picture == 200).all()


def test_replace_fill_crops_the_middle_and_fit_shows_all() -> None:
    image, nobody = np.zeros((100, 100, 3), np.uint8), np.zeros((100, 100), np.float32)
    background = np.zeros((100, 300, 3), np.uint8)
    background[:, :100, 0], background[:, 100:200, 1], background[:, 200:, 2] = 255, 255, 255
    fill = effects.replace(image, nobody, background=background, how="fill")
    assert (fill[5:-5, 5:-5] == (0, 255, 0)).all()
    fit = effects.replace(image, nobody, background=background, how="fit")
    assert [int(fit[50, x].argmax()) for x in (10, 50, 90)] == [0, 1, 2]


@pytest.mark.parametrize("how", ["fill", "fit"])
def test_replace_leaves_its_background_as_it_was(how: str) -> None:
    rng = np.random.default_rng(0)
    image, background = rng.integers(0, 255, (2, SIZE, SIZE, 3), np.uint8)
    before = background.copy()
    effects.replace(image, soft_disc(), background=background, how=how)
    np.testing.assert_array_equal(background, before)


@pytest.mark.parametrize("strength", [0.02, 0.3, 1.0])
def test_blur_of_a_16_bit_photo_is_that_of_the_8_bit_one(strength: float) -> None:
    image, mask = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8), soft_disc()
    eight = effects.blur(image, mask, strength=strength)
    sixteen = effects.blur(image.astype(np.uint16) * 257, mask, strength=strength)
    assert np.abs(eight - sixteen / 257).max() <= 2


def test_blur_has_no_corners_where_it_was_enlarged() -> None:
    image = np.zeros((512, 512, 3), np.uint8)
    image[:, 256:] = 255
    row = effects.blur(image, np.zeros((512, 512), np.float32), strength=1.0)[256, :, 0].astype(float)
    bends = np.abs(np.diff(row, 2))
    assert bends.max() <= 2, "the blur is smooth, so its slope changes by no more than rounding"


def test_a_16_bit_background_meets_an_8_bit_photo() -> None:
    image, nobody = np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.float32)
    background = np.full((20, 20, 3), 200 * 257, np.uint16)
    assert (effects.replace(image, nobody, background=background) == 200).all()


def test_matte_is_the_mask_in_grey() -> None:
    mask = np.array([[0, 0.5, 1]], np.float32)
    assert effects.matte(mask)[..., 0].tolist() == [[0, 128, 255]]
    assert effects.matte(mask, bits=16)[..., 0].tolist() == [[0, 32768, 65535]]
