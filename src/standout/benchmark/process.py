"""Runs a trial in this process, which was started for it: it takes an order and prints a reading, both as JSON.

    python -m standout.benchmark.process ORDER

    network   only the network's call, on a photo of the network's own size
    photo     `standout cut` from a JPEG to a PNG; the process that ordered it takes the time
    video     frames in memory are masked and blurred; nothing is decoded or encoded

Memory, start-up and torch's threads belong to a process, so each trial has its own. To add a kind: a function like
network() and a row in KINDS.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from standout.errors import StandoutError

FRAME = (720, 1280)
"""Height and width of a frame, in pixels."""

FEWEST = 3
"""How many calls are timed at least, however slow they are."""


@dataclass(frozen=True)
class Order:
    """What a process is to measure.

    began: when this process was started, by time.time(). seconds: how long calls are timed. size: (h, w) of the
    network's photo. photo, result: the files of the kind "photo".
    """

    kind: str
    model: str
    runtime: str
    device: str
    threads: int
    size: tuple[int, int]
    seconds: float
    began: float
    photo: str = ""
    result: str = ""


@dataclass(frozen=True)
class Reading:
    """What was measured.

    ms: for a photo or frame. start_ms: from the start of the process until the first photo or frame was done. peak_mb:
    the most memory that the process held.
    """

    ms: float
    start_ms: float | None = None
    peak_mb: float | None = None


def main() -> None:
    """Carries the order out and prints the reading; an error of standout is printed as {"error": ...}."""
    order = Order(**json.loads(sys.argv[1]))
    try:
        found: dict[str, object] = dict(vars(KINDS[order.kind](order)))
    except StandoutError as error:
        found = {"error": str(error)}
    sys.stdout.flush()
    print(json.dumps(found))


def network(order: Order) -> Reading:
    """Times the network's call on noise, since the time does not depend on what the photo shows."""
    import numpy as np

    from standout import runtimes
    from standout.models.registry import find

    session = runtimes.open(find(order.model), runtime=order.runtime, device=order.device, threads=order.threads)
    batch = np.random.default_rng(0).random((1, 3, *order.size), np.float32)
    return _timed(lambda: session.run(batch), order)


def video(order: Order) -> Reading:
    """Times masking a frame and blurring its background."""
    hold(order.threads)
    import cv2
    import numpy as np

    from standout.effects import compose
    from standout.segmenter import Segmenter
    from standout.support.portrait import portrait

    cv2.setNumThreads(order.threads)
    segmenter = Segmenter(order.model, runtime=order.runtime, device=order.device, threads=order.threads)
    still = portrait(*FRAME)
    frames = [np.roll(still, 16 * n, axis=1) for n in range(4)]
    count = iter(range(sys.maxsize))

    def one() -> None:
        frame = frames[next(count) % len(frames)]
        compose.blur(frame, segmenter.mask(frame))

    return _timed(one, order)


def photo(order: Order) -> Reading:
    """Runs the command as users do, with its start-up."""
    hold(order.threads)
    sys.argv = [
        "standout", "cut", order.photo, "-o", order.result, "--quiet", "--model", order.model, "--runtime",
        order.runtime, "--device", order.device, "--threads", str(order.threads),
    ]  # fmt: skip
    try:
        runpy.run_module("standout", run_name="__main__")
    except SystemExit as end:
        if end.code:  # the command has printed why it failed
            raise
    return Reading(1000 * (time.time() - order.began), peak_mb=peak())


def _timed(call: Callable[[], object], order: Order) -> Reading:
    """The median time of some calls after the first three."""
    call()
    start_ms = 1000 * (time.time() - order.began)
    for _ in range(2):  # the first calls still allocate memory
        call()
    times: list[float] = []
    until = time.perf_counter() + order.seconds
    while len(times) < FEWEST or time.perf_counter() < until:
        before = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - before))
    from statistics import median  # imported at the top, it would be timed as part of the start-up

    return Reading(median(times), start_ms, peak())


def hold(cores: int) -> None:
    """Keeps this process on that many cores, where the system can do that (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def peak() -> float | None:
    """The most memory that this process has held so far, in MB; None where the system does not tell (Windows)."""
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss of Linux begins with the size of the parent process
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


KINDS: dict[str, Callable[[Order], Reading]] = {"network": network, "photo": photo, "video": video}

if __name__ == "__main__":
    main()
