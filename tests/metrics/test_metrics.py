"""The metrics against torchmetrics and brute force, and for nobody, everybody, one pixel and uncounted pixels."""

from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional import classification as reference

from standout import metrics
from standout.errors import InputError
from standout.types import Frame

EMPTY, FULL = np.zeros((6, 5), bool), np.ones((6, 5), bool)
ONE = EMPTY.copy()
ONE[3, 2] = True


def some(seed: int, share: float = 0.5) -> np.ndarray:
    return np.random.default_rng(seed).random((9, 7)) < share


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("name", "their"),
    [
        ("dice", reference.binary_f1_score),
        ("iou", reference.binary_jaccard_index),
        ("precision", reference.binary_precision),
        ("recall", reference.binary_recall),
    ],
)
def test_overlaps_agree_with_torchmetrics(name: str, their: object, seed: int) -> None:
    found, truth, counts = some(seed), some(seed + 50), some(seed + 99, 0.8)
    target = torch.from_numpy(np.where(counts, truth, -1).astype(int))
    wanted = their(torch.from_numpy(found).int(), target, ignore_index=-1)  # type: ignore[operator]
    assert getattr(metrics, name)(found, truth, counts) == pytest.approx(float(wanted), abs=1e-6)


@pytest.mark.parametrize(
    ("found", "truth", "wanted"),
    [
        (EMPTY, EMPTY, {"dice": 1, "iou": 1, "precision": 1, "recall": 1, "boundary_f": 1}),
        (FULL, FULL, {"dice": 1, "iou": 1, "precision": 1, "recall": 1, "boundary_f": 1}),
        (ONE, EMPTY, {"dice": 0, "iou": 0, "precision": 0, "recall": 1, "boundary_f": 0}),
        (EMPTY, ONE, {"dice": 0, "iou": 0, "precision": 1, "recall": 0, "boundary_f": 0}),
        (ONE, ONE, {"dice": 1, "iou": 1, "precision": 1, "recall": 1, "boundary_f": 1}),
        (FULL, ONE, {"dice": 2 / 31, "iou": 1 / 30, "precision": 1 / 30, "recall": 1}),
    ],
    ids=["nobody", "everybody", "one-false", "one-missed", "one-pixel", "all-for-one"],
)
def test_corners(found: np.ndarray, truth: np.ndarray, wanted: dict[str, float]) -> None:
    for name, value in wanted.items():
        assert getattr(metrics, name)(found, truth) == pytest.approx(value), name


def test_sums_of_several_masks_add_up() -> None:
    """Masks summed up one by one score as one large mask does: the sums are what is kept, the scores come last."""
    masks = [(some(seed), some(seed + 50), some(seed + 99, 0.8)) for seed in range(3)]
    sums = metrics.Sums()
    for mask in masks:
        sums = metrics.update(*mask, sums=sums)
    found, truth, counts = (np.concatenate(planes) for planes in zip(*masks, strict=True))
    scores = metrics.compute(sums)
    for name in ("dice", "iou", "precision", "recall"):
        assert getattr(scores, name) == getattr(metrics, name)(found, truth, counts), name
    assert scores.area == metrics.area(found, counts)
    assert metrics.compute(metrics.Sums()) == (1, 1, 1, 1, 0), "no mask at all"


def test_what_does_not_count_changes_nothing() -> None:
    found, truth, counts = some(1), some(2), some(3, 0.7)
    flipped = np.where(counts, found, ~found)
    for name in ("dice", "iou", "precision", "recall"):
        assert getattr(metrics, name)(found, truth, counts) == getattr(metrics, name)(flipped, truth, counts)
    assert metrics.area(found, counts) == metrics.area(flipped, counts)
    alpha = np.random.default_rng(0).random(found.shape, np.float32)
    moved = np.where(counts, alpha, 1 - alpha)
    assert metrics.mad(alpha, truth.astype(np.float32), counts) == metrics.mad(moved, truth.astype(np.float32), counts)
    assert metrics.mad(alpha, 1 - alpha, np.zeros_like(counts)) == 0


def brute_slope(alpha: np.ndarray) -> np.ndarray:
    """The length of the gradient, by an explicit sum over the kernel of two dimensions at every pixel."""
    y, x = np.mgrid[-4:5, -4:5]
    kernel = x * np.exp(-(x**2 + y**2) / (2 * 1.4**2))
    kernel /= np.sqrt((kernel**2).sum())
    wide = np.pad(alpha.astype(np.float64), 4, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(wide, (9, 9))
    return np.hypot((windows * kernel).sum((2, 3)), (windows * kernel.T).sum((2, 3)))


@pytest.mark.parametrize("seed", range(3))
def test_gradient_error_agrees_with_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found, truth = (rng.random((31, 23)).astype(np.float32) for _ in range(2))
    counts = rng.random(truth.shape) < 0.7
    apart = (brute_slope(found) - brute_slope(truth)) ** 2
    assert metrics.gradient_error(found, truth) == pytest.approx(apart.sum() / 1000, rel=1e-4)
    assert metrics.gradient_error(found, truth, counts) == pytest.approx(apart[counts].sum() / 1000, rel=1e-4)


def test_gradient_error_sees_slopes_and_not_levels() -> None:
    flat = np.full((20, 20), 0.25, np.float32)
    assert metrics.gradient_error(flat, flat + 0.5) == pytest.approx(0, abs=1e-6)
    assert metrics.gradient_error(flat, 1 - flat, np.zeros(flat.shape, bool)) == 0
    strand = flat.copy()
    strand[:, 10] = 1
    assert metrics.gradient_error(flat, strand) > 2 * metrics.gradient_error(flat, cv2.blur(strand, (5, 5)))
    assert metrics.gradient_error(strand, flat) == metrics.gradient_error(flat, strand)


def brute_boundary_f(found: np.ndarray, truth: np.ndarray, reach: float) -> float:
    """By every pair of outline pixels."""

    def outline(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask, 1, constant_values=True)
        rows, columns = mask.shape
        windows = [padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
        return np.argwhere(mask & ~np.logical_and.reduce(windows))

    a, b = outline(found), outline(truth)
    if not len(a) or not len(b):
        return float(len(a) == len(b))
    apart = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    precision, recall = (apart.min(1) <= reach).mean(), (apart.min(0) <= reach).mean()
    return 0.0 if precision + recall == 0 else float(2 * precision * recall / (precision + recall))


@given(st.integers(0, 10_000), st.floats(0.05, 0.95), st.floats(0.05, 0.3))
@settings(max_examples=60, deadline=None)
def test_the_outline_score_agrees_with_brute_force(seed: int, share: float, tolerance: float) -> None:
    found, truth = some(seed, share), some(seed + 1, share)
    reach = max(1.0, tolerance * float(np.hypot(*truth.shape)))
    got = metrics.boundary_f(found, truth, tolerance=tolerance)
    assert got == pytest.approx(brute_boundary_f(found, truth, reach), abs=1e-6)


def test_the_frame_of_the_photo_is_no_outline() -> None:
    """A person cut off by the frame has no edge there to get wrong."""
    cut_off = np.zeros((40, 40), bool)
    cut_off[20:, 10:30] = True
    narrower = cut_off.copy()
    narrower[:, 29] = False
    assert metrics.boundary_f(cut_off, narrower, tolerance=0.02) == 1.0
    assert metrics.boundary_f(cut_off, np.roll(cut_off, -10, 0), tolerance=0.02) < 0.8


def test_an_outline_where_nothing_counts_is_left_aside() -> None:
    truth = np.zeros((40, 40), bool)
    truth[10:30, 10:30] = True
    found = truth.copy()
    found[30:36, 10:30] = True
    counts = np.ones_like(truth)
    counts[25:] = False
    assert metrics.boundary_f(found, truth, tolerance=0.02) < 0.9
    assert metrics.boundary_f(found, truth, counts, tolerance=0.02) == 1.0


def brute_dtssd(found: np.ndarray, truth: np.ndarray) -> float:
    """By every pixel."""
    pairs = []
    for t in range(1, len(found)):
        rows, columns = found.shape[1:]
        total = 0.0
        for y in range(rows):
            for x in range(columns):
                mine, true = found[t, y, x] - found[t - 1, y, x], truth[t, y, x] - truth[t - 1, y, x]
                total += (float(mine) - float(true)) ** 2
        pairs.append((total / (rows * columns)) ** 0.5 * 100)
    return sum(pairs) / len(pairs)


def test_dtssd_agrees_with_brute_force() -> None:
    found, truth = np.random.default_rng(0).random((2, 4, 9, 7), np.float32)
    assert metrics.dtssd(list(found), list(truth)) == pytest.approx(brute_dtssd(found, truth), rel=1e-5)


def test_dtssd_at_its_corners() -> None:
    none, all_ = np.zeros((6, 5), np.float32), np.ones((6, 5), np.float32)
    assert metrics.dtssd([none, all_], [none, all_]) == 0, "the true change"
    assert metrics.dtssd([all_, all_], [none, none]) == 0, "wrong, and still"
    assert metrics.dtssd([none, all_], [all_, none]) == 200, "the opposite change"
    assert metrics.dtssd([none, all_, all_], [none, none, none]) == 50, "one jump in two pairs"
    assert metrics.dtssd([none, ONE.astype(np.float32)], [none, none]) == pytest.approx(100 / 30**0.5), "one pixel"
    assert metrics.dtssd([none], [all_]) == metrics.dtssd([], []) == 0, "no pair"
    with pytest.raises(InputError, match="1 masks against 2"):
        metrics.dtssd([none], [none, none])


HIGH, WIDE = 120, 200


def person(number: int, *, step: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """(image, alpha) of a drawn, textured person who glides before a textured wall that moves the other way."""
    rng = np.random.default_rng(0)
    wall, suit = (cv2.GaussianBlur(rng.normal(0, 1, (HIGH, 500, 3)), (0, 0), 2.5) for _ in range(2))
    colors = [plane / plane.std() * 25 + level for plane, level in ((wall, (150, 160, 170)), (suit, (180, 70, 60)))]
    shift = step * number
    back, front = (
        cv2.warpAffine(plane, np.array([[1, 0, x], [0, 1, 0.0]]), (WIDE, HIGH))
        for plane, x in zip(colors, (-100 - shift / 2, -100 + shift), strict=True)
    )
    y, x = np.indices((HIGH, WIDE))
    body = np.minimum(22 - np.abs(x - 60 - shift), y - 55)
    alpha = np.clip(0.5 + np.maximum(body, 14 - np.hypot(x - 60 - shift, y - 40)), 0, 1).astype(np.float32)
    return np.rint(back + alpha[..., None] * (front - back)).clip(0, 255).astype(np.uint8), alpha


@pytest.fixture(scope="module")
def gliding() -> tuple[list[Frame], list[np.ndarray]]:
    played = [person(number) for number in range(20)]
    return [Frame(image, Fraction(i, 30)) for i, (image, _) in enumerate(played)], [alpha for _, alpha in played]


def shaken(alphas: list[np.ndarray], size: float) -> list[np.ndarray]:
    """The masks made gray and raised or lowered by a random level each, as masks flicker."""
    levels = np.random.default_rng(0).uniform(-size, size, len(alphas))
    return [(0.25 + 0.5 * alpha + level).astype(np.float32) for alpha, level in zip(alphas, levels, strict=True)]


def test_flicker_leaves_real_motion_aside(gliding: tuple[list[Frame], list[np.ndarray]]) -> None:
    frames, alphas = gliding
    moves = np.mean([np.abs(b - a)[(a > 0.5) != (b > 0.5)].mean() for a, b in pairwise(alphas)])
    assert moves > 0.7, "without flow, the outline would change altogether"
    assert metrics.flicker(frames, alphas) < 1.0


def test_flicker_grows_with_the_noise(gliding: tuple[list[Frame], list[np.ndarray]]) -> None:
    frames, alphas = gliding
    still, small, large = (metrics.flicker(frames, shaken(alphas, size)) for size in (0, 0.05, 0.1))
    assert small > 5 * still
    assert large == pytest.approx(2 * small, rel=0.1)
    levels = np.random.default_rng(0).uniform(-0.05, 0.05, len(alphas))
    assert small == pytest.approx(100 * np.abs(np.diff(levels)).mean(), rel=0.15)


def test_flicker_counts_by_the_second(gliding: tuple[list[Frame], list[np.ndarray]]) -> None:
    frames, alphas = gliding
    faster = [Frame(frame.image, frame.time / 2) for frame in frames]
    noisy = shaken(alphas, 0.05)
    assert metrics.flicker(faster, noisy) == pytest.approx(2 * metrics.flicker(frames, noisy))


def test_flicker_at_its_corners(gliding: tuple[list[Frame], list[np.ndarray]]) -> None:
    frames, alphas = gliding
    none = np.zeros((HIGH, WIDE), np.float32)
    assert metrics.flicker(frames, [none] * 20) == metrics.flicker(frames, [none + 1] * 20) == 0, "nobody, everybody"
    assert metrics.flicker(frames[:1], alphas[:1]) == metrics.flicker([], []) == 0, "no pair"
    still = [Frame(frames[0].image, Fraction(i, 30)) for i in range(20)]
    assert metrics.flicker(still, [alphas[0]] * 20) == pytest.approx(0, abs=1e-4), "a still"
    assert metrics.flicker(still, [alphas[5]] * 20) == pytest.approx(0, abs=1e-4), "wrong, and still"
    cut = [Frame(np.full((HIGH, WIDE, 3), 255 * (i % 2), np.uint8), Fraction(i, 30)) for i in range(20)]
    assert metrics.flicker(cut, [alphas[0], none] * 10) == pytest.approx(0, abs=1e-3), "nothing to compare with"


def test_flicker_takes_masks_and_frames_of_any_size(gliding: tuple[list[Frame], list[np.ndarray]]) -> None:
    frames, alphas = gliding
    noisy = shaken(alphas, 0.1)
    smaller = [cv2.resize(alpha, (WIDE // 2, HIGH // 2), interpolation=cv2.INTER_AREA) for alpha in noisy]
    assert metrics.flicker(frames, smaller) == pytest.approx(metrics.flicker(frames, noisy), rel=0.15)
    tiny = [Frame(np.zeros((1, 3, 3), np.uint8), Fraction(i, 30)) for i in range(2)]
    assert np.isfinite(metrics.flicker(tiny, alphas[:2]))
