"""The whole way of cross-validation: divide, train and answer each fold, compare, write one model.

Stopped at any moment, the same command continues: a finished fold is left as it is, and one in work goes on after its
last whole epoch.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from standout.data.folds import mask_names
from standout.errors import InputError, SetupError
from standout.net import checkpoint
from standout.train import run
from standout.train.budget import Clock
from standout.train.callbacks import going
from standout.train.config import Recipe
from standout.train.finish import model_file
from standout.train.folds import beside
from standout.train.folds.fold import Fold, answer, answered, begin, parted, read_answers, rows, work
from standout.train.folds.record import FoldsRecord
from standout.train.folds.shares import shares
from standout.train.folds.together import compare, segmenter_of


def train_folds(recipe: Recipe, out: Path, machine: run.Compute, *, clock: Clock | None = None) -> Path:
    """Trains the folds of the recipe, continuing what out already holds of them, and returns the path of their model.

    The training photos are divided. The validation photos are left out of all folds: they compare the model that the
    folds make together with single folds. machine.devices: how many folds train at the same time.
    clock: from which train.minutes are counted, for all folds together; None means from now on.

    Raises InputError, OutputError and SetupError as run.train does, and InputError when the recipe lets left-out photos
    decide how a fold is trained, or there are too few photos for the folds.
    """
    _check(recipe, machine)
    run.quiet()
    splits = run.pairs(recipe)
    record = FoldsRecord(out, recipe, splits)
    model = out / "model.safetensors"
    if model.exists() and record.done(recipe):
        record.tell(model)
        return model
    folds = _folds(record, recipe, splits)
    waiting = [fold for fold in folds if not answered(fold)]
    time = shares(recipe, splits, machine, clock=clock or Clock(), spent=record.spent)
    if machine.devices > 1:
        beside.work_all(waiting, time.recipe_for, machine)
    else:
        for number, fold in enumerate(waiting):
            begin(fold, len(folds))
            work(fold, time.recipe_for(fold, len(waiting) - number), replace(machine, devices=1), clock=Clock())
            record.take(time.elapsed())
    record.keep_answers([row for fold in folds for row in read_answers(fold)])
    record.tell_answers()
    device = "cuda" if machine.on_gpu else "cpu"
    verdict = compare(folds, recipe, splits, device)
    with model_file(model) as part:
        checkpoint.save(verdict.ships.net, verdict.ships.card, part)
    segmenter = segmenter_of(verdict.ships.net, verdict.ships.card, device)
    masks = mask_names([*splits[0], *splits[1]])[len(splits[0]) :]
    with going("answering the validation photos", len(splits[1])) as tick:
        scores = answer(splits[1], segmenter, [out / one for one in masks], tick=tick)
    record.end(verdict.comparison, rows(scores, masks, 0, "val"), recipe)
    record.tell(model)
    return model


def _check(recipe: Recipe, machine: run.Compute) -> None:
    """Raises InputError or SetupError for what does not go together with folds."""
    for key, value, cure in (
        ("train.patience", recipe.train.patience > 0, "set it to 0"),
        ("train.schedule = plateau", recipe.train.schedule == "plateau", "choose another schedule"),
    ):
        if value:
            raise InputError(
                f"{key} lets the photos that a fold leaves out decide how it is trained, so its answers for them would "
                f"look too good; {cure} for folds"
            )
    if machine.nodes > 1 or "TORCHELASTIC_RUN_ID" in os.environ:
        raise SetupError(
            f"folds train on one machine and without torchrun; got {machine.nodes} nodes. Use --devices N alone: it "
            "trains N folds at the same time, each on a GPU of its own"
        )


def _folds(record: FoldsRecord, recipe: Recipe, splits: run.Splits) -> list[Fold]:
    """The folds, each with its pairs."""
    training = splits[0]
    with going("comparing photos", len(training)) as tick:
        division = record.division(training, recipe.folds.groups, tick=tick)
    files = mask_names([*splits[0], *splits[1]])
    folds = []
    for number in range(recipe.folds.count):
        left_out = [i for i, fold in enumerate(division.folds) if fold == number]
        others = [pair for pair, fold in zip(training, division.folds, strict=True) if fold != number]
        pairs = parted(others, "train"), parted([training[i] for i in left_out], "val")
        folds.append(Fold(number + 1, pairs, tuple(files[i] for i in left_out), record.out))
    return folds
