"""Hours before a camera, by a simulated clock: people come and go, and the effect changes, through the real loop.

Everything is real but the camera, the clock and the network, in whose place stands a finder of a few lines; pictures
are small, so that many thousands of frames take seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Semaphore

import cv2
import numpy as np

from standout.editing import Edit, People
from standout.effects import Anonymize, Blur, Color, Cut, Matte
from standout.live.loop import Controls, Live, Pace, Sink
from standout.types import Image, Mask, Picture

HEIGHT, WIDTH = 48, 64
TURN = 5
"""Frames for which a visitor stays; the next one looks different, and is somebody new."""


class Brightest:
    """A finder: what is much brighter than the wall is a person."""

    def probability(self, image: Image) -> Mask:
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), np.float32)[..., 2]
        return np.asarray(np.clip((cv2.blur(gray, (3, 3)) - 90) / 60, 0, 1)[::2, ::2], np.float32)


def scene(number: int) -> Image:
    """The frame of that number: a wall with noise, and most of the time a visitor, each of other colors."""
    visit, step = divmod(number, TURN)
    rng = np.random.default_rng(number % 97)
    image = rng.integers(20, 60, (HEIGHT, WIDTH, 3), np.uint8)
    if step < TURN - 2:
        left = 4 + (visit * 7 + 2 * step) % (WIDTH - 24)
        colors = np.random.default_rng(visit)
        for top, bottom in ((8, 20), (20, 34), (34, HEIGHT)):
            image[top:bottom, left : left + 14] = colors.integers(0, 255, 3)
            image[top:bottom, left : left + 14, int(colors.integers(3))] = 255
    return image


class Clock:
    """Time that moves on by a frame's length whenever a picture was shown."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 1000.0, step

    def __call__(self) -> float:
        return self.now


class InStep:
    """A camera whose next frame comes once the picture of the last one was shown to the sink, which is this as well."""

    def __init__(self, count: int, clock: Clock, each: Callable[[int], None]) -> None:
        self.shown = 0
        self.last: Picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self._count, self._clock, self._each = count, clock, each
        self._turn = Semaphore(0)

    def show(self, picture: Picture) -> None:
        self.last = picture
        self.shown += 1
        self._clock.now += self._clock.step
        self._each(self.shown)
        self._turn.release()

    def frames(self) -> Iterator[Image]:
        for number in range(self._count):
            yield scene(number)
            self._turn.acquire()


EFFECTS = (Blur(), Color("teal"), Cut(), Matte(), Anonymize("pixelate"))
EDITS = {one.name: Edit(one, People("largest")) for one in EFFECTS}

ROUND = 250
"""Frames after which all effects had their turn, mirrored and not."""


def soak(
    count: int, clock: Clock, *, each: Callable[[int], None] = lambda shown: None, sinks: Sequence[Sink] = ()
) -> Pace:
    """The pace of so many frames through the loop. each: called after every picture, with how many were shown."""
    controls = Controls("blur")
    names = list(EDITS)

    def shown(number: int) -> None:
        controls.effect = names[number // 25 % len(names)]
        controls.mirrored = number // 125 % 2 == 1
        each(number)

    camera = InStep(count, clock, shown)
    live = Live(Brightest, EDITS, half_life=0.2, warned=_fail)
    return live.run(camera.frames(), [camera, *sinks], controls)


def _fail(reason: str) -> None:
    raise AssertionError(reason)
