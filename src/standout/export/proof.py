"""That an export does what its checkpoint does: difference of probability, Dice before and after, size and time.

inputs   float32 (N, 3, h, w)   photos as the network takes them
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout import runtimes
from standout.dataset import Pair
from standout.evaluate import compare, measure
from standout.evaluate.intervals import Mean
from standout.segmenter import Segmenter

Inputs = Iterable[NDArray[np.float32]]

MOST_LOST = {"float32": 0.0005, "float16": 0.0005, "int8": 0.002}
"""Dice that an export may lose."""

MOST_APART = {"float32": 0.01, "float16": 0.01, "int8": 0.02}
"""Mean difference of probability that an export may have: OpenVINO computes in bfloat16 where that is faster."""


@dataclass(frozen=True)
class Proof:
    """What was found. megabytes: of all its files. largest, mean: difference of probability. dice: after less before.

    milliseconds: for one photo on one thread, in the runtime that "auto" means here.
    """

    file: str
    precision: str
    runtime: str
    megabytes: float
    milliseconds: float
    largest: float
    mean: float
    dice: Mean | None = None

    @property
    def failure(self) -> str:
        """Why the export must not be used; empty where it may."""
        if self.mean > MOST_APART[self.precision]:
            return f"probability differs by {self.mean:.4f} on average, more than {MOST_APART[self.precision]:g}"
        if self.dice is not None and self.dice.mean < -MOST_LOST[self.precision]:
            lost = f"{-self.dice.mean:.4f} ({-self.dice.high:.4f} to {-self.dice.low:.4f})"
            return f"Dice fell by {lost} over {self.dice.n} photos, more than {MOST_LOST[self.precision]:g}"
        return ""

    def row(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self) | {"dice": self.dice.row() if self.dice else None, "failure": self.failure}


def prove(
    source: Path, target: Path, *, precision: str, inputs: Sequence[NDArray[np.float32]], pairs: Sequence[Pair]
) -> Proof:
    """The proof of the export at target. inputs: at least one. pairs: labelled photos for Dice; none: no Dice."""
    checkpoint, session = runtimes.open(source), runtimes.open(target, threads=1)
    apart = [np.abs(checkpoint.run(batch) - session.run(batch)) for batch in inputs]
    dice = None
    if pairs:
        before, after = (
            [score.row() for score in measure(pairs, Segmenter(path, threads=1))] for path in (source, target)
        )
        dice = compare(before, after).dice
    files = [target, target.with_suffix(".bin")] if target.suffix == ".xml" else [target]
    return Proof(
        file=target.name,
        precision=precision,
        runtime=session.runtime,
        megabytes=sum(file.stat().st_size for file in files) / 1e6,
        milliseconds=_milliseconds(session, inputs[0][:1]),
        largest=max(float(one.max()) for one in apart),
        mean=float(np.mean([one.mean() for one in apart])),
        dice=dice,
    )


def _milliseconds(session: runtimes.Session, batch: NDArray[np.float32]) -> float:
    times = []
    for _ in range(15):
        began = time.perf_counter()
        session.run(batch)
        times.append(1000 * (time.perf_counter() - began))
    return median(times[3:])
