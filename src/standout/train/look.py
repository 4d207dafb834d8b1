"""Looks at a run before it starts: what the network will see, and which learning rate it can take."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from standout.support.atomic import write_atomic
from standout.support.charts import check_suffix
from standout.support.draw import jpeg
from standout.train import charts
from standout.train.augment import sheet
from standout.train.batches import TrainView, collate, draw_order
from standout.train.config import Recipe
from standout.train.module import SegmentationModule, optimizer
from standout.train.run import build, pairs
from standout.train.store import Store


def preview(recipe: Recipe, path: Path, *, count: int = 32, overwrite: bool = False) -> None:
    """Writes a sheet of augmented samples as the run draws them, people tinted red and uncounted pixels darkened.

    The sheet is a JPEG. Raises OutputError when path exists and overwrite is not set, InputError as run.pairs does.
    """
    train, _ = pairs(recipe)
    rng = np.random.default_rng(recipe.train.seed)
    some = [train[i] for i in sorted(rng.permutation(len(train))[: 4 * count])]
    store = Store(some)
    view = TrainView(store, recipe, recipe.epochs[0])
    keys = [key for batch in draw_order(store, recipe, 0) for key in batch if key[1] == store.upright[key[0]]]
    turned = [key for batch in draw_order(store, recipe, 0) for key in batch if key[1] != store.upright[key[0]]]
    samples = [view.fitted(*key) for key in (keys + turned)[:count]]
    write_atomic(path, jpeg(sheet(samples)), overwrite=overwrite)


def find_lr(
    recipe: Recipe, path: Path, *, steps: int = 100, lowest: float = 1e-6, highest: float = 1.0, overwrite: bool = False
) -> float:
    """The train.lr at which the loss falls fastest as the rate grows from lowest to highest; the chart goes to path.

    After Smith, "Cyclical Learning Rates" (arXiv 1506.01186), with the loss smoothed exponentially. The sweep ends
    early when the loss reaches four times its lowest value. The encoder has its share of the rate, as in the run.

    Raises InputError when path is not named .svg, OutputError when it exists and overwrite is not set.
    """
    check_suffix(path)
    torch.manual_seed(recipe.train.seed)
    train, val = pairs(recipe)
    store = Store(train)
    module = SegmentationModule(build(recipe), recipe, steps=steps, train=train, val=val)
    chosen = optimizer(module.net, recipe.train)
    view = TrainView(store, recipe, recipe.epochs[0])
    keys = draw_order(store, recipe, 0)
    module.net.train()
    tried: list[float] = []
    losses: list[float] = []
    smooth = 0.0
    for step in range(steps):
        rate = lowest * (highest / lowest) ** (step / (steps - 1))
        for group in chosen.param_groups:
            group["lr"] = rate * group["share"]
        image, target, weight, _ = collate([view[key] for key in keys[step % len(keys)]])
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.train.precision == "bf16-mixed"):
            logits = module(image)
        loss = module.loss(logits, target, weight).mean()
        chosen.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.net.parameters(), recipe.train.clip or math.inf)
        chosen.step()
        smooth = 0.9 * smooth + 0.1 * float(loss.detach())
        tried.append(rate)
        losses.append(smooth / (1 - 0.9 ** (step + 1)))
        if not math.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    suggested = steepest(tried, losses)
    charts.rates(tried, losses, suggested, path, overwrite=overwrite)
    return suggested


def steepest(rates: list[float], losses: list[float]) -> float:
    """The rate at which the loss falls fastest per decade, before its lowest point.

    >>> steepest([1e-4, 1e-3, 1e-2, 1e-1], [1.0, 0.9, 0.4, 3.0])
    0.001
    """
    lowest = int(np.argmin(losses))
    if lowest < 1:
        return rates[0]
    slopes = np.diff(losses[: lowest + 1]) / np.diff(np.log10(rates[: lowest + 1]))
    return rates[int(np.argmin(slopes))]
