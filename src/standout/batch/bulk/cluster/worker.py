"""What a worker of a cluster does with the blocks of items that it is sent; the package makes it an actor of Ray.

Worker   called with a batch of blocks, as bytes; holds the loaded model
Answer   what it says of a block
"""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event, Thread
from typing import Any

from standout.batch.bulk import local_files
from standout.batch.bulk.ledger import BulkRow, worker_name
from standout.batch.bulk.local import TOO_LONG
from standout.batch.bulk.source import Item
from standout.batch.bulk.work import BulkWork, BulkWorker, Stopped
from standout.errors import SetupError, StandoutError
from standout.support.version import __version__

ASKED = 2.0
"""Seconds after which a worker asks again whether it is to stop, and whether a photo hangs."""


@dataclass(frozen=True)
class Answer:
    """What a worker says of a block. left: whether it has given some of it back, as it was told to stop.

    fault: why it can do no work at all; the block's number has no meaning then.
    """

    block: int
    worker: str
    rows: tuple[BulkRow, ...] = ()
    left: bool = False
    fault: str = ""


class Worker:
    """An actor of Ray Data, a process of its own. It opens the model with its first block."""

    def __init__(self, work: BulkWork, threads: int, folder: str, version: str, stops: Callable[[], bool]) -> None:
        self._work, self._threads, self._folder, self._version, self._stops = work, threads, folder, version, stops
        self._open: BulkWorker | None = None
        self._since: float | None = None  # when the photo in work was begun

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """The answers to the blocks, as bytes both."""
        return {"answer": [pickle.dumps(self._said(one)) for one in batch["block"]]}

    def _said(self, sent: bytes) -> Answer:
        """The answer to a block, even where this machine cannot work at all."""
        try:
            return self._answer(*pickle.loads(sent))
        except Exception as error:
            told = str(error) if isinstance(error, StandoutError) else f"{type(error).__name__}: {error}"
            return Answer(-1, worker_name(), fault=f"a worker on {socket.gethostname()} cannot work: {told}")

    def _answer(self, number: int, block: list[Item]) -> Answer:
        """What came of the block. Raises StandoutError for what is wrong with this machine."""
        worker = self._opened(block[0])
        rows, left = list[BulkRow](), False
        for item in block:
            left = left or worker.stop.is_set()
            if not left:
                self._since = None if item.is_clip else time.monotonic()
                try:
                    rows.append(replace(worker(item), worker=worker_name()))
                except Stopped:
                    left = True
                except MemoryError:  # even for an error's text there was none
                    os._exit(1)
                self._since = None
        if self._work.target.is_local:
            local_files.leave(self._work.target.path())  # it is not told when its last block has come
        return Answer(number, worker_name(), tuple(rows), left)

    def _opened(self, first: Item) -> BulkWorker:
        if self._open is None:
            if __version__ != self._version:
                raise SetupError(
                    f"it has standout {__version__}, and this machine {self._version}; install the same one on all"
                )
            _enter(self._folder, needed=self._work.target.is_local or first.storage.is_local)
            import cv2

            cv2.setNumThreads(self._threads)
            self._open = self._work.open(threads=self._threads)
            Thread(target=self._listen, args=(self._open.stop,), daemon=True).start()
        return self._open

    def _listen(self, stop: Event) -> None:
        """Sets stop once it is asked for, and ends the process where a photo hangs."""
        with suppress(RuntimeError):
            while not stop.wait(ASKED):
                if self._since is not None and time.monotonic() - self._since > TOO_LONG:
                    os._exit(1)
                if self._stops():
                    stop.set()


def _enter(folder: str, *, needed: bool) -> None:
    """Makes it the working folder of this process, so that paths mean what they mean where the run was started.

    Raises SetupError where it does not exist here and is needed.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        if not needed:
            return
        raise SetupError(
            f"it does not have the folder {folder} ({error.strerror}); machines of a cluster need a folder that all of "
            "them see under the same name, or a bucket such as s3://..."
        ) from None
