"""Who waits for a change of a job: any number of watchers, none of which costs anything while nothing changes."""

from __future__ import annotations

import asyncio


class Watchers:
    """Wakes all who wait for a job's next change. It is used in the event loop's thread alone."""

    def __init__(self) -> None:
        self._changes: dict[str, asyncio.Event] = {}
        self.is_over = False
        """Whether the server ends, so that nobody waits any more."""

    def next(self, name: str) -> asyncio.Event:
        """An event that the job's next change sets. Take it before you look at the job, so that no change is missed."""
        event = self._changes.setdefault(name, asyncio.Event())
        if self.is_over:
            event.set()
        return event

    def changed(self, name: str) -> None:
        """Wakes those who wait for this job."""
        event = self._changes.pop(name, None)
        if event is not None:
            event.set()

    def end(self) -> None:
        """Wakes everybody for good."""
        self.is_over = True
        for name in list(self._changes):
            self.changed(name)
