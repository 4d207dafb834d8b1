"""The signs of a mask, and the judge that weighs them."""

import math
from typing import Any

import cv2
import numpy as np
import pytest

import standout
from standout.masks.confidence import SIGNS, Judge, judged, signs_of
from standout.models.registry import REGISTRY
from standout.segmenter import Segmenter
from standout.types import Judged, Mask
from tests.fakes import LeftHalf

JUDGE = Judge(found={"constant": 1.0, "own": 0.5}, missed={"constant": -1.0}, nobody={"constant": 0.0, "surest": -1.0})


def blob(level: float, *, size: tuple[int, int] = (64, 48)) -> Mask:
    """A mask with a soft disc of that level in its middle."""
    mask = np.zeros(size, np.float32)
    cv2.circle(mask, (size[1] // 2, size[0] // 2), 12, level, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5), np.float32)


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros((8, 8)),
        np.ones((8, 8)),
        np.full((8, 8), 0.5),
        np.zeros((1, 1)),
        np.ones((1, 300)),
        blob(0.9),
        blob(0.4),
    ],
    ids=["nobody", "everybody", "half", "a pixel", "a line", "a blob", "a weak blob"],
)
def test_every_mask_has_all_signs_and_they_are_finite(mask: Any) -> None:
    signs = signs_of(np.asarray(mask, np.float32), tta=True)
    assert tuple(signs) == SIGNS and all(math.isfinite(value) for value in signs.values())


def test_signs_of_a_mask_by_hand() -> None:
    mask = np.zeros((10, 10), np.float32)
    mask[2:4, 2:4], mask[7, 7] = 0.8, 0.4
    signs = signs_of(mask, tta=False)
    assert signs["surest"] == pytest.approx(math.log(0.8 / 0.2), rel=1e-5)
    dice = 2 * 3.2 / (3.6 + 4)
    assert signs["own"] == pytest.approx(math.log(dice / (1 - dice)), rel=1e-5)
    assert signs["weak"] == pytest.approx((4 * 0.2 + 0.6) / 5, rel=1e-5)
    assert signs["area"] == pytest.approx(math.log(0.036 + 1e-4), rel=1e-5) and signs["tta"] == 0
    bits = 4 * 0.721928 + 0.970951
    assert signs["entropy"] == pytest.approx(math.log((bits + 1) / 4.6), rel=1e-4)


def test_a_surer_mask_is_trusted_more() -> None:
    sure, unsure = (JUDGE.judged(blob(level), tta=True) for level in (0.99, 0.83))
    assert sure.confidence > unsure.confidence and sure.nobody < unsure.nobody  # type: ignore[operator]
    missed = JUDGE.judged(np.zeros((8, 8), np.float32), tta=True)
    assert missed.confidence == pytest.approx(1 / (1 + math.e)) and missed.nobody == missed.confidence  # type: ignore[operator]


def test_what_refinement_drops_counts_as_nobody() -> None:
    """An island in which no pixel is surely a person is no part of the mask that users get."""
    weak = JUDGE.judged(blob(0.7), tta=True)
    assert weak.confidence == pytest.approx(1 / (1 + math.e))


@pytest.mark.parametrize("plain", [{}, {"found": {}}, JUDGE.plain() | {"found": {"constant": 1.0, "smell": 2.0}}])
def test_a_judge_that_is_not_understood_is_none(plain: dict[str, Any]) -> None:
    assert Judge.of(plain) is None


def test_a_judge_comes_back_from_json() -> None:
    assert Judge.of(JUDGE.plain() | {"of": "abc", "protocol": "text"}) == JUDGE


def test_a_fake_of_three_lines_is_not_judged() -> None:
    mask = LeftHalf().probability(np.zeros((40, 40, 3), np.uint8))
    found = judged(mask, LeftHalf())
    assert found.mask is mask and found.confidence is None and found.nobody is None


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_bundled_models_tell_people_from_noise(name: str, sample: np.ndarray) -> None:
    segmenter = Segmenter(name, threads=1)
    person = segmenter.find(sample)
    assert person.mask.shape == sample.shape[:2] and np.array_equal(person.mask, segmenter.mask(sample))
    assert 0.8 < person.confidence <= 1 and person.nobody < 0.1  # type: ignore[operator]
    noise = segmenter.find(np.random.default_rng(0).integers(0, 90, (120, 90, 3), np.uint8))
    assert noise.mask.max() == 0 and noise.nobody == noise.confidence > 0.5  # type: ignore[operator]


def test_find_in_python(sample: np.ndarray) -> None:
    found = standout.find(sample)
    assert isinstance(found, Judged) and np.array_equal(found.mask, standout.segment(sample))
    assert found.confidence > 0.8  # type: ignore[operator]
    assert standout.find(sample, model=LeftHalf()).confidence is None
