"""Runs 24 hours of live pictures by a simulated clock, and tells how the memory of the process grows.

    python benchmarks/soak.py [--frames 100000]

The loop, the temporal filter, the tracker, the effects and the refinement are real. Pictures are small, a finder of a
few lines stands in for the network, and the camera gives the next frame once the picture of the last one was shown
(tests/live/soak.py). The clock moves by the same time with each frame, so that all of them together last 24 hours. The
slope is that of a straight line through the memory of the process (RSS), from the second tenth of the run on.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from pathlib import Path

import numpy as np

HOURS = 24
PAGE = os.sysconf("SC_PAGE_SIZE")


def held() -> int:
    """Bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def slope(samples: list[tuple[int, int]]) -> tuple[float, float]:
    """Bytes a frame, and half the width of the 95 % interval."""
    frames, memory = np.array(samples, float).T
    (rise, _), covariance = np.polyfit(frames, memory, 1, cov=True)
    return float(rise), 1.96 * float(np.sqrt(covariance[0, 0]))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000)
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    live = importlib.import_module("tests.live.soak")
    from standout.live import latest, loop

    clock = live.Clock(step=HOURS * 3600 / given.frames)
    for module in (loop, latest):
        module.monotonic = clock  # type: ignore[attr-defined]
    samples: list[tuple[int, int]] = []
    every = max(1, given.frames // 200)
    began = time.process_time()
    pace = live.soak(
        given.frames, clock, each=lambda shown: samples.append((shown, held())) if shown % every == 0 else None
    )
    later = [one for one in samples if one[0] > given.frames / 10]
    rise, within = slope(later)
    full = HOURS * 3600 * 30
    print("| frames | hours of the clock | failed | MB at a tenth | MB at the end | bytes a frame | ms a frame |")
    print("|---|---|---|---|---|---|---|")
    cells = [f"{pace.shown:,}", f"{pace.seconds / 3600:.1f}", str(pace.blank), f"{later[0][1] / 2**20:.1f}"]
    cells += [f"{later[-1][1] / 2**20:.1f}", f"{rise:+.2f} ± {within:.2f}"]
    cells += [f"{1000 * (time.process_time() - began) / given.frames:.2f}"]
    print(f"| {' | '.join(cells)} |")
    print(f"\n24 hours at 30 frames a second are {full:,} frames: {rise * full / 2**20:+.1f} MB by that slope.")


if __name__ == "__main__":
    main()
