"""Runs one model over photos, in whatever environment it lives: masks for scoring, or milliseconds.

    PYTHON runner.py JOB.json

job      {"module": "selfie", "settings": {...}, "photos": [path], "masks": folder or null, "core": n or null,
         "seconds": s, "packages": [name], "report": path}
report   {"versions": {name: version}} and, without masks, {"network_ms": [...], "photo_ms": [...]}

A module beside this file has load(settings, timed) -> segment: a photo, uint8 (H, W, 3) RGB, to its mask (H, W) of the
photo's own size, float32 0..1 or uint8. It passes the call of its network through timed. Needs numpy and OpenCV only.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM_UP = 1.0
"""Seconds, at least, of runs that do not count."""


def main() -> None:
    """Does the job."""
    job = json.loads(Path(sys.argv[1]).read_text())
    if job["core"] is not None:
        os.sched_setaffinity(0, {job["core"]})  # before any library counts the cores
    report: dict[str, Any] = {"versions": {name: importlib.metadata.version(name) for name in job["packages"]}}
    network: list[float] = []

    def timed(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            began = time.perf_counter()
            found = call(*args)
            network.append((time.perf_counter() - began) * 1000)
            return found

        return run

    import cv2

    cv2.setNumThreads(1)
    segment = importlib.import_module(job["module"]).load(job["settings"], timed)
    if job["masks"]:
        write_masks(segment, job["photos"], Path(job["masks"]))
    else:
        photo = measure(segment, [read(path) for path in job["photos"]], job["seconds"], network)
        report |= {"network_ms": network, "photo_ms": photo}
    Path(job["report"]).write_text(json.dumps(report))


def read(path: str) -> Any:
    """The photo, RGB."""
    import cv2

    image = cv2.imread(path, cv2.IMREAD_COLOR)
    assert image is not None, path
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def write_masks(segment: Callable[[Any], Any], photos: list[str], folder: Path) -> None:
    """Writes each photo's mask as PNG under the photo's name."""
    import cv2
    import numpy as np

    for n, path in enumerate(photos, 1):
        mask = segment(read(path))
        levels = mask if mask.dtype == np.uint8 else np.rint(mask * 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{Path(path).stem}.png"), levels)
        if n % 50 == 0 or n == len(photos):
            print(f"{n} of {len(photos)} photos", flush=True)


def measure(segment: Callable[[Any], Any], photos: list[Any], seconds: float, network: list[float]) -> list[float]:
    """Milliseconds of photos, in whole passes over all of them, so that each counts alike; network holds its share."""
    began = time.perf_counter()
    while not network or time.perf_counter() - began < WARM_UP:
        segment(photos[0])
    network.clear()
    times: list[float] = []
    began = time.perf_counter()
    while not times or time.perf_counter() - began < seconds:
        for photo in photos:
            start = time.perf_counter()
            segment(photo)
            times.append((time.perf_counter() - start) * 1000)
    return times


if __name__ == "__main__":
    main()
