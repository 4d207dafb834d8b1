"""Runs live pictures for long, and tells how the memory of the process grows.

    python benchmarks/soak.py [--frames 60000] [--minutes 3]

Two runs at a time, through the same loop, in which a camera gives the next frame once the picture of the last one was
shown. Over 24 hours of a simulated clock: pictures of 64x48, a finder of a few lines instead of the network, visitors
that come and go, and effects that change (tests/live/soak.py); the clock moves by the same time with each frame, so
that all of them together last 24 hours. And for as long as is given: JPEG pictures of 1280x720 from the camera of
live.py, the bundled model, a clock of 30 frames a second, and effects that change. All 2.6 million frames of a day at
real cost would take longer than a day.

The slope is that of a straight line through the memory of the process (RSS), over the second half of the run. What it
comes to over a day's frames is no forecast: the memory of a process grows in steps, of which a short run has few.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import cv2
import numpy as np

HOURS, RATE = 24, 30
DAY = HOURS * 3600 * RATE
"""Frames of a day."""

PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLES = 400
TENTHS = (1, 2, 4, 6, 8, 10)
"""After which tenths of a run its memory is shown."""

Sample = tuple[int, float, int]
"""Frames shown, seconds of the processor, bytes held."""


def held() -> int:
    """Bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def slope(samples: list[Sample]) -> tuple[float, float]:
    """Bytes a frame, and half the width of the 95 % interval."""
    frames, _, memory = np.array(samples, float).T
    (rise, _), covariance = np.polyfit(frames, memory, 1, cov=True)
    return float(rise), 1.96 * float(np.sqrt(covariance[0, 0]))


def small(frames: int) -> list[Sample]:
    """24 hours of the clock, in so many small pictures."""
    live = importlib.import_module("tests.live.soak")
    clock = live.Clock(step=HOURS * 3600 / frames)
    _set(clock)
    samples, sample = _sampled(max(1, frames // SAMPLES))
    pace = live.soak(frames, clock, each=sample)
    assert not pace.blank and pace.seconds > 0.999 * HOURS * 3600
    return samples()


def real(minutes: float) -> list[Sample]:
    """So many minutes of 720p with the bundled model, as fast as it goes, at 30 frames a second of the clock."""
    from tests.live.soak import EFFECTS, Clock, InStep

    import live as camera
    from standout.editing import Edit
    from standout.live.loop import Controls, Live
    from standout.segmenter import Segmenter

    cv2.setNumThreads(1)
    encoded = [np.frombuffer(one, np.uint8) for one in camera.pictures()]
    clock = Clock(step=1 / RATE)
    _set(clock)
    controls, names = Controls("blur"), [one.name for one in EFFECTS]
    ends = time.monotonic() + 60 * minutes
    samples, sample = _sampled(10)

    def shown(number: int) -> None:
        controls.effect = names[number // 250 % len(names)]
        sample(number)
        if time.monotonic() > ends:
            controls.stop.set()

    steps = InStep(DAY, clock, shown)

    def frames() -> Iterator[np.ndarray]:
        for number, _ in zip(count(), steps.frames(), strict=False):
            decoded = np.asarray(cv2.imdecode(encoded[number % len(encoded)], cv2.IMREAD_COLOR))
            yield np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)

    edits = {one.name: Edit(one) for one in EFFECTS}
    pace = Live(lambda: Segmenter(threads=1, tta=False, trim=True), edits, 0.2).run(frames(), [steps], controls)
    assert not pace.blank, f"{pace.blank} frames failed"
    return samples()


def _set(clock: Callable[[], float]) -> None:
    """The loop's clock."""
    from standout.live import latest, loop

    for module in (loop, latest):
        module.monotonic = clock  # type: ignore[attr-defined]


def _sampled(every: int) -> tuple[Callable[[], list[Sample]], Callable[[int], None]]:
    """What gives the samples, and what takes one every so many frames."""
    kept = array("d", bytes(8 * 3 * 10 * SAMPLES))  # made before, so that what is measured does not grow by it
    taken = 0

    def sample(shown: int) -> None:
        nonlocal taken
        if shown % every == 0 and 3 * taken < len(kept):
            kept[3 * taken], kept[3 * taken + 1], kept[3 * taken + 2] = shown, time.process_time(), held()
            taken += 1

    def samples() -> list[Sample]:
        return [(int(kept[at]), kept[at + 1], int(kept[at + 2])) for at in range(0, 3 * taken, 3)]

    return samples, sample


def row(name: str, samples: list[Sample]) -> str:
    """A row of the table."""
    frames, seconds, _ = samples[-1]
    rise, within = slope(samples[len(samples) // 2 :])
    memory = [samples[max(0, round(len(samples) * tenth / 10) - 1)][2] for tenth in TENTHS]
    each = 1000 * (seconds - samples[0][1]) / (frames - samples[0][0])
    cells = [name, f"{frames:,}", f"{each:.1f}", *(f"{one / 2**20:.1f}" for one in memory)]
    return f"| {' | '.join([*cells, f'{rise:+.1f} ± {within:.1f}', f'{rise * DAY / 2**20:+.0f} MB'])} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=60_000, help="small pictures, over 24 hours of the clock")
    parser.add_argument("--minutes", type=float, default=3.0, help="of large pictures")
    parser.add_argument("--part", choices=("small", "real"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    if given.part:
        print(json.dumps(small(given.frames) if given.part == "small" else real(given.minutes)))
        return
    parts = {"small": f"64x48, {HOURS} hours of the clock", "real": "1280x720, the bundled model"}
    options = ["--frames", str(given.frames), "--minutes", str(given.minutes)]
    runs = [
        subprocess.Popen([sys.executable, __file__, "--part", one, *options], stdout=subprocess.PIPE) for one in parts
    ]
    rows = {
        name: [tuple(one) for one in json.loads(run.communicate()[0])]
        for name, run in zip(parts.values(), runs, strict=True)
    }
    if any(run.returncode for run in runs):
        sys.exit("a run failed; nothing is published")
    heads = ["pictures", "frames", "ms a frame", *(f"MB at {10 * tenth} %" for tenth in TENTHS)]
    heads += ["bytes a frame, second half", f"over the {DAY:,} frames of a day"]
    print(f"| {' | '.join(heads)} |")
    print("|" + "---|" * len(heads))
    for name, samples in rows.items():
        print(row(name, samples))


if __name__ == "__main__":
    main()
