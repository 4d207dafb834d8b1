"""Many files: each task ends as done, kept, failed or skipped, without stopping another, and has a line in the ledger.

    Task     one photo or clip to read and the file to write (plan.py)
    Job      what is done with a task: a PhotoJob or a ClipJob, which returns an Outcome (photo.py)
    Result   what became of a task, which is one line of JSON in the ledger (ledger.py)
    Engine   (tasks, attempt) -> results, in any order

To add an engine: write such a function, like threads(), and give it to run().
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Protocol, TypeAlias

from standout.batch.ledger import Ledger, Result
from standout.batch.photo import Outcome
from standout.batch.plan import Task
from standout.errors import OutputError, OutputExists, StandoutError

log = logging.getLogger(__name__)


@dataclass
class Summary:
    """What became of all tasks. left: how many an interruption left undone."""

    done: int = 0
    kept: int = 0
    skipped: list[Result] = field(default_factory=list)
    failed: list[Result] = field(default_factory=list)
    warned: list[Result] = field(default_factory=list)
    left: int = 0
    seconds: float = 0.0

    def add(self, result: Result) -> None:
        """Counts one result."""
        self.left -= 1
        self.done += result.status == "done"
        self.kept += result.status == "kept"
        if result.status == "failed":
            self.failed.append(result)
        if result.status == "skipped":
            self.skipped.append(result)
        if result.warnings:
            self.warned.append(result)


Job: TypeAlias = Callable[[Task], Outcome]


def by_kind(photos: Job | None, clips: Job | None) -> Job:
    """The job that gives photos to the one and clips to the other; None where no such task is worked on."""

    def job(task: Task) -> Outcome:
        one = clips if task.is_clip else photos
        assert one is not None, "given where there are tasks of its kind"
        return one(task)

    return job


Attempt: TypeAlias = Callable[[Task], Result]


class Engine(Protocol):
    """What runs tasks. Results come in any order; a task is taken only when a worker is free for it."""

    def __call__(self, tasks: Iterable[Task], attempt: Attempt) -> Generator[Result, None, None]:
        """The results of all tasks. After it is closed early, no further task begins."""


def threads(workers: int) -> Engine:
    """The engine of one machine: threads, since Pillow, OpenCV, zlib and ONNX Runtime release the GIL while they work.

    One task more than there are workers is in flight, so that no worker waits for the next task.
    """

    def engine(tasks: Iterable[Task], attempt: Attempt) -> Generator[Result, None, None]:
        queue = iter(tasks)
        running: set[Future[Result]] = set()
        pool = ThreadPoolExecutor(workers, "standout")
        try:
            while True:
                running.update(pool.submit(attempt, task) for task in islice(queue, workers + 1 - len(running)))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    return engine


def in_turn(tasks: Iterable[Task], attempt: Attempt) -> Generator[Result, None, None]:
    """The engine for a single file: it uses no thread, so that Ctrl-C ends it at once."""
    for task in tasks:
        yield attempt(task)


def run(
    tasks: list[Task],
    job: Job,
    *,
    overwrite: bool = False,
    report: Path | None = None,
    on_result: Callable[[Result], None] | None = None,
    stop: Event | None = None,
    engine: Engine = in_turn,
) -> Summary:
    """All tasks done, kept (their target is there), failed or skipped; a failure of one, of any kind, stops no other.

    report: the ledger, appended to. on_result: called after each, in this thread. stop: once set, no further photo is
    begun, those in work are finished, and the rest counts as left. A KeyboardInterrupt, or an error of on_result, has
    the same effect, and then goes on its way: each photo that was finished has its line in the ledger.

    Raises OutputError when the ledger cannot be written.
    """
    began = time.monotonic()
    summary = Summary(left=len(tasks))
    stop = stop or Event()
    attempt = _Attempts(job, overwrite=overwrite)
    with Ledger(report) if report else nullcontext() as ledger:
        results = engine(_until(stop, tasks), attempt)
        with closing(results):
            try:
                for result in results:
                    _record(result, summary, ledger)
                    attempt.unrecorded.pop(result.source, None)
                    if on_result:
                        on_result(result)
            except BaseException:
                stop.set()
                results.close()  # those in work are finished meanwhile
                with suppress(OutputError):  # the ledger's own failure is on its way
                    for result in attempt.unrecorded.values():
                        _record(result, summary, ledger)
                raise
    summary.seconds = time.monotonic() - began
    return summary


def _record(result: Result, summary: Summary, ledger: Ledger | None) -> None:
    summary.add(result)
    if ledger:
        ledger.add(result)


def _until(stop: Event, tasks: Iterable[Task]) -> Iterator[Task]:
    """The tasks, until stop is set."""
    for task in tasks:
        if stop.is_set():
            return
        yield task


class _Attempts:
    """The job, with whatever it raises turned into a Result; not begun where the target is there already.

    unrecorded: results by their source, until run has recorded them. An interruption that reaches an engine as it
    waits loses those that are finished, or being finished, but not handed over yet.
    """

    def __init__(self, job: Job, *, overwrite: bool) -> None:
        self.unrecorded: dict[Path, Result] = {}
        self._job, self._overwrite = job, overwrite

    def __call__(self, task: Task) -> Result:
        """What became of the task."""
        result = self._result(task)
        self.unrecorded[task.source] = result
        return result

    def _result(self, task: Task) -> Result:
        if not task.can_be_done:
            return Result(task.source, None, "skipped" if task.skip else "failed", error=task.skip or task.fault)
        began = time.monotonic()
        try:
            if not self._overwrite and task.is_done():
                return Result(task.source, task.target, "kept")
            done = self._job(task)
        except OutputExists:  # another process made it meanwhile, and what is made appears whole
            return Result(task.source, task.target, "kept", time.monotonic() - began)
        except BrokenPipeError:  # nobody reads standard output any more: no failure of this file
            raise
        except Exception as error:  # one bad file, even one that finds a bug, must not stop the rest
            log.debug("%s", task.source, exc_info=error)
            return Result(
                task.source, task.target, "failed", time.monotonic() - began, error=reason(str(task.source), error)
            )
        return Result(
            task.source, task.target, "done", time.monotonic() - began,
            done.width, done.height, done.person_share, done.warnings, done.frames,
            done.flicker_before, done.flicker_after, done.confidence, done.nobody, done.least_confidence, done.audit,
        )  # fmt: skip


def reason(source: str, error: Exception) -> str:
    """Why a file failed, in a sentence for its user. source: the file, as its user knows it."""
    if isinstance(error, StandoutError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or source}: {error.strerror}"
    return f"{type(error).__name__}: {error} (STANDOUT_DEBUG=1 tells more)"
