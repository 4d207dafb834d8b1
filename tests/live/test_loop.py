"""Live pictures, from fake cameras into fake outputs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from queue import Queue
from threading import Event, Thread

import numpy as np
import pytest

from standout.editing import Edge, Edit
from standout.effects import Anonymize, Color, Matte
from standout.errors import InputError, OutputError
from standout.live import latest, loop
from standout.live.latest import LatestFrame
from standout.live.loop import BLANK, UNTOUCHED, Controls, Live, Pace
from standout.types import Image, Mask, Picture
from tests.fakes import LeftHalf, Plain
from tests.waiting import LIMIT, until

SECRET = (10, 200, 90)
"""The colour of what is behind the people: nobody may ever see it."""


def frame(number: int = 0) -> np.ndarray:
    """The left half a person of a level that tells the number, the right half the room."""
    image = np.full((48, 64, 3), SECRET, np.uint8)
    image[:, :32] = 100 + number
    return image


RED = Color("red", decontaminate=False)


def shown_by(paint: Callable[[Image, Mask, Fraction], Picture]) -> Edit:
    return Edit(Plain(paint))


class Shows:
    """A sink that keeps what it is given; after calls what is to happen then."""

    def __init__(self, after: Callable[[int], None] = lambda count: None) -> None:
        self.pictures: list[np.ndarray] = []
        self.after = after

    def show(self, picture: Picture) -> None:
        self.pictures.append(picture.copy())
        self.after(len(self.pictures))

    @property
    def kinds(self) -> list[str]:
        """What each picture is."""
        return [kind(picture) for picture in self.pictures]


def kind(picture: np.ndarray) -> str:
    room = picture[:, 40:].reshape(-1, 3)
    if (picture == BLANK).all():
        return "blank"
    if (room == (255, 0, 0)).all():
        return "red"
    if (room == SECRET).all():
        return "RAW"
    return "other"


def stepwise(images: Iterable[Image], shows: Shows) -> Generator[Image, None, None]:
    """A camera whose next frame comes once the last one's picture is shown; that of its first one is blank."""
    for count, image in enumerate(images, 1):
        yield image
        until(lambda count=count: len(shows.pictures) >= count, "the picture of the last frame was shown")


LIVE = Live(lambda: LeftHalf(), {"red": Edit(RED)}, half_life=0.0)


class Clock:
    """Time that moves on where a test says so, however busy the machine is."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def takes(self, seconds: float) -> LeftHalf:
        """A model that takes so long for a frame."""

        class Takes(LeftHalf):
            def probability(model, image: Image) -> Mask:
                self.now += seconds
                return super().probability(image)

        return Takes()

    def stop(self) -> Event:
        """For Controls: waiting for it takes the time it would, at once."""

        class Stop(Event):
            def wait(event, timeout: float | None = None) -> bool:
                self.now += timeout or 0.0
                return event.is_set()

        return Stop()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    for module in (loop, latest):
        monkeypatch.setattr(module, "monotonic", one)
    return one


def run(one: Live, images: Iterable[Image], controls: Controls | None = None) -> tuple[Pace, Shows]:
    shows = Shows()
    pace = one.run(stepwise(images, shows), [shows], controls or Controls("red"))
    return pace, shows


def test_pictures_between_two_blank_ones(clock: Clock) -> None:
    pace, shows = run(replace(LIVE, load=lambda: clock.takes(1 / 64)), [frame(n) for n in range(5)])
    assert shows.kinds == ["blank", "red", "red", "red", "red", "blank"]
    assert [int(picture[9, 9, 0]) for picture in shows.pictures[1:-1]] == [101, 102, 103, 104], "in order"
    assert (pace.seen, pace.shown, pace.blank) == (4, 4, 0)
    assert (pace.fps, pace.latency) == (64, 1 / 64)


def test_whoever_is_hidden_stays_hidden_where_the_model_loses_them() -> None:
    class Blinks(LeftHalf):
        seen = 0

        def probability(self, image: Image) -> Mask:
            self.seen += 1
            return super().probability(image) * np.float32(0.2 * (self.seen not in (2, 3)))

    hiding = Edit(Anonymize("silhouette", color="black", margin=0))
    finder = Blinks()
    one = replace(LIVE, load=lambda: finder, edits={"hide": hiding})
    _, shows = run(one, [frame(n) for n in range(6)], Controls("hide"))
    pictures = shows.pictures[1:-1]
    assert len(pictures) == 5 and all(not picture[:, :28].any() for picture in pictures)
    assert all((picture[:, 40:] == SECRET).all() for picture in pictures)


def test_the_newest_frame_wins_and_none_queues() -> None:
    """While one frame is in work, nine come: the next picture is of the last."""
    feed: Queue[Image | None] = Queue()
    working, go_on = Event(), Event()

    class Slow(LeftHalf):
        def probability(self, image: Image) -> Mask:
            working.set()
            assert go_on.wait(LIMIT)
            return super().probability(image)

    def arrive() -> Iterator[Image]:
        while (image := feed.get()) is not None:
            yield image

    def after(count: int) -> None:
        if count == 1:
            feed.put(frame(1))
            Thread(target=more, daemon=True).start()

    def more() -> None:
        assert working.wait(LIMIT)
        for number in range(2, 11):
            feed.put(frame(number))
        feed.put(None)
        until(feed.empty, "all frames were taken")  # the last but None is in store before None is asked for
        go_on.set()

    shows = Shows(after)
    feed.put(frame(0))
    pace = replace(LIVE, load=Slow).run(arrive(), [shows], Controls("red"))
    assert [int(picture[9, 9, 0]) for picture in shows.pictures[1:-1]] == [101, 110]
    assert (pace.seen, pace.shown) == (10, 2)


def test_only_who_asks_for_it_by_name_is_shown_as_is() -> None:
    class Never:
        def probability(self, image: Image) -> Mask:
            raise AssertionError("nothing is to be looked for")

    _, shows = run(replace(LIVE, load=Never), [frame()] * 3, Controls(UNTOUCHED))
    assert shows.kinds == ["blank", "RAW", "RAW", "blank"]


def test_mirrored_before_the_effect() -> None:
    """So that a background, and writing in it, stays as it is."""

    def marked(image: Image, mask: Mask, time: Fraction) -> Picture:
        picture = RED(image, mask, time).copy()
        picture[:4, :4] = (0, 0, 255)
        return picture

    class RightHalf:
        def probability(self, image: Image) -> Mask:
            return LeftHalf().probability(image)[:, ::-1].copy()

    one = replace(LIVE, load=RightHalf, edits={"red": shown_by(marked)})
    _, shows = run(one, [frame()] * 2, Controls("red", mirrored=True))
    shown = shows.pictures[1]
    assert (shown[:4, :4] == (0, 0, 255)).all(), "the background as it is"
    assert (shown[9:, :24] == (255, 0, 0)).all() and (shown[9:, 40:] == 100).all(), "the person on the other side"


def test_effects_change_on_the_way_and_begin_anew(clock: Clock) -> None:
    begun: list[Fraction] = []

    def times(image: Image, mask: Mask, time: Fraction) -> Picture:
        begun.append(time)
        return np.full_like(image, 77)

    controls = Controls("red")
    shows = Shows(lambda count: setattr(controls, "effect", "clock" if count in (2, 3, 5) else "red"))
    one = replace(LIVE, load=lambda: clock.takes(0.25), edits={"red": Edit(RED), "clock": shown_by(times)})
    one.run(stepwise([frame()] * 6, shows), [shows], controls)
    assert shows.kinds == ["blank", "red", "other", "other", "red", "other", "blank"]
    assert begun == [0, Fraction(1, 4), 0]


def test_an_effects_clock_skips_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a background clip need not be decoded for what nobody saw of it."""
    times: list[Fraction] = []

    def scene(image: Image, mask: Mask, time: Fraction) -> Picture:
        times.append(time)
        return RED(image, mask, time)

    work = loop._Frames(replace(LIVE, edits={"red": shown_by(scene)}), LeftHalf(), Controls("red"))
    for taken in (100.0, 100.5, 700.5, 700.75):
        work(frame(), taken)
    assert times == [0, Fraction(1, 2), Fraction(3, 2), Fraction(7, 4)]


def test_masks_are_steadied(clock: Clock) -> None:
    class Flickers:
        count = 0

        def probability(self, image: Image) -> Mask:
            self.count += 1
            return np.full((24, 32), 0.3 if self.count % 2 else 0.7, np.float32)

    def ticking() -> Iterator[Image]:
        for _ in range(12):
            clock.now += 1 / 32
            yield frame()

    def levels(half_life: float) -> np.ndarray:
        one = replace(
            LIVE, load=Flickers, half_life=half_life, edits={"mask": Edit(Matte(), edge=Edge(refine=False))}
        )  # fmt: skip
        _, shows = run(one, ticking(), Controls("mask"))
        return np.array([picture.mean() for picture in shows.pictures[1:-1]])

    assert np.abs(np.diff(levels(0.0))).min() > 80
    assert np.abs(np.diff(levels(0.5))[5:]).max() < 30


def test_the_network_need_not_see_every_frame(clock: Clock) -> None:
    """Of a scene that can be followed it sees every other, even at 16 frames a second; where people are hidden, all."""

    class Counts(LeftHalf):
        seen = 0

        def probability(self, image: Image) -> Mask:
            self.seen += 1
            return super().probability(image)

    def ticking() -> Iterator[Image]:
        for _ in range(13):
            clock.now += 1 / 16
            yield frame()

    def seen(edit: Edit) -> int:
        finder = Counts()
        _, shows = run(
            replace(LIVE, load=lambda: finder, edits={"one": edit}, half_life=0.2), ticking(), Controls("one")
        )  # fmt: skip
        assert len(shows.pictures) == 14
        return finder.seen

    assert seen(Edit(RED)) == 6
    assert seen(Edit(Anonymize("silhouette", color="black", margin=0))) == 12


def test_a_grey_effect_is_shown_in_three_channels_and_small() -> None:
    one = replace(LIVE, max_side=32, edits={"mask": Edit(Matte())})
    _, shows = run(one, [frame()] * 2, Controls("mask"))
    assert [picture.shape for picture in shows.pictures] == [(24, 32, 3)] * 3
    assert shows.pictures[1][:, :12].min() == 255 and shows.pictures[1][:, 20:].max() == 0


def test_it_ends_by_itself(clock: Clock) -> None:
    pace, shows = run(replace(LIVE, frames=3), [frame()] * 99)
    assert pace.shown == 3 and len(shows.pictures) == 5
    one = replace(LIVE, load=lambda: clock.takes(1 / 64), seconds=0.25)
    pace, _ = run(one, (frame() for _ in range(10**9)))
    assert (pace.seconds, pace.shown) == (0.25, 16)


def test_no_more_pictures_a_second_than_asked_for(clock: Clock) -> None:
    one = replace(LIVE, rate=16.0, seconds=0.5)
    pace, _ = run(one, (frame() for _ in range(10**9)), Controls("red", stop=clock.stop()))
    assert pace.shown == 9, "at 0, 1/16, ..., 8/16 s"


def test_stopped_from_outside() -> None:
    controls = Controls("red")
    shows = Shows(lambda count: controls.stop.set() if count == 4 else None)
    pace = LIVE.run(stepwise([frame()] * 99, shows), [shows], controls)
    assert pace.shown == 3 and shows.kinds[-1] == "blank"


def test_the_pace_is_told(clock: Clock) -> None:
    told: list[Pace] = []
    one = replace(LIVE, load=lambda: clock.takes(1 / 16), told=told.append, seconds=2.5)
    run(one, (frame() for _ in range(10**9)))
    assert [(pace.fps, pace.shown, pace.seconds) for pace in told] == [(16, 16, 1), (16, 32, 2)]


def test_a_camera_that_breaks_off_is_told_after_a_blank_picture() -> None:
    closed = Event()

    def camera(shows: Shows) -> Generator[Image, None, None]:
        try:
            yield from stepwise([frame()] * 3, shows)
            raise InputError("camera 0 gives no more pictures")
        finally:
            closed.set()

    shows = Shows()
    with pytest.raises(InputError, match="gives no more pictures"):
        LIVE.run(camera(shows), [shows], Controls("red"))
    assert shows.kinds == ["blank", "red", "red", "blank"] and closed.wait(LIMIT)


def test_a_camera_without_a_single_picture() -> None:
    pace, shows = run(LIVE, [])
    assert shows.pictures == [] and pace == Pace()


def test_a_camera_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "STALLED", 0.2)
    hold = Event()

    def silent() -> Iterator[Image]:
        hold.wait(LIMIT)
        yield frame()

    with pytest.raises(InputError, match=r"no picture came for 0.2 s; is the camera in use"):
        LatestFrame(silent()).take(Event())
    hold.set()


def test_the_camera_is_let_go_whatever_happens() -> None:
    closed = Event()

    def camera() -> Generator[Image, None, None]:
        try:
            while True:
                yield frame()
        finally:
            closed.set()

    class Full:
        def show(self, picture: Picture) -> None:
            raise OutputError("/dev/video9 takes no pictures")

    with pytest.raises(OutputError, match="takes no pictures"):
        LIVE.run(camera(), [Full()], Controls("red"))
    assert closed.wait(LIMIT)
