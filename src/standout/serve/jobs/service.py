"""Jobs as a whole: opened, started and closed with the server, and deleted when their time is over."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from standout.errors import SetupError
from standout.serve.jobs import folders
from standout.serve.jobs.folders import QUEUE, JobFolders
from standout.serve.jobs.runner import JobRunner
from standout.serve.jobs.settings import JobSettings
from standout.serve.jobs.store import JobRecord, JobStore
from standout.serve.jobs.watch import Watchers
from standout.serve.refusals import Refusal, busy

log = logging.getLogger(__name__)

CHECKS = 2
"""Uploads that are checked at the same time."""

SWEEP = 60.0
"""Seconds between two looks for jobs whose time is over."""


class Jobs:
    """The queue, the runner and the state folder. clock: seconds since 1970.

    Where the default folder cannot be used, the server runs without jobs, and says so; a folder that was asked for must
    be usable.
    """

    def __init__(self, settings: JobSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.settings, self.clock = settings, clock
        self.watchers = Watchers()
        self.checks = asyncio.Semaphore(CHECKS)
        """Held while an upload is checked."""
        self._folders: JobFolders | None = None
        self._store: JobStore | None = None
        self._runner: JobRunner | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._coming = 0
        """Uploads that are being received or checked."""

    def open(self) -> None:
        """Opens the state folder, unless it is open. Raises SetupError where one was asked for that cannot be used."""
        if self._folders is not None:
            return
        try:
            opened = JobFolders(self.settings.folder or folders.default())
            try:
                self._store = JobStore(opened.root / QUEUE)
            except SetupError:
                opened.close()
                raise
            self._folders = opened
        except SetupError as error:
            if self.settings.folder is not None:
                raise
            log.warning("the server runs without jobs: %s", error)

    async def start(self) -> None:
        """Goes on with the jobs of an earlier server, and deletes what it left behind."""
        self.open()
        if self._folders is None or self._store is None:
            return
        self._store.recover()
        known = self._store.all()
        with_files = {job.id for job in known if job.status not in ("failed", "canceled")}
        await asyncio.to_thread(self._folders.clean, with_files)
        for job in known:
            if job.status == "done":
                await asyncio.to_thread(self._folders.keep_only, job.id, job.target)
        self._runner = JobRunner(self._store, self._folders, self.settings, self.watchers, clock=self.clock)
        await self.sweep()
        self._runner.start()
        self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Ends the processes; the next server goes on with their jobs."""
        self.watchers.end()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        if self._runner is not None:
            await self._runner.close()
        if self._store is not None:
            self._store.close()
        if self._folders is not None:
            self._folders.close()
        self._folders = self._store = self._runner = None

    @property
    def are_on(self) -> bool:
        """Whether jobs are taken."""
        return self._runner is not None

    @property
    def store(self) -> JobStore:
        """The queue. Raises Refusal where there is none."""
        if self._store is None:
            raise _off()
        return self._store

    @property
    def folders(self) -> JobFolders:
        """The state folder. Raises Refusal where there is none."""
        if self._folders is None:
            raise _off()
        return self._folders

    @property
    def runner(self) -> JobRunner:
        """What does the jobs. Raises Refusal where there is none."""
        if self._runner is None:
            raise _off()
        return self._runner

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place in the queue for an upload inside the block. Raises Refusal (429) where none is free."""
        counts = self.store.counts()
        taken = counts["queued"] + counts["running"] + self._coming
        if taken >= self.settings.places:
            raise busy(
                f"all {self.settings.places} places of the queue of jobs are taken; come again later", seconds=60
            )
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def add(self, job: JobRecord) -> None:
        """Takes a job on, whose files are in its folder."""
        self.store.add(job)
        self.runner.wake()

    async def remove(self, name: str) -> None:
        """Deletes a job that has ended, and its result."""
        await asyncio.to_thread(self.folders.remove, name)
        self.store.remove(name)
        self.watchers.changed(name)

    async def sweep(self) -> None:
        """Deletes the jobs whose time is over."""
        for name in self.store.expired(self.clock()):
            await self.remove(name)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            try:
                await self.sweep()
            except (sqlite3.Error, OSError) as error:
                log.error("jobs whose time is over cannot be deleted (%s)", error)


def _off() -> Refusal:
    detail = "the server runs without jobs, as their folder cannot be used; its log says why (see --jobs-folder)"
    return Refusal(503, "jobs_unavailable", title="No jobs are taken", detail=detail)
