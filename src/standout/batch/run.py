"""Many files: each task done, kept, failed or skipped, none stopping another, and a ledger line for each.

    Task     one photo or clip to read and the file to write (plan.py)
    Outcome  what the work says about a photo (work.py)
    Result   what became of a task: one line of JSON in the ledger
    Engine   f(tasks, attempt, *, workers) -> results, in any order

To add an engine: write such a function, like threads(), and give it to run().
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Literal, Protocol, TypeAlias

from standout.batch.photo import Outcome
from standout.batch.plan import Task
from standout.errors import OutputError, OutputExists, StandoutError

log = logging.getLogger(__name__)

_NO_LEDGER = "it is another kind of file, no ledger"


@dataclass(frozen=True)
class Result:
    """What became of one task. Size and person share (0..1) are known for done ones, frames and flicker for clips.

    target: None for a file that was passed over, or that could not even be begun. error: why it failed or was skipped.
    """

    source: Path
    target: Path | None
    status: Literal["done", "kept", "failed", "skipped"]
    seconds: float = 0.0
    width: int | None = None
    height: int | None = None
    person_share: float | None = None
    warnings: tuple[str, ...] = ()
    frames: int | None = None
    flicker_before: float | None = None
    flicker_after: float | None = None
    error: str | None = None

    def to_json(self) -> str:
        """The result as one line of JSON, in ASCII, so that no file name and no terminal can break it.

        >>> Result(Path("a.jpg"), Path("a-cut.png"), "kept").to_json()[:68]
        '{"source": "a.jpg", "target": "a-cut.png", "status": "kept", "second'
        """
        fields = asdict(self) | {"source": str(self.source), "target": self.target and str(self.target)}
        fields["seconds"] = round(self.seconds, 3)
        fields["person_share"] = self.person_share and round(self.person_share, 5)
        for name in ("flicker_before", "flicker_after"):
            fields[name] = fields[name] and round(fields[name], 3)
        return json.dumps(fields)


@dataclass
class Summary:
    """What became of all tasks. left: those that an interruption left undone."""

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


Work: TypeAlias = Callable[[Task], Outcome]
Attempt: TypeAlias = Callable[[Task], Result]


class Engine(Protocol):
    """What runs tasks: results come in any order; a task is taken only when there is a worker for it."""

    def __call__(self, tasks: Iterable[Task], attempt: Attempt, *, workers: int) -> Generator[Result, None, None]:
        """The results of all tasks. Closed early, it begins no further task."""


def threads(tasks: Iterable[Task], attempt: Attempt, *, workers: int) -> Generator[Result, None, None]:
    """The engine of one machine: threads, since Pillow, OpenCV, zlib and ONNX Runtime release the GIL as they work.

    One task more than workers is in flight, so that none of them waits for the next.
    """
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


def in_turn(tasks: Iterable[Task], attempt: Attempt, *, workers: int = 1) -> Generator[Result, None, None]:
    """The engine for one photo: no thread, so that Ctrl-C ends it at once."""
    for task in tasks:
        yield attempt(task)


def run(
    tasks: list[Task],
    work: Work,
    *,
    workers: int = 1,
    overwrite: bool = False,
    report: Path | None = None,
    on_result: Callable[[Result], None] | None = None,
    stop: Event | None = None,
    engine: Engine = threads,
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
    attempt = _Attempts(work, overwrite=overwrite)
    with Ledger(report) if report else nullcontext() as ledger:
        results = engine(_until(stop, tasks), attempt, workers=workers)
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
    """The work, with whatever it raises turned into a Result; not begun where the target is there already.

    unrecorded: results by their source, until run has recorded them. An interruption that reaches an engine as it
    waits loses those that are finished, or being finished, but not handed over yet.
    """

    def __init__(self, work: Work, *, overwrite: bool) -> None:
        self.unrecorded: dict[Path, Result] = {}
        self._work, self._overwrite = work, overwrite

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
            done = self._work(task)
        except OutputExists:  # another process made it meanwhile, and what is made appears whole
            return Result(task.source, task.target, "kept", time.monotonic() - began)
        except BrokenPipeError:  # nobody reads standard output any more: no failure of this file
            raise
        except Exception as error:  # one bad file, even one that finds a bug, must not stop the rest
            log.debug("%s", task.source, exc_info=error)
            return Result(task.source, task.target, "failed", time.monotonic() - began, error=_reason(task, error))
        return Result(
            task.source, task.target, "done", time.monotonic() - began,
            done.width, done.height, done.person_share, done.warnings, done.frames,
            done.flicker_before, done.flicker_after,
        )  # fmt: skip


def _reason(task: Task, error: Exception) -> str:
    if isinstance(error, StandoutError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or task.source}: {error.strerror}"
    return f"{type(error).__name__}: {error} (STANDOUT_DEBUG=1 tells more)"


class Ledger:
    """A file with a line of JSON for each result, on disk as soon as it is known.

    It is appended to, so that a run that goes on after an interruption goes on here too; a file kept or skipped is not
    told again, and the last line about a file counts.

    Raises OutputError when there is a file that is no ledger, or when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told: set[tuple[str, str]] = set()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            earlier = path.is_file()  # and no device or pipe, which may never end
            self._file = path.open("a+" if earlier else "a", encoding="ascii")
            with ExitStack() as on_error:
                on_error.callback(self._file.close)
                if earlier:
                    self._file.seek(0)
                    if not self._read(self._file):  # the machine went down in the middle of a line
                        self._file.write("\n")
                on_error.pop_all()
        except UnicodeDecodeError:
            raise self._refused(ValueError(_NO_LEDGER)) from None
        except (OSError, ValueError) as error:
            raise self._refused(error) from None

    def _read(self, lines: Iterable[str]) -> bool:
        """Learns what was told before; False when the last line is not whole."""
        line = "\n"
        for number, line in enumerate(lines):
            try:
                fields = json.loads(line)
                if fields["status"] != "failed":
                    self._told.add(_key(fields))
            except (ValueError, KeyError, TypeError):
                if number == 0 and line.endswith("\n"):
                    raise ValueError(_NO_LEDGER) from None
        return line.endswith("\n")

    def add(self, result: Result) -> None:
        """One more line, unless the file is kept and has its line already."""
        text = result.to_json()
        if result.status in ("kept", "skipped") and _key(json.loads(text)) in self._told:
            return
        try:
            self._file.write(text + "\n")
            self._file.flush()
        except (OSError, ValueError) as error:
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> OutputError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return OutputError(f"report {self.path} cannot be written ({reason}); give another file to --report")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as late:
            raise self._refused(late) from None


def _key(fields: dict[str, Any]) -> tuple[str, str]:
    """What a line is about: the target, or the source where there is none."""
    return ("target", fields["target"]) if fields["target"] is not None else ("source", fields["source"])
