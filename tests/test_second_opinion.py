"""Whoever hides people asks for a second opinion."""

import numpy as np
import pytest

from standout.models.registry import REGISTRY
from standout.second_opinion import SecondOpinion, means
from standout.segmenter import Segmenter
from standout.types import BatchFinder, HidingFinder, Image
from tests.conftest import drawn_person

IMAGE: Image = np.asarray(drawn_person(160, 120)[0], np.uint8)


@pytest.fixture(scope="module")
def tiny() -> Segmenter:
    return Segmenter("standout-tiny", threads=1)


def never(name: str) -> Segmenter:
    raise AssertionError(f"{name} is not needed")


def test_the_looks_of_both_models_are_averaged(tiny: Segmenter) -> None:
    other = Segmenter("standout-mobile", threads=1)
    asked = []

    def load(name: str) -> Segmenter:
        asked.append(name)
        return other

    opinion = SecondOpinion(tiny, load)
    found = opinion.probability(IMAGE)
    double = tiny.at_scale([IMAGE], 2.0)[0]
    assert found.shape == double.shape and found.dtype == np.float32
    of_all = [
        (2.0, tiny.probabilities([IMAGE])), (1.0, tiny.at_scale([IMAGE], 0.5)), (1.0, [double]),
        (2.0, other.probabilities([IMAGE])), (1.0, other.at_scale([IMAGE], 0.5)),
    ]  # fmt: skip
    np.testing.assert_allclose(found, means(of_all)[0], atol=1e-6)
    opinion.probability(IMAGE)
    assert asked == ["standout-quality"], "it is loaded once"


def test_a_model_does_not_ask_itself() -> None:
    asked: list[str] = []

    def load(name: str) -> Segmenter:
        asked.append(name)
        raise InterruptedError

    quality = Segmenter("standout-quality", threads=1)
    with pytest.raises(InterruptedError):
        SecondOpinion(quality, load).probability(IMAGE)
    assert asked == ["standout-mobile"] and asked[0] in REGISTRY


def test_clips_are_seen_once_more_and_by_no_other_model() -> None:
    once = Segmenter("standout-tiny", threads=1, tta=False)
    found = SecondOpinion(once, never).probabilities([IMAGE, IMAGE[:100]])
    wanted = means([(1.0, once.probabilities([IMAGE])), (1.0, once.at_scale([IMAGE], 0.5))])[0]
    np.testing.assert_allclose(found[0], wanted, atol=1e-6)
    assert len(found) == 2 and found[1].shape == once.probability(IMAGE[:100]).shape


def test_a_segmenter_gives_the_same_one_each_time(tiny: Segmenter) -> None:
    assert isinstance(tiny, HidingFinder)
    opinion = tiny.for_hiding()
    assert isinstance(opinion, BatchFinder) and opinion is tiny.for_hiding()


def test_means_are_weighted_and_of_the_size_of_the_largest() -> None:
    small, large = np.ones((2, 2), np.float32), np.zeros((4, 6), np.float32)
    (found,) = means([(3.0, [small]), (1.0, [large])])
    assert found.shape == (4, 6) and (found == 0.75).all()
