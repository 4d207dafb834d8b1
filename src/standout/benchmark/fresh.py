"""A trial -> a reading, measured in a process of its own that begins with nothing loaded.

photo   Path   the JPEG that the photo trials cut out; the results go to a folder that is removed afterwards
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import standout
from standout.benchmark.process import Order, Reading
from standout.benchmark.rounds import Run
from standout.benchmark.trials import Skipped, Trial

LONGEST = 600.0
"""Seconds after which a process is stopped and its trial counts as failed."""


@contextmanager
def runner(photo: Path | None = None, *, seconds: float = 0.4) -> Iterator[Run]:
    """A function that runs a trial. seconds: how long calls are timed in each process."""
    with tempfile.TemporaryDirectory(prefix="standout-") as folder:

        def run(trial: Trial) -> Reading | Skipped:
            result = Path(folder) / "cut.png"
            result.unlink(missing_ok=True)
            given = asdict(trial) | {"seconds": seconds, "began": time.time()}
            return _carried_out(trial, Order(**given, photo=str(photo or ""), result=str(result)))

        yield run


def _carried_out(trial: Trial, order: Order) -> Reading | Skipped:
    """The reading of a trial, or the reason why there is none."""
    command = [sys.executable, "-P", "-m", "standout.benchmark.process", json.dumps(asdict(order))]
    try:
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return _skipped(trial, f"no answer in {LONGEST:.0f} s", broken=True)
    ended = 1000 * (time.time() - order.began)
    told = done.stdout.splitlines()[-1:]
    if done.returncode or not told:
        said = done.stderr.strip().splitlines()[-1:] or [f"it ended with exit code {done.returncode}"]
        return _skipped(trial, said[0].removeprefix("error: ")[:300], broken=True)
    found = json.loads(told[0])
    if "error" in found:
        return _skipped(trial, found["error"])
    reading = Reading(**found)
    return Reading(ended, peak_mb=reading.peak_mb) if trial.kind == "photo" else reading


def _skipped(trial: Trial, why: str, *, broken: bool = False) -> Skipped:
    return Skipped(trial.model, trial.runtime, trial.device, why, broken)


def _environment() -> dict[str, str]:
    """The environment of this process, in which a new process finds the same standout, wherever it was loaded from."""
    here = str(Path(standout.__file__).parent.parent)
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))}
