"""What a worker process does: it loads the model once, and then does one job after another.

Messages to the server are pairs, a Said and what belongs to it.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from typing import Any

from standout.errors import ModelError, SetupError
from standout.serve import pictures
from standout.serve.refusals import Refusal
from standout.types import PersonFinder

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
"""Of Linux's prctl: which signal this process gets when its parent has ended."""


class Said(Enum):
    """What a message of a worker is about, and what comes with it."""

    READY = auto()
    """The model is loaded; None."""
    UNUSABLE = auto()
    """The model cannot be loaded; the reason. The process ends."""
    BEGUN = auto()
    """The job has come; None."""
    DECODING = auto()
    """Whether the bytes of a picture are being decoded from now on."""
    DONE = auto()
    """The job's result."""
    REFUSED = auto()
    """The Refusal that the job raised."""
    NO_MEMORY = auto()
    """The job needed more memory than the process may have; None."""
    MODEL_FAILED = auto()
    """The model, or what runs it, failed; the reason."""
    FAILED = auto()
    """The job raised any other error; its text. The log has the whole of it."""


@dataclass(frozen=True)
class Setup:
    """What a worker needs to know once. most_memory: bytes that it may hold for data; 0 sets no limit."""

    model: str
    runtime: str
    device: str
    most_memory: int


def main(server: Connection, setup: Setup) -> None:
    """Does the jobs that the server sends until it closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the server ends its workers itself
    _end_with_parent()
    _limit(setup.most_memory)
    try:
        finder = _finder(setup)
    except Exception as error:
        server.send((Said.UNUSABLE, f"{type(error).__name__}: {error}"))
        return
    pictures.watch(lambda decoding: server.send((Said.DECODING, decoding)))
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the server has ended
        server.send((Said.READY, None))
        while True:
            job = server.recv()
            server.send((Said.BEGUN, None))
            server.send(_done(job, finder))


def _done(job: Any, finder: PersonFinder) -> tuple[Said, Any]:
    """What there is to say about the job once it is done."""
    try:
        return Said.DONE, job(finder)
    except Refusal as refusal:
        return Said.REFUSED, refusal
    except Exception as error:
        if _is_lack_of_memory(error):
            return Said.NO_MEMORY, None
        log.exception("a request failed")
        kind = Said.MODEL_FAILED if isinstance(error, ModelError | SetupError) else Said.FAILED
        return kind, f"{type(error).__name__}: {error}"


def _is_lack_of_memory(error: Exception) -> bool:
    import cv2

    return isinstance(error, MemoryError) or (isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem)


def _finder(setup: Setup) -> PersonFinder:
    import cv2

    from standout.segmenter import Segmenter

    cv2.setNumThreads(1)  # one worker a core, and one thread a worker
    return Segmenter(setup.model, runtime=setup.runtime, device=setup.device, threads=1)


def _limit(most_memory: int) -> None:
    """Limits the memory of this process where the system can, and lets it write no core file, which holds pictures."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Not the address space, of which runtimes reserve far more than they use.
    if most_memory and sys.platform == "linux":
        _, allowed = resource.getrlimit(resource.RLIMIT_DATA)
        most = most_memory if allowed == resource.RLIM_INFINITY else min(most_memory, allowed)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _end_with_parent() -> None:
    """Sees to it that this process ends with the server, even if that is killed and this process hangs."""
    parent = parent_process()
    assert parent is not None, "a worker is started by the server"

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    Thread(target=watch, name="standout-parent", daemon=True).start()
    if sys.platform == "linux":  # code that holds the interpreter would keep the thread from running
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def resident(process: int) -> int:
    """Bytes of memory that the process holds; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
