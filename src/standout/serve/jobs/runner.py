"""The jobs in turn: each by a process of its own, which is started anew where it dies, a few times.

A job that waits, runs or has ended is a row of the store; how far a running one is, is known here alone.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from standout.serve.jobs import child
from standout.serve.jobs.child import JobChild
from standout.serve.jobs.folders import JobFolders
from standout.serve.jobs.settings import JobSettings
from standout.serve.jobs.store import JobRecord, JobStore
from standout.serve.jobs.watch import Watchers

log = logging.getLogger(__name__)

MOST_STARTS = 3
"""Processes that may die over a job, without getting on, before it counts as failed."""

PAUSE = 5.0
"""Seconds until what the disk refused is tried again."""

CRASHED = (
    f"the process that worked on it ended {MOST_STARTS} times before it was done, perhaps for want of memory; "
    "send a smaller file"
)


GONE = "its files are gone from the server; send them again"


@dataclass(frozen=True)
class Reached:
    """How far a running job is: see make.Step."""

    done: int
    total: int
    share: float


class JobRunner:
    """Does the jobs of the store, as many at once as the settings say. clock: seconds since 1970."""

    def __init__(
        self,
        store: JobStore,
        folders: JobFolders,
        settings: JobSettings,
        watchers: Watchers,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._folders, self._settings, self._watchers = store, folders, settings, watchers
        self._clock = clock
        self._wake = asyncio.Event()
        self._children: dict[str, JobChild] = {}
        self._idle: dict[str, asyncio.Event] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._is_closing = False
        self.reached: dict[str, Reached] = {}

    def start(self) -> None:
        """Begins with the jobs that wait."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._settings.workers)]

    def wake(self) -> None:
        """Looks for a new job."""
        self._wake.set()

    async def close(self) -> None:
        """Ends the processes; their jobs wait for the next server."""
        self._is_closing = True
        for one in list(self._children.values()):
            one.kill()
        await asyncio.gather(*(idle.wait() for idle in list(self._idle.values())))
        for worker in self._workers:  # no job is in work any more
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def cancel(self, name: str) -> None:
        """Ends a job that waits or runs; its files are gone when this returns."""
        self._end(name, "canceled", message="it was canceled")
        if (running := self._children.get(name)) is not None:
            running.kill()
        if (idle := self._idle.get(name)) is not None:
            await idle.wait()
        await asyncio.to_thread(self._folders.remove, name)

    async def _work(self) -> None:
        """Takes jobs from the store for as long as the server runs."""
        while not self._is_closing:
            try:
                job = self._store.claim()
                if job is None:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                await self._attempt(job)
            except Exception:  # such as a disk that is full; the other jobs must be done all the same
                log.exception("a job cannot be worked on; trying again in %g s", PAUSE)
                await asyncio.sleep(PAUSE)
                self._store_again()

    def _store_again(self) -> None:
        """Lets those jobs wait again that are running according to the store, though no process has them."""
        try:
            for job in self._store.all():
                if job.status == "running" and job.id not in self._idle:
                    self._store.requeue(job.id, blameless=True)
        except sqlite3.Error:  # the next round tries it again
            pass

    async def _attempt(self, job: JobRecord) -> None:
        """One process for the job, and what follows from how it ends."""
        is_there = await asyncio.to_thread(self._folders.of(job.id).is_dir)
        if not is_there or job.starts > MOST_STARTS:
            await self._fail(job.id, CRASHED if is_there else GONE)
            return
        self._idle[job.id] = idle = asyncio.Event()
        self._watchers.changed(job.id)
        try:
            last = await self._made(job)
            if last is None:
                self._store.requeue(job.id, blameless=self._is_closing)  # no effect on a job that was canceled
            elif "error" in last:
                await self._fail(job.id, last["error"])
            else:
                self._end(job.id, "done", message=_told(last["end"]))
                await asyncio.to_thread(self._folders.keep_only, job.id, job.target)
        finally:
            self._children.pop(job.id, None)
            self.reached.pop(job.id, None)
            del self._idle[job.id]
            idle.set()
            self._watchers.changed(job.id)

    async def _made(self, job: JobRecord) -> dict[str, Any] | None:
        """The last report of a process that works on the job; None where it died before."""
        folder = self._folders.of(job.id)
        room = max(0, self._settings.most_disk - await asyncio.to_thread(self._folders.used)) // self._settings.workers
        last, first_kept, gets_on = None, None, job.starts == 1
        async with child.started("make", folder, room=room) as process:
            self._children[job.id] = process
            if self._is_closing or self._has_ended(job.id):
                process.kill()
            async for report in process.reports():
                if "step" not in report:
                    last = report
                    continue
                step = report["step"]
                first_kept = step["kept"] if first_kept is None else first_kept
                if step["kept"] > first_kept and not gets_on:
                    gets_on = True
                    self._store.went_on(job.id)
                self.reached[job.id] = Reached(step["done"], step["total"], step["share"])
                self._watchers.changed(job.id)
            if last is None or last.get("code") == "internal_server_error":
                how = await process.ended()
                if not (self._is_closing or self._has_ended(job.id)):
                    log.error("the process of job %s ended: %s", job.id[:8], how)
        return last

    def _has_ended(self, name: str) -> bool:
        job = self._store.find(name)
        return job is None or job.has_ended

    async def _fail(self, name: str, reason: str) -> None:
        self._end(name, "failed", error=reason)
        await asyncio.to_thread(self._folders.remove, name)

    def _end(self, name: str, status: str, *, message: str = "", error: str | None = None) -> None:
        expires = self._clock() + 3600 * self._settings.keep_hours
        self._store.end(name, status, expires=expires, message=message, error=error)
        self.reached.pop(name, None)
        self._watchers.changed(name)


def _told(made: dict[str, Any]) -> str:
    """What there is to say of a job that is done.

    >>> _told({"done": 2, "failures": {"a.jpg": "a.jpg is damaged"}, "left_out": 0})
    '2 files are done, 1 failed: a.jpg is damaged'
    >>> _told({"done": 1, "failures": {}, "left_out": 3})
    '1 file is done, 3 that are no photos or clips were left out'
    """
    failures: dict[str, str] = made["failures"]
    files = "1 file is done" if made["done"] == 1 else f"{made['done']} files are done"
    if made["left_out"]:
        files += f", {made['left_out']} that are no photos or clips were left out"
    if not failures:
        return files
    more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
    return f"{files}, {len(failures)} failed: {'; '.join(list(failures.values())[:3])}{more}"
