"""The end of a run: the best weights measured once more, their card, the model file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from standout import files
from standout.card import ModelCard
from standout.errors import OutputError
from standout.net import checkpoint
from standout.train import charts
from standout.train.batches import ValView, collate, val_order
from standout.train.config import Recipe
from standout.train.module import Photo, SegmentationModule, score, summary
from standout.train.store import Store

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


def finish(module: SegmentationModule, val: Store, recipe: Recipe, out: Path, card: ModelCard) -> dict[str, Any]:
    """Writes out/model.safetensors and out/threshold.png; returns the results for run.json.

    The weights are those of best-dice.ckpt or last.ckpt, as train.ships says; scores are in float32, at the last
    stage's size and threshold 0.5.
    """
    name = {"best": "best-dice.ckpt", "last": "last.ckpt"}[recipe.train.ships]
    kept = torch.load(out / name, weights_only=True, map_location="cpu")
    module.load_state_dict(kept["state_dict"])
    means, curves = measure(module.cpu(), val, recipe)
    scores = {key.removeprefix("dice_"): round(value, 4) for key, value in means.items() if key.startswith("dice_")}
    if "val_empty" in means:
        scores["empty"] = round(means["val_empty"], 4)
    target = out / "model.safetensors"
    part = files.part_for(target, overwrite=True)
    try:
        card = checkpoint.save(module.net, replace(card, scores=scores), part)
        files.publish(part, target, overwrite=True)
    except OSError as error:
        raise OutputError(f"{target} could not be written ({error}); make room, then give the same command") from None
    finally:
        files.discard(part)
    if curves:
        charts.thresholds(curves, out / "threshold.png")
    at = {source: max(curve, key=lambda threshold: curve[threshold]) for source, curve in curves.items()}
    return means | {"epoch": kept["epoch"] + 1, "best_threshold": at, "sha256": card.sha256}


def measure(
    module: SegmentationModule, val: Store, recipe: Recipe
) -> tuple[dict[str, float], dict[str, dict[float, float]]]:
    """Mean scores as module.summary has them; and mean Dice by source ("all" first) at each threshold."""
    photos: dict[int, Photo] = {}
    dices: dict[str, dict[float, list[float]]] = {"all": {threshold: [] for threshold in THRESHOLDS}}
    for index, logits, target, weight, loss in _each(module, val, recipe):
        photos[index] = score(logits, target, weight, loss=loss)
        if photos[index].empty:
            continue
        own = dices.setdefault(val.pairs[index].source, {threshold: [] for threshold in THRESHOLDS})
        for threshold in THRESHOLDS:
            shifted = logits - torch.logit(torch.tensor(threshold))
            dice = score(shifted, target, weight, loss=0.0).dice
            own[threshold].append(dice)
            dices["all"][threshold].append(dice)
    means = summary(photos, val.pairs)
    if not dices["all"][0.5]:
        return means, {}
    return means, {
        source: {threshold: sum(each) / len(each) for threshold, each in curve.items()}
        for source, curve in dices.items()
    }


@torch.inference_mode()
def _each(
    module: SegmentationModule, val: Store, recipe: Recipe
) -> Iterator[tuple[int, Tensor, Tensor, Tensor, float]]:
    module.eval()
    view = ValView(val, recipe.loss, recipe.epochs[-1].size)
    for rows in val_order(val, recipe.train.batch):
        image, target, weight, index = collate([view[row] for row in rows])
        logits = module(image)
        losses = module.loss(logits, target, weight)
        for row, i in enumerate(index.tolist()):
            yield i, logits[row], target[row], weight[row], float(losses[row])
