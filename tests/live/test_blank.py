"""Nobody sees the room: whatever fails, and whenever, live pictures are finished or blank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from threading import Event

import numpy as np
import pytest

from standout.errors import InputError, ModelError
from standout.live.loop import GIVE_UP, Controls
from standout.types import Image, Mask, Picture
from tests.fakes import LeftHalf
from tests.live.test_loop import LIVE, RED, Shows, frame, shown_by, stepwise
from tests.waiting import LIMIT


def test_while_the_model_is_loaded() -> None:
    shows, seen, arrived = Shows(), [], Event()

    def camera() -> Iterator[Image]:
        yield from (frame(n) for n in range(20))
        arrived.set()

    def load() -> LeftHalf:
        assert arrived.wait(LIMIT), "all frames arrive meanwhile"
        seen.extend(shows.kinds)
        return LeftHalf()

    replace(LIVE, load=load).run(camera(), [shows], Controls("red"))
    assert seen == ["blank"]
    assert "RAW" not in shows.kinds


def test_where_the_model_cannot_be_loaded() -> None:
    def load() -> LeftHalf:
        raise ModelError("it is damaged")

    shows = Shows()
    with pytest.raises(ModelError, match="it is damaged"):
        replace(LIVE, load=load).run(stepwise([frame(), frame()], shows), [shows], Controls("red"))
    assert shows.kinds == ["blank", "blank"]


@pytest.mark.parametrize("where", ["network", "no numbers", "wrong mask", "effect", "wrong effect", "no such effect"])
def test_where_a_frame_fails(where: str) -> None:
    """Frames 3 and 4 fail; what comes after them is shown again."""

    def fails(image: Image) -> bool:
        return int(image[0, 0, 0]) in (103, 104)

    class Finds(LeftHalf):
        def probability(self, image: Image) -> Mask:
            if where == "network" and fails(image):
                raise RuntimeError("out of memory")
            if where == "wrong mask" and fails(image):
                return np.zeros((0, 0), np.float32)
            mask = super().probability(image)
            return mask * np.float32(np.nan) if where == "no numbers" and fails(image) else mask

    def scene(image: Image, mask: Mask, time: Fraction) -> Picture:
        if where == "effect" and fails(image):
            raise ValueError("no such colour")
        return RED(image, mask, time)[:, : 40 if where == "wrong effect" and fails(image) else 64]

    warned: list[str] = []
    shows, controls = Shows(), Controls("red")
    if where == "no such effect":
        shows.after = lambda count: setattr(controls, "effect", "gone" if count in (3, 4) else "red")
    one = replace(LIVE, load=Finds, edits={"red": shown_by(scene)}, warned=warned.append)
    pace = one.run(stepwise([frame(n) for n in range(7)], shows), [shows], controls)
    assert shows.kinds == ["blank", "red", "red", "blank", "blank", "red", "red", "blank"]
    assert pace.blank == 2 and len(warned) == 1, "one warning for frames that fail in a row"
    assert "2 failed and blank" in str(pace)


def test_where_all_frames_fail() -> None:
    class Broken(LeftHalf):
        def probability(self, image: Image) -> Mask:
            raise RuntimeError("device lost")

    shows = Shows()
    with pytest.raises(ModelError, match=rf"{GIVE_UP} frames failed one after another \(RuntimeError: device lost\)"):
        replace(LIVE, load=Broken).run(stepwise([frame()] * 99, shows), [shows], Controls("red"))
    assert set(shows.kinds) == {"blank"} and len(shows.pictures) == GIVE_UP + 1


def test_by_chance() -> None:
    """Anything fails at any time, in any order."""
    chance = np.random.default_rng(0)

    class Moody(LeftHalf):
        def probability(self, image: Image) -> Mask:
            if chance.random() < 0.3:
                raise (RuntimeError, MemoryError, KeyError, InputError)[chance.integers(4)]("no")
            return super().probability(image)

    def scene(image: Image, mask: Mask, time: Fraction) -> Picture:
        if chance.random() < 0.3:
            raise ZeroDivisionError
        return RED(image, mask, time)

    controls = Controls("red")
    shows = Shows(lambda count: setattr(controls, "paused", bool(chance.random() < 0.2)))
    one = replace(LIVE, load=Moody, edits={"red": shown_by(scene)})
    one.run(stepwise([frame(n % 50) for n in range(200)], shows), [shows], controls)
    assert set(shows.kinds) == {"red", "blank"} and len(shows.pictures) > 150


def test_when_interrupted() -> None:
    shows = Shows()

    def after(count: int) -> None:
        if count == 3:
            raise KeyboardInterrupt

    shows.after = after
    with pytest.raises(KeyboardInterrupt):
        LIVE.run(stepwise([frame()] * 9, shows), [shows], Controls("red"))
    assert shows.kinds == ["blank", "red", "red", "blank"]


def test_while_paused() -> None:
    controls = Controls("red")
    shows = Shows(lambda count: setattr(controls, "paused", count in (2, 3)))
    pace = LIVE.run(stepwise([frame()] * 6, shows), [shows], controls)
    assert shows.kinds == ["blank", "red", "blank", "blank", "red", "red", "blank"]
    assert pace.blank == 0, "nothing failed"
