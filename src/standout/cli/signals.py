"""Signals that ask a command to end: Ctrl-C, and what `docker stop`, systemd, `timeout` and a closed terminal send.

    SIGINT            KeyboardInterrupt, exit code 130: Python's own way
    SIGTERM, SIGHUP   Ended, a KeyboardInterrupt, so that they clean up as Ctrl-C does; exit code 143, 129

Signals that whoever started the command has switched off (nohup) stay so.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from standout.support import atomic

INTERRUPTED = 130

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
_received: list[int] = []
"""SIGTERM and SIGHUP, in the order in which they came."""


class Ended(KeyboardInterrupt):
    """The command was asked to end by another signal than Ctrl-C's."""


@contextmanager
def answered() -> Iterator[None]:
    """SIGTERM and SIGHUP raise Ended inside; once more, and the process ends at once, with no half file left."""
    _received.clear()

    def end(number: int, frame: FrameType | None) -> None:
        if _received:
            _leave(number)
        _received.append(number)
        raise Ended

    with _handled(end, [number for number in _ENDING if _handler(number) is signal.SIG_DFL]):
        try:
            yield
        finally:
            atomic.discard_unfinished()  # a signal may come where nothing cleans up yet, or no more


@contextmanager
def stoppable(*, wanted: bool) -> Iterator[Event]:
    """An event that a signal sets, so that photos in work are finished; a second one leaves at once.

    Not wanted, everything stays as it was.
    """
    stop = Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT:
            _received.append(number)
        if stop.is_set():
            _leave(number)
        stop.set()
        again = "Ctrl-C again" if number == signal.SIGINT else "another signal"
        with contextlib.suppress(OSError):  # nobody reads standard error
            # print() may be interrupted itself
            os.write(2, f"\nfinishing the photos in work; {again} leaves at once\n".encode())

    numbers = [number for number in _ENDING if _handler(number) not in (signal.SIG_IGN, None)]
    if _handler(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    with _handled(on_signal, numbers if wanted else []):
        yield stop


def exit_code(code: int) -> int:
    """The exit code, told by the signal where one of them, and no Ctrl-C, has ended the command."""
    return 128 + _received[0] if code == INTERRUPTED and _received else code


def _handler(number: int) -> object:
    return signal.getsignal(number)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], numbers: list[int]) -> Iterator[None]:
    """The handler is called for these signals inside; only the main thread can change that."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _leave(number: int) -> None:
    atomic.discard_unfinished()
    os._exit(128 + number)
