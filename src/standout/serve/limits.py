"""How much the server takes on: a queue of bounded length before a pool of workers, and a rate for each caller.

WorkQueue   places for requests; whoever finds none is told when to come again
Meter       megapixels a minute for each caller, in windows of a minute
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from standout.serve.refusals import busy
from standout.serve.workers.pool import Pool
from standout.types import PersonFinder

T = TypeVar("T")

WINDOW = 60.0
"""Seconds for which megapixels are counted together."""


class WorkQueue:
    """Has jobs done by a pool of workers, and holds a place for each request from its header to its answer.

    It is used in the event loop's thread alone. A request that is still being read holds a place, but no worker, so
    that slow uploads keep no photo waiting. most_bytes: that the bodies of all those requests may have together.
    """

    def __init__(self, pool: Pool, *, places: int, most_bytes: int) -> None:
        self._pool, self.places, self.taken = pool, places, 0
        self._most_bytes, self._bytes = most_bytes, 0
        self._waiting = 0
        self._seconds = 1.0
        """What a job takes, averaged over the latest ones; those that waited before it take their share of its time."""

    @contextmanager
    def place(self, size: int = 0) -> Iterator[None]:
        """Holds a place, and memory for so many bytes, inside the block. Raises Refusal (429) where none is free."""
        seconds = math.ceil(self._seconds * self.taken / self._pool.workers)
        if self.taken >= self.places:
            raise busy(f"all {self.places} places of the queue are taken; come again in {seconds} s", seconds=seconds)
        if self.taken and self._bytes + size > self._most_bytes:
            held = f"{self._bytes / 1e6:.0f} MB of at most {self._most_bytes / 1e6:.0f}"
            raise busy(f"the requests before this one hold {held}; come again in {seconds} s", seconds=seconds)
        self.taken += 1
        self._bytes += size
        try:
            yield
        finally:
            self.taken -= 1
            self._bytes -= size

    async def run(self, job: Callable[[PersonFinder], T]) -> T:
        """What the job returns, once a worker was free for it. A job whose request is given up before is not begun."""
        before = self._waiting // self._pool.workers
        self._waiting += 1
        begun = time.perf_counter()
        try:
            return await self._pool.run(job)
        finally:
            self._waiting -= 1
            self._seconds += 0.1 * ((time.perf_counter() - begun) / (before + 1) - self._seconds)


class Meter:
    """Counts the megapixels of each caller. rate: how many a minute are allowed. clock: seconds since 1970.

    It is used in the event loop's thread alone.

    >>> meter = Meter(10, clock=lambda: 90.0)
    >>> meter.charge("me", 2_400_000)
    >>> meter.headers("me")
    {'X-RateLimit-Limit': '10', 'X-RateLimit-Remaining': '8', 'X-RateLimit-Reset': '120'}
    """

    def __init__(self, rate: int, *, clock: Callable[[], float] = time.time) -> None:
        self.rate, self._clock = rate, clock
        self._window, self._used = 0, dict[str, int]()
        self.photos, self.megapixels = 0, 0.0
        """Everything that was charged since the server started."""

    def check(self, caller: str) -> None:
        """Raises Refusal (429) where the caller has used up the minute."""
        if self._left(caller) <= 0:
            seconds = math.ceil(self._reset() - self._clock())
            detail = (
                f"{self.rate} megapixels a minute are used up; come again in {seconds} s, or start with a larger --rate"
            )
            raise busy(detail, seconds=seconds, headers=self.headers(caller))

    def charge(self, caller: str, pixels: int) -> None:
        """Counts a picture: its megapixels, rounded to whole ones, and at least 1."""
        self._left(caller)
        self.photos, self.megapixels = self.photos + 1, self.megapixels + pixels / 1e6
        self._used[caller] = self._used.get(caller, 0) + max(1, round(pixels / 1e6))

    def headers(self, caller: str) -> dict[str, str]:
        """The headers that tell what is left, and at which time (in seconds since 1970) all is free again."""
        left = self._left(caller)
        return {
            "X-RateLimit-Limit": str(self.rate),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(int(self._reset())),
        }

    def _left(self, caller: str) -> int:
        window = int(self._clock() // WINDOW)
        if window != self._window:
            self._window, self._used = window, {}
        return max(0, self.rate - self._used.get(caller, 0))

    def _reset(self) -> float:
        return (self._window + 1) * WINDOW
