"""Prints what the server costs beside the library's own work, and how it bears many clients for long.

    python benchmarks/serve_load.py [--turns 6] [--seconds 5] [--requests 5000] [--clients 64]

Throughput: small photos are cut out by the library (a photo is read, its people are found, the edit is done, the result
is encoded as PNG) in one process a core, and by `POST /v1/edit` of a server with as many workers, in turn, so that
whatever else runs on the machine slows both down. The clients run on the same cores.

Endurance: many clients at once, until so many requests are answered and a minute is over. Anything but 200 and 429
counts as an error. The memory is that of the server and all its workers, shared pages counted by their share (PSS), the
highest of the first and of the last tenth of the requests.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import cv2
import numpy as np

from standout import images
from standout.editing import Edit
from standout.segmenter import Segmenter
from standout.support.system import cores

SAMPLE = Path(__file__).parent.parent / "examples" / "astronaut.jpg"
WIDTH, HEIGHT = 640, 480
MINUTE = 60.0


def photo() -> bytes:
    """The sample photo as a JPEG of 640x480."""
    whole = images.read(SAMPLE).image
    part = whole[: whole.shape[1] * HEIGHT // WIDTH]
    small = cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return images.encode(np.asarray(small, np.uint8), ".jpg")


def library(data: bytes, turns: multiprocessing.connection.Connection) -> None:
    """Works for so many seconds as each message says, and answers by the number of photos done in them."""
    cv2.setNumThreads(1)
    segmenter, edit = Segmenter(threads=1), Edit()
    with suppress(EOFError):  # no turn comes any more
        while True:
            seconds, done = turns.recv(), 0
            ends = time.perf_counter() + seconds
            while time.perf_counter() < ends:
                one = images.read(data)
                result = edit.of_photo(one, segmenter.mask(one.image))
                images.encode(result.picture, ".png", meta=one.meta)
                done += 1
            turns.send(done)


class Library:
    """The library at work in one process a core."""

    def __init__(self, data: bytes, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._turns = []
        for _ in range(workers):
            ours, theirs = context.Pipe()
            context.Process(target=library, args=(data, theirs), daemon=True).start()
            self._turns.append(ours)
        self.rate(1.0)  # the models are loaded

    def rate(self, seconds: float) -> float:
        """Photos a second."""
        for turn in self._turns:
            turn.send(seconds)
        return sum(int(turn.recv()) for turn in self._turns) / seconds


class Clients:
    """So many clients at once, each with a connection of its own, that ask again as soon as they are answered."""

    def __init__(self, url: str, data: bytes, count: int) -> None:
        self._where, self._data, self._count = urlsplit(url), data, count
        self.answers = Counter[str]()

    def ask(self, *, seconds: float, requests: int = 0) -> float:
        """Photos a second. It ends after so many seconds, and not before so many requests were answered."""
        began, before = time.perf_counter(), self.answers["200"]

        def goes_on() -> bool:
            return time.perf_counter() - began < seconds or self.answers.total() < requests

        threads = [Thread(target=self._one, args=(goes_on,)) for _ in range(self._count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (self.answers["200"] - before) / (time.perf_counter() - began)

    def _one(self, goes_on: object) -> None:
        connection = http.client.HTTPConnection(self._where.hostname or "", self._where.port, timeout=120)
        assert callable(goes_on)
        while goes_on():
            try:
                connection.request("POST", "/v1/edit", self._data, {"Content-Type": "image/jpeg"})
                answer = connection.getresponse()
                answer.read()
                self.answers[str(answer.status)] += 1
                if answer.status == 429:
                    time.sleep(float(answer.headers["Retry-After"]))
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                connection.close()
        connection.close()


@contextmanager
def server(workers: int) -> Iterator[tuple[str, int]]:
    """The URL and the process of a server whose workers are all loaded."""
    command = [sys.executable, "-m", "standout", "serve", "--port", "0", "--workers", str(workers)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = re.search(r"http://\S+", process.stderr.readline())
            assert found is not None, "the server does not start"
            yield found[0], process.pid
        finally:
            process.terminate()


def memory(root: int) -> float:
    """Megabytes of a process and all its descendants."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    tree = {root}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    total = 0
    for process in tree:
        try:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text(), re.M)
        except OSError:
            continue
        total += int(found[1]) if found else 0
    return total / 1024


def throughput(url: str, data: bytes, *, workers: int, turns: int, seconds: float) -> tuple[float, float, list[float]]:
    """Photos a second of the library and of the server, and the server's share of each turn."""
    ours, clients = Library(data, workers), Clients(url, data, 4 * workers)
    clients.ask(seconds=2)
    rates = [(ours.rate(seconds), clients.ask(seconds=seconds)) for _ in range(turns)]
    assert set(clients.answers) == {"200"}, clients.answers
    alone, served = (statistics.median(one) for one in zip(*rates, strict=True))
    return alone, served, [served / alone for alone, served in rates]


def endurance(url: str, process: int, data: bytes, *, clients: int, requests: int) -> tuple[Counter[str], float, float]:
    """The answers by status, and the highest megabytes of the first and of the last tenth of the requests."""
    asking = Clients(url, data, clients)
    thread = Thread(target=asking.ask, kwargs={"seconds": MINUTE, "requests": requests})
    thread.start()
    held = []
    while thread.is_alive():
        thread.join(0.5)
        held.append((asking.answers.total(), memory(process)))
        print(f"\r{held[-1][0]:,} requests, {held[-1][1]:.0f} MB", end="", file=sys.stderr)
    last = held[-1][0]
    first = max(megabytes for count, megabytes in held if count <= last / 10)
    return asking.answers, first, max(megabytes for count, megabytes in held if count >= last * 0.9)


def main() -> None:
    """See the top."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=6, help="of throughput; 0 leaves it out")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--requests", type=int, default=5000, help="of endurance; 0 leaves it out")
    parser.add_argument("--clients", type=int, default=64)
    given = parser.parse_args()
    data, workers = photo(), cores()
    with server(workers) as (url, process):
        if given.turns:
            alone, served, shares = throughput(url, data, workers=workers, turns=given.turns, seconds=given.seconds)
            turns = f"{min(shares):.2f} to {max(shares):.2f} in {len(shares)} turns"
            print("| photos of 640x480, cut out as PNG | photos/s |\n|---|---|")
            print(f"| the library, a process on each of {workers} cores | {alone:.1f} |")
            share = statistics.median(shares)
            print(
                f"| the server, its clients on the same cores | {served:.1f} ({share:.2f} of it; {turns}) |", flush=True
            )
        if given.requests:
            answers, first, last = endurance(url, process, data, clients=given.clients, requests=given.requests)
            errors = {kind: count for kind, count in answers.items() if kind not in ("200", "429")}
            print(
                f"\n{given.clients} clients at once, {answers.total():,} requests: {answers['200']:,} answered, "
                f"{answers['429']:,} told to come again (429), {sum(errors.values())} errors"
                f"{' ' + json.dumps(errors) if errors else ''}. Memory of the server and its workers: {first:.0f} MB "
                f"in the first tenth, {last:.0f} MB in the last."
            )


if __name__ == "__main__":
    main()
