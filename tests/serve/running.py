"""`standout serve` as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import standout
from tests.waiting import LIMIT, started, until

SOURCE = str(Path(standout.__file__).parent.parent)
KEY = "a-key-of-ours"


@dataclass(frozen=True)
class RunningServer:
    """A server that asks for the key KEY. log: the file of what it says."""

    process: subprocess.Popen[Any]
    url: str
    log: Path

    def connect(self) -> http.client.HTTPConnection:
        where = urlsplit(self.url)
        return http.client.HTTPConnection(where.hostname or "", where.port, timeout=LIMIT)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of the answer to a request that brings the key."""
        connection = self.connect()
        try:
            connection.request(method, path, body, {"X-Api-Key": KEY} | (headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ready(self) -> dict[str, Any]:
        """What /readyz says."""
        found: dict[str, Any] = json.loads(self.ask("GET", "/readyz")[1])
        return found

    def workers(self) -> list[int]:
        """The worker processes that run, by their numbers (Linux)."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    after_name = (folder / "stat").read_text().rpartition(")")[2].split()
                    line = (folder / "cmdline").read_bytes()
                except OSError:
                    continue
                if int(after_name[1]) == self.process.pid and after_name[0] != "Z" and b"spawn_main" in line:
                    found.append(int(folder.name))
        return found


def runs(process: int) -> bool:
    """Whether the process runs: it is there, and not only waits for its parent to take note of its end."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def running(log: Path, *more: str) -> Iterator[RunningServer]:
    """A server with one worker, whose model is loaded."""
    command = [sys.executable, "-m", "standout", "serve", "--port", "0", "--workers", "1", "--key", KEY, *more]
    with log.open("w") as told, started(command, stderr=told, env=os.environ | {"PYTHONPATH": SOURCE}) as process:

        def url() -> str | None:
            found = re.search(r"serving at (http://127\.0\.0\.1:\d+)/", log.read_text())
            return found and found[1]

        where = until(url, "the server's address", process=process)
        assert where is not None
        server = RunningServer(process, where, log)
        until(lambda: server.ready()["model"], "the model to be loaded", process=process)
        yield server
