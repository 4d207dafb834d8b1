"""The engine of one machine: a process that works on several items at once, watched and replaced by this one.

A process that dies, as by a decoder that crashes or for lack of memory, costs nothing but its own time: the items that
it had in work are tried again, each alone in a fresh process, and the one that kills that as well becomes a row. Of the
others none is lost.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from standout.batch.bulk.ledger import BulkRow
from standout.batch.bulk.messages import Asked, Start, Told
from standout.batch.bulk.source import Item
from standout.batch.bulk.work import BulkWork
from standout.errors import SetupError

if TYPE_CHECKING:
    from standout.batch.bulk.run import BulkEngine

COMMAND = [sys.executable, "-m", "standout.batch.bulk.child"]
"""What starts the process."""

MOST_DEATHS = 3
"""Processes that may die one after the other without having begun an item."""

TOO_LONG = 900.0
"""Seconds that a photo may take, before its process is ended: a decoder may hang, and a run of days must not."""

_TICK = 0.2
"""Seconds after which it is seen whether the work is to stop."""


def on_this_machine(workers: int, *, threads: int = 1) -> BulkEngine:
    """The engine. workers: items at once. threads: of the model, for each."""

    def engine(work: BulkWork, items: Iterator[Item], stop: Event) -> Generator[BulkRow, None, None]:
        yield from _Watched(Start(work, workers, threads), stop).rows(items)

    return engine


class _Died(Exception):
    """A process ended. begun: the items that it had in work. waiting: others that it was given. code: of its exit.

    hung: whether it was ended because a photo took too long.
    """

    def __init__(self, begun: list[Item], waiting: list[Item], *, code: int, hung: bool) -> None:
        self.begun, self.waiting, self.code, self.hung = begun, waiting, code, hung


class _Watched:
    """The processes, one after the other, and the items that those which died leave to the next."""

    def __init__(self, start: Start, stop: Event) -> None:
        self._start, self._stop = start, stop
        self._process: _Child | None = None
        self._waiting = deque[Item]()
        self._suspects = deque[Item]()
        self._deaths = 0

    def rows(self, items: Iterator[Item]) -> Generator[BulkRow, None, None]:
        """See on_this_machine. Raises SetupError where processes die at their start, and what the model raises."""
        most = 2 * self._start.workers
        try:
            while True:
                try:
                    yield from self._done(lambda count: self._next(items, count), most=most)
                except _Died as died:
                    self._bury(died)
                    self._suspects.extend(died.begun)
                    self._waiting.extend(died.waiting)
                else:
                    return
                while self._suspects:
                    yield from self._alone(self._suspects[0])
        finally:
            if self._process is not None:
                self._process.close()

    def _alone(self, item: Item) -> Generator[BulkRow, None, None]:
        """The item, the first of the suspects, alone in a process; where it kills that as well, it becomes a row."""
        given = [item]
        try:
            yield from self._done(lambda count: [given.pop()] if given else [], most=1)
        except _Died as died:
            self._bury(died)
            if not died.begun:  # the process was killed from outside, so the item is still the first of the suspects
                return
            how = f"took more than {TOO_LONG:g} s" if died.hung else f"ended ({_how(died.code)})"
            why = f"its process {how}, and a second time alone; the file may be damaged, or need too much memory"
            target = self._start.work.target.address(self._start.work.name(item.key))
            yield BulkRow(item.key, target, "failed", f"{item.address}: {why}", attempt=item.attempt)
        self._suspects.popleft()

    def _bury(self, died: _Died) -> None:
        """Raises SetupError where one process after the other dies idle."""
        self._deaths = 0 if died.begun else self._deaths + 1
        if self._deaths >= MOST_DEATHS:
            raise SetupError(
                f"the process that does the work ends before it does any ({_how(died.code)}); "
                "there may be too little memory for the model, or something else may kill it"
            )

    def _next(self, items: Iterator[Item], count: int) -> Iterator[Item]:
        """The next items, first those that a process died without having begun."""
        for _ in range(count):
            item = self._waiting.popleft() if self._waiting else next(items, None)
            if item is None:
                return
            yield item

    def _done(self, take: Callable[[int], Iterable[Item]], *, most: int) -> Generator[BulkRow, None, None]:
        """The rows of the items, at most so many of which are with the process. Raises _Died."""
        told = False
        try:
            while True:
                if self._stop.is_set() and not told:
                    told = True
                    if self._process is not None:
                        self._process.send(Asked.STOP)
                if not told:
                    for item in take(most - self._busy()):
                        if self._process is None:
                            self._process = _Child(self._start)
                        self._process.give(item)
                if self._process is None or not self._busy():
                    return
                for row in self._process.answers():
                    self._deaths = 0
                    yield row
        except _Died:
            if self._process is not None:
                self._process.close()
            self._process = None
            raise

    def _busy(self) -> int:
        """How many items are with the process."""
        return 0 if self._process is None else len(self._process.with_it)


class _Child:
    """A process. with_it: the items that it was given, by number. begun: since when those are in work."""

    def __init__(self, start: Start) -> None:
        self.with_it: dict[int, Item] = {}
        self.begun: dict[int, float] = {}
        self._hung = False
        self._count = 0
        self._answers: Queue[tuple[Told, Any] | None] = Queue()
        group = None if os.name == "nt" else 0  # of its own: Ctrl-C is for this process, which tells the other
        self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=group)
        Thread(target=self._listen, name="standout-child", daemon=True).start()
        self.send(start)

    def send(self, order: object) -> None:
        """Tells the process; whether it has died is seen by answers."""
        assert self._process.stdin is not None
        with suppress(OSError):
            pickle.dump(order, self._process.stdin)
            self._process.stdin.flush()

    def give(self, item: Item) -> None:
        """Gives the item to the process."""
        self._count += 1
        self.with_it[self._count] = item
        self.send((self._count, item))

    def answers(self) -> Iterator[BulkRow]:
        """The next row, or none where something else was said, or nothing for a while. Raises _Died."""
        try:
            answer = self._answers.get(timeout=_TICK)
        except Empty:
            self._end_if_hung()
            return
        if answer is None:
            begun = [item for number, item in self.with_it.items() if number in self.begun]
            waiting = [item for number, item in self.with_it.items() if number not in self.begun]
            raise _Died(begun, waiting, code=self._process.wait(), hung=self._hung)
        said, detail = answer
        if said is Told.UNUSABLE:
            raise detail
        if said is Told.BEGUN:
            self.begun[detail] = time.monotonic()
        elif said is Told.LEFT:
            self._over(detail)
        elif said is Told.ROW:
            self._over(detail[0])
            yield detail[1]

    def close(self) -> None:
        """Lets the process end, which it does at once where it has items left."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if not self.with_it:
            self.send(Asked.END)
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _end_if_hung(self) -> None:
        now = time.monotonic()
        if any(now - since > TOO_LONG and not self.with_it[number].is_clip for number, since in self.begun.items()):
            self._hung = True
            self._process.kill()

    def _over(self, number: int) -> None:
        del self.with_it[number]
        self.begun.pop(number, None)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            with suppress(EOFError, OSError, pickle.UnpicklingError, ValueError):  # it has died, perhaps in a message
                while True:
                    self._answers.put(pickle.load(self._process.stdout))
        finally:
            self._answers.put(None)


def _how(code: int) -> str:
    """How a process ended, by its exit code.

    >>> _how(-9), _how(1)
    ('SIGKILL', 'exit code 1')
    """
    if code < 0 and os.name != "nt":
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"
