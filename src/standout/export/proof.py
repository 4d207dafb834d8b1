"""That an export does what its checkpoint does: difference of probability, Dice before and after, size and time.

The export is computed by the runtime that "auto" means for its file; Core ML's by torch where this is no Mac (mil.py).
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout import runtimes
from standout.evaluate import compare, measure
from standout.evaluate.intervals import Mean
from standout.export.source import Source
from standout.segmenter import Segmenter
from standout.support.portrait import portrait

MOST_LOST = {"float32": 0.0005, "float16": 0.0005, "int8": 0.002}
"""Dice that an export may lose."""

MOST_APART = {"float32": 0.01, "float16": 0.01, "int8": 0.02}
"""Mean difference of probability that an export may have: OpenVINO computes in bfloat16 where that is faster."""

DRAWN = 3
"""Times as much over drawn figures, of which a network is far less sure than of photos: every rounding shows."""


@dataclass(frozen=True)
class Proof:
    """What was found. megabytes: of all its files. largest, mean: difference of probability. dice: after less before.

    runtime: which computed it. milliseconds: for one photo on one thread; None where the file's own runtime is not
    here. size: what the file takes, height x width. drawn: probabilities were compared over drawn figures.
    """

    file: str
    precision: str
    runtime: str
    megabytes: float
    milliseconds: float | None
    largest: float
    mean: float
    size: str = "any"
    drawn: bool = False
    dice: Mean | None = None

    @property
    def failure(self) -> str:
        """Why the export must not be used; empty where it may."""
        most = MOST_APART[self.precision] * (DRAWN if self.drawn else 1)
        if self.mean > most:
            return f"probability differs by {self.mean:.4f} on average, more than {most:g}"
        if self.dice is not None and self.dice.mean < -MOST_LOST[self.precision]:
            lost = f"{-self.dice.mean:.4f} ({-self.dice.high:.4f} to {-self.dice.low:.4f})"
            return f"Dice fell by {lost} over {self.dice.n} photos, more than {MOST_LOST[self.precision]:g}"
        return ""

    def row(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self) | {"dice": self.dice.row() if self.dice else None, "failure": self.failure}


def prove(source: Source, made: Path, *, target: str, precision: str) -> Proof:
    """The proof of the export at made: against the checkpoint on photos fitted the same way.

    Raises ModelError where the export does not take a photo that a Segmenter shows it.
    """
    session = _open(made, target)
    checkpoint, photos = source.session(session.sizes), source.looked_at(session.sizes)
    for seed, shape in enumerate(((400, 300), (300, 400))):
        Segmenter(session).probability(portrait(*shape, seed=seed))
    apart = [np.abs(checkpoint.run(photo) - session.run(photo)) for photo in photos]
    dice = None
    if source.proving:
        after = [score.row() for score in measure(source.proving, Segmenter(session))]
        dice = compare(source.before(session.sizes), after).dice
    return Proof(
        file=made.name,
        precision=precision,
        runtime=session.runtime,
        megabytes=sum(file.stat().st_size for file in made.parent.rglob("*") if file.is_file()) / 1e6,
        milliseconds=_milliseconds(session, photos[0]) if session.runtime in runtimes.RUNTIMES else None,
        largest=max(float(one.max()) for one in apart),
        mean=float(np.mean([one.mean() for one in apart])),
        size=_size(session),
        drawn=not source.proving,
        dice=dice,
    )


def _open(made: Path, target: str) -> runtimes.Session:
    if target == "coreml" and not runtimes.RUNTIMES["coreml"].here:
        from standout.export import mil

        return mil.open(made)
    return runtimes.open(made, threads=1)


def _size(session: runtimes.Session) -> str:
    """Which photos the file takes, to be read."""
    if session.fixed:
        return f"{session.fixed[0]}x{session.fixed[1]} alone"
    return " and ".join(f"{height}x{width}" for height, width in session.sizes) or "any"


def _milliseconds(session: runtimes.Session, batch: NDArray[np.float32]) -> float:
    times = []
    for _ in range(15):
        began = time.perf_counter()
        session.run(batch)
        times.append(1000 * (time.perf_counter() - began))
    return median(times[3:])
