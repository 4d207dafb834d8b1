"""Which frames of a clip the network sees, and what becomes of the others."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from standout.batch.clip_state import ClipState
from standout.editing import People
from standout.editing.follow import Follower
from standout.types import Frame, Image, Mask, PersonFinder
from tests.masks.test_temporal import disc, painted, texture

COUNT = 8
SHAPES = [disc(60 + number, 54, 40) for number in range(COUNT)]
FRAMES = [Frame(painted(texture(), shape), Fraction(number, 30)) for number, shape in enumerate(SHAPES)]


class Knows:
    """A network that knows the disc in each of FRAMES. seen: the numbers of those that it was shown."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def probability(self, image: Image) -> Mask:
        self.seen.append(next(n for n, frame in enumerate(FRAMES) if frame.image is image))
        return SHAPES[self.seen[-1]]


class KnowsMany(Knows):
    """The same for several images at once, as on a GPU."""

    batch = 3

    def probabilities(self, images: Sequence[Image]) -> list[Mask]:
        return [self.probability(image) for image in images]


def found(
    finder: PersonFinder, half_life: float = 0.2, *, measure: bool = False, **how: bool
) -> tuple[ClipState, list[Mask]]:
    state = ClipState(half_life, finder, measure=measure, follower=Follower(People()), **how)
    pairs = list(state.found(iter(FRAMES), finder))
    assert [frame for frame, _ in pairs] == FRAMES
    return state, [mask for _, mask in pairs]


def test_the_network_sees_every_other_frame() -> None:
    finder = Knows()
    _, masks = found(finder)
    assert finder.seen == [0, 2, 4, 6]
    for mask, shape in zip(masks, SHAPES, strict=True):
        assert ((mask > 0.5) != (shape > 0.5)).sum() < 0.05 * shape.sum()


@pytest.mark.parametrize("how", [{"every_frame": True}, {"hiding": True}], ids=lambda how: next(iter(how)))
def test_the_network_sees_every_frame(how: dict[str, bool]) -> None:
    finder = Knows()
    found(finder, **how)
    assert finder.seen == list(range(COUNT))


def test_without_a_filter_the_network_sees_every_frame() -> None:
    finder = Knows()
    _, masks = found(finder, 0.0)
    assert finder.seen == list(range(COUNT))
    for mask, shape in zip(masks, SHAPES, strict=True):
        np.testing.assert_array_equal(mask, shape)


def test_a_gpu_sees_every_frame() -> None:
    finder = KnowsMany()
    found(finder)
    assert finder.seen == list(range(COUNT))


def test_flicker_is_measured_of_all_frames_and_before_it_of_those_that_were_seen() -> None:
    before, after = found(Knows(), measure=True)[0].flicker()
    assert before is not None and after is not None
    seen, _ = found(Knows(), measure=True, every_frame=True)[0].flicker()
    assert seen is not None and 0 < before < 2 * seen
