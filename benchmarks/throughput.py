"""Prints how many photos a second a folder takes from file to file on a device, and where their time goes.

    python benchmarks/throughput.py [--device cuda] [--photos 400] [--workers 1,2,4,8,16] [--side 1024]

Photos are worked on as `standout cut FOLDER` works on them: by threads that read, wait for the network together,
refine, cut, encode and write. Of each number of threads, the table tells photos a second, the mean batch of the
network's calls, and the share of all threads' time that each step took; "network, waiting" includes the wait for other
photos' calls. Where nvidia-smi is there, it tells the share of time in which the GPU was at work. The first
photos, which find the device cold, are not counted.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import cv2
import numpy as np

from standout import images
from standout.batch.gathering import gathered
from standout.batch.naming import Naming
from standout.batch.photo import Outcome
from standout.batch.plan import Task, plan
from standout.batch.run import run, threads
from standout.editing import Edit
from standout.masks.full_size import full_size
from standout.segmenter import Segmenter
from standout.support.atomic import write_atomic
from standout.support.system import cores
from standout.types import Image, Mask, PersonFinder, Photo

SAMPLE = Path(__file__).parent.parent / "examples" / "astronaut.jpg"
STEPS = ("read", "network, waiting", "refine", "effect", "encode", "write")


class Clock:
    """The seconds that each step took, of all threads together."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Counts the time inside for the step."""
        began = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[step] += time.perf_counter() - began


class Counting:
    """The segmenter, which counts its calls and the images in them."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter, self.batch = segmenter, segmenter.batch
        self.sizes: list[int] = []

    def probability(self, image: Image) -> Mask:
        """See Segmenter."""
        return self.probabilities([image])[0]

    def probabilities(self, photos: Sequence[Image]) -> list[Mask]:
        """See Segmenter."""
        self.sizes.append(len(photos))
        return self._segmenter.probabilities(photos)


def job(segmenter: PersonFinder, clock: Clock, edit: Edit) -> Callable[[Task], Outcome]:
    """What the command of an effect does with a photo, with each step timed."""
    finder = gathered(segmenter)

    def work(task: Task) -> Outcome:
        with clock.of("read"):
            photo: Photo = images.read(task.source)
        with clock.of("network, waiting"):
            found = finder.probability(photo.image)
        with clock.of("refine"):
            mask = full_size(found, photo.image)
        with clock.of("effect"):
            edited = edit.of_photo(photo, mask)
        with clock.of("encode"):
            data = images.encode(edited.picture, task.suffix, meta=photo.meta)
        with clock.of("write"):
            write_atomic(task.target, data)
        height, width = photo.image.shape[:2]
        return Outcome(width, height, edited.person_share)

    return work


class Busy:
    """The mean share of time in which the GPU was at work, read five times a second; None without nvidia-smi."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Busy:
        """Begins to watch."""
        if which("nvidia-smi"):
            query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
            self._process = subprocess.Popen(query, stdout=subprocess.PIPE, text=True)
        self.share: float | None = None
        return self

    def __exit__(self, *_: Any) -> None:
        """Ends watching."""
        if self._process:
            self._process.terminate()
            told, _rest = self._process.communicate()
            shares = [float(line) for line in told.split() if line.replace(".", "").isdigit()]
            self.share = sum(shares) / len(shares) if shares else None


def photos(folder: Path, count: int, side: int) -> None:
    """Writes photos whose longer side is `side`, each a little different."""
    folder.mkdir()
    whole = cv2.resize(np.asarray(cv2.imread(str(SAMPLE))), (side, side), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(0)
    for n in range(count):
        left = int(rng.integers(side // 4))
        cv2.imwrite(str(folder / f"{n:05}.jpg"), whole[:, left : left + side * 3 // 4])


def row(segmenter: Segmenter, folder: Path, out: Path, workers: int, warm: int) -> str:
    """A row of the table."""
    tasks = plan([str(folder)], str(out), naming=Naming.of(Edit().effect, format=None))
    for some in (tasks[:warm], tasks[warm:]):
        clock, counting = Clock(), Counting(segmenter)
        with Busy() as busy:
            summary = run(some, job(counting, clock, Edit()), engine=threads(workers))
        if summary.failed:
            raise SystemExit(f"{summary.failed[0].source}: {summary.failed[0].error}")
    whole = sum(clock.seconds.values())
    parts = " | ".join(f"{100 * clock.seconds[step] / whole:.0f} %" for step in STEPS)
    used = "" if busy.share is None else f"{busy.share:.0f} %"
    mean = sum(counting.sizes) / len(counting.sizes)
    return f"| {workers} | {summary.done / summary.seconds:.1f} | {mean:.1f} | {used} | {parts} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="standout-mobile")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--workers", default="", help="numbers of threads, such as 1,8,32; by default 1 to 4 a core")
    options = parser.parse_args()
    many = [int(text) for text in options.workers.split(",") if text]
    many = many or [1, *(cores() * times for times in (1, 2, 4))]
    segmenter = Segmenter(options.model, runtime=options.runtime, device=options.device, threads=1)
    cv2.setNumThreads(1)
    print(
        f"{options.model} by {segmenter.runtime} on {segmenter.device}, {options.photos} photos, side {options.side}\n"
    )
    print(f"| threads | photos/s | photos a call | GPU at work | {' | '.join(STEPS)} |")
    print("|---" * (4 + len(STEPS)) + "|")
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp) / "photos"
        photos(folder, options.photos, options.side)
        for workers in many:
            warm = min(options.photos // 4, max(8, 2 * workers))
            print(row(segmenter, folder, Path(temp) / f"out-{workers}", workers, warm), flush=True)


if __name__ == "__main__":
    main()
