"""Learning-rate schedules: the learning rate at each step, as a share of the peak rate.

    step     float   0 .. steps   optimizer steps done so far, or the same share of them as of the time
    steps    int                  optimizer steps of the whole run
    cycles   int                  how often a schedule that repeats does so
    share    float   0 .. 1       of the peak rate

To add a schedule: a function (step, steps, cycles) -> share, named in SCHEDULES and in config.Training.schedule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Schedule = Callable[[float, int, int], float]
"""(step, steps, cycles) -> share."""


def _fall(done: float) -> float:
    """Half a cosine from 1 to 0 as done goes from 0 to 1."""
    return (1 + math.cos(math.pi * min(1.0, max(0.0, done)))) / 2


def one_cycle(step: float, steps: int, cycles: int = 1, *, rise: float = 0.15) -> float:
    """A cosine up from 0.04 for the first `rise` of the run, then a cosine down to 0.

    After Smith and Topin, "Super-Convergence" (arXiv 1708.07120), without its momentum cycle.

    >>> [round(one_cycle(step, 100), 2) for step in (0, 15, 100)]
    [0.04, 1.0, 0.0]
    """
    peak = rise * steps
    if step < peak:
        return 0.04 + 0.96 * (1 - _fall(step / peak))
    return _fall((step - peak) / (steps - peak))


def cyclic(step: float, steps: int, cycles: int) -> float:
    """Triangles between a tenth and a peak that is halved from cycle to cycle.

    The "triangular2" policy of Smith, "Cyclical Learning Rates" (arXiv 1506.01186).

    >>> [round(cyclic(step, 100, 2), 2) for step in (0, 25, 50, 75, 100)]
    [0.1, 1.0, 0.1, 0.55, 0.1]
    """
    length = steps / cycles
    cycle = min(cycles - 1, int(step / length))
    height = 1 - abs(2 * (step / length - cycle) - 1)
    return 0.1 + 0.9 * max(0.0, height) * 0.5**cycle


def warm_restarts(step: float, steps: int, cycles: int) -> float:
    """Cosines from 1 to 0, each of which is twice as long as the cosine before it.

    After Loshchilov and Hutter, "SGDR" (arXiv 1608.03983).

    >>> [round(warm_restarts(step, 300, 2), 2) for step in (0, 99, 100, 200, 300)]
    [1.0, 0.0, 1.0, 0.5, 0.0]
    """
    first = steps / (2**cycles - 1)
    cycle = min(cycles - 1, int(math.log2(step / first + 1)))
    start, length = first * (2**cycle - 1), first * 2**cycle
    return _fall((step - start) / length)


def cosine(step: float, steps: int, cycles: int = 1) -> float:
    """A single cosine from 1 to 0.

    >>> [round(cosine(step, 100), 2) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """
    return _fall(step / steps)


def constant(step: float, steps: int, cycles: int = 1) -> float:
    """The peak rate throughout: always 1."""
    return 1.0


SCHEDULES: dict[str, Schedule] = {
    "one-cycle": one_cycle,
    "cyclic": cyclic,
    "warm-restarts": warm_restarts,
    "cosine": cosine,
    "constant": constant,
    "plateau": constant,
}


@dataclass
class Plateau:
    """The state of the reduce-on-plateau schedule: a factor that falls when the validation loss stops falling.

    patience: epochs without a lower loss after which the factor is multiplied by cut. best: the lowest loss so far.
    waited: epochs since then.

    >>> plateau = Plateau(patience=2)
    >>> [plateau.update(loss) for loss in (1.0, 0.9, 0.95, 0.9, 0.8)]
    [1.0, 1.0, 1.0, 0.3, 0.3]
    """

    patience: int
    cut: float = 0.3
    factor: float = 1.0
    best: float = math.inf
    waited: int = 0

    def update(self, loss: float) -> float:
        """The factor after an epoch with this validation loss, which counts as lower if it is 0.1 % below the best."""
        if loss < self.best * 0.999:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.waited >= self.patience:
            self.factor, self.waited = self.factor * self.cut, 0
        return self.factor
