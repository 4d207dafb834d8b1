"""Trials in rounds: each in turn, again and again, so that whatever else the machine does hits all alike.

Run   f(trial) -> Reading, or why there is none

Every second round goes backwards: a machine that slows down as it warms up would else favour the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any, TypeAlias

from standout.benchmark.process import Reading
from standout.benchmark.trials import Skipped, Trial

Run: TypeAlias = "Callable[[Trial], Reading | Skipped]"


@dataclass(frozen=True)
class Row:
    """A trial's figures over all rounds: medians, and the quartiles of ms.

    ratio: how many times as fast as the first row of its kind, the median of what each round says.
    """

    trial: Trial
    ms: float
    low: float
    high: float
    start_ms: float | None
    peak_mb: float | None
    ratio: float
    rounds: int

    @property
    def per_second(self) -> float:
        """Photos or frames."""
        return 1000 / self.ms

    def row(self) -> dict[str, Any]:
        """For a file."""
        figures = {key: value for key, value in vars(self).items() if key != "trial"}
        return asdict(self.trial) | figures | {"per_second": self.per_second}


def measure(
    trials: Sequence[Trial], run: Run, *, rounds: int, seconds: float, tick: Callable[[], None] = lambda: None
) -> tuple[list[Row], list[Skipped]]:
    """The rows, in the order of trials, and what failed, which is not tried again; nor is what must fail alike.

    seconds: no round begins that would end later, going by the one before; the first always runs. tick: called after
    each trial.
    """
    readings: dict[Trial, list[Reading]] = {trial: [] for trial in trials}
    failed: dict[Trial, Skipped] = {}
    began, last = time.monotonic(), 0.0
    for number in range(rounds):
        start = time.monotonic()
        if number and start - began + last > seconds:
            break
        for trial in trials if number % 2 == 0 else trials[::-1]:
            if trial not in failed:
                found = run(trial)
                if isinstance(found, Reading):
                    readings[trial].append(found)
                else:
                    failed |= dict.fromkeys([trial] if found.broken else _alike(trial, trials), found)
            tick()
        last = time.monotonic() - start
    return _rows({trial: found for trial, found in readings.items() if trial not in failed}), list(
        dict.fromkeys(failed.values())
    )


def _alike(trial: Trial, trials: Sequence[Trial]) -> list[Trial]:
    """All with this one's model, runtime and device."""
    where = (trial.model, trial.runtime, trial.device)
    return [one for one in trials if (one.model, one.runtime, one.device) == where]


def _rows(readings: dict[Trial, list[Reading]]) -> list[Row]:
    first: dict[str, list[Reading]] = {}
    rows = []
    for trial, found in readings.items():
        reference = first.setdefault(trial.kind, found)
        times = [one.ms for one in found]
        low, _, high = quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
        rows.append(
            Row(
                trial=trial,
                ms=median(times),
                low=low,
                high=high,
                start_ms=_median([one.start_ms for one in found]),
                peak_mb=_median([one.peak_mb for one in found]),
                ratio=median(other.ms / one.ms for other, one in zip(reference, found, strict=True)),
                rounds=len(found),
            )
        )
    return rows


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
