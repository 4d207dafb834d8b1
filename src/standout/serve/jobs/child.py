"""A process that checks an upload or does a job, seen from the server: started, heard, killed.

It leads a group of its own, so that a signal for the server's terminal does not reach it. Its standard input is a pipe
that the server holds open, which is how it learns that the server has ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import standout

MOST_SILENCE = {"check": 300.0, "make": 1800.0}
"""Seconds without a report after which a process is taken to hang."""

LONGEST_LINE = 2**22
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""A check computes nothing, and each thread of these libraries would take a share of the memory that it may have."""

MODULE = "standout.serve.jobs.work"
LOG = "log"
"""The file of the job's folder that gets what the process prints."""


class JobChild:
    """The process of a job."""

    def __init__(self, process: Process, folder: Path, most_silence: float) -> None:
        self._process, self._folder, self._most_silence = process, folder, most_silence

    async def reports(self) -> AsyncIterator[dict[str, Any]]:
        """What the process reports, see work, until it ends. One that says nothing for too long is killed."""
        assert self._process.stdout is not None
        while True:
            try:
                async with asyncio.timeout(self._most_silence):
                    line = await self._process.stdout.readline()
            except (TimeoutError, ValueError):  # silent, or a line that is too long
                self.kill()
                return
            if not line:
                return
            with suppress(ValueError):  # cut off as the process died
                yield json.loads(line)

    def kill(self) -> None:
        """Ends the process, and all that it may have started, at once."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()

    async def ended(self) -> str:
        """How the process ended, in words, with the last lines that it printed, for the server's log."""
        code = await self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        with suppress(OSError):
            return f"{how}; {(self._folder / LOG).read_bytes()[-2000:].decode('utf-8', 'replace').strip()}"
        return how


@asynccontextmanager
async def started(what: Literal["check", "make"], folder: Path, *, room: int = 0) -> AsyncIterator[JobChild]:
    """A process that checks or makes the job of the folder; it has ended when the block does.

    room: bytes that its results may take on the disk.
    """
    source = str(Path(standout.__file__).parent.parent)
    paths = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
    with (folder / LOG).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-X", "faulthandler", "-m", MODULE, what, str(room)),
            cwd=folder,
            env=os.environ | {"PYTHONPATH": paths} | (ONE_THREAD if what == "check" else {}),
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            start_new_session=True,
            limit=LONGEST_LINE,
        )
    child = JobChild(process, folder, MOST_SILENCE[what])
    try:
        yield child
    finally:
        child.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
