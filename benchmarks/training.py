"""Measures photos a second when training a MobileNetV2 U-Net at 320x256: standout and a plain loop, in the same run.

    .venv/bin/pip install segmentation-models-pytorch
    .venv/bin/python benchmarks/training.py [--data ../shared/people] [--rounds 3]

plain is segmentation_models_pytorch's Unet(mobilenet_v2) in float32, with Adam, BCE, and a DataLoader that decodes,
resizes and flips each photo when it is drawn. standout has its own batches (standard augmentation, pasted people),
network, loss, optimizer and weight averaging. The two take turns, so that other work of the machine disturbs both
alike. "waiting" is the share of the time in which the network waits for a batch. "loading" is how many photos a second
one process of standout prepares when nothing else runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from standout.data import Pair, find_splits, read_pair
from standout.net.unet import UNet
from standout.train.averaging import follow
from standout.train.batches import Item, TrainView, collate, draw_order, start_worker
from standout.train.config import Recipe, load
from standout.train.module import SegmentationModule, optimizer
from standout.train.store import Store

SIZE = (320, 256)
BATCH = 16
NAMES = {
    "plain": "segmentation_models.pytorch's Unet(mobilenet_v2), float32, DataLoader",
    "standout": "standout, bfloat16, channels last",
}
SETTINGS: dict[str, Any] = {"name": "speed", "data": {"folder": "."}, "train": {"batch": BATCH}}


class Plain(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """The photos as a first script loads them."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, mask = read_pair(self.pairs[index])
        image, mask = (np.asarray(cv2.resize(plane, SIZE[::-1]), np.uint8) for plane in (image, mask))
        if np.random.random() < 0.5:
            image, mask = image[:, ::-1].copy(), mask[:, ::-1].copy()
        photo = (torch.from_numpy(image).permute(2, 0, 1).float() / 255 - 0.45) / 0.225
        return photo, torch.from_numpy(mask)[None].float() / 255


def plain(pairs: list[Pair]) -> Iterator[tuple[float, float]]:
    """The seconds of each step of the plain loop, and the seconds of it that were spent waiting for the batch."""
    import segmentation_models_pytorch as smp

    net = smp.Unet("mobilenet_v2", encoder_weights=None).train()
    steps = torch.optim.Adam(net.parameters(), 1e-3)
    loss = torch.nn.BCEWithLogitsLoss()
    loader = DataLoader(Plain(pairs), BATCH, shuffle=True, num_workers=1, drop_last=True)
    while True:
        began = time.perf_counter()
        for image, target in loader:
            waited = time.perf_counter() - began
            steps.zero_grad()
            loss(net(image), target).backward()
            steps.step()
            yield time.perf_counter() - began, waited
            began = time.perf_counter()


def batches(store: Store, recipe: Recipe, epoch: int) -> DataLoader[Item]:
    """The batches of an epoch, made by another process as in a run."""
    keys: Any = draw_order(store, recipe, epoch)
    view = TrainView(store, recipe, recipe.epochs[0])
    return DataLoader(
        view, batch_sampler=keys, num_workers=1, prefetch_factor=6, collate_fn=collate, worker_init_fn=start_worker
    )


def loading(pairs: list[Pair]) -> float:
    """How many photos a second one process prepares."""
    recipe = load(None, SETTINGS)
    rows = iter(batches(Store(pairs), recipe, 0))
    next(rows)  # the process starts
    began, done = time.perf_counter(), 0
    for row in rows:
        done += len(row[0])
    return done / (time.perf_counter() - began)


def ours(pairs: list[Pair]) -> Iterator[tuple[float, float]]:
    """The seconds of each step of standout, and the seconds of it that were spent waiting for the batch."""
    recipe = load(None, SETTINGS)
    store = Store(pairs)
    module = SegmentationModule(UNet("mobilenetv2_100"), recipe, steps=1000, train=pairs, val=[])
    mean = {name: value.clone() for name, value in module.state_dict().items()}
    steps = optimizer(module.net, recipe.train)
    module.net.train()
    for epoch in range(1000):
        loader = batches(store, recipe, epoch)
        began = time.perf_counter()
        for image, target, weight, _ in loader:
            waited = time.perf_counter() - began
            with torch.autocast("cpu", torch.bfloat16):
                logits = module(image)
            loss = module.loss(logits, target, weight).mean()
            steps.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(module.net.parameters(), recipe.train.clip)
            steps.step()
            follow(list(mean.values()), list(module.state_dict().values()), 0.002)
            yield time.perf_counter() - began, waited
            began = time.perf_counter()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "people")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    options = parser.parse_args()
    pairs = [pair for pair in find_splits(options.data)[0] if pair.source == "picsart"][:400]
    runs = {"plain": plain(pairs), "standout": ours(pairs)}
    rates: dict[str, list[float]] = {name: [] for name in runs}
    waiting: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(options.rounds + 1):
        for name, run in runs.items():
            times = [next(run) for _ in range(options.steps)]
            if turn:  # the first round warms up
                total = sum(seconds for seconds, _ in times)
                rates[name].append(BATCH * options.steps / total)
                waiting[name].append(sum(waited for _, waited in times) / total)
    print("| | photos a second | waiting for photos |\n|---|---|---|")
    for name, what in NAMES.items():
        print(f"| {what} | {median(rates[name]):.1f} | {median(waiting[name]):.1%} |")
    print(f"| ratio | {median(a / b for a, b in zip(rates['standout'], rates['plain'], strict=True)):.1f} | |")
    print(f"| photos that one process makes ready when nothing else runs | {loading(pairs):.0f} | |")
    size = f"{SIZE[0]}x{SIZE[1]}"
    print(f"\n{size}, batches of {BATCH}, {torch.get_num_threads()} threads; medians of {options.rounds} rounds.")


if __name__ == "__main__":
    main()
