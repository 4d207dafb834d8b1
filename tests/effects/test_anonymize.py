"""Whatever of the photo reaches the result inside of what is hidden is coarser than a block."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from standout.effects import Anonymize
from standout.errors import InputError
from standout.masks.cover import cover
from tests.effects.test_compose import soft_disc

EVERY = ["pixelate", "blur", "fill", "silhouette"]
COARSE = ["pixelate", "blur"]


def noise(*shape: int, seed: int = 0, dtype: type = np.uint8) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (*shape, 3), dtype)


def square() -> NDArray[np.float32]:
    """A mask whose part is 100 pixels wide and high, so that five blocks of 20 fit exactly."""
    mask = np.zeros((160, 180), np.float32)
    mask[30:130, 50:150] = 1
    return mask


def shuffled(image: NDArray[Any], *, side: int = 20) -> NDArray[Any]:
    """The image with the pixels of each block of square() in another order, so that only its mean is the same."""
    other, rng = image.copy(), np.random.default_rng(5)
    for top in range(30, 130, side):
        for left in range(50, 150, side):
            block = other[top : top + side, left : left + side]
            block[:] = rng.permutation(block.reshape(-1, 3)).reshape(block.shape)
    return other


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("how", COARSE)
def test_photos_with_the_same_block_means_give_the_same_bytes(how: Any, dtype: type) -> None:
    image, mask = noise(160, 180, dtype=dtype), square()
    image[30:80, 50:100] //= 3  # so that the blocks differ from each other
    other = shuffled(image)
    assert (other[mask > 0] != image[mask > 0]).any(-1).mean() > 0.99
    effect = Anonymize(how=how, blocks=5)
    one, two = effect(image, mask), effect(other, mask)
    np.testing.assert_array_equal(one, two)
    assert len(np.unique(one[mask > 0], axis=0)) > 4, "the blocks differ, so the comparison says something"


@pytest.mark.parametrize("how", COARSE)
def test_parts_of_a_block_are_not_told_apart(how: Any) -> None:
    image, mask = noise(160, 180), square()
    effect = Anonymize(how=how, blocks=5)
    assert (effect(shuffled(image, side=50), mask) != effect(image, mask)).any(), "moved between blocks, it shows"
    np.testing.assert_array_equal(effect(shuffled(image, side=10), mask), effect(image, mask))


@pytest.mark.parametrize("how", ["fill", "silhouette"])
def test_one_color_tells_nothing_of_the_photo(how: Any) -> None:
    image, mask = noise(160, 180), soft_disc(160)
    mask = np.pad(mask, ((0, 0), (0, 20)))
    other = np.where(mask[..., None] > 0, noise(160, 180, seed=1), image)
    effect = Anonymize(how=how, color="#1e90ff")
    np.testing.assert_array_equal(effect(image, mask), effect(other, mask))
    assert (effect(image, mask)[mask > 0] == (0x1E, 0x90, 0xFF)).all()


@pytest.mark.parametrize("how", EVERY)
def test_all_else_stays_as_it_is(how: Any) -> None:
    image, mask = noise(160, 180), square()
    np.testing.assert_array_equal(Anonymize(how=how)(image, mask)[mask == 0], image[mask == 0])
    np.testing.assert_array_equal(Anonymize(how=how)(image, mask * 0), image)


@pytest.mark.parametrize("how", EVERY)
def test_soft_edges_are_hidden_whole(how: Any) -> None:
    mask, effect = square(), Anonymize(how=how, blocks=5)
    image = noise(160, 180)
    np.testing.assert_array_equal(effect(image, mask * np.float32(0.01)), effect(image, mask))


def test_blocks_go_with_the_size_of_each_person() -> None:
    mask = np.zeros((200, 400), np.float32)
    mask[0:200, 0:200], mask[100:150, 300:350] = 1, 1
    picture = Anonymize(blocks=5)(noise(200, 400), mask)
    for top, left, side in ((0, 0, 40), (40, 160, 40), (100, 300, 10), (140, 340, 10)):
        block = picture[top : top + side, left : left + side].reshape(-1, 3)
        assert (block == block[0]).all()
    assert (picture[0, 39] != picture[0, 40]).any() and (picture[100, 309] != picture[100, 310]).any()


@pytest.mark.parametrize("how", COARSE)
def test_nobody_is_too_small_for_a_block(how: Any) -> None:
    mask = np.zeros((60, 60), np.float32)
    mask[20:26, 57:60] = 1  # smaller than the least block, and at the frame
    image = noise(60, 60)
    other = image.copy()
    other[20:26, 57:60] = image[20:26, 57:60][::-1]
    effect = Anonymize(how=how, blocks=10)
    np.testing.assert_array_equal(effect(image, mask), effect(other, mask))
    assert len(np.unique(effect(image, mask)[mask > 0], axis=0)) == 1


def test_the_fill_hides_the_outline_and_the_silhouette_shows_it() -> None:
    mask = square()
    mask[40:130, 60:140] = 0  # an arch: the hull of it is the square
    image = noise(160, 180)
    assert not Anonymize(how="fill")(image, mask)[square() > 0].any()
    np.testing.assert_array_equal(Anonymize(how="silhouette")(image, mask)[mask == 0], image[mask == 0])


def test_colors_that_the_photo_hides_do_not_come_out() -> None:
    image, mask = np.full((160, 180, 3), (0, 99, 0), np.uint8), square()
    alpha = np.ones((160, 180), np.float32)
    alpha[:, :90] = 0
    image[:, :90] = (255, 0, 0)
    picture = Anonymize(blocks=2)(image, mask, alpha=alpha)
    shown = picture[mask * alpha > 0]
    assert (shown[:, 0] == 0).all() and not picture[alpha == 0].any()


def test_a_mean_is_told_in_steps() -> None:
    image, mask = np.full((160, 180, 3), 100, np.uint8), square()
    one = Anonymize(blocks=1)(image, mask)
    image[30:40, 50:150] += 15  # a tenth of the block, which moves the mean by 1.5 levels
    np.testing.assert_array_equal(Anonymize(blocks=1)(image, mask)[mask > 0], one[mask > 0])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"blocks": 11}, "blocks is 11; wanted 1 to 10"),
        ({"blocks": 0}, "blocks is 0; wanted 1 to 10"),
        ({"margin": float("nan")}, "margin is nan; wanted 0 to 1"),
        ({"threshold": 0}, r"threshold is 0; wanted 0\.01 to 0\.9"),
        ({"margin": -1}, "margin is -1; wanted 0 to 1"),
        ({"how": "blurr"}, "how 'blurr' is not known; did you mean 'blur'"),
        ({"color": "blurple"}, "'blurple' is no color"),
    ],
)
def test_settings_that_hide_too_little_are_refused(settings: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Anonymize(**settings)


def test_the_cover_reaches_beyond_each_person_by_a_share_of_the_size() -> None:
    probability = np.zeros((400, 600), np.float32)
    probability[100:300, 100:200], probability[200:240, 500:520] = 0.3, 0.3
    found = cover(probability, threshold=0.25, margin=0.1)
    assert set(np.unique(found)) == {0.0, 1.0}
    assert found[200, 80] and not found[200, 78], "20 pixels of 200"
    assert found[220, 496] and not found[220, 494], "4 pixels of 40"
    assert not cover(probability, threshold=0.35, margin=0.1).any()


def test_small_gaps_in_a_person_are_covered_and_large_ones_are_not() -> None:
    probability = np.zeros((300, 300), np.float32)
    cv2.rectangle(probability, (50, 50), (250, 250), 1.0, 40)
    assert not cover(probability, threshold=0.2, margin=0)[150, 150]
    cv2.rectangle(probability, (140, 70), (160, 230), 1.0, -1)
    probability[100:130, 40:60] = 0.1
    assert cover(probability, threshold=0.2, margin=0)[115, 50]


def test_the_cover_of_a_large_photo_holds_all_that_the_probability_holds() -> None:
    probability = cv2.resize(soft_disc(300), (1700, 2300))
    found = cover(probability, threshold=0.2, margin=0.02)
    assert found.shape == (2300, 1700) and set(np.unique(found)) == {0.0, 1.0}
    assert found[probability >= 0.2].all()
    size = np.flatnonzero((probability >= 0.2).any(1)).size
    grown = np.flatnonzero(found.any(1)).size
    assert grown - size == pytest.approx(2 * 0.02 * size, abs=8)
