"""What stands behind the people: a picture that is read once, or a clip that runs from its beginning, over and over.

Still    a picture, brought into the color space of each photo or clip
Moving   a clip, brought into the color space of the clip before which it runs
"""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from standout.effects.space import Space
from standout.errors import InputError
from standout.types import Image, Mask, Photo, Picture

if TYPE_CHECKING:
    from standout.video import Colors


class Background(Protocol):
    """What Replace puts behind the people."""

    def open(self, *, max_pixels: int | None) -> tuple[str, ...]:
        """See Effect.open."""

    def look_up(self, time: Fraction) -> None:
        """See Effect.look_up."""

    def at(self, time: Fraction, space: Space, like: Image) -> tuple[Image, Mask | None]:
        """The pixels for the frame at that time, in its color space and for its depth, and their transparency."""

    def close(self) -> None:
        """See Effect.close."""


class Still:
    """A picture, read once for all photos and frames. It is converted anew only where the color space changes."""

    def __init__(self, source: Path | Photo) -> None:
        self._source = source
        self._photo = source if isinstance(source, Photo) else None
        self._converted: tuple[tuple[Space, int], Image] | None = None
        self._lock = Lock()

    def open(self, *, max_pixels: int | None) -> tuple[str, ...]:
        """See Effect.open. What a photo that was given as such says was told when it was read."""
        return () if isinstance(self._source, Photo) else self._read(max_pixels).warnings

    def look_up(self, time: Fraction) -> None:
        """See Effect.look_up."""

    def at(self, time: Fraction, space: Space, like: Image) -> tuple[Image, Mask | None]:
        """See Background."""
        from standout.images import MAX_PIXELS

        photo = self._photo or self._read(MAX_PIXELS)
        key = space, like.itemsize
        last = self._converted  # read once: another thread may change it
        if last is None or last[0] != key:  # folders mostly hold photos of one profile
            self._converted = last = key, space.still(photo, like)
        return last[1], photo.alpha

    def close(self) -> None:
        """See Effect.close."""
        self._converted = None

    def _read(self, max_pixels: int | None) -> Photo:
        from standout import images

        with self._lock:
            if self._photo is None:
                assert isinstance(self._source, Path), "anything else is a photo already"
                if not self._source.exists():
                    raise InputError(f"background {self._source} does not exist; give a picture to --background")
                self._photo = images.read(self._source, max_pixels=max_pixels)
            return self._photo


class Moving:
    """A clip, from its beginning, over and over where it is shorter.

    Frames are looked up in the order of their times; pictures may be made out of turn. It holds the clip open, and a
    thread that decodes it ahead, from first use until it is closed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wanted = Fraction(0)
        self._colors: Colors | None = None
        self._feed: Generator[tuple[Fraction, Image], None, None] | None = None
        self._closed = False
        self._shown = self._next = (Fraction(0), None)  # type: tuple[Fraction, Image | None]
        self._behind: dict[Fraction, Image] = {}

    def open(self, *, max_pixels: int | None) -> tuple[str, ...]:
        """See Effect.open."""
        from standout.support.pipeline import ahead

        if not self._path.exists():
            raise InputError(f"background {self._path} does not exist; give a picture or a clip to --background")
        if self._feed is None and not self._closed:
            self._feed = ahead(self._frames(), depth=2)
            self._shown = self._next = self._following()
        return ()

    def look_up(self, time: Fraction) -> None:
        """See Effect.look_up."""
        self.open(max_pixels=None)
        self._wanted = time
        while self._next[0] <= time:
            self._shown, self._next = self._next, self._following()
        assert self._shown[1] is not None, "open has read the first frame"
        self._behind[time] = self._shown[1]

    def at(self, time: Fraction, space: Space, like: Image) -> tuple[Image, Mask | None]:
        """See Background. A clip's own transparency has become white."""
        if time not in self._behind:
            self.look_up(time)
        behind = self._behind.pop(time)
        assert self._colors is not None, "known since the clip was opened"
        return space.moving(behind, self._colors), None

    def close(self) -> None:
        """See Effect.close."""
        self._closed = True
        if self._feed is not None:
            self._feed.close()
        self._behind.clear()

    def _following(self) -> tuple[Fraction, Image]:
        try:
            if self._feed is not None:
                return next(self._feed)
        except StopIteration:  # it was closed, or failed before
            pass
        raise InputError(f"background {self._path} cannot be read further; begin anew")

    def _frames(self) -> Generator[tuple[Fraction, Image], None, None]:
        from standout import video
        from standout.effects.compose import before_white, with_alpha

        begun = Fraction(0)
        with video.open_clip(self._path) as clip:
            self._colors = clip.colors
            while True:
                last = None
                for frame in clip.frames():
                    last = frame.time
                    seen: Picture = frame.image
                    if frame.alpha is not None:
                        seen = before_white(with_alpha(frame.image, frame.alpha))
                    yield begun + frame.time, seen
                if last is None:
                    raise InputError(f"background {self._path} holds no frame that can be read; give another clip")
                length = last + 1 / clip.rate
                unseen = (self._wanted - begun) // length - 1  # whole rounds, where a clip is gone on with after hours
                begun += length * max(1, unseen)
