"""Measures live pictures at 720p: pictures a second, processor time by step, and the latency by a drawn clock.

    .venv/bin/python benchmarks/live.py [--seconds 10] [--rounds 2] [--before FOLDER-OF-AN-EARLIER-VERSION]

What runs is the command `standout webcam --size 1280x720`, in a process that is held to one core, or to two, with its
window. Only the camera is drawn: it stands in for OpenCV's class, gives 30 JPEG pictures a second, which it decodes
as OpenCV does, has four buffers as drivers do, and writes the number of each frame into the picture, in light and dark
gray blocks. The viewer is another process, on the last core: it reads the window's stream, notes when each picture has
come whole, and reads the number in it. The latency is the time from when the camera had the frame to that moment; a
browser's own decoding and the screen come on top, as do a real camera's exposure and its cable.

Processor time is that of the threads of the command, in milliseconds for each picture shown. Versions take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT, RATE = 1280, 720, 30
FRAMES = 120
"""Frames that the camera shows, again and again: four seconds, of which the drawn clock tells each from the others."""

BITS, BLOCK = 8, 96
"""Blocks of the clock along the upper edge, of which the last makes the count of light ones even; their height."""

CONTRAST = 8
"""Levels by which the clock's blocks are lighter or darker than gray: too few to be taken for something that moves."""

BUFFERS = 4
"""Frames that wait in a camera's driver at most; further ones are lost."""

WARM = 2.0
"""Seconds at the start, while the model warms up, whose pictures do not count."""

OWN = ("Blur", "Color", "Cut", "Replace", "Matte")
"""The effects that are given a small picture of each frame."""

STEPS = {
    "network": ["standout.segmenter Segmenter probability"],
    "carried masks": ["standout.masks.temporal TemporalFilter carried"],
    "temporal filter": ["standout.masks.temporal TemporalFilter __call__"],
    "mask at full size": ["standout.editing Edit mask", "standout.editing Edit mask_of_planes"],
    "effect": ["standout.editing Edit painted", *(f"standout.effects {one} on_planes" for one in OWN)],
    "window": ["standout.serve.webcam.window Window show"],
}
"""Step of the main thread -> the module, the class and the method that do it, one way or another."""


def numbered(image: np.ndarray, number: int) -> np.ndarray:
    """The image with the number drawn into it."""
    shown = image.copy()
    bits = [number >> i & 1 for i in range(BITS - 1)]
    for place, bit in enumerate([*bits, sum(bits) % 2]):
        shown[:BLOCK, place * WIDTH // BITS : (place + 1) * WIDTH // BITS] = 128 + (CONTRAST if bit else -CONTRAST)
    return shown


def number_in(picture: np.ndarray) -> int | None:
    """The number that is drawn into a picture, whose background may be blurred; None where there is none."""
    middle = picture[BLOCK // 3 : BLOCK // 2].mean(axis=(0, 2))
    bits = [middle[int((place + 0.5) * WIDTH / BITS)] > 128 for place in range(BITS)]
    return sum(int(bit) << i for i, bit in enumerate(bits[:-1])) if sum(bits) % 2 == 0 else None


def pictures() -> list[bytes]:
    """The camera's frames, as JPEG."""
    from clips import play

    def images() -> Iterator[np.ndarray]:
        for name in ("slow", "wave"):
            for frame, _ in play(name):
                yield frame.image

    found = []
    for number, image in enumerate(islice(images(), FRAMES)):
        large = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        drawn = numbered(np.asarray(large), number)
        found.append(cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return found


class DrawnCamera:
    """Stands in for cv2.VideoCapture. arrivals: the number of each frame that was read, and when the camera had it."""

    frames: list[bytes]
    arrivals: list[tuple[int, float]]

    def __init__(self, which: int | str, backend: int = 0) -> None:
        self._began, self._seen, self._waiting = time.monotonic(), -1, list[int]()

    def isOpened(self) -> bool:
        """See OpenCV."""
        return True

    def set(self, what: int, value: float) -> bool:
        """See OpenCV."""
        return True

    def read(self) -> tuple[bool, np.ndarray | None]:
        """The oldest frame that waits, decoded; where none waits, the next one."""
        while True:
            newest = int((time.monotonic() - self._began) * RATE)
            fresh = range(self._seen + 1, newest + 1)
            self._waiting += fresh[: BUFFERS - len(self._waiting)]
            self._seen = newest
            if self._waiting:
                break
            time.sleep(max(0.0, self._began + (newest + 1) / RATE - time.monotonic()))
        number = self._waiting.pop(0)
        self.arrivals.append((number, self._began + number / RATE))
        encoded = np.frombuffer(self.frames[number % FRAMES], np.uint8)
        return True, cv2.imdecode(encoded, cv2.IMREAD_COLOR)

    def release(self) -> None:
        """See OpenCV."""


class Clocks:
    """Processor time of the steps, and of the threads, from the moment at which counting begins."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STEPS, 0.0)
        self.shown = 0
        self._all, self._threads = 0.0, dict[str, float]()

    def timed(self, name: str, done: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose processor time is counted under that name."""

        def call(*arguments: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return done(*arguments, **options)
            finally:
                self.spent[name] += time.thread_time() - began
                self.shown += name == "window"

        return call

    def begin(self) -> None:
        """Counting begins."""
        self.spent, self.shown = dict.fromkeys(STEPS, 0.0), 0
        self._all, self._threads = time.process_time(), _by_thread()

    def found(self) -> dict[str, float]:
        """Milliseconds for each picture, by step."""
        now = _by_thread()
        camera, window = (now.get(name, 0.0) - self._threads.get(name, 0.0) for name in ("camera", "window"))
        total = time.process_time() - self._all
        steps = {"camera": camera} | self.spent
        steps["server of the window"] = window
        steps["rest"] = total - sum(steps.values())
        return {name: 1000 * seconds / self.shown for name, seconds in (steps | {"all": total}).items()}


def _by_thread() -> dict[str, float]:
    """Processor time of the threads that standout names."""
    threads = {one.name.removeprefix("standout-"): one.ident for one in threading.enumerate()}
    return {name: time.clock_gettime(time.pthread_getcpuclockid(ident)) for name, ident in threads.items() if ident}


def webcam(folder: Path, seconds: float, arguments: list[str]) -> None:
    """Runs the command in this process with the drawn camera, and keeps what was measured in the folder."""
    import importlib

    from standout.cli import main

    DrawnCamera.frames = [(folder / f"{number}.jpg").read_bytes() for number in range(FRAMES)]
    DrawnCamera.arrivals = []
    cv2.VideoCapture = DrawnCamera  # type: ignore[misc,assignment]
    clocks = Clocks()
    for name, ways in STEPS.items():
        for module, kind, method in map(str.split, ways):
            owner = getattr(importlib.import_module(module), kind)
            if hasattr(owner, method):  # an earlier version may lack it
                setattr(owner, method, clocks.timed(name, getattr(owner, method)))
    found: dict[str, float] = {}
    from standout.live.loop import Live

    run = Live.run

    def timed(*given: Any, **more: Any) -> Any:  # its end, before the window's threads end
        threading.Timer(WARM, clocks.begin).start()
        threading.Timer(WARM + seconds, lambda: found.update(clocks.found())).start()
        return run(*given, **more)

    Live.run = timed  # type: ignore[method-assign]
    options = ["--size", f"{WIDTH}x{HEIGHT}", "--no-open", "--port", "0", "--seconds", str(WARM + seconds + 1)]
    code = main(["webcam", *arguments, *options])
    (folder / "measured.json").write_text(json.dumps({"steps": found, "arrivals": DrawnCamera.arrivals}))
    sys.exit(code)


@dataclass(frozen=True)
class Found:
    """One run: pictures a second, milliseconds of the processor for each by step, and of latency for each."""

    fps: float
    steps: dict[str, float]
    latencies: list[float]


def measured(source: Path, folder: Path, cores: str, seconds: float, arguments: list[str]) -> Found:
    """One run of the version whose package is in that folder, on those cores."""
    command = ["taskset", "-c", cores, sys.executable, __file__, "--webcam", str(folder), "--seconds", str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(source)}
    with subprocess.Popen([*command, "--", *arguments], env=environment, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        address = next((one[1] for line in run.stderr if (one := re.search(r"window: (\S+)", line))), None)
        seen = list(_seen(f"{address}stream", run)) if address else []
        told = run.stderr.read()
    if run.returncode or not seen:
        sys.exit(f"standout webcam ended with {run.returncode}; nothing is published\n{told}")
    kept = json.loads((folder / "measured.json").read_text())
    had: dict[int, list[float]] = {}
    for number, moment in kept["arrivals"]:
        had.setdefault(number % FRAMES, []).append(moment)
    began = seen[0][0] + WARM
    late, within = [], [one for one in seen if began <= one[0] < began + seconds]
    for moment, encoded in within:
        number = number_in(np.asarray(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)))
        if number in had:
            late.append(1000 * min(moment - then for then in had[number] if then <= moment))
    if len(late) < 0.98 * len(within):
        sys.exit(f"the clock was read in {len(late)} of {len(within)} pictures; nothing is published")
    return Found((len(within) - 1) / (within[-1][0] - within[0][0]), kept["steps"], late)


def _seen(address: str, run: subprocess.Popen[str]) -> Iterator[tuple[float, bytes]]:
    """When each picture of the stream had come whole, and its JPEG."""
    with urllib.request.urlopen(address, timeout=30) as stream:
        while run.poll() is None:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                if not line:
                    return
                continue
            picture = stream.read(length)
            yield time.monotonic(), picture


def table(rows: dict[str, Found]) -> str:
    """A row for each run, and the ratios to the version before."""
    head = ["run", "pictures a second", "latency, median", "P95", "one core could show"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, one in rows.items():
        median, late = statistics.median(one.latencies), statistics.quantiles(one.latencies, n=20)[-1]
        could = f"{1000 / one.steps['all']:.0f} a second"
        lines.append(f"| {name} | {one.fps:.1f} | {median:.0f} ms | {late:.0f} ms | {could} |")
    steps = list(next(iter(rows.values())).steps)
    lines += ["", f"| processor, ms a picture | {' | '.join(steps)} |", "|" + "---|" * (len(steps) + 1)]
    lines += [f"| {name} | {' | '.join(f'{one.steps[step]:.1f}' for step in steps)} |" for name, one in rows.items()]
    return "\n".join(lines)


def best(runs: list[Found]) -> Found:
    """The run that took the processor the least."""
    return min(runs, key=lambda one: one.steps["all"])


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--before", type=Path, help="the checkout of an earlier version, to compare with")
    parser.add_argument("--webcam", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="*", help="of standout webcam, after --, such as: -- color -c white")
    given = parser.parse_args()
    if given.webcam:
        webcam(given.webcam, given.seconds, given.arguments)
    versions = ({"before": given.before / "src"} if given.before else {}) | {"now": ROOT / "src"}
    last = (os.cpu_count() or 1) - 1
    os.sched_setaffinity(0, {last})
    runs: dict[str, list[Found]] = {}
    with tempfile.TemporaryDirectory() as temp:
        for number, picture in enumerate(pictures()):
            (Path(temp) / f"{number}.jpg").write_bytes(picture)
        for _ in range(given.rounds):
            for name, cores in (("one core", "0"), ("two cores", f"0,{last}")):
                for version, source in versions.items():
                    found = measured(source, Path(temp), cores, given.seconds, given.arguments)
                    runs.setdefault(f"{name}, {version}", []).append(found)
    rows = {name: best(some) for name, some in runs.items()}
    print(table(rows))
    if given.before:
        for name in ("one core", "two cores"):
            old, new = rows[f"{name}, before"], rows[f"{name}, now"]
            took = new.steps["all"] / old.steps["all"]
            print(
                f"\n{name.capitalize()}: {new.fps / old.fps:.2f} times the pictures, {took:.2f} of the processor time."
            )


if __name__ == "__main__":
    main()
