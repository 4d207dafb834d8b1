"""The bundled model against the research photos, as users get it: the floor under every later change."""

import sys
from pathlib import Path

import numpy as np
import pytest

from standout.segmenter import Segmenter
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
from quality import quality


@pytest.fixture(scope="module")
def scores() -> dict[str, float]:
    folder = ROOT.parent / "shared" / "people" / "val"
    return {source: float(np.mean(v)) for source, v in quality(folder, Segmenter(threads=1)).items()}


FLOORS = {"picsart": 0.970, "eg1800": 0.972, "ccp": 0.965, "voc": 0.75, "coco": 0.65}
"""Just under what was reached; the aim for the first three is 0.98, 0.98 and 0.97."""


@pytest.mark.parametrize(("source", "floor"), FLOORS.items())
def test_mean_dice_holds(people: Path, source: str, floor: float, request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue("scores")[source] >= floor


def test_photos_of_nobody_stay_empty(people: Path, request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue("scores")["empty"] < 0.015


def test_the_card_tells_the_measured_scores(people: Path, request: pytest.FixtureRequest) -> None:
    promised = Segmenter().card.scores
    for source, score in request.getfixturevalue("scores").items():
        assert score == pytest.approx(promised[source], abs=5e-4)
