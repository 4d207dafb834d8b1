"""A run that takes a given time: how long each epoch is, and where on the learning-rate schedule it is.

    slices     the epochs of the recipe's stages, which become parts of the time instead of passes over the photos
    progress   float 0..1, of the whole run, from which the learning rate follows
    load       how many times as long as measured before the run things take now

The number of slices is settled before the run and never changes, so that the schedule ends where it should. How long a
slice is follows, as it begins, from the time left, and it ends as that is over. So other programs that take the cores
make the run shorter in batches, not longer in minutes. After Li et al., "Budgeted
Training" (arXiv 1905.04753): a schedule squeezed into the budget is better than a longer one that is cut off.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback, Trainer

from standout.errors import InputError
from standout.train.batches import Key, draw_order
from standout.train.config import Recipe
from standout.train.store import Store

if TYPE_CHECKING:
    from standout.train.pace import Rates

LEAST = 0.25
"""The smallest share of the time that is left for training."""

CHECKING = 0.25
"""The largest share of the time that validations and what goes with them may take."""

FEWEST = 8
"""Slices that a run has at least, so that it can adapt, where validation leaves room for them."""

AROUND = 1.5
"""Seconds of an epoch beside training and validation: new processes, checkpoints, charts."""

TRUST = 0.7
"""The weight of the last slice's pace against all earlier ones."""


SPARE = 3
"""How many times as many batches as expected are made ready, for an epoch in which the machine gets faster."""

MOST_EMPTY = 100
"""Passes without any photo after which none is expected any more."""


@dataclass
class Clock:
    """The time of this process, which tests replace."""

    began: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began


def sliced(recipe: Recipe, pace: Rates, clock: Clock, *, processes: int = 1) -> Recipe:
    """The recipe with as many epochs as the time has slices, in the proportions of its stages.

    clock: began with the command. processes: several of them cannot agree on what each has measured before they train,
    so their number of slices is the recipe's. Raises InputError when what goes before, the validations and the finish
    leave less than LEAST of the time for training.
    """
    assert recipe.train.minutes is not None
    minutes, before = recipe.train.minutes, clock.seconds()
    written, stages = len(recipe.epochs), recipe.train.stages
    around, rest = pace.validation + AROUND, minutes * 60 - before - pace.finish
    count = max(written, FEWEST)
    if processes == 1:
        count = max(min(count, int(CHECKING * rest / around)), len(stages))
    if rest - count * around < LEAST * minutes * 60:
        wanted = (before + pace.finish + len(stages) * around) / (1 - LEAST) / 60
        raise InputError(
            f"{minutes:g} minutes leave too little for training: what goes before takes {before:.0f} s, {count} "
            f"validations take {count * around:.0f} s and the finish {pace.finish:.0f} s; give --minutes {wanted:.1f} "
            "or more, or fewer validation photos"
        )
    ends = [round(end * count / written) for end in accumulate(stage.epochs for stage in stages)]
    epochs = [max(1, end - begin) for begin, end in zip([0, *ends], ends, strict=False)]
    made = tuple(stage.model_copy(update={"epochs": number}) for stage, number in zip(stages, epochs, strict=True))
    changes = {"stages": made, "frozen_epochs": round(recipe.train.frozen_epochs * count / written)}
    return recipe.model_copy(update={"train": recipe.train.model_copy(update=changes)})


class Budget(Callback):
    """Gives each epoch its part of the time, so that the run ends when it should.

    recipe: with its slices, see sliced. clock: began with the command. alone: whether a single process trains. It then
    ends an epoch as its time is over; several processes keep to the number of batches that was expected to fit.

    spent: seconds of the sessions before. expected: how many batches the epoch is expected to have. steps: how many it
    has at most. progress: of the whole run, 0..1.
    """

    def __init__(self, recipe: Recipe, pace: Rates, clock: Clock, *, alone: bool = True) -> None:
        self.recipe, self.pace, self.clock, self.alone = recipe, pace, clock, alone
        self.spent = 0.0
        self.load = 1.0
        self.around = pace.validation + AROUND
        self.drawn = self.done = 0
        self.epoch, self.expected, self.steps, self.seconds = -1, 0, 0, 0.0
        self.progress = 0.0
        self._from = self._to = 0.0

    def state_dict(self) -> dict[str, Any]:
        """What a run that was stopped continues from."""
        drawn = self.drawn + self.done
        return {"spent": self.elapsed(), "load": self.load, "around": self.around, "drawn": drawn}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues the time of the sessions before, without the part of an epoch that was lost."""
        self.spent, self.load = state_dict["spent"], state_dict["load"]
        self.around, self.drawn = state_dict["around"], state_dict["drawn"]

    def elapsed(self) -> float:
        """Seconds that the run has taken, in all its sessions."""
        return self.spent + self.clock.seconds()

    def left(self) -> float:
        """Seconds for the epochs that are left, without the finish."""
        assert self.recipe.train.minutes is not None
        return self.recipe.train.minutes * 60 - self.elapsed() - self.pace.finish * self.load

    def begin(self, epoch: int) -> int:
        """The largest number of batches of the epoch, the same however often it is asked for."""
        if epoch == self.epoch:
            return self.steps
        self.drawn, self.done = self.drawn + self.done, 0
        stages = self.recipe.epochs[epoch:]
        shares = [self.pace.step[stage.size] for stage in stages]
        self.epoch, self.seconds = epoch, (self.left() - len(stages) * self.around) * shares[0] / sum(shares)
        self.expected = max(1, int(self.seconds / (self.load * shares[0])))
        self.steps = SPARE * self.expected if self.alone else self.expected
        return self.steps

    def agree(self, steps: int) -> int:
        """Takes the number of batches that the first process found, since all of them must have the same."""
        self.steps = steps
        return steps

    def batches(self, store: Store, steps: int, *, processes: int = 1) -> list[list[Key]]:
        """So many batches of passes over the photos, without those that the epochs before have drawn.

        Raises InputError when the recipe draws no photo.
        """
        found: list[list[Key]] = []
        skip, number = self.drawn, 0
        while len(found) < steps:
            batches = [keys for keys in draw_order(store, self.recipe, number, processes=processes) if keys]
            if not batches and number > MOST_EMPTY:
                raise InputError(f"data.draws = {self.recipe.data.draws} draws no photo; give a source a larger number")
            number += 1
            found += batches[skip:]
            skip = max(0, skip - len(batches))
        return found[:steps]

    def on_train_epoch_start(self, trainer: Trainer, *_: Any) -> None:
        """Takes the time since the last batch of the epoch before."""
        self._from = self.clock.seconds()
        if self._to:
            self.around = self._from - self._to

    def on_train_batch_start(self, trainer: Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        """Moves on along the schedule: by the time where the time ends an epoch, else by the batches."""
        part = (batch_idx + 0.5) / self.steps
        if self.alone:
            spent = self.clock.seconds() - self._from
            each = spent / batch_idx if batch_idx else self.seconds / self.expected
            part = min(1.0, (spent + each / 2) / max(self.seconds, each))
        self.progress = (self.epoch + part) / len(self.recipe.epochs)

    def on_train_batch_end(self, trainer: Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Ends the epoch as its time is over, and learns its pace."""
        self.done = batch_idx + 1
        spent = self.clock.seconds() - self._from
        if self.alone and spent + spent / self.done / 2 >= self.seconds and self.done < self.steps:
            end_epoch(trainer, self.done)
            self.steps = self.done
        if self.done == self.steps:
            self._to = self.clock.seconds()
            stage = self.recipe.epochs[self.epoch]
            self.load += TRUST * (spent / (self.done * self.pace.step[stage.size]) - self.load)


def end_epoch(trainer: Trainer, batches: int) -> None:
    """Makes these batches all that the epoch has: Lightning validates, and goes on to the next epoch.

    Without this, Lightning skips the validation of an epoch that ends before its last batch.
    """
    trainer.fit_loop.epoch_loop.batch_progress.is_last_batch = True
    trainer.val_check_batch = batches
