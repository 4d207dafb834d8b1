"""The page's pixel work is that of the Python package, on random pictures of even and odd sizes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from standout.masks import letterbox
from standout.masks.refine import refine
from tests.serve.private.conftest import Run


def picture(height: int, width: int, channels: int = 4, *, kind: type = np.uint8) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    noise = (
        rng.integers(0, 256, (height, width, channels)) if kind is np.uint8 else rng.random((height, width, channels))
    )
    return noise.astype(kind)


@pytest.mark.parametrize(
    ("size", "to"),
    [
        ((40, 30), (20, 15)),
        ((41, 33), (20, 15)),
        ((200, 150), (13, 9)),
        ((201, 151), (64, 48)),
        ((64, 48), (64, 20)),
        ((333, 77), (50, 50)),
        ((97, 89), (12, 11)),
        ((5, 7), (1, 1)),
        ((1000, 3), (100, 2)),
    ],
)
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_shrinking(run: Run, size: tuple[int, int], to: tuple[int, int], kind: type) -> None:
    image = picture(*size, kind=kind)
    found = run(
        "const { resize } = await load('resize'); return sent(resize(given.image, ...given.to));", image=image, to=to
    )
    wanted = letterbox.resize(image, *to)
    assert found.shape == wanted.shape
    assert np.abs(found.astype(float) - wanted.astype(float)).max() <= (1 if kind is np.uint8 else 1e-5)
    assert np.abs(found.astype(float) - wanted.astype(float)).mean() <= (0.02 if kind is np.uint8 else 1e-6)


@pytest.mark.parametrize(
    ("size", "to"), [((20, 15), (40, 30)), ((13, 9), (200, 151)), ((30, 30), (50, 10)), ((1, 1), (5, 4))]
)
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_enlarging(run: Run, size: tuple[int, int], to: tuple[int, int], kind: type) -> None:
    image = picture(*size, kind=kind)
    found = run(
        "const { resize } = await load('resize'); return sent(resize(given.image, ...given.to));", image=image, to=to
    )
    wanted = letterbox.resize(image, *to)
    assert np.abs(found.astype(float) - wanted.astype(float)).max() <= (1 if kind is np.uint8 else 1e-5)


@pytest.mark.parametrize("size", [(240, 180), (97, 131), (40, 600), (30, 20)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_blurring(run: Run, size: tuple[int, int], kind: type) -> None:
    """Gaussians with either border, and boxes. OpenCV blurs bytes in fixed-point numbers."""
    image = picture(*size, 3, kind=kind)
    body = """
        const { gaussian, box, radiusOf } = await load("filters");
        const bytes = given.image.data instanceof Uint8ClampedArray;
        if (given.how === "box") return sent(box(given.image, 4));
        if (given.how === "once") return sent(gaussian(given.image, 2.6, radiusOf(2.6, { bytes }), { once: true }));
        return sent(gaussian(given.image, 3, 6));
    """
    most = 2 if kind is np.uint8 else 1e-5
    wanted = {
        "box": cv2.blur(image, (9, 9)),
        "once": cv2.GaussianBlur(image, (0, 0), 2.6),
        "repeated": cv2.GaussianBlur(image, (13, 13), 3, borderType=cv2.BORDER_REFLECT),
    }
    for how, one in wanted.items():
        found = run(body, image=image, how=how)
        assert np.abs(found.astype(float) - one.astype(float)).max() <= most, how


@pytest.mark.parametrize("radius", [1, 2, 3, 4, 7, 12])
def test_the_disc_is_that_of_opencv(run: Run, radius: int) -> None:
    found = run("return (await load('filters')).disc(given.radius);", radius=radius)
    side = 2 * radius + 1
    wanted = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    assert [2 * half + 1 for half in found] == wanted.sum(1).tolist()


@pytest.mark.parametrize("size", [(60, 41), (5, 90), (9, 4), (1, 1)])
@pytest.mark.parametrize("radius", [1, 4, 11])
@pytest.mark.parametrize("least", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_growing_and_shrinking(run: Run, size: tuple[int, int], radius: int, least: bool, kind: type) -> None:
    image = picture(*size, 1, kind=kind)[..., 0]
    body = """
        const { disc, spread } = await load("filters");
        return sent(spread(given.image, disc(given.radius), { least: given.least }));
    """
    change = cv2.erode if least else cv2.dilate
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    assert np.array_equal(run(body, image=image, radius=radius, least=least), change(image, kernel))


def blob(height: int, width: int) -> np.ndarray:
    """A network's mask: two people, one of them unsure, and a haze."""
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, (width // 3, height // 2), (width // 5, height // 3), 20, 0, 360, 1.0, -1)
    cv2.circle(mask, (width * 4 // 5, height // 4), max(2, min(height, width) // 12), 0.79, -1)
    return np.clip(cv2.GaussianBlur(mask, (0, 0), 2.0) + 0.05, 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("small", "large"),
    [((80, 64), (480, 384)), ((64, 80), (301, 377)), ((80, 64), (50, 40)), ((26, 20), (130, 90)), ((80, 64), (81, 65))],
)
def test_refining(run: Run, small: tuple[int, int], large: tuple[int, int]) -> None:
    """The same mask of the same coarse mask, but for what OpenCV rounds on the way and for alpha in 256 steps."""
    coarse = blob(*small)
    grid = np.indices(large).sum(0) * (255 / sum(large))
    image = np.dstack([np.roll(grid, 31 * c, 1) for c in range(3)]) / 2 + picture(*large, 3) / 3
    person = cv2.resize(coarse, large[::-1], interpolation=cv2.INTER_LINEAR)[..., None] > 0.5
    image = np.where(person, image / 2 + 120, image).astype(np.uint8)
    body = """
        const { refine } = await load("refine");
        return sent({ ...given.image, channels: 1, data: refine(given.coarse, given.image) });
    """
    found = run(body, coarse=coarse, image=cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)) / 255
    wanted = refine(coarse, image)
    assert 0.02 < wanted.mean() < 0.6
    assert np.abs(found - wanted).mean() < 0.002
