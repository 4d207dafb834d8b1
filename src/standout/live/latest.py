"""The latest of the frames that a camera gives at its own pace; earlier ones are dropped.

frames   Iterator[Image]   each item as it arrives; one thread alone takes from it
Shot     an Image, and the time at which it arrived
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from threading import Condition, Event, Thread
from time import monotonic

from standout.errors import InputError
from standout.types import Image

STALLED = 10.0
"""Seconds without a frame after which waiting for the source ends with an error."""

_TICK = 0.1
"""Seconds after which a waiting thread checks whether it is still wanted."""


@dataclass(frozen=True)
class Shot:
    """A frame, the time at which it arrived (in seconds of the monotonic clock), and its number: 1, 2, ..."""

    image: Image
    taken: float
    number: int


class LatestFrame:
    """Reads frames in a thread of its own and holds only the latest one.

    A camera hands out the frames in its buffer first, so that a slow reader would always be several frames late.
    """

    def __init__(self, frames: Iterator[Image]) -> None:
        self._seen = 0
        self._frames = frames
        self._news = Condition()
        self._shot: Shot | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._unwanted = False
        self._thread = Thread(target=self._fill, name="standout-camera", daemon=True)
        self._thread.start()

    def take(self, stop: Event) -> Shot | None:
        """The latest frame that was not taken yet; it waits for one. None once the frames have ended or stop is set.

        Raises what the frames raised, and InputError where no frame came for STALLED seconds.
        """
        since = monotonic()
        with self._news:
            while not stop.is_set():
                if self._shot is not None:
                    shot, self._shot = self._shot, None
                    return shot
                if self._error is not None:
                    raise self._error
                if self._ended:
                    return None
                if monotonic() - since > STALLED:
                    raise InputError(f"no picture came for {STALLED:g} s; is the camera in use, or its cover shut?")
                self._news.wait(_TICK)
        return None

    def close(self) -> None:
        """Ends reading; a source that does not respond is left to end with the program."""
        with self._news:
            self._unwanted = True
        self._thread.join(timeout=2)

    def _fill(self) -> None:
        try:
            for image in self._frames:
                with self._news:
                    if self._unwanted:
                        break
                    self._seen += 1
                    self._shot = Shot(image, monotonic(), self._seen)
                    self._news.notify_all()
        except BaseException as error:
            self._error = error
        finally:
            if isinstance(self._frames, Generator):
                with contextlib.suppress(Exception):
                    self._frames.close()
            with self._news:
                self._ended = True
                self._news.notify_all()
