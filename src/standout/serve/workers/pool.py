"""Several workers, and the jobs that wait for one of them.

ProcessPool   the server's: each worker is a process
ThreadPool    of threads of this process that share one finder, for tests with a finder that is not a bundled model
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Protocol, TypeVar

from standout.errors import StandoutError
from standout.serve.workers.child import Setup
from standout.serve.workers.process import WorkerDied, WorkerProcess, log
from standout.types import PersonFinder

T = TypeVar("T")


class Pool(Protocol):
    """Does jobs. workers: how many at once."""

    workers: int

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded in at least one worker."""

    @property
    def restarts(self) -> int:
        """How many workers were replaced."""

    def start(self) -> None:
        """Begins to load the model; jobs that come before it is loaded wait for it."""

    async def run(self, job: Callable[[PersonFinder], T]) -> T:
        """What the job returns, once a worker was free for it. A job that is canceled while it waits is not begun."""

    def close(self) -> None:
        """Drops the jobs that wait, and ends all workers."""


class ProcessPool:
    """Does each job in one of several processes, see Pool. seconds: that a job may take in its process.

    For each process there is a thread, which hands it jobs and waits for their results.
    """

    def __init__(self, setup: Setup, *, workers: int, seconds: float) -> None:
        self.workers = workers
        self._processes = [WorkerProcess(setup, seconds=seconds) for _ in range(workers)]
        self._free = SimpleQueue[WorkerProcess]()
        for process in self._processes:
            self._free.put(process)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="standout-worker")

    @property
    def is_ready(self) -> bool:
        """See Pool."""
        return any(process.is_ready for process in self._processes)

    @property
    def restarts(self) -> int:
        """See Pool."""
        return sum(max(0, process.starts - 1) for process in self._processes)

    def start(self) -> None:
        """See Pool."""
        for _ in self._processes:
            self._threads.submit(self._ensure_one)

    async def run(self, job: Callable[[PersonFinder], T]) -> T:
        """See Pool. Raises what WorkerProcess.run raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, job)

    def close(self) -> None:
        """See Pool. Jobs in work are ended with their processes."""
        for process in self._processes:
            process.stop()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.drop()

    def _run(self, job: Callable[[PersonFinder], T]) -> T:
        process = self._free.get()
        try:
            result: T = process.run(job)
            return result
        finally:
            if not process.is_ready:
                with suppress(RuntimeError):  # the pool is being closed
                    self._threads.submit(self._ensure_one)
            self._free.put(process)

    def _ensure_one(self) -> None:
        """Starts the process that is free for longest, where it does not run."""
        process = self._free.get()
        try:
            process.ensure()
        except WorkerDied:
            log.error("a worker process died while it started")
        except StandoutError as error:
            log.error("%s", error)
        finally:
            self._free.put(process)


class ThreadPool:
    """Does each job in one of several threads, which share the finder, see Pool."""

    is_ready = True
    restarts = 0

    def __init__(self, finder: PersonFinder, *, workers: int) -> None:
        self.workers = workers
        self._finder = finder

    def start(self) -> None:
        """See Pool. There is nothing to load. It may be started again after it was closed."""
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="standout-worker")

    async def run(self, job: Callable[[PersonFinder], T]) -> T:
        """See Pool. Raises what the job raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, job, self._finder)

    def close(self) -> None:
        """See Pool. It waits for the jobs in work."""
        self._threads.shutdown(cancel_futures=True)
