"""How far a run is whose length becomes known only as it goes on: a bar on a terminal, lines elsewhere.

To change what is said: Counter.line.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from standout.cli.show import say

EVERY = 30.0
"""Seconds between two lines, where no terminal shows a bar."""

WINDOW = 120.0
"""Seconds over which the rate is measured, so that it follows a machine that gets busier."""


class Counter:
    """What is done so far, and at which rate. clock: seconds, of any beginning."""

    def __init__(self, show: Callable[[Counter], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.done, self.failed = 0, 0
        self.total: int | None = None
        self._show, self._clock = show, clock
        self._times: deque[tuple[float, int]] = deque([(clock(), 0)])

    def add(self, *, failed: bool = False) -> None:
        """Counts one more."""
        self.done += 1
        self.failed += failed
        now = self._clock()
        if now - self._times[-1][0] >= 1:
            self._times.append((now, self.done))
            while now - self._times[1][0] > WINDOW:
                self._times.popleft()
        self._show(self)

    def expect(self, total: int) -> None:
        """Says how many there will be."""
        self.total = total

    @property
    def rate(self) -> float:
        """How many a second, over the last two minutes."""
        then, before = self._times[0]
        return (self.done - before) / max(self._clock() - then, 1e-9)

    def line(self) -> str:
        """All of it in words.

        >>> times = iter([0.0, 10.0, 10.0, 10.0])
        >>> counter = Counter(lambda counter: None, clock=lambda: next(times))
        >>> counter.expect(7201); counter.add(); counter.line()
        '1 of 7,201, 0.1 a second, 20 hours left'
        """
        rate = self.rate
        parts = [f"{self.done:,}" if self.total is None else f"{self.done:,} of {self.total:,}"]
        parts += [f"{self.failed:,} failed"] if self.failed else []
        parts.append(f"{rate:.1f} a second")
        if self.total is not None and rate > 0:
            parts.append(f"{_lasting((self.total - self.done) / rate)} left")
        return ", ".join(parts)


def _lasting(seconds: float) -> str:
    """A length of time in words, in the unit that fits it.

    >>> _lasting(50), _lasting(200), _lasting(80000), _lasting(400000)
    ('50 seconds', '3 minutes', '22 hours', '4.6 days')
    """
    for most, unit, name in ((100, 1, "seconds"), (6000, 60, "minutes"), (172800, 3600, "hours")):
        if seconds < most:
            return f"{max(seconds, 0) / unit:.0f} {name}"
    return f"{seconds / 86400:.1f} days"


@contextmanager
def counted(*, wanted: bool) -> Iterator[Counter]:
    """A counter that is shown on standard error: as a bar on a terminal, elsewhere by a line now and then."""
    if not wanted:
        yield Counter(lambda counter: None)
    elif not sys.stderr.isatty():
        last = time.monotonic()

        def tell(counter: Counter) -> None:
            nonlocal last
            if time.monotonic() - last >= EVERY:
                last = time.monotonic()
                say(counter.line())

        yield Counter(tell)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (BarColumn(None), TextColumn("{task.fields[line]}"))
        with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
            row = bar.add_task("", total=None, line="listing")
            yield Counter(
                lambda counter: bar.update(row, completed=counter.done, total=counter.total, line=counter.line())
            )
