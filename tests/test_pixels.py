import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from standout.pixels import fit, inner, place, rectangle, resize, to_input

sides = st.integers(1, 900)
rects = st.sampled_from([(320, 256), (256, 320), (64, 32), (96, 96)])


@given(sides, sides, rects)
def test_a_photo_of_any_size_fits_and_comes_back_at_its_own_size(
    height: int, width: int, rect: tuple[int, int]
) -> None:
    image = np.full((height, width, 3), 7, np.uint8)
    fitted, where = fit(image, rect)
    assert fitted.shape == (*rect, 3)
    assert fitted.dtype == np.uint8
    back = resize(inner((fitted[..., 0] == 7).astype(np.float32), where), height, width)
    assert back.shape == (height, width)
    assert back.min() > 0.9999, "the letterbox must not leak into the mask"


@given(sides, sides, rects)
def test_place_is_centred_and_inside(height: int, width: int, rect: tuple[int, int]) -> None:
    where = place(height, width, rect)
    assert 1 <= where.inner_height <= rect[0]
    assert 1 <= where.inner_width <= rect[1]
    assert where.inner_height == rect[0] or where.inner_width == rect[1], "as large as fits"
    assert abs((rect[0] - where.inner_height) - 2 * where.top) <= 1
    assert abs((rect[1] - where.inner_width) - 2 * where.left) <= 1


@given(st.integers(40, 400), st.integers(40, 400), st.integers(0, 1000))
def test_a_soft_blob_survives_the_round_trip(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centre = rng.uniform(0.3, 0.7, 2) * (height, width)
    distance = np.hypot((y - centre[0]) / height, (x - centre[1]) / width)
    blob = (1 / (1 + np.exp((distance - 0.25) * 20))).astype(np.float32)
    rect = rectangle(height, width, (320, 256))
    fitted, where = fit(blob, rect, fill=0)
    assert np.abs(resize(inner(fitted, where), height, width) - blob).mean() < 0.01


def test_rectangle_turns_with_the_photo() -> None:
    assert rectangle(10, 5, (320, 256)) == (320, 256)
    assert rectangle(5, 10, (320, 256)) == (256, 320)


def test_the_letterbox_is_as_grey_at_16_bit_as_at_8() -> None:
    eight = to_input(fit(np.zeros((10, 10, 3), np.uint8), (64, 32))[0])
    sixteen = to_input(fit(np.zeros((10, 10, 3), np.uint16), (64, 32))[0])
    np.testing.assert_allclose(eight, sixteen)
    assert abs(eight[0, 0, 0, 0] - 128 / 255) < 1e-6


def test_to_input_is_channels_first_in_0_to_1_for_8_and_16_bit() -> None:
    eight = np.zeros((2, 4, 3), np.uint8)
    eight[0, 1] = (255, 128, 0)
    sixteen = eight.astype(np.uint16) * 257
    for fitted in (eight, sixteen):
        batch = to_input(fitted)
        assert batch.shape == (1, 3, 2, 4)
        assert batch.dtype == np.float32
        np.testing.assert_allclose(batch[0, :, 0, 1], [1, 128 / 255, 0], atol=1e-6)
