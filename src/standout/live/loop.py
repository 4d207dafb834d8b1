"""Live pictures: the latest frame in, and its edited picture out, as fast as the machine allows.

    frames    Iterator[Image]    uint8 (H, W, 3) RGB, as a camera gives them; when they end, the run ends
    picture   uint8 (H, W, 3)    RGB, what the sinks show
    Pace      frames per second, latency in seconds, and how many frames were left out

What is shown is either a finished picture or a blank one, never the camera's own frame. The picture is blank while the
model is loaded, while the run is paused, where the work on a frame fails, and at the end. The one exception is the
effect UNTOUCHED, which must be asked for by name.

Frames never queue: those that arrive while another is in work are left out. To add an output: a class like Sink.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median
from threading import Event
from time import monotonic
from typing import Protocol

import cv2
import numpy as np

from standout.editing import Edit
from standout.effects.compose import before_white
from standout.errors import InputError, ModelError
from standout.live.latest import LatestFrame, Shot
from standout.masks.people import shrink
from standout.masks.temporal import TemporalFilter
from standout.masks.window import REACH, largest
from standout.types import Image, Mask, PersonFinder, Picture, PlanarFrame, Planes

UNTOUCHED = "none"
"""The effect that shows frames as they are."""

BLANK = 32
"""Level of the blank picture, of 255."""

GIVE_UP = 30
"""Frames that fail one after another until the run ends: a second or so of blank pictures."""

LONGEST_STEP = Fraction(1)
"""Most seconds by which an effect's clock moves in one frame, so that a background clip skips no pause."""

CARRIED = Fraction(1, 10)
"""Seconds over which a mask is carried at most. A machine that manages few frames a second needs it the most."""

_RECENT = 120
"""Pictures over which the pace is averaged: those of a few seconds."""


class Sink(Protocol):
    """What shows pictures."""

    def show(self, picture: Picture) -> None:
        """Shows the next picture (H, W, 3), and returns once it is handed over. Raises OutputError."""


@dataclass
class Controls:
    """What may change while pictures run, from any thread; each field is read once a frame."""

    effect: str
    mirrored: bool = False
    paused: bool = False
    stop: Event = field(default_factory=Event)


@dataclass(frozen=True)
class Pace:
    """The pace of a run.

    seen: frames that arrived between the first and the last picture. shown: pictures that were shown. blank: those of
    them that are blank because the work on their frame failed. seconds: since the first picture. fps, latency: over the
    last few seconds; the latency is the time from a frame's arrival to its picture, in seconds.
    """

    seen: int = 0
    shown: int = 0
    blank: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    latency: float = 0.0

    def __str__(self) -> str:
        """One line.

        >>> str(Pace(seen=90, shown=60, seconds=3.0, fps=20.0, latency=0.0412))
        '20.0 fps, 41 ms from camera to picture, 33 % of frames left out'
        """
        left_out = max(0.0, 1 - self.shown / self.seen) if self.seen else 0.0
        failed = f", {self.blank} failed and blank" if self.blank else ""
        took = f"{1000 * self.latency:.0f} ms from camera to picture"
        return f"{self.fps:.1f} fps, {took}, {100 * left_out:.0f} % of frames left out{failed}"


@dataclass(frozen=True)
class Live:
    """A run of live pictures.

    load: returns what finds the people; it is called once the outputs are blank. edits: the edits to choose from, by
    the name of their effect. half_life: of the temporal filter, in seconds. max_side: the longer side to which frames
    are scaled down. rate: the most pictures per second. frames, seconds: after how many pictures, or after how long,
    the run ends by itself. told: called with the pace once a second. warned: called with the reason why the first of
    several frames failed.
    """

    load: Callable[[], PersonFinder]
    edits: Mapping[str, Edit]
    half_life: float
    max_side: int | None = None
    rate: float | None = None
    frames: int | None = None
    seconds: float | None = None
    told: Callable[[Pace], None] = lambda pace: None
    warned: Callable[[str], None] = lambda reason: None

    def run(self, frames: Iterator[Image], sinks: Sequence[Sink], controls: Controls) -> Pace:
        """Pictures into the sinks until the frames end, controls.stop is set, or enough were made; the last is blank.

        Raises what frames raised; InputError where none comes for a long time; ModelError where GIVE_UP frames
        failed one after another; OutputError of a sink.
        """
        newest, meter = LatestFrame(frames), _Meter()
        blank: Picture | None = None
        work: _Frames | None = None
        try:
            first = newest.take(controls.stop)
            if first is None:
                return meter.pace()
            blank = np.full_like(self._scaled(first.image), BLANK)
            _show(sinks, blank)
            work = _Frames(self, self.load(), controls)
            meter.begin()
            while not self._enough(meter):
                controls.stop.wait(meter.early(self.rate))
                shot = newest.take(controls.stop)
                if shot is None:
                    break
                picture = work(self._scaled(shot.image), shot.taken)
                _show(sinks, picture)
                if meter.count(shot, failed=work.failed > 0):
                    self.told(meter.pace())
            return meter.pace()
        finally:
            if blank is not None:
                for sink in sinks:
                    with contextlib.suppress(Exception):  # one that is broken has said so above
                        sink.show(blank)
            if work is not None:
                work.close()
            newest.close()

    def _scaled(self, image: Image) -> Image:
        return image if self.max_side is None else shrink(image, self.max_side)

    def _enough(self, meter: _Meter) -> bool:
        if self.frames is not None and meter.shown >= self.frames:
            return True
        return self.seconds is not None and meter.seconds >= self.seconds


def _show(sinks: Sequence[Sink], picture: Picture) -> None:
    for sink in sinks:
        sink.show(picture)


class _Frames:
    """Frame -> the picture that is shown for it, which is blank where anything fails. failed: failures in a row."""

    def __init__(self, live: Live, finder: PersonFinder, controls: Controls) -> None:
        from standout.segmenter import side_seen_by  # what made the finder has loaded it

        self.failed = 0
        self._live, self._finder, self._controls = live, finder, controls
        self._seen = side_seen_by(finder)
        self._filter = TemporalFilter(live.half_life, longest=CARRIED)
        self._follower = next(iter(live.edits.values()), Edit()).follower(waits=True)
        self._recent: deque[Mask] = deque(maxlen=2 * REACH)  # there are no frames ahead, so twice as many behind
        self._begun: float | None = None
        self._last = Fraction(0)
        self._clock = Fraction(0)
        self._running: tuple[str, Edit] | None = None

    def __call__(self, image: Image, taken: float) -> Picture:
        if self._controls.paused:
            self.failed = 0
            return np.full_like(image, BLANK)
        try:
            picture = self._picture(image, taken)
        except Exception as error:  # whatever failed, the frame itself must not be seen
            self._failed(error)
            return np.full_like(image, BLANK)
        self.failed = 0
        return picture

    def _failed(self, error: Exception) -> None:
        self.failed += 1
        reason = f"{type(error).__name__}: {error}"
        if self.failed == 1:
            self._live.warned(reason)
        if self.failed >= GIVE_UP:
            raise ModelError(f"{GIVE_UP} frames failed one after another ({reason}); STANDOUT_DEBUG=1 tells more")

    def _picture(self, image: Image, taken: float) -> Picture:
        if self._controls.mirrored:
            image = np.asarray(cv2.flip(image, 1), np.uint8)
        name = self._controls.effect
        if name == UNTOUCHED:
            return image
        time = self._time(taken)
        edit = self._edit(name)
        small = image if edit.effect.hides_people else shrink(image, self._seen)  # hidden are also those far away
        found = self._follower(self._found(edit, small, time), image, time)
        if edit.takes_planes:
            frame = PlanarFrame(small, self._clock, planes=image)
            made = edit.effect.on_planes(frame, edit.mask_of_planes(found, frame))
            assert not isinstance(made, Planes), "a frame in RGB becomes a picture in RGB"
            picture = made
        else:
            picture = edit.painted(image, edit.mask(found, image), self._clock)
        if picture.shape[2] == 1:
            picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB), np.uint8)
        picture = before_white(picture)
        if picture.shape != image.shape or picture.dtype != np.uint8:
            raise InputError(f"{name} made {picture.dtype} {picture.shape}; wanted uint8 {image.shape}")
        return picture

    def _found(self, edit: Edit, small: Image, time: Fraction) -> Mask:
        """Where people are (h, w), filtered over time; the network need not see every frame."""
        hides = edit.effect.hides_people
        if not hides and (carried := self._filter.carried(small, time)) is not None:
            return carried
        coarse = edit.finder(self._finder).probability(small)
        if coarse.ndim != 2 or not coarse.size or not np.isfinite(coarse).all():  # OpenCV would crash, or show anything
            raise ModelError(
                f"the model's mask is {coarse.shape}, or holds numbers that are none; wanted (h, w) of 0..1"
            )
        found = self._filter(coarse, small, time)
        if hides:
            found = largest(found, [coarse, *self._recent])
        self._recent.append(coarse)
        return found

    def _time(self, taken: float) -> Fraction:
        """Seconds since the first frame; moves the effect's clock on."""
        if self._begun is None:
            self._begun = taken
        time = Fraction(round((taken - self._begun) * 1000), 1000)
        self._clock += min(LONGEST_STEP, time - self._last)
        self._last = time
        return time

    def _edit(self, name: str) -> Edit:
        """The edit of that name, its effect at its beginning where another one was shown before."""
        if self._running is None or self._running[0] != name:
            self.close()
            self._clock = Fraction(0)
            self._running = name, self._live.edits[name].fresh()
        return self._running[1]

    def close(self) -> None:
        """The effect in use lets go of what it opened."""
        running, self._running = self._running, None
        if running is not None:
            running[1].effect.close()


class _Meter:
    """Counts pictures and times them."""

    def __init__(self) -> None:
        self.shown = self.blank = 0
        self._numbers: tuple[int, int] | None = None  # of the first frame and the last
        self._began = self._last_told = monotonic()
        self._due = 0.0
        self._recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)

    @property
    def seconds(self) -> float:
        return monotonic() - self._began

    def begin(self) -> None:
        self._began = self._last_told = self._due = monotonic()

    def early(self, rate: float | None) -> float:
        """Seconds until the next picture may be begun, where so many a second are the most."""
        if rate is None:
            return 0.0
        now = monotonic()
        wait = max(0.0, self._due - now)
        self._due = max(self._due, now) + 1 / rate
        return wait

    def count(self, shot: Shot, *, failed: bool) -> bool:
        """Counts one picture, and says whether it is time to tell the pace."""
        now = monotonic()
        self.shown += 1
        self.blank += failed
        self._numbers = (self._numbers or (shot.number, 0))[0], shot.number
        self._recent.append((now, now - shot.taken))
        if now - self._last_told < 1:
            return False
        self._last_told = now
        return True

    def pace(self) -> Pace:
        """The pace, over the last few seconds."""
        if self._numbers is None:
            return Pace()
        span = self._recent[-1][0] - self._recent[0][0]
        fps = (len(self._recent) - 1) / span if span > 0 else 0.0
        late = median(latency for _, latency in self._recent)
        seen = self._numbers[1] - self._numbers[0] + 1
        return Pace(seen, self.shown, self.blank, self.seconds, fps, late)
