"""A card's threshold holds wherever masks are made, cut and judged: it lies at one half of every mask."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.data import find_pairs
from standout.effects import compose
from standout.evaluate import Settings, evaluate, measure
from standout.masks.people import keep_largest
from standout.models.card import ModelCard
from standout.runtimes import Session
from standout.segmenter import Segmenter, centered

CARD = ModelCard("even", "1", "resnet18", (96, 64), second_look=1.0)


def even(level: float, threshold: float, *, mirror: bool = True) -> Segmenter:
    """A model that is equally sure of every pixel."""

    def run(batch: np.ndarray) -> np.ndarray:
        return np.full((len(batch), 1, *batch.shape[2:]), level, np.float32)

    return Segmenter(Session(run, replace(CARD, threshold=threshold), "cpu", "even"), tta=mirror)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("mirror", [True, False])
def test_a_mask_is_cut_where_the_card_says(threshold: float, mirror: bool) -> None:
    image = np.full((40, 30, 3), 90, np.uint8)
    for level in (0.01, threshold - 0.05, threshold + 0.05, 0.99):
        mask = even(level, threshold, mirror=mirror).mask(image, refine=False)
        assert bool((mask > 0.5).all()) is (level > threshold)
        assert bool((keep_largest(mask) > 0.5).any()) is (level > threshold), "whoever is kept is cut there, too"
        assert bool((compose.cut(image, mask)[..., 3] > 127).all()) is (level > threshold)


def test_one_half_changes_nothing_and_ends_stay() -> None:
    p = np.linspace(0, 1, 101, dtype=np.float32)
    assert centered(p, 0.5) is p
    for threshold in (0.05, 0.3, 0.9):
        moved = centered(p, threshold)
        assert moved.dtype == np.float32 and (np.diff(moved) > 0).all()
        assert (moved[0], moved[-1]) == (0, 1) and moved[round(100 * threshold)] == pytest.approx(0.5, abs=1e-6)
        logit = np.log(p[1:-1] / (1 - p[1:-1])) - np.log(threshold / (1 - threshold))
        np.testing.assert_allclose(moved[1:-1], 1 / (1 + np.exp(-logit)), atol=1e-5)


def graded(threshold: float) -> Segmenter:
    """A model whose probability is how bright a pixel is."""
    return Segmenter(Session(lambda batch: batch[:, :1], replace(CARD, threshold=threshold), "cpu", "graded"))


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    """Photos brighter from left to right, whose right 70 of 100 columns are a person."""
    for n in range(3):
        for part in ("images", "masks"):
            (tmp_path / "bright" / part).mkdir(parents=True, exist_ok=True)
        ramp = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
        label = np.where(ramp > 0.3 * 255, 255, 0).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "bright" / "images" / f"p_{n}.png"), np.roll(np.dstack([ramp] * 3), n, 0))
        cv2.imwrite(str(tmp_path / "bright" / "masks" / f"p_{n}.png"), label)
    return tmp_path / "bright"


def test_scores_are_of_masks_cut_at_the_cards_threshold(bright: Path) -> None:
    pairs, settings = find_pairs(bright), Settings(refine=False)
    right, wrong = (evaluate(pairs, graded(threshold), settings) for threshold in (0.3, 0.5))
    assert right.facts["settings"]["threshold"] == 0.3 and wrong.facts["settings"]["threshold"] == 0.5
    assert right.by_source["all"]["dice"].mean > 0.99 > 0.9 > wrong.by_source["all"]["dice"].mean
    for report in (right, wrong):
        assert report.best_threshold == pytest.approx(0.3), "of the network's probability, whatever the card says"
    asked = measure(pairs, graded(0.5), replace(settings, threshold=0.3))
    for one, two in zip(asked, right.scores, strict=True):
        assert one.dice == pytest.approx(two.dice, abs=5e-3)
    other = measure(pairs, graded(0.3), replace(settings, threshold=0.5))
    for one, two in zip(other, wrong.scores, strict=True):
        assert one.dice == pytest.approx(two.dice, abs=5e-3)
