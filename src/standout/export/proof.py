"""The proof that an export computes what its checkpoint does: difference of probability, Dice, size and time.

The export is computed by the runtime that "auto" chooses for its file. A file for Core ML is computed by torch if this
is not a Mac; see mil.py.
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
"""Precision -> how much Dice an export may lose."""

MOST_APART = {"float32": 0.01, "float16": 0.01, "int8": 0.02}
"""Precision -> the mean difference of probability that an export may have.

Even in float32 it is not 0: OpenVINO computes in bfloat16 where that is faster.
"""

DRAWN = 3
"""How many times that difference is allowed over drawn portraits.

A network is less certain of them than of photos, so that every rounding shows.
"""


@dataclass(frozen=True)
class Proof:
    """How an export compares with its checkpoint.

    runtime: what computed the export. megabytes: of all its files. milliseconds: for a photo on one thread; None where
    the file's own runtime is not installed. largest, mean: of the differences of probability, 0..1. size: the height x
    width that the file takes. drawn: whether probabilities were compared over drawn portraits. dice: the mean of Dice
    after the export minus Dice before it; None without labeled photos.
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
        """Why the export must not be used; empty if it may be used."""
        most = MOST_APART[self.precision] * (DRAWN if self.drawn else 1)
        if self.mean > most:
            return f"probability differs by {self.mean:.4f} on average, more than {most:g}"
        if self.dice is not None and self.dice.mean < -MOST_LOST[self.precision]:
            lost = f"{-self.dice.mean:.4f} ({-self.dice.high:.4f} to {-self.dice.low:.4f})"
            return f"Dice fell by {lost} over {self.dice.n} photos, more than {MOST_LOST[self.precision]:g}"
        return ""

    def row(self) -> dict[str, Any]:
        """The proof as a JSON object."""
        return asdict(self) | {"dice": self.dice.row() if self.dice else None, "failure": self.failure}


def prove(source: Source, made: Path, *, target: str, precision: str) -> Proof:
    """The proof of the export at made, compared with the checkpoint on photos that are letterboxed in the same way.

    Raises ModelError when the export does not take a photo as a Segmenter passes it.
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
    """The export as a Session."""
    if target == "coreml" and not runtimes.RUNTIMES["coreml"].here:
        from standout.export import mil

        return mil.open(made)
    return runtimes.open(made, threads=1)


def _size(session: runtimes.Session) -> str:
    """The sizes of photos that the file takes, as text."""
    if session.fixed:
        return f"{session.fixed[0]}x{session.fixed[1]} alone"
    return " and ".join(f"{height}x{width}" for height, width in session.sizes) or "any"


def _milliseconds(session: runtimes.Session, batch: NDArray[np.float32]) -> float:
    """The median time of a call of the network."""
    times = []
    for _ in range(15):
        began = time.perf_counter()
        session.run(batch)
        times.append(1000 * (time.perf_counter() - began))
    return median(times[3:])
