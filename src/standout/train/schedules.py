"""Learning-rate schedules: the share of the peak rate at a step.

    step    int     0 .. steps   optimizer steps done
    steps   int                  of the whole run
    share   float   0 .. 1

To add a schedule: such a function, named in SCHEDULES and in config.Train.schedule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Schedule = Callable[[int, int, int], float]
"""(step, steps, cycles) -> share."""


def _fall(done: float) -> float:
    """Half a cosine from 1 to 0 as done goes from 0 to 1."""
    return (1 + math.cos(math.pi * min(1.0, max(0.0, done)))) / 2


def one_cycle(step: int, steps: int, cycles: int = 1, *, rise: float = 0.15) -> float:
    """A cosine up for the first `rise` of the run, then a cosine to 0.

    After Smith and Topin, "Super-Convergence" (arXiv 1708.07120), without its momentum cycle.

    >>> [round(one_cycle(step, 100), 2) for step in (0, 15, 100)]
    [0.04, 1.0, 0.0]
    """
    peak = rise * steps
    if step < peak:
        return 0.04 + 0.96 * (1 - _fall(step / peak))
    return _fall((step - peak) / (steps - peak))


def cyclic(step: int, steps: int, cycles: int) -> float:
    """Triangles between a tenth and a peak that halves from cycle to cycle.

    The "triangular2" policy of Smith, "Cyclical Learning Rates" (arXiv 1506.01186).

    >>> [round(cyclic(step, 100, 2), 2) for step in (0, 25, 50, 75, 100)]
    [0.1, 1.0, 0.1, 0.55, 0.1]
    """
    length = steps / cycles
    cycle = min(cycles - 1, int(step / length))
    height = 1 - abs(2 * (step / length - cycle) - 1)
    return 0.1 + 0.9 * max(0.0, height) * 0.5**cycle


def warm_restarts(step: int, steps: int, cycles: int) -> float:
    """Cosines from 1 to 0, each twice as long as the one before.

    After Loshchilov and Hutter, "SGDR" (arXiv 1608.03983).

    >>> [round(warm_restarts(step, 300, 2), 2) for step in (0, 99, 100, 200, 300)]
    [1.0, 0.0, 1.0, 0.5, 0.0]
    """
    first = steps / (2**cycles - 1)
    cycle = min(cycles - 1, int(math.log2(step / first + 1)))
    start, length = first * (2**cycle - 1), first * 2**cycle
    return _fall((step - start) / length)


def cosine(step: int, steps: int, cycles: int = 1) -> float:
    """A cosine from 1 to 0.

    >>> [round(cosine(step, 100), 2) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """
    return _fall(step / steps)


def constant(step: int, steps: int, cycles: int = 1) -> float:
    """Always 1."""
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
    """The reduce-on-plateau schedule's memory: a factor that falls when the validation loss stops falling.

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
        """The factor after an epoch with this validation loss; it counts as lower when it is by 0.1 %."""
        if loss < self.best * 0.999:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.waited >= self.patience:
            self.factor, self.waited = self.factor * self.cut, 0
        return self.factor
