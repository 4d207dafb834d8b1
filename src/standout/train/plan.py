"""A recipe for given photos and a given time: which model to start from, at what size, how many epochs, what batch.

The choice follows from what the photos are like and from rates that are measured here, and the recipe says why in its
comments. It is a beginning, to be changed by whoever knows more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from standout.data.traits import Traits, looked_at, traits
from standout.errors import InputError
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.net.header import card_in
from standout.train import run
from standout.train.budget import AROUND, CHECKING
from standout.train.callbacks import going
from standout.train.config import Recipe, load
from standout.train.pace import Rates, measure_rates
from standout.train.store import Store

STARTS = ("standout-quality", "standout-mobile", "standout-tiny")
"""The models that a run may start from, the best one first; each is also the slowest of those that follow."""

SIZES = ((256, 192), (320, 256), (384, 288), (512, 384))
"""Sizes (long, short) of the network's input, from which one is chosen."""

FINE = 32
"""Pixels of the network's input that a small person should measure across."""

PASSES = (3, 12)
"""Passes over the photos that a run needs: 3 over many photos, 12 over few."""

FEW_SAMPLES = 2400
"""Photos drawn, from which on 12 passes are not needed any more."""

MOST_PASSES = 60
"""Passes after which a run would learn its photos by heart, so that it ends before its time."""

TRIED = 48
"""Photos with which rates are measured."""

START_UP = 12.0
"""Seconds before anything is read."""

PER_PHOTO = 0.02
"""Seconds in which a photo is read and stored, for the plan alone."""


@dataclass(frozen=True)
class Proposal:
    """A recipe, and the reasons for what is in it.

    rate: photos a second in training, measured here. minutes: that the run takes. passes: over the photos.
    """

    traits: Traits
    start: str
    encoder: str
    size: tuple[int, int]
    batch: int
    epochs: int
    minutes: float
    rate: float
    passes: float
    reasons: list[str] = field(default_factory=list)

    @property
    def samples(self) -> float:
        """How many photos the run draws."""
        return self.passes * self.traits.train

    def to_toml(self, data: Path, name: str) -> str:
        """The recipe as a TOML file, with the traits and the reasons as comments."""
        steps = max(1.0, self.samples / self.batch)
        ema = min(0.998, max(0.9, 1 - 15 / steps))
        many = self.samples > 20_000
        rate = (1e-3 if many else 4e-4) * (self.batch / 8) ** 0.5
        comments = [*self.traits.lines(), *self.reasons]
        lines = [f"# {line}" for line in comments]
        lines += [
            f"name = {json.dumps(name)}",
            "",
            "[data]",
            f"folder = {json.dumps(str(data))}",
            "",
            "[model]",
            f"init = {json.dumps(self.start)}",
            "",
            "[train]",
            f"minutes = {self.minutes:.3g}",
            f"stages = [{{ epochs = {self.epochs}, size = [{self.size[0]}, {self.size[1]}], compose = "
            f"{0.15 if self.traits.small > 0.3 and many else 0.0} }}]",
            f"batch = {self.batch}",
            f"lr = {rate:.1e}",
            "encoder_lr = 0.5",
            f"ema = {ema:.4g}",
            "",
            "[augment]",
            f'set = "{"strong" if self.traits.train < 500 else "standard"}"',
        ]
        return "\n".join(lines) + "\n"


def propose(data: Path, minutes: float, machine: run.Compute) -> Proposal:
    """The proposal for the photos in data and so many minutes on this machine.

    Raises InputError when data cannot be read, lacks a part, or the time is too short for any model.
    """
    splits = run.pairs(load(None, {"name": "plan", "data": {"folder": str(data)}}))
    with going("looking at photos", len(looked_at(splits[0]))) as tick:
        found = traits(*splits, tick=tick)
    size, why = _size(found)
    batch = 8 if found.train < 200 else 16
    if machine.on_gpu and found.train >= 1000:
        batch = 64
    needed = min(found.train * PASSES[1], max(FEW_SAMPLES, found.train * PASSES[0]))
    stores = tuple(Store(part[:: max(1, len(part) // TRIED)][:TRIED]) for part in splits)
    tried: list[str] = []
    for start in STARTS:
        own_size = _own_size(start, size, found)
        for at in dict.fromkeys((own_size, *([SIZES[0]] if start == STARTS[-1] else []))):
            recipe = _recipe(data, start, at, batch)
            pace = _paced(recipe, splits, (stores[0], stores[1]), machine)
            left = _left(minutes, pace, found)
            rate = batch / pace.step[at]
            drawn = max(0.0, left) * rate
            if drawn >= needed:
                own = [f"{at[0]}x{at[1]}: the size that {start} was trained at"] if at[0] > size[0] else []
                reasons = [why, *tried, *own, *_kept(start, rate, drawn, found)]
                return _proposal(found, recipe, pace, minutes, drawn, reasons)
            tried.append(
                f"not {start} at {at[0]}x{at[1]}: {rate:.1f} photos/s draw {drawn:.0f} photos, and {needed} are needed"
            )
    short = tried[-1].partition(": ")[2]
    raise InputError(
        f"{minutes:g} minutes are too short for {found.train} photos on this machine: even {STARTS[-1]} draws too few "
        f"({short}); give --minutes {minutes * 2:g} or more"
    )


def _size(found: Traits) -> tuple[tuple[int, int], str]:
    """The size that small people call for, and why; no larger than the photos are."""
    across = found.share[0] ** 0.5
    fits = [size for size in SIZES if size[0] <= max(SIZES[0][0], 1.25 * found.long_side[1])]
    size = next((one for one in fits if one[0] * across >= FINE), fits[-1])
    pixels = size[0] * across
    return size, (
        f"{size[0]}x{size[1]}: the small people (a tenth of the photos has smaller ones) measure about {pixels:.0f} "
        f"pixels across in it, wanted {FINE}; the photos have {found.long_side[1]:.0f}"
    )


def _own_size(start: str, size: tuple[int, int], found: Traits) -> tuple[int, int]:
    """The size that the model was trained at, where that is larger than small people call for and photos have it."""
    own = card_in(find_checkpoint(start)).size
    return own if size[0] < own[0] <= 1.25 * found.long_side[1] else size


def _recipe(data: Path, start: str, size: tuple[int, int], batch: int) -> Recipe:
    stages = [{"epochs": 1, "size": list(size)}]
    table = {"name": "plan", "data": {"folder": str(data)}, "model": {"init": start}}
    return load(None, table | {"train": {"stages": stages, "batch": batch}})


def _paced(recipe: Recipe, splits: run.Splits, stores: tuple[Store, Store], machine: run.Compute) -> Rates:
    """The pace, with validation and finish for all validation photos instead of the few that were measured."""
    assert recipe.model.init is not None
    net, _ = checkpoint.load(find_checkpoint(recipe.model.init))
    device = "cuda" if machine.on_gpu else "cpu"
    pace = measure_rates(net, recipe, stores, run.card_of(recipe, splits), device=device, teacher=None)
    more = len(splits[1]) / len(stores[1])
    return Rates(pace.step, pace.validation * more, pace.finish * more)


def _left(minutes: float, pace: Rates, found: Traits) -> float:
    """The seconds for training within the minutes."""
    before = START_UP + PER_PHOTO * (found.train + found.val) + pace.validation
    rest = minutes * 60 - before - pace.finish
    return rest - min(CHECKING * rest, 12 * (pace.validation + AROUND))


def _kept(start: str, rate: float, drawn: float, found: Traits) -> list[str]:
    card = card_in(find_checkpoint(start))
    return [
        f"{start} ({card.encoder}): {rate:.1f} photos/s measured here draw {drawn:.0f} photos, "
        f"{drawn / found.train:.1f} passes"
    ]


def _proposal(found: Traits, recipe: Recipe, pace: Rates, minutes: float, drawn: float, reasons: list[str]) -> Proposal:
    size, batch = recipe.epochs[0].size, recipe.train.batch
    passes, rate = drawn / found.train, batch / pace.step[recipe.epochs[0].size]
    if passes > MOST_PASSES:
        spare = (passes - MOST_PASSES) * found.train / rate / 60
        minutes, passes = max(1.0, minutes - spare), MOST_PASSES
        reasons = [*reasons, f"{minutes:.3g} minutes: {MOST_PASSES} passes are enough for {found.train} photos"]
    if found.train < 300:
        reasons = [
            *reasons,
            "with so few photos, --folds 5 gives a score over all of them instead of the validation part",
        ]
    assert recipe.model.init is not None
    card = card_in(find_checkpoint(recipe.model.init))
    epochs = min(40, max(4, round(passes)))
    return Proposal(found, recipe.model.init, card.encoder, size, batch, epochs, minutes, rate, passes, reasons)
