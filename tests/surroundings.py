"""What the tests are started in, made the same everywhere: environment variables, signals, threads.

prepare    changes the environment, which child processes inherit
signals    what an interrupt does
must_run   whether a test that lacks something may be skipped
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

FORGOTTEN = (
    "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CLICOLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS",  # color, wanted or not
    "COLUMNS", "LINES", "TERMINAL_WIDTH", "TTY_COMPATIBLE", "TTY_INTERACTIVE",  # rich asks for these
    "SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY",  # whether the webcam opens a browser
    "STANDOUT_DEBUG", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "SVT_LOG",
)  # fmt: skip
"""Variables of the person who starts the tests that change what the program prints."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Networks of 64 pixels are slower on two threads than on one, and tests run side by side."""


def prepare(environment: MutableMapping[str, str]) -> None:
    """Takes out what would change the tests' results, and holds libraries to one thread where nothing else is said."""
    for name in FORGOTTEN:
        environment.pop(name, None)
    for name in ONE_THREAD:
        environment.setdefault(name, "1")


def must_run(reason: str, environment: Mapping[str, str]) -> bool:
    """Whether a test that is skipped for that reason is to fail: on CI, where it lacks what it could have.

    Other reasons tell what no machine of this kind has, such as signals of another system.

    >>> must_run("Skipped: needs openvino", {"CI": "true"}), must_run("Skipped: needs openvino", {})
    (True, False)
    >>> must_run("Skipped: other signals", {"CI": "true"})
    False
    """
    lacking = reason.removeprefix("Skipped: ").startswith(("needs ", "could not import "))
    return lacking and environment.get("CI") == "true"


@contextmanager
def signals() -> Iterator[None]:
    """Ctrl-C interrupts, as in a terminal, even where the tests were started in the background, which ignores it.

    A child process inherits what is ignored or blocked, so a test could otherwise not interrupt its child.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    wanted = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, wanted)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in before.items():
            signal.signal(number, handler)
