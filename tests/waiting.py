"""How a test waits for another thread or process: by one function and with one limit.

LIMIT     seconds; whatever takes a limit in a test (a join, a lock, a connection, a process) is given this one
until     returns once a condition holds
started   a process, gone at the end
once      what several workers need is made by the first of them

A test that waits for a condition passes on a slow machine as on a fast one. One that sleeps, or that allows a second
for what usually takes a millisecond, does not.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

LIMIT = 300.0
"""No test waits this long on a working machine, however busy it is: only what hangs gets there."""

LONGEST_PAUSE = 0.02

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, *, process: subprocess.Popen[Any] | None = None) -> T:
    """What the condition returns, once that is true in an if.

    Fails, naming what was waited for, after LIMIT seconds; where a process is to bring it about, as soon as that has
    ended without.
    """
    ends, pause = time.monotonic() + LIMIT, 0.0005
    while True:
        over = process is not None and process.poll() is not None  # asked first: its last act may fulfil the condition
        found = condition()
        if found:
            return found
        assert not over, f"the process ended ({process and process.returncode}) before {what}"
        assert time.monotonic() < ends, f"waited {LIMIT:g} s in vain until {what}"
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


@contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """The command as a process of its own, which ends with the block, whatever happens there."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def once(target: Path, make: Callable[[Path], object]) -> Path:
    """The file or folder, made by the first process that asks for it; the others wait until it is whole."""
    claim = target.with_name(f"{target.name}.claim")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        claim.mkdir()
    except FileExistsError:
        until((claim / "over").exists, f"another process made {target.name}")
    else:
        try:
            make(target)
        finally:
            (claim / "over").touch()
    assert target.exists(), f"{target.name} was not made; the process that came first says why"
    return target
