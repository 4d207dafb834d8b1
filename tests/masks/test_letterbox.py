import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from standout.masks import letterbox
from standout.masks.letterbox import fit, inner, place, rectangle, resize, to_input
from standout.models.card import ModelCard
from standout.runtimes import Session
from standout.segmenter import Segmenter

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
def test_place_is_centered_and_inside(height: int, width: int, rect: tuple[int, int]) -> None:
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
    center = rng.uniform(0.3, 0.7, 2) * (height, width)
    distance = np.hypot((y - center[0]) / height, (x - center[1]) / width)
    blob = (1 / (1 + np.exp((distance - 0.25) * 20))).astype(np.float32)
    rect = rectangle(height, width, (320, 256))
    fitted, where = fit(blob, rect, fill=0)
    assert np.abs(resize(inner(fitted, where), height, width) - blob).mean() < 0.01


def test_rectangle_turns_with_the_photo() -> None:
    assert rectangle(10, 5, (320, 256)) == (320, 256)
    assert rectangle(5, 10, (320, 256)) == (256, 320)


def test_the_letterbox_is_as_gray_at_16_bit_as_at_8() -> None:
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


IDENTITY = Session(lambda batch: batch[:, :1].copy(), ModelCard("identity", "0", "none", (320, 256)), "cpu", "onnx")
"""A network that calls person what is white."""

HALF = 0.5
"""Of a network pixel: how far off an edge may come back."""


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.02, 0.98), st.booleans())
@example(4095, 3071, 0.95, False)
@example(2252, 4000, 0.95, True)
@example(1919, 1079, 0.95, False)
@example(5000, 1, 0.95, True)
@example(1279, 4999, 0.98, False)
def test_an_edge_comes_back_where_it_was(height: int, width: int, share: float, mirror: bool) -> None:
    segmenter = Segmenter(IDENTITY, tta=mirror)
    where = place(height, width, rectangle(height, width, (320, 256)))
    for axis, (length, seen) in enumerate([(height, where.inner_height), (width, where.inner_width)]):
        edge = round(share * length)
        if seen < 8 or not 0 < edge < length:
            continue  # too narrow for the network to see an edge at all
        image = np.zeros((height, width, 3), np.uint8)
        image[(slice(None), slice(0, edge))[1 - axis :]] = 255
        mask = segmenter.mask(image, refine=False)
        line = mask[:, width // 2] if axis == 0 else mask[height // 2]
        found = int(np.count_nonzero(line > 0.5))
        assert abs(found - edge) <= max(1.0, HALF * length / seen), f"axis {axis}: {edge} came back at {found}"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1023, 767), (1024, 768), (1281, 1023), (333, 5), (7, 9), (641, 1)])
def test_every_pixel_counts_alike_when_an_image_shrinks(
    height: int, width: int, channels: int | None, dtype: type
) -> None:
    """A ramp keeps its slope and its offset up to the last row and column, whatever the size."""
    shape = (height, width) if channels is None else (height, width, channels)
    small = (min(height, 100), min(width, 75))
    for axis in (0, 1):
        length, seen = shape[axis], small[axis]
        ramp = (np.arange(length) + 0.5) * (200 / length)
        image = np.broadcast_to(ramp.reshape([-1 if at == axis else 1 for at in range(len(shape))]), shape).astype(
            dtype
        )
        done = resize(image, *small)
        assert done.shape == (*small, *shape[2:])
        assert done.dtype == dtype
        wanted = (np.arange(seen) + 0.5) * (200 / seen)
        got = done.mean(axis=tuple(at for at in range(done.ndim) if at != axis), dtype=np.float64)
        rounding = 1.0 if np.issubdtype(dtype, np.integer) else 0.0
        assert np.abs(got - wanted).max() <= HALF * 200 / seen + rounding


@given(st.integers(1, 700), st.integers(1, 700), st.integers(1, 700), st.integers(1, 700))
def test_a_flat_image_stays_flat_at_any_size(height: int, width: int, tall: int, wide: int) -> None:
    done = resize(np.full((height, width), 0.25, np.float32), tall, wide)
    assert done.shape == (tall, wide)
    np.testing.assert_allclose(done, 0.25, rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(801, 1203, 3), (1024, 640), (640, 1024, 1)])
def test_an_image_averaged_in_bands_is_as_if_averaged_whole(
    dtype: type, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = (np.random.default_rng(0).random(shape) * 255).astype(dtype)
    sizes = ((100, 100), (80, 120), (64, 40), (7, 9))
    monkeypatch.setattr(letterbox, "BAND", 1 << 40)
    whole = [letterbox.resize(image, *size) for size in sizes]
    monkeypatch.setattr(letterbox, "BAND", 20_000)
    for size, wanted in zip(sizes, whole, strict=True):
        np.testing.assert_array_equal(letterbox.resize(image, *size), wanted)
