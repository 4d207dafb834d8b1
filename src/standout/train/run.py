"""One training run, from a recipe to a checkpoint with its card; stopped at any time, it goes on where it was."""

from __future__ import annotations

import copy
import csv
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from standout import __version__
from standout.card import ModelCard
from standout.dataset import Pair, find_pairs
from standout.errors import InputError
from standout.net import checkpoint
from standout.net.unet import UNet
from standout.train.augment import Sample
from standout.train.batches import Batch, TrainView, ValView, collate, draw_order, read_all, train_batches
from standout.train.config import Config
from standout.train.losses import bce_dice


@dataclass
class State:
    """All that a run needs to go on: saved whole after every epoch."""

    net: UNet
    ema: UNet
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    step: int = 0


def train(config: Config, out: Path) -> Path:
    """Trains, writing out/last.pt after every epoch and out/model.safetensors at the end; returns the latter.

    Raises InputError when the loss stops being a number: last.pt still holds the epoch before.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    train_pairs, val_pairs = find_pairs(config.data / "train"), find_pairs(config.data / "val")
    state = _start(config)
    _resume(state, out / "last.pt")
    samples, val_samples = read_all(train_pairs), read_all(val_pairs)
    stages = [stage for stage in config.stages for _ in range(stage.epochs)]
    steps = sum(len(draw_order(train_pairs, config, epoch)) for epoch in range(len(stages)))
    while state.epoch < len(stages):
        stage = stages[state.epoch]
        view = TrainView(samples, config, stage)
        began = time.monotonic()
        loss = _epoch(state, view, draw_order(train_pairs, config, state.epoch), config, steps)
        state.epoch += 1
        scores = validate(state.ema, val_pairs, val_samples, config, stage.size)
        _log(out / "log.csv", {"epoch": state.epoch, "loss": loss, "seconds": time.monotonic() - began, **scores})
        _save(state, out / "last.pt")
    card = ModelCard(config.name, __version__, config.encoder, stages[-1].size, data=str(config.data.name))
    checkpoint.save(state.ema, card, out / "model.safetensors")
    return out / "model.safetensors"


def _start(config: Config) -> State:
    net = UNet(config.encoder, weights=config.encoder_weights).to(memory_format=torch.channels_last)
    groups = _groups(net, config)
    return State(net, copy.deepcopy(net).eval(), torch.optim.AdamW(groups, lr=config.lr))


def _groups(net: UNet, config: Config) -> list[dict[str, object]]:
    """Encoder and decoder apart, since the encoder starts trained; norms and biases without weight decay."""
    groups: list[dict[str, object]] = []
    for part, share in (("encoder.", config.encoder_lr), ("", 1.0)):
        for decays in (True, False):
            chosen = [
                p
                for name, p in net.named_parameters()
                if name.startswith("encoder.") == bool(part) and (p.ndim > 1) == decays
            ]
            decay = config.weight_decay if decays else 0.0
            groups.append({"params": chosen, "share": share, "weight_decay": decay})
    return groups


def one_cycle(step: int, steps: int, *, rise: float = 0.15) -> float:
    """Share of the peak learning rate at a step: a cosine up for the first `rise` of the run, then a cosine to 0.

    After Smith and Topin, "Super-Convergence" (arXiv 1708.07120), without its momentum cycle.

    >>> [round(one_cycle(step, 100), 2) for step in (0, 15, 100)]
    [0.04, 1.0, 0.0]
    """
    peak = rise * steps
    if step < peak:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * step / peak)) / 2
    return (1 + math.cos(math.pi * min(1.0, (step - peak) / (steps - peak)))) / 2


def _epoch(state: State, view: TrainView, keys: list[list[tuple[int, bool, int]]], config: Config, steps: int) -> float:
    state.net.train()
    total = 0.0
    columns = (
        TextColumn("epoch {task.fields[epoch]} {task.fields[size]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}  {task.fields[rate]:.1f} photos/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("", total=len(keys), epoch=state.epoch + 1, size=view.stage.size, loss=0.0, rate=0.0)
        began = time.monotonic()
        for done, batch in enumerate(train_batches(view, keys), 1):
            share = one_cycle(state.step, steps)
            for group in state.optimizer.param_groups:
                group["lr"] = config.lr * group["share"] * share
            loss = _step(state, batch, config)
            if not math.isfinite(loss):
                raise InputError(
                    f"the loss became {loss} in epoch {state.epoch + 1}, step {done}; try a lower lr than {config.lr}"
                )
            total += loss
            state.step += 1
            _follow(state.ema, state.net, min(config.ema, (1 + state.step) / (10 + state.step)))
            rate = done * config.batch / (time.monotonic() - began)
            progress.update(task, completed=done, loss=total / done, rate=rate)
    return total / len(keys)


def _step(state: State, batch: Batch, config: Config) -> float:
    image, target, weight = batch
    image = (image.float() / 255).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = state.net(image)
    loss = bce_dice(logits.float(), target, weight, bce_share=config.bce_share)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(state.net.parameters(), 2.0)
    state.optimizer.step()
    return float(loss.detach())


@torch.no_grad()
def _follow(ema: UNet, net: UNet, decay: float) -> None:
    """Moves the averaged weights a step toward the network's, batch-norm statistics included."""
    for mean, value in zip(ema.state_dict().values(), net.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


@torch.inference_mode()
def validate(
    net: UNet, pairs: list[Pair], samples: list[Sample], config: Config, size: tuple[int, int]
) -> dict[str, float]:
    """Mean Dice per source at the network's size and threshold 0.5; for photos of nobody the area called person."""
    net.eval()
    view = ValView(samples, config, size)
    scores: dict[str, list[float]] = {}
    for start in range(0, len(pairs), config.batch):
        rows = range(start, min(start + config.batch, len(pairs)))
        image, target, weight = collate([view[i] for i in rows])
        with torch.autocast("cpu", torch.bfloat16):
            logits = net((image.float() / 255).contiguous(memory_format=torch.channels_last))
        counts = (weight > 0).float()
        found, truth = (logits > 0).float() * counts, (target > 0.5).float() * counts
        for row, index in enumerate(rows):
            scores.setdefault(pairs[index].source, []).append(_score(found[row], truth[row], counts[row]))
    return {source: sum(each) / len(each) for source, each in sorted(scores.items())}


def _score(found: Tensor, truth: Tensor, counts: Tensor) -> float:
    if truth.sum() == 0:
        return float(found.sum() / counts.sum())
    return float(2 * (found * truth).sum() / (found.sum() + truth.sum()))


def _log(path: Path, row: dict[str, float]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow({key: f"{value:.5g}" for key, value in row.items()})


def _save(state: State, path: Path) -> None:
    parts = {
        "net": state.net.state_dict(),
        "ema": state.ema.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "epoch": state.epoch,
        "step": state.step,
    }
    part = path.with_suffix(".part")
    torch.save(parts, part)
    part.replace(path)


def _resume(state: State, path: Path) -> None:
    if not path.exists():
        return
    parts = torch.load(path, weights_only=True)
    state.net.load_state_dict(parts["net"])
    state.ema.load_state_dict(parts["ema"])
    state.optimizer.load_state_dict(parts["optimizer"])
    state.epoch, state.step = parts["epoch"], parts["step"]
