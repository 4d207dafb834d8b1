"""The process that checks an upload or does a job: `python -m standout.serve.jobs.work check|make BYTES`.

It runs in the job's folder. What it reports goes to standard output, a line of JSON each:

    {"step": {"done": 120, "total": 300, "share": 0.4, "kept": 0}}   how far it is (see make.Step)
    {"end": {"done": 1, "failures": {}, "left_out": 0}}              it is done (see make.Made); {} for a check
    {"error": "...", "code": "bad_request"}                          it cannot be done, and why

Standard input is a pipe whose other end the server holds: when the server ends, however it ends, so does this process.
Signals that ask a whole group of processes to end, as systemd sends them, are left to the server.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

from standout.errors import InputError, OutputError, StandoutError, TooLarge, UnreadableImage, UnreadableVideo
from standout.support.lock import locked

LOCK_SECONDS = 60
"""How long to wait until the process of an earlier server has seen that it is to end."""

ABANDONED = 3
"""Exit code of a process whose server has ended."""

CODES: dict[type[StandoutError], str] = {
    TooLarge: "resolution_too_high",
    UnreadableImage: "invalid_file_type",
    UnreadableVideo: "invalid_file_type",
}
"""Error -> its code for the client; others are "bad_request"."""

CHECK_MEMORY = 4 * 2**30
"""Bytes of data that a check may hold, so that a file made to fill the memory ends the check and nothing else."""

INTERNAL = "an error of the server itself; its log says more"


def main(arguments: list[str]) -> int:
    """Checks or makes the job of the working folder; returns the exit code, which is 0 even where the job fails."""
    what, room = arguments
    Thread(target=_end_with_the_server, daemon=True).start()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        with suppress(AttributeError):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(OSError, AttributeError):
        os.nice(5)  # answers to requests come first
    if what == "check":
        _limit_memory(CHECK_MEMORY)
    shown: dict[str, str] = {}
    lock = _lock(Path())
    try:
        _tell(_checked(shown) if what == "check" else _made(int(room), shown))
    except (InputError, MemoryError) as error:
        reason = str(error) or "there is not enough memory for it"
        code = next((code for kind, code in CODES.items() if isinstance(error, kind)), "bad_request")
        _tell({"error": _renamed(reason, shown), "code": code})
    except Exception:
        traceback.print_exc()
        _tell({"error": INTERNAL, "code": "internal_server_error"})
    finally:
        lock.close()
    return 0


def _checked(shown: dict[str, str]) -> dict[str, Any]:
    """Checks the order and writes its plan. shown: gets the client's name for each path."""
    from standout.serve.jobs.check import checked
    from standout.serve.jobs.order import JobOrder

    checked(JobOrder.read(Path()), shown).write(Path())
    return {"end": {}}


def _made(room: int, shown: dict[str, str]) -> dict[str, Any]:
    """Makes the plan. shown: gets the client's name for each path."""
    from standout.serve.jobs.make import made
    from standout.serve.jobs.order import JobOrder, JobPlan

    plan = JobPlan.read(Path())
    for one in plan.files:
        shown |= {one.source: one.name, one.target: one.result}
    if plan.background is not None:
        shown[plan.background] = "that was sent"
    done = made(JobOrder.read(Path()), plan, lambda step: _tell({"step": asdict(step)}), room=room)
    failures = {name: _renamed(reason, shown) for name, reason in done.failures.items()}
    return {"end": {"done": done.done, "failures": failures, "left_out": len(plan.left_out)}}


def _renamed(reason: str, shown: dict[str, str]) -> str:
    """The reason with the client's names instead of the server's paths.

    >>> _renamed("in/0001.mp4 is damaged", {"in/0001.mp4": "me.mp4"})
    'me.mp4 is damaged'
    """
    reason = reason.replace(f"{Path.cwd()}{os.sep}", "")
    for path, name in shown.items():
        reason = reason.replace(path, name)
    return reason


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _end_with_the_server() -> None:
    """Ends this process once the server has: standard input is closed then, and this process has another parent.

    The parent tells it, too, where a process that the server forked keeps the other end of the pipe open.
    """
    server = os.getppid()
    with suppress(OSError):
        while os.getppid() == server:
            if sys.platform == "win32" or select.select([0], [], [], 1.0)[0]:
                if not os.read(0, 1):
                    break
    os._exit(ABANDONED)


def _limit_memory(most: int) -> None:
    """Allocating more bytes than that fails from now on, where the system has such a limit."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _lock(folder: Path) -> BinaryIO:
    """The lock of the job's folder. Raises OutputError where another process keeps it too long."""
    ends = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return locked(folder)
        except OutputError:
            if time.monotonic() > ends:
                raise
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
