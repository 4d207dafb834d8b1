"""Measures trials in rounds, in which each has its turn, so that other work of the machine affects all of them alike.

Run   f(trial) -> Reading, or Skipped with the reason why there is none

Every second round goes backwards, since a machine that slows down as it warms up would otherwise favor the first trial.
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
    """A trial's figures over all rounds: medians, and the quartiles (low, high) of ms.

    ratio: how many times as fast the trial is as the first row of its kind, as the median of the rounds' ratios.
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
        """How many photos or frames a second."""
        return 1000 / self.ms

    def row(self) -> dict[str, Any]:
        """The row as a JSON object."""
        figures = {key: value for key, value in vars(self).items() if key != "trial"}
        return asdict(self.trial) | figures | {"per_second": self.per_second}


def measure(
    trials: Sequence[Trial], run: Run, *, rounds: int, seconds: float, tick: Callable[[], None] = lambda: None
) -> tuple[list[Row], list[Skipped]]:
    """The rows in the order of the trials, and the trials that failed.

    A trial that failed is not tried again, and neither are trials that must fail for the same reason. seconds: no round
    begins that would probably end later than this, going by the round before it; the first round always runs. tick:
    called after each trial.
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
    """All trials with the same model, runtime and device."""
    where = (trial.model, trial.runtime, trial.device)
    return [one for one in trials if (one.model, one.runtime, one.device) == where]


def _rows(readings: dict[Trial, list[Reading]]) -> list[Row]:
    """The rows of the trials from their readings in all rounds."""
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
