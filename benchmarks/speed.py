"""Prints what whole commands cost, each compared with a plain way to do the same in the same run.

    python benchmarks/speed.py [--rounds 5] [--photos 200]

The rows are start-up, a small photo in a new process, a photo of 12 megapixels on one core and on all, with its peak
memory, and a folder on all cores beside one core, and beside a process for each core, which is as much as the machine's
cores can do together. The photos are made from the sample photo, enlarged or cropped; the large photo has
a sensor's noise, so that encoders have real detail to encode. Machines differ, so compare the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SAMPLE = Path(__file__).parent.parent / "examples" / "astronaut.jpg"

PLAIN = """
import sys, cv2, numpy as np
from PIL import Image
from standout.segmenter import Segmenter
photo = np.asarray(Image.open(sys.argv[1]).convert("RGB"))
mask = Segmenter(threads=1).mask(photo, refine=False)
Image.fromarray(np.dstack([photo, np.rint(mask * 255).astype(np.uint8)])).save(sys.argv[2])
"""
"""What a user would write without the command: no refinement, Pillow's default PNG, hidden pixels kept."""


APART = """
import os, subprocess, sys
folder, target, *command = sys.argv[1:]
cores = sorted(os.sched_getaffinity(0))
runs = []
for number, core in enumerate(cores):
    os.sched_setaffinity(0, {core})
    mine = sorted(os.listdir(folder))[number :: len(cores)]
    runs.append(subprocess.Popen([*command, *(os.path.join(folder, name) for name in mine), "-o", target]))
sys.exit(max(run.wait() for run in runs))
"""
"""Runs a command for a folder in a process for each core, each on its own part of the photos."""


@dataclass
class Cost:
    """The fewest seconds of several rounds, and the peak memory of the process in MB."""

    seconds: float
    peak: float


TIMER = """
import json, os, sys, time
os.sched_setaffinity(0, json.loads(sys.argv[1]))
began = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
print(json.dumps([time.perf_counter() - began, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)]))
"""
"""A small parent process, since Linux adds the memory of the parent at the start of its child to the child's peak."""


def compiled(folder: Path) -> dict[str, str]:
    """The environment in which Python keeps bytecode, as pip makes it for users, in that folder."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder)}


def cost(command: list[str], *, cores: int, rounds: int, bytecode: Path | None = None) -> Cost:
    """What a command costs as a process of its own that runs on that many cores. bytecode: None, or see compiled."""
    allowed = json.dumps(sorted(os.sched_getaffinity(0))[:cores])
    best, peak = float("inf"), 0.0
    environment = None if bytecode is None else compiled(bytecode)
    for _ in range(rounds + (bytecode is not None and not bytecode.is_dir())):  # the first compiles
        timer = [sys.executable, "-I", "-S", "-c", TIMER, allowed, *command]
        done = subprocess.run(timer, capture_output=True, text=True, check=True, env=environment)
        seconds, memory, code = json.loads(done.stdout.splitlines()[-1])
        if code:
            sys.exit(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
        best, peak = min(best, seconds), max(peak, memory)
    return Cost(best, peak)


def large_photo(path: Path) -> None:
    """Writes a portrait of 12 megapixels with noise as JPEG."""
    photo = cv2.resize(np.asarray(cv2.imread(str(SAMPLE))), (3000, 4000), interpolation=cv2.INTER_CUBIC)
    noisy = photo + np.random.default_rng(0).normal(0, 3, photo.shape)
    cv2.imwrite(str(path), np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])


def small_photos(folder: Path, count: int) -> None:
    """Writes many photos of 640x480, each a little different."""
    folder.mkdir()
    photo, rng = cv2.resize(np.asarray(cv2.imread(str(SAMPLE))), (640, 640)), np.random.default_rng(0)
    for n in range(count):
        top = int(rng.integers(160))
        cv2.imwrite(str(folder / f"{n:04}.jpg"), photo[top : top + 480])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=200)
    options = parser.parse_args()
    every = len(os.sched_getaffinity(0))
    python, standout = sys.executable, str(Path(sys.executable).parent / "standout")
    rows: list[tuple[str, Cost, str, Cost]] = []
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        large_photo(folder / "large.jpg")
        small_photos(folder / "small", options.photos)
        cut = [standout, "cut", "--overwrite"]

        def measure(name: str, command: list[str], against: str, plain: list[str], cores: int = 1) -> None:
            one, other = (
                cost(each, cores=cores, rounds=options.rounds, bytecode=folder / "bytecode")
                for each in (command, plain)
            )
            rows.append((name, one, against, other))

        nothing = [python, "-c", "pass"]
        measure("standout --version", [standout, "--version"], "python -c pass", nothing)
        measure("standout --help", [standout, "--help"], "python -c pass", nothing)
        small, large = str(folder / "small" / "0000.jpg"), str(folder / "large.jpg")
        out = str(folder / "out.png")
        plain = [python, "-c", PLAIN]
        measure("small photo, cold", [*cut, small, "-o", out], "by hand", [*plain, small, out], cores=2)
        measure("12 MP to RGBA PNG, one core", [*cut, large, "-o", out], "by hand", [*plain, large, out])
        measure("12 MP to RGBA PNG, all cores", [*cut, large, "-o", out], "by hand", [*plain, large, out], every)
        many = [*cut, str(folder / "small"), "-o", str(folder / "many")]
        apart = [python, "-c", APART, str(folder / "small"), str(folder / "many"), *cut]
        alone, together, parted = (
            cost(command, cores=count, rounds=min(3, options.rounds), bytecode=folder / "bytecode")
            for command, count in ((many, 1), (many, every), (apart, every))
        )
        rows.append((f"{options.photos} photos, all cores", together, "one core", alone))
        rows.append((f"{options.photos} photos, all cores", together, "a process for each core", parted))
    print("| what | seconds | peak MB | against | seconds | peak MB | ratio |\n|---|---|---|---|---|---|---|")
    for name, one, against, other in rows:
        print(
            f"| {name} | {one.seconds:.3f} | {one.peak:.0f} | {against} | {other.seconds:.3f} | {other.peak:.0f} "
            f"| {other.seconds / one.seconds:.2f} |"
        )


if __name__ == "__main__":
    main()
