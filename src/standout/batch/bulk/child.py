"""The process that does the work on one machine: `python -m standout.batch.bulk.child`, started by local.py.

Messages are pickles. Standard input brings a Start, then (number, Item) pairs, and Asked.STOP or Asked.END; standard
output takes (Told, detail) pairs. When standard input ends without Asked.END, the process that started this one was
killed, and so this one ends at once, with nothing half-written left.

It is a process of its own so that a photo that brings a decoder down brings down no more than this.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Any, BinaryIO

from standout.batch.bulk.messages import Asked, Start, Told
from standout.batch.bulk.source import Item
from standout.batch.bulk.work import BulkWorker, Stopped
from standout.errors import InputError, ModelError, SetupError, StandoutError
from standout.support import atomic

ABANDONED = 3
"""Exit code of a process whose starter was killed."""


class _Process:
    """The work of the process. out: where messages go."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._writing = out, Lock()

    def run(self, orders: BinaryIO) -> int:
        """The exit code, after all that the orders ask for."""
        start: Start = pickle.load(orders)
        try:
            worker = _opened(start)
        except Exception as error:
            self._say(Told.UNUSABLE, _plain(error))
            return 1
        self._say(Told.READY, None)
        with ThreadPoolExecutor(start.workers, "standout") as pool:
            while True:
                try:
                    order = pickle.load(orders)
                except (EOFError, OSError):
                    atomic.discard_unfinished()
                    os._exit(ABANDONED)
                if order is Asked.END:
                    return 0
                if order is Asked.STOP:
                    worker.stop.set()
                else:
                    pool.submit(self._do, worker, *order)

    def _do(self, worker: BulkWorker, number: int, item: Item) -> None:
        if worker.stop.is_set():
            self._say(Told.LEFT, number)
            return
        self._say(Told.BEGUN, number)
        try:
            row = worker(item)
        except Stopped:
            self._say(Told.LEFT, number)
        except MemoryError:  # even for an error's text there was none
            os._exit(1)
        else:
            self._say(Told.ROW, (number, row))

    def _say(self, said: Told, detail: Any) -> None:
        with self._writing, suppress(BrokenPipeError):  # the loop above sees that nobody listens
            pickle.dump((said, detail), self._out)
            self._out.flush()


def _opened(start: Start) -> BulkWorker:
    import cv2

    cv2.setNumThreads(start.threads)
    return start.work.open(threads=start.threads)


def _plain(error: Exception) -> StandoutError:
    """The error as one that pickle can carry, which calls an exception's class with its text alone."""
    if not isinstance(error, StandoutError):
        return SetupError(f"{type(error).__name__}: {error}")
    kind = next((kind for kind in (InputError, ModelError, SetupError) if isinstance(error, kind)), StandoutError)
    return kind(str(error))


def main() -> int:
    """The exit code."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the starter gets them too, and tells what to do
        with suppress(AttributeError):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the messages
    return _Process(out).run(sys.stdin.buffer)


if __name__ == "__main__":
    sys.exit(main())
