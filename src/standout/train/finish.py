"""The end of a run: the weights that ship are measured once more and written with their card as the model file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from standout.data import Pair
from standout.errors import InputError, OutputError
from standout.evaluate import scored
from standout.models.card import ModelCard
from standout.net import checkpoint
from standout.runtimes import pytorch
from standout.segmenter import Segmenter
from standout.support import atomic
from standout.train import charts
from standout.train.batches import ValView, collate, val_order
from standout.train.callbacks import going
from standout.train.config import Recipe
from standout.train.module import PhotoScore, SegmentationModule, score, summary
from standout.train.store import Store

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


def finish(
    module: SegmentationModule,
    val: Store,
    recipe: Recipe,
    out: Path,
    card: ModelCard,
    *,
    device: str | None = "cpu",
) -> dict[str, Any]:
    """Writes out/model.safetensors and out/threshold.svg, and returns the results for run.json.

    The weights are those of best-dice.ckpt or last.ckpt, as train.ships says. The scores on the card are of the masks
    that users get. The other scores in the results can be compared with every epoch's: they are measured at the size of
    the last stage, in float32, without test-time augmentation (TTA), at threshold 0.5. device: where the masks that
    users get are computed; None leaves the card without scores.

    Raises OutputError when the model cannot be written.
    """
    name = {"best": "best-dice.ckpt", "last": "last.ckpt"}[recipe.train.ships]
    kept = torch.load(out / name, weights_only=True, map_location="cpu")
    module.load_state_dict(kept["state_dict"])
    means, curves = measure(module.cpu(), val, recipe)
    target = out / "model.safetensors"
    with model_file(target) as part:
        card = checkpoint.save(module.net, card, part)
        if device is not None:
            card = checkpoint.save(module.net, as_users_get_it(part, card, val.pairs, device), part)
    if curves:
        charts.thresholds(curves, out / "threshold.svg")
    at = {source: max(curve, key=lambda threshold: curve[threshold]) for source, curve in curves.items()}
    found = {"epoch": kept["epoch"] + 1, "best_threshold": at, "scores": card.scores, "protocol": card.protocol}
    return means | found | {"sha256": card.sha256}


@contextmanager
def model_file(target: Path) -> Iterator[Path]:
    """A file to write a model to, which gets target's name once the block has ended well, and is removed otherwise.

    Raises OutputError when it cannot be written.
    """
    part = atomic.part_for(target, overwrite=True)
    try:
        yield part
        atomic.publish(part, target, overwrite=True)
    except OSError as error:
        raise OutputError(
            f"{target} could not be written ({error}); free some disk space, then give the same command"
        ) from None
    finally:
        atomic.discard(part)


def as_users_get_it(model: Path, card: ModelCard, pairs: Sequence[Pair], device: str) -> ModelCard:
    """The card with the scores that `standout evaluate` would measure for the model.

    Where a photo cannot be measured, the card has no scores and its protocol says why, so that the training is not
    lost.
    """
    threads = torch.get_num_threads()
    try:
        with going("measuring the result", len(pairs)) as tick:
            return scored(card, pairs, Segmenter(pytorch.open(model, device=device, threads=1)), tick=tick)
    except InputError as error:
        return replace(card, protocol=f"not measured: {error}")
    finally:
        torch.set_num_threads(threads)


def measure(
    module: SegmentationModule, val: Store, recipe: Recipe
) -> tuple[dict[str, float], dict[str, dict[float, float]]]:
    """The mean scores, as module.summary names them, and the mean Dice of each source ("all" first) at each threshold.

    The curves are empty where no validation photo shows anybody.
    """
    photos: dict[int, PhotoScore] = {}
    dices: dict[str, dict[float, list[float]]] = {"all": {threshold: [] for threshold in THRESHOLDS}}
    for index, logits, target, weight, loss in _each(module, val, recipe):
        photos[index] = score(logits, target, weight, loss=loss)
        if photos[index].empty:
            continue
        own = dices.setdefault(val.pairs[index].source, {threshold: [] for threshold in THRESHOLDS})
        for threshold in THRESHOLDS:
            dice = score(logits, target, weight, loss=0.0, threshold=threshold).dice
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
    """Each validation photo's index, logits, target, weight (each (1, h, w)) and loss."""
    module.eval()
    view = ValView(val, recipe.loss, recipe.epochs[-1].size)
    for rows in val_order(val, recipe.train.batch):
        image, target, weight, index = collate([view[row] for row in rows])
        logits = module(image)
        losses = module.loss(logits, target, weight)
        for row, i in enumerate(index.tolist()):
            yield i, logits[row], target[row], weight[row], float(losses[row])
