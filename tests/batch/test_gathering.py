"""A GPU is shown several images in one call; a fake one is, too."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from standout.batch.gathering import gathered
from standout.effects import Color
from standout.errors import InputError
from standout.types import Image, Mask
from tests.batch.test_clip import decoded, task
from tests.fakes import LeftHalf, clip_job
from tests.video.drawn import Made, make, picture
from tests.waiting import LIMIT, until


class Many(LeftHalf):
    """A network that takes up to four images; it says how many it was shown, and refuses black ones."""

    batch = 4

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.first, self.go = Event(), Event()

    def probabilities(self, images: Sequence[Image]) -> list[Mask]:
        self.sizes.append(len(images))
        if not self.first.is_set():  # the first call lasts until all others wait
            self.first.set()
            assert self.go.wait(LIMIT)
        if any(not image.any() for image in images):
            raise InputError("black")
        return [np.full((2, 2), image[0, 0, 0], np.float32) for image in images]


class Prepares(Many):
    """A network that is shown half of each image, which it lets others make; black ones it refuses there."""

    def prepared(self, image: Image) -> Image:
        if not image.any():
            raise InputError("black")
        return image // 2


def flat(level: int) -> Image:
    return np.full((8, 8, 3), level, np.uint8)


def test_images_of_several_threads_are_seen_together_and_errors_stay_apart() -> None:
    many = Many()
    finder = gathered(many)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(finder.probability, flat(1))
        assert many.first.wait(LIMIT)
        others = [pool.submit(finder.probability, flat(level)) for level in (2, 3, 0, 5, 6, 7, 8, 9)]
        until(lambda: len(finder._waiting) == 8, "all wait for the network")  # type: ignore[attr-defined]
        many.go.set()
        assert first.result(LIMIT)[0, 0] == 1
        for level, one in zip((2, 3, 0, 5, 6, 7, 8, 9), others, strict=True):
            if level:
                assert one.result(LIMIT)[0, 0] == level, "each thread gets the mask of its own image"
            else:
                with pytest.raises(InputError, match="black"):
                    one.result(LIMIT)
    assert sorted(many.sizes) == [1, 1, 1, 1, 1, 4, 4], "two full calls, and the four with a black one once more apart"


def test_images_are_prepared_while_the_network_is_at_work_for_others() -> None:
    finder = gathered(network := Prepares())
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(finder.probability, flat(2))
        assert network.first.wait(LIMIT)
        second, black = pool.submit(finder.probability, flat(4)), pool.submit(finder.probability, flat(0))
        with pytest.raises(InputError, match="black"):
            black.result(LIMIT)
        network.go.set()
        assert (first.result(LIMIT)[0, 0], second.result(LIMIT)[0, 0]) == (1, 2)
    assert network.sizes == [1, 1], "what is refused does not reach the network"


def test_a_network_that_takes_one_image_is_asked_as_it_is() -> None:
    finder = LeftHalf()
    assert gathered(finder) is finder


def test_frames_of_a_clip_are_seen_together(tmp_path: Path) -> None:
    class Halves(Many):
        def probabilities(self, images: Sequence[Image]) -> list[Mask]:
            self.sizes.append(len(images))
            return [self.probability(image) for image in images]

    source, many, effect = make(tmp_path / "in.mp4", Made([picture(n) for n in range(10)])), Halves(), Color("red")
    clip_job(many, effect)(task(source, tmp_path / "together.mp4"))
    clip_job(LeftHalf(), effect)(task(source, tmp_path / "alone.mp4"))
    assert many.sizes == [4, 4, 2]
    for one, other in zip(decoded(tmp_path / "together.mp4"), decoded(tmp_path / "alone.mp4"), strict=True):
        np.testing.assert_array_equal(one, other)
