import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standout.effects import compose, framing
from standout.errors import InputError
from standout.masks.letterbox import resize

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


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_cut_without_decontamination_composites_back_to_the_photo(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (60, 50, 3), np.uint8)
    mask = cv2.GaussianBlur(rng.random((60, 50)).astype(np.float32), (0, 0), 2)
    mask = np.clip((mask - 0.4) * 4, 0, 1)
    picture = compose.cut(image, mask, decontaminate=False)
    np.testing.assert_array_equal(picture[..., 3], np.rint(mask * 255))
    visible = picture[..., 3] > 0
    np.testing.assert_array_equal(picture[visible][:, :3], image[visible])


def test_cut_leaves_nothing_of_the_hidden_background_in_the_file() -> None:
    mask = soft_disc()
    picture = compose.cut(composed(mask, ORANGE, BLUE), mask)
    assert (picture[picture[..., 3] == 0] == 0).all()


def test_decontamination_recovers_the_true_foreground_colour() -> None:
    mask = soft_disc()
    image = composed(mask, ORANGE, BLUE)
    rim = (mask > 0.2) & (mask < 0.9)
    error = {
        clean: np.abs(compose.cut(image, mask, decontaminate=clean)[rim][:, :3] - np.array(ORANGE, float)).mean()
        for clean in (True, False)
    }
    assert error[False] > 30, "the scene must be one where the fringe shows"
    assert error[True] < 0.15 * error[False]


def test_blur_makes_no_halo_of_the_persons_colours() -> None:
    mask = soft_disc()
    picture = compose.blur(composed(mask, ORANGE, BLUE), mask, strength=1.0)
    behind = picture[mask == 0].astype(int)
    assert np.abs(behind - BLUE).max() <= 6, "a flat background must stay flat right up to the person"


def test_blur_keeps_the_rim_free_of_smear() -> None:
    mask = soft_disc()
    image = composed(mask, ORANGE, BLUE)
    picture = compose.blur(image, mask, strength=1.0)
    assert np.abs(picture.astype(int) - image).mean() < 1.0, "both sides are flat, so nothing should change"


def test_blur_flattens_texture_and_strength_grows_it() -> None:
    mask = soft_disc()
    image = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
    spread = [compose.blur(image, mask, strength=s)[mask == 0].std() for s in (0.0, 0.2, 1.0)]
    assert spread[0] > 60 > spread[1] > spread[2]
    np.testing.assert_array_equal(compose.blur(image, mask, strength=0), image)
    with pytest.raises(InputError, match=r"strength is 1.5"):
        compose.blur(image, mask, strength=1.5)


def test_blur_of_a_frame_full_of_person_is_the_photo() -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 80, 3), np.uint8)
    np.testing.assert_array_equal(compose.blur(image, np.ones((90, 80), np.float32)), image)


def test_color_behind_nobody_is_that_color() -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 80, 3), np.uint8)
    assert (compose.color(image, np.zeros((90, 80), np.float32), rgb=(9, 8, 7)) == (9, 8, 7)).all()
    deep = compose.color(image.astype(np.uint16) * 257, np.zeros((90, 80), np.float32), rgb=(9, 8, 7))
    assert (deep == np.array((9, 8, 7)) * 257).all()


@pytest.mark.parametrize("how", ["fill", "fit"])
@pytest.mark.parametrize("shape", [(10, 400), (400, 10), (90, 80), (1, 1), (45, 40)])
def test_replace_takes_backgrounds_of_any_shape(how: str, shape: tuple[int, int]) -> None:
    image = np.zeros((90, 80, 3), np.uint8)
    background = np.full((*shape, 3), 200, np.uint8)
    picture = compose.replace(image, np.zeros((90, 80), np.float32), background=background, how=how)
    assert (picture == 200).all()


def test_replace_fill_crops_the_middle_and_fit_shows_all() -> None:
    image, nobody = np.zeros((100, 100, 3), np.uint8), np.zeros((100, 100), np.float32)
    background = np.zeros((100, 300, 3), np.uint8)
    background[:, :100, 0], background[:, 100:200, 1], background[:, 200:, 2] = 255, 255, 255
    fill = compose.replace(image, nobody, background=background, how="fill")
    assert (fill[5:-5, 5:-5] == (0, 255, 0)).all()
    fit = compose.replace(image, nobody, background=background, how="fit")
    assert [int(fit[50, x].argmax()) for x in (10, 50, 90)] == [0, 1, 2]


@pytest.mark.parametrize("how", ["fill", "fit"])
def test_replace_leaves_its_background_as_it_was(how: str) -> None:
    rng = np.random.default_rng(0)
    image, background = rng.integers(0, 255, (2, SIZE, SIZE, 3), np.uint8)
    before = background.copy()
    compose.replace(image, soft_disc(), background=background, how=how)
    np.testing.assert_array_equal(background, before)


@pytest.mark.parametrize("strength", [0.02, 0.3, 1.0])
def test_blur_of_a_16_bit_photo_is_that_of_the_8_bit_one(strength: float) -> None:
    image, mask = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8), soft_disc()
    eight = compose.blur(image, mask, strength=strength)
    sixteen = compose.blur(image.astype(np.uint16) * 257, mask, strength=strength)
    assert np.abs(eight - sixteen / 257).max() <= 2


def test_blur_has_no_corners_where_it_was_enlarged() -> None:
    image = np.zeros((512, 512, 3), np.uint8)
    image[:, 256:] = 255
    row = compose.blur(image, np.zeros((512, 512), np.float32), strength=1.0)[256, :, 0].astype(float)
    bends = np.abs(np.diff(row, 2))
    assert bends.max() <= 2, "the blur is smooth, so its slope changes by no more than rounding"


def test_a_16_bit_background_meets_an_8_bit_photo() -> None:
    image, nobody = np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.float32)
    background = np.full((20, 20, 3), 200 * 257, np.uint16)
    assert (compose.replace(image, nobody, background=background) == 200).all()


def test_matte_is_the_mask_in_grey() -> None:
    mask = np.array([[0, 0.5, 1]], np.float32)
    assert compose.matte(mask)[..., 0].tolist() == [[0, 128, 255]]
    assert compose.matte(mask, bits=16)[..., 0].tolist() == [[0, 32768, 65535]]


@pytest.mark.parametrize("how", ["fill", "fit"])
@pytest.mark.parametrize("shape", [(256, 1), (1, 256), (2, 300), (1, 1), (1, 70000), (70000, 2)])
@pytest.mark.parametrize("size", [(900, 1200), (1, 30000), (30000, 1)])
def test_a_thin_background_makes_nothing_larger_than_the_photo(
    how: str, shape: tuple[int, int], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = 0

    def watched(image: np.ndarray, height: int, width: int) -> np.ndarray:
        nonlocal largest
        largest = max(largest, height * width)
        return resize(image, height, width)

    monkeypatch.setattr(framing, "resize", watched)
    background = np.full((*shape, 3), 200, np.uint8)
    picture = compose.replace(
        np.zeros((*size, 3), np.uint8), np.zeros(size, np.float32), background=background, how=how
    )
    assert (picture == 200).all() and picture.shape == (*size, 3)
    assert largest <= 6 * size[0] * size[1]


def test_a_gradient_one_pixel_wide_runs_through_the_whole_picture() -> None:
    image, nobody = np.zeros((600, 300, 3), np.uint8), np.zeros((600, 300), np.float32)
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[:, None, None], 3, axis=2)
    fit = compose.replace(image, nobody, background=np.repeat(ramp, 100, axis=1), how="fill")
    assert fit[0, 0, 0] <= 1 and fit[-1, 0, 0] >= 198 and (np.diff(fit[:, 5, 0].astype(int)) >= 0).all()
    thin = compose.replace(image, nobody, background=ramp, how="fill")
    assert 95 <= thin.min() <= thin.max() <= 104, "the middle that is seen of it: two of its pixels"


def see_through(height: int, width: int, *, hidden: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A red background whose left half is hidden, and its transparency."""
    background = np.full((height, width, 3), (200, 30, 30), np.uint8)
    background[:, : width // 2] = hidden
    alpha = np.zeros((height, width), np.float32)
    alpha[:, width // 2 :] = 1
    return background, alpha


@pytest.mark.parametrize("how", ["fill", "fit"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(90, 80), (31, 62), (300, 400)])
def test_a_backgrounds_hidden_colors_stay_hidden(how: str, dtype: type, shape: tuple[int, int]) -> None:
    white = np.iinfo(dtype).max
    image = np.full((90, 80, 3), white // 5, dtype)
    mask = cv2.GaussianBlur(np.pad(np.ones((40, 30), np.float32), ((25, 25), (25, 25))), (0, 0), 2)
    pictures = []
    for hidden in ((0, 255, 0), (255, 255, 255)):
        background, alpha = see_through(*shape, hidden=hidden)
        pictures.append(compose.replace(image, mask, background=background, alpha=alpha, how=how, decontaminate=False))
    picture = pictures[0]
    np.testing.assert_array_equal(picture, pictures[1])
    assert picture.shape == (90, 80, 4) and picture.dtype == dtype
    assert (picture[mask >= 1] == [white // 5] * 3 + [white]).all(), "the person is whole"
    assert (picture[picture[..., 3] == 0] == 0).all(), "what is hidden is black"
    level = white / 255
    assert np.abs(picture[45, -1] / level - (200, 30, 30, 255)).max() < 1.5
    assert how == "fit" or (picture[45, 0] == 0).all()
    seen = picture[picture[..., 3] > white // 4][:, :3] / level
    assert (seen[:, 1] < 60).all(), "no green flows into an edge"


def test_people_and_a_see_through_background_mix_by_their_shares() -> None:
    image = np.full((40, 40, 3), 100, np.uint8)
    half = np.full((40, 40), 0.5, np.float32)
    background, alpha = np.full((40, 40, 3), 200, np.uint8), np.full((40, 40), 0.5, np.float32)
    picture = compose.replace(image, half, background=background, alpha=alpha, decontaminate=False)
    assert np.abs(picture.astype(int) - (133, 133, 133, 191)).max() <= 1


def test_a_transparency_of_another_size_is_refused() -> None:
    image, mask = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32)
    with pytest.raises(InputError, match="alpha is 3x2, its background 4x4"):
        compose.replace(image, mask, background=image, alpha=np.zeros((2, 3), np.float32))
    with pytest.raises(InputError, match="how is 'stretch'; wanted fill or fit"):
        compose.replace(image, mask, background=image, how="stretch")  # type: ignore[arg-type]


def test_blur_takes_nothing_from_what_the_photo_hides() -> None:
    image, alpha = see_through(120, 120, hidden=(0, 255, 0))
    mask = np.zeros((120, 120), np.float32)
    mask[40:80, 80:100] = 1
    picture = compose.blur(image, mask, strength=1, alpha=alpha)
    assert picture.shape == (120, 120, 4)
    assert (picture[:, :60] == 0).all() and (picture[:, 60:, 3] == 255).all()
    assert np.abs(picture[:, 60:, :3].astype(int) - (200, 30, 30)).max() <= 2
    assert compose.blur(image, mask, strength=0, alpha=alpha).shape == (120, 120, 4)


def test_blur_keeps_the_person_whole_at_the_photos_own_soft_edge() -> None:
    image = np.full((60, 60, 3), (200, 150, 100), np.uint8)
    alpha = np.linspace(0, 1, 60, dtype=np.float32)[None].repeat(60, 0)
    picture = compose.blur(image, alpha.copy(), strength=1, alpha=alpha)
    assert np.abs(picture[:, 2:, :3].astype(int) - (200, 150, 100)).max() <= 2


@pytest.mark.parametrize("rgb", [(300, 0, 0), (0, -1, 0), (1, 2), (1, 2, 3, 4), (float("nan"), 0, 0)])
def test_color_refuses_levels_that_are_none(rgb: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="wanted three levels of 0 to 255"):
        compose.color(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32), rgb=rgb)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kept", [False, True])
def test_what_finishes_the_people_reaches_all_of_them_and_nothing_else(channels: int, kept: bool) -> None:
    mask, alpha = soft_disc(), np.ones((SIZE, SIZE), np.float32) if kept else None
    image, behind = composed(mask, ORANGE, BLUE), np.full((SIZE, SIZE, channels), 9, np.uint8)
    behind[..., 3:] = 255
    picture = compose.painted(image, mask, behind, alpha=alpha, finish=lambda colors, tile: colors * 0 + 200)
    assert (picture[mask == 1][:, :3] == 200).all()
    assert (picture[mask == 0][:, :3] == 9).all()
    rim = (mask > 0.4) & (mask < 0.6)
    assert np.abs(picture[rim][:, :3] - (200 * mask[rim] + 9 * (1 - mask[rim]))[:, None]).max() <= 1
