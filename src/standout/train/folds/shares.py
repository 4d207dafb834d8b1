"""How train.minutes are shared among folds: each gets its part of what is left, without the time of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from standout.data import Pair
from standout.errors import InputError
from standout.train import run
from standout.train.budget import Clock
from standout.train.config import Recipe
from standout.train.folds.fold import Fold
from standout.train.pace import finish_seconds


@dataclass
class Shares:
    """The time of all folds.

    spent: seconds of the sessions before, for finished folds. answer: seconds for a photo that is answered.
    together: seconds in which the folds are compared at the end. beside: how many folds train at the same time.
    """

    recipe: Recipe
    clock: Clock
    spent: float
    answer: float
    together: float
    beside: int

    def elapsed(self) -> float:
        """Seconds that all sessions have taken."""
        return self.spent + self.clock.seconds()

    def recipe_for(self, fold: Fold, waiting: int) -> Recipe:
        """The recipe with the minutes of this fold. waiting: how many folds have not begun, with this one.

        Raises InputError when nothing is left for it.
        """
        minutes = self.recipe.train.minutes
        if minutes is None:
            return self.recipe
        rounds = -(-waiting // self.beside)
        left = minutes * 60 - self.elapsed() - self.together
        share = left / rounds - len(fold.splits[1]) * self.answer
        if share <= 0:
            raise InputError(
                f"{minutes:g} minutes are over before fold {fold.number} begins: {self.elapsed():.0f} s have passed, "
                f"and comparing the folds takes {self.together:.0f} s; give the same command with more --minutes"
            )
        train = self.recipe.train.model_copy(update={"minutes": share / 60})
        return self.recipe.model_copy(update={"train": train})


def shares(recipe: Recipe, splits: run.Splits, machine: run.Compute, *, clock: Clock, spent: float) -> Shares:
    """The shares of the recipe's folds; how long answers take is measured where the recipe has minutes."""
    answer = _answer(recipe, splits, machine) if recipe.train.minutes else 0.0
    count = recipe.folds.count
    # each fold alone, all of them together, their mean of weights, and once more the one that ships
    together = len(splits[1]) * answer * (2 * count + 2)
    return Shares(recipe, clock, spent, answer, together, machine.devices)


def _answer(recipe: Recipe, splits: run.Splits, machine: run.Compute) -> float:
    pairs: Sequence[Pair] = splits[1]
    device = "cuda" if machine.on_gpu else "cpu"
    return finish_seconds(run.build(recipe), run.card_of(recipe, splits), pairs, device)
