"""How certain a mean is: bootstrap intervals over photos.

values   float (N,)   one for each photo

Percentile bootstrap after Efron, "Bootstrap Methods: Another Look at the Jackknife" (Annals of Statistics 7, 1979):
photos are drawn with replacement, so an interval says how much the mean would move with other photos of the same kind.
It does not say how the mean would move with photos of another kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
"""How often photos are drawn anew for an interval."""

SURE = 0.95
"""The share of the drawn means that an interval holds."""

CHUNK = 1 << 18
"""How many values are drawn at a time; they take about 4 MB."""


@dataclass(frozen=True)
class Mean:
    """A mean over n photos with its 95 % interval."""

    mean: float
    low: float
    high: float
    n: int

    def row(self) -> dict[str, Any]:
        """The mean as a JSON object holds it, rounded to five decimals."""
        return {key: value if key == "n" else round(value, 5) for key, value in asdict(self).items()}

    def __str__(self) -> str:
        """The mean with its interval, as text.

        >>> str(Mean(0.98, 0.975, 0.984, 100))
        '0.9800 (0.9750 to 0.9840)'
        """
        return f"{self.mean:.4f} ({self.low:.4f} to {self.high:.4f})"


def mean(values: Sequence[float]) -> Mean:
    """The mean of at least one value, with its interval.

    >>> mean([0.5, 0.5, 0.5])
    Mean(mean=0.5, low=0.5, high=0.5, n=3)
    """
    array = np.asarray(values, np.float64)
    return _interval(float(array.mean()), _means(array), len(array))


def clustered(values: Sequence[float], groups: Sequence[str]) -> Mean:
    """The mean of the values, with an interval for which whole groups are drawn, since photos of a group are alike.

    groups: the group of each value. With a group for each value the interval is that of mean.

    >>> clustered([0.5, 0.5, 0.5], ["a", "a", "b"])
    Mean(mean=0.5, low=0.5, high=0.5, n=3)
    """
    array = np.asarray(values, np.float64)
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(place, weights=array), np.bincount(place)
    rng = np.random.default_rng(0)
    rows = max(1, CHUNK // len(sums))
    means = []
    for start in range(0, DRAWS, rows):
        drawn = rng.integers(len(sums), size=(min(rows, DRAWS - start), len(sums)))
        means.append(sums[drawn].sum(1) / counts[drawn].sum(1))
    return _interval(float(array.mean()), np.concatenate(means), len(array))


def paired(one: Sequence[float], two: Sequence[float]) -> Mean:
    """The mean of the differences two - one over the same photos, which are drawn in pairs.

    >>> paired([0.1, 0.5, 0.9], [0.2, 0.6, 1.0]).mean
    0.1
    """
    apart = np.asarray(two, np.float64) - np.asarray(one, np.float64)
    found = _interval(float(apart.mean()), _means(apart), len(apart))
    return Mean(round(found.mean, 12), found.low, found.high, found.n)


def gap(groups: Sequence[Sequence[float]]) -> Mean:
    """The largest mean of a group minus the smallest, with its interval; photos are drawn anew within each group.

    A gap has no sign, so chance alone makes it larger than 0: look at low, and at how many photos a group has.

    >>> gap([[0.9, 0.9], [0.7, 0.7]]).mean
    0.2
    """
    arrays = [np.asarray(group, np.float64) for group in groups]
    means = [float(array.mean()) for array in arrays]
    drawn = np.stack([_means(array, seed=i) for i, array in enumerate(arrays)])
    found = _interval(max(means) - min(means), drawn.max(0) - drawn.min(0), sum(map(len, arrays)))
    return Mean(round(found.mean, 12), found.low, found.high, found.n)


def _means(values: NDArray[np.float64], *, seed: int = 0) -> NDArray[np.float64]:
    """The means of DRAWS samples of len(values) values, drawn with replacement; float64 (DRAWS,).

    Samples are drawn in chunks, so that memory grows with the number of values alone. The generator continues from one
    chunk to the next, so the result is the same as for all samples at once, and the same at every call.
    """
    rng = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    rows = max(1, CHUNK // len(values))
    for start in range(0, DRAWS, rows):
        part = means[start : start + rows]
        values[rng.integers(len(values), size=(len(part), len(values)))].mean(1, out=part)
    return means


def _interval(middle: float, means: NDArray[np.float64], n: int) -> Mean:
    low, high = np.quantile(means, [(1 - SURE) / 2, (1 + SURE) / 2])
    return Mean(middle, float(low), float(high), n)
