"""The clips with known masks of benchmarks/clips.py."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def clips(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """benchmarks/clips.py, which is no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("clips")


def test_every_clip_shows_people_where_its_truth_says_so(clips: ModuleType) -> None:
    for name in {**clips.CALM, **clips.SPORT}:
        (first, alpha), (second, _) = clips.play(name, fps=4, seconds=0.5)
        assert first.image.shape == (clips.HEIGHT, clips.WIDTH, 3) and first.image.dtype == np.uint8
        assert alpha.shape == first.image.shape[:2] and 0 <= alpha.min() <= alpha.max() <= 1
        assert first.time == 0 and second.time == 0.25, name
        assert (alpha.max() > 0.99) == (name not in ("nobody", "passing")), name


def test_people_turn_upside_down(clips: ModuleType) -> None:
    hip, still = (100.0, 200.0), [(0.0, 0.0)] * 4
    upright, hanging = (clips.athlete(hip, 1.0, turn, still, 0) for turn in (0.0, np.pi))
    assert min(part.b[1] for part in upright) < hip[1] - 100
    for part, other in zip(upright, hanging, strict=True):
        np.testing.assert_allclose(np.add(part.a, other.a), (200, 400), atol=1e-6)
        np.testing.assert_allclose(np.add(part.b, other.b), (200, 400), atol=1e-6)


def test_a_dark_clip_is_dark_and_a_compressed_one_has_lost_detail(clips: ModuleType) -> None:
    (bright, truth), (dark, same) = (next(clips.play(name, seconds=0.1)) for name in ("dance", "dance, dark"))
    assert dark.image.mean() < 0.3 * bright.image.mean()
    np.testing.assert_array_equal(truth, same)
    plain, coded = (list(clips.play(name, seconds=0.2)) for name in ("cartwheel", "cartwheel, compressed"))
    assert len(plain) == len(coded)
    for (before, alpha), (after, other) in zip(plain, coded, strict=True):
        apart = np.abs(before.image.astype(int) - after.image).mean()
        assert 1 < apart < 20
        np.testing.assert_array_equal(alpha, other)
