"""Against torchmetrics and brute force, and at the corners: nobody, everybody, one pixel, pixels that do not count."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional import classification as reference

from standout import metrics

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
