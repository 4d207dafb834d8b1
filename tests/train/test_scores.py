"""Training and evaluation give the same scores for the same masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional import classification as reference

from standout.evaluate import photos
from standout.metrics import TOLERANCE
from standout.train.module import score

HIGH, WIDE = 48, 40


def label(kind: str) -> np.ndarray:
    """A label in uint8: 255 person, 0 background, 128 does not count, any other level a soft edge."""
    planes = {
        "nobody": np.zeros((HIGH, WIDE), np.uint8),
        "everybody": np.full((HIGH, WIDE), 255, np.uint8),
        "one pixel": np.zeros((HIGH, WIDE), np.uint8),
        "soft edges": np.tile(np.linspace(0, 255, WIDE).astype(np.uint8), (HIGH, 1)),
        "uncounted": np.zeros((HIGH, WIDE), np.uint8),
        "nothing counts": np.full((HIGH, WIDE), 128, np.uint8),
    }
    plane = planes[kind]
    if kind == "one pixel":
        plane[20, 10] = 255
    if kind == "uncounted":
        plane[:20, :20], plane[10:30, 10:30] = 255, 128
    return plane


@pytest.mark.parametrize("threshold", [0.5, 0.2, 0.85])
@pytest.mark.parametrize("kind", ["nobody", "everybody", "one pixel", "soft edges", "uncounted", "nothing counts"])
@pytest.mark.parametrize("found", ["noise", "nobody", "everybody"])
def test_training_and_evaluation_agree(kind: str, found: str, threshold: float) -> None:
    truth = label(kind)
    logits = {
        "noise": np.random.default_rng(0).normal(0, 2, truth.shape),
        "nobody": np.full(truth.shape, -9.0),
        "everybody": np.full(truth.shape, 9.0),
    }[found].astype(np.float32)
    mask = (1 / (1 + np.exp(-logits))).astype(np.float32)
    used = photos.score(mask, truth, threshold=threshold, tolerance=TOLERANCE, name="n", source="s")
    planes = (logits, truth / np.float32(255), np.where(truth == 128, 0, 3))
    trained = score(*(torch.from_numpy(plane)[None] for plane in planes), loss=0.0, threshold=threshold)
    assert trained.empty == used.empty
    assert trained.dice == (used.area if used.empty else used.dice)
    counted = np.where(truth == 128, -1, truth > 128)
    if not used.empty:
        wanted = reference.binary_f1_score(
            torch.from_numpy(mask), torch.from_numpy(counted), threshold=threshold, ignore_index=-1
        )
        assert trained.dice == pytest.approx(float(wanted), abs=1e-6)
