"""One worker as the server sees it: started, asked, killed and replaced."""

from __future__ import annotations

import logging
import multiprocessing
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Lock, Timer
from typing import Any

from standout.errors import ModelError
from standout.serve.workers import child
from standout.serve.workers.child import Said, Setup, resident

log = logging.getLogger(__name__)

GROWTH = 1 << 29
"""Bytes by which a worker may grow over what it held after its start; one that holds more is replaced."""

_context = multiprocessing.get_context("spawn")  # a fork would copy threads and locks in whatever state they are
_starting = Lock()


class WorkerDied(Exception):
    """A process ended during a job. decoding: whether the bytes of a picture were being decoded."""

    def __init__(self, *, decoding: bool) -> None:
        super().__init__(f"a worker process died {'while it decoded a picture' if decoding else 'in the work'}")
        self.decoding = decoding


class WorkerTooSlow(Exception):
    """A process was killed because a job took longer than it may."""


class WorkerOutOfMemory(Exception):
    """A job needed more memory than a process may have."""


class JobFailed(Exception):
    """A job raised an error, which the log of its process tells."""


@dataclass
class _Course:
    """How far a job has come. is_late: whether its process was killed because it took too long."""

    begun: bool = False
    decoding: bool = False
    is_late: bool = False


class WorkerProcess:
    """A process that does one job after another. It is used by one thread at a time, but stopped from any.

    setup: what the process is told at its start. seconds: that a job may take.
    """

    def __init__(self, setup: Setup, *, seconds: float) -> None:
        self._setup, self._seconds = setup, seconds
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._most_resident = 0
        self._stopped = False
        self.starts = 0
        """How many processes were started, one after the other."""
        self.is_ready = False
        """Whether the process was started, its model is loaded, and it is not known to have died."""

    def ensure(self) -> Connection:
        """The connection to the process, which is started where it does not run. It returns once the model is loaded.

        Raises ModelError where the model cannot be loaded.
        """
        if self._connection is not None and self.is_ready:
            return self._connection
        self.drop()
        with _starting:
            if self._stopped:
                raise WorkerDied(decoding=False)
            ours, theirs = _context.Pipe()
            process = _context.Process(
                target=child.main, args=(theirs, self._setup), name="standout-worker", daemon=True
            )
            process.start()
            theirs.close()  # so that the end of the process ends the connection
            self._process, self._connection, self.starts = process, ours, self.starts + 1
        try:
            said, detail = ours.recv()
        except (EOFError, OSError):
            self.drop()
            raise WorkerDied(decoding=False) from None
        if said is not Said.READY:
            self.drop()
            raise ModelError(f"the model cannot be loaded: {detail}")
        held = resident(process.pid or 0)
        self._most_resident = held + GROWTH if held else 0
        self.is_ready = True
        return ours

    def run(self, job: Any) -> Any:
        """What the job returns. Raises what the job refuses, WorkerDied, WorkerTooSlow, WorkerOutOfMemory, JobFailed.

        The model that cannot be loaded, or that fails, is a ModelError.
        """
        self.ensure()
        course = _Course()

        def end() -> None:
            course.is_late = True
            self.kill()

        timer = Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        try:
            said, detail = self._asked(job, course)
        except (EOFError, OSError):
            self.drop()
            raise (WorkerTooSlow() if course.is_late else WorkerDied(decoding=course.decoding)) from None
        finally:
            timer.cancel()
        if course.is_late or self._has_grown():
            self.drop()
        return _told(said, detail)

    def kill(self) -> None:
        """Ends the process, whatever it does; a job in work raises WorkerDied."""
        process = self._process
        if process is not None:
            with suppress(ValueError):  # another thread has just dropped it
                process.kill()

    def stop(self) -> None:
        """Ends the process, and lets no other one start."""
        with _starting:
            self._stopped = True
            self.kill()

    def drop(self) -> None:
        """Ends the process and forgets it, so that the next job starts another one."""
        process, connection = self._process, self._connection
        self._process, self._connection, self.is_ready = None, None, False
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()

    def _asked(self, job: Any, course: _Course) -> tuple[Said, Any]:
        """What the process says about the job in the end. Raises EOFError or OSError where it dies."""
        try:
            return self._answer(job, course)
        except (EOFError, OSError):
            if course.begun or course.is_late:
                raise
        self.drop()  # it died while it was idle, so another one does the job
        return self._answer(job, course)

    def _answer(self, job: Any, course: _Course) -> tuple[Said, Any]:
        connection = self.ensure()
        connection.send(job)
        while True:
            said, detail = connection.recv()
            if said is Said.BEGUN:
                course.begun = True
            elif said is Said.DECODING:
                course.decoding = detail
            else:
                return said, detail

    def _has_grown(self) -> bool:
        process = self._process
        return bool(process and process.pid and self._most_resident and resident(process.pid) > self._most_resident)


def _told(said: Said, detail: Any) -> Any:
    """The result that a worker told of. Raises what else it told."""
    match said:
        case Said.DONE:
            return detail
        case Said.REFUSED:
            raise detail
        case Said.NO_MEMORY:
            raise WorkerOutOfMemory
        case Said.MODEL_FAILED:
            raise ModelError(detail)
        case _:
            raise JobFailed(detail)
