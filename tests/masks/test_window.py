"""Whoever is found in a frame is covered in the frames around it, too."""

import numpy as np
import pytest

from standout.masks.window import REACH, largest, widest
from standout.types import Mask


def blip(at: int, count: int = 20) -> list[tuple[int, Mask]]:
    """Masks of a clip in which somebody is seen in one frame."""
    return [(n, np.full((2, 3), 0.9 if n == at else 0.1, np.float32)) for n in range(count)]


@pytest.mark.parametrize("at", [0, 1, 9, 19])
def test_a_mask_reaches_some_frames_in_both_directions(at: int) -> None:
    done = list(widest(blip(at)))
    assert [n for n, _ in done] == list(range(20))
    assert [n for n, mask in done if mask[0, 0] > 0.5] == [n for n in range(20) if abs(n - at) <= REACH]


def test_a_gap_of_twice_the_reach_is_closed() -> None:
    masks = [(n, np.full((2, 3), n < 5 or n >= 5 + 2 * REACH, np.float32)) for n in range(20)]
    assert all(mask.all() for _, mask in widest(masks))


def test_it_goes_on_after_a_stop_as_if_there_had_been_none() -> None:
    rng = np.random.default_rng(0)
    clip = [(n, rng.random((2, 3), np.float32)) for n in range(12)]
    onward = widest(clip[7:], before=[mask for _, mask in clip[:7]])
    for (n, mask), (m, other) in zip(list(widest(clip))[7:], onward, strict=True):
        assert n == m
        np.testing.assert_array_equal(mask, other)


def test_a_clip_may_change_its_size_on_the_way() -> None:
    small, large = np.ones((2, 2), np.float32), np.zeros((4, 6), np.float32)
    assert largest(large, [small]).shape == (4, 6) and largest(large, [small]).all()


def test_a_clip_shorter_than_the_reach() -> None:
    assert [n for n, _ in widest(blip(0, 2))] == [0, 1] and not list(widest([]))
