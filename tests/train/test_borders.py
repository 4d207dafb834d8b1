import numpy as np
import pytest

from standout.train.borders import weights

ALL = np.full((40, 40), 255, np.uint8)


def test_the_band_lies_about_the_outline_and_is_as_wide_as_asked() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[:, 20:] = 255
    for width in (2, 4, 8):
        weight = weights(mask, ALL, width=width, boost=3.0)
        assert np.flatnonzero(weight[20] == 3).tolist() == list(range(20 - width // 2, 20 + width // 2))


@pytest.mark.parametrize("level", [0, 255])
def test_nobody_and_everybody_have_no_outline(level: int) -> None:
    weight = weights(np.full((40, 40), level, np.uint8), ALL, width=8, boost=3.0)
    assert (weight == 1).all()


def test_no_width_is_no_band() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20] = 255
    assert (weights(mask, ALL, width=0, boost=3.0) == 1).all()


def test_what_does_not_count_weighs_nothing_even_on_the_outline() -> None:
    mask, counts = np.zeros((40, 40), np.uint8), ALL.copy()
    mask[:, 20:] = 255
    counts[:10] = 0
    weight = weights(mask, counts, width=8, boost=3.0)
    assert not weight[:10].any() and (weight[10:, 20] == 3).all()


def test_a_soft_edge_has_one_outline_where_it_crosses_one_half() -> None:
    mask = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (40, 1))
    weight = weights(mask, ALL, width=4, boost=2.0)
    assert np.flatnonzero(weight[0] == 2).tolist() == [18, 19, 20, 21]
