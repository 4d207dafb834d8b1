"""What is behind the people of a clip or a camera, while it lasts: an effect, or a clip that moves behind them.

    image, mask   as in compose.py          a frame and its mask
    time          Fraction                  seconds from the first frame
    Scene         (image, mask, time) -> Picture

A plain function is a scene. One that holds something open, or must be told something, has more methods, each of them
optional: match(colors), before the first frame; look_up(time), in the order of the frames; and close(), after the last
one. Use begun, which closes it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from standout import video
from standout.effects import compose
from standout.effects.compose import before_white
from standout.errors import InputError
from standout.support.pipeline import ahead
from standout.types import Image, Mask, Picture

Scene: TypeAlias = Callable[[Image, Mask, Fraction], Picture]
"""An effect that may move: it is told the frame's time, in seconds from the first one's."""

Put: TypeAlias = Callable[[Image, Mask, Image], Picture]
"""Image, mask and background -> picture."""


@runtime_checkable
class Closes(Protocol):
    """A scene that holds files or threads, which close lets go. It may be called twice."""

    def close(self) -> None:
        """Lets go of all that was opened; the scene makes no more pictures."""


@runtime_checkable
class LooksUp(Protocol):
    """A scene that must see the frames' times in their order, though pictures may be made out of turn."""

    def look_up(self, time: Fraction) -> None:
        """Prepares the picture of the frame at that time."""


@runtime_checkable
class Matches(Protocol):
    """A scene that brings colors of its own, of sRGB unless it is told otherwise."""

    def match(self, colors: video.Colors) -> None:
        """From now on, what it puts behind looks the same in a clip whose numbers mean this."""


def close(scene: Scene) -> None:
    """Closes the scene, if it is one that holds something open."""
    if isinstance(scene, Closes):
        scene.close()


@contextmanager
def begun(make: Callable[[], Scene], *, colors: video.Colors | None = None) -> Iterator[Scene]:
    """A new scene, closed at the end of the block. colors: of the frames; None = sRGB."""
    scene = make()
    try:
        if colors is not None and isinstance(scene, Matches):
            scene.match(colors)
        yield scene
    finally:
        close(scene)


class Before:
    """A scene before a picture that stands still, of sRGB; a single pixel may stand for a color."""

    def __init__(self, behind: Image, *, put: Put) -> None:
        self._given = self._behind = behind
        self._put = put

    def match(self, colors: video.Colors) -> None:
        """See Matches."""
        convert = video.converter(video.SRGB, colors)
        self._behind = self._given if convert is None else convert(self._given)

    def __call__(self, image: Image, mask: Mask, time: Fraction) -> Picture:
        """The picture of a frame."""
        return self._put(image, mask, self._behind)


def moving(path: Path, *, put: Put) -> Moving:
    """A scene whose background is another clip, from its beginning, over and over where it is shorter."""
    return Moving(path, put)


class Moving:
    """See moving. Backgrounds are looked up in the order of their times; pictures may be made out of turn.

    It holds the clip open, and a thread that decodes it ahead, until it is closed.
    """

    def __init__(self, path: Path, put: Put) -> None:
        self._path, self._put = path, put
        self._wanted = Fraction(0)
        self._wants, self._has = video.SRGB, video.SRGB
        self._feed = ahead(self._frames(), depth=2)
        self._shown = self._next = self._following()
        self._behind: dict[Fraction, Image] = {}

    def match(self, colors: video.Colors) -> None:
        """See Matches."""
        self._wants = colors

    def look_up(self, time: Fraction) -> None:
        """The background of the frame at that time is known from now on."""
        self._wanted = time
        while self._next[0] <= time:
            self._shown, self._next = self._next, self._following()
        self._behind[time] = self._shown[1]

    def __call__(self, image: Image, mask: Mask, time: Fraction) -> Picture:
        """The picture of the frame at that time."""
        if time not in self._behind:
            self.look_up(time)
        behind, convert = self._behind.pop(time), video.converter(self._has, self._wants)
        return self._put(image, mask, behind if convert is None else convert(behind))

    def close(self) -> None:
        """Lets go of the clip and of the thread that decodes it."""
        self._feed.close()
        self._behind.clear()

    def _following(self) -> tuple[Fraction, Image]:
        try:
            return next(self._feed)
        except StopIteration:  # it was closed, or failed before
            raise InputError(f"background {self._path} cannot be read further; begin anew") from None

    def _frames(self) -> Generator[tuple[Fraction, Image], None, None]:
        begun = Fraction(0)
        with video.open_clip(self._path) as clip:
            self._has = clip.colors
            while True:
                last = None
                for frame in clip.frames():
                    last = frame.time
                    seen: Picture = frame.image
                    if frame.alpha is not None:
                        seen = before_white(compose.with_alpha(frame.image, frame.alpha))
                    yield begun + frame.time, seen
                if last is None:
                    raise InputError(f"background {self._path} holds no frame that can be read; give another clip")
                length = last + 1 / clip.rate
                unseen = (self._wanted - begun) // length - 1  # whole rounds, where a clip is gone on with after hours
                begun += length * max(1, unseen)
