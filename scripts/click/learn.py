"""Trains the click network on one CPU core for a given time; an interrupted run resumes from its last checkpoint.

    python scripts/click/cutouts.py ../shared/people --out runs/click/cache
    OMP_NUM_THREADS=1 python scripts/click/learn.py runs/click/cache --out runs/click/first --minutes 55

out   last.pt       the checkpoint from which a run resumes
      mean.pt       the running average of the weights, which is what ships
      log.jsonl     a line every so often: steps, loss, IoU on held-out composed and real groups

Only the part of the encoder below 1/8 and the decoder learn; the stages above see each photo once for all the clicks
in it. The learning rate follows the clock.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from cutouts import opened
from scenes import CLICKS, SKIP, Pool, Scene
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from standout.masks import clicks
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.net.click import ClickUNet, fresh

PHOTOS = 4
"""Photos in a batch; each is clicked on CLICKS times."""
CORRECTED = 0.3
"""The share of batches in which the network has answered once, and learns from a second click where it was wrong."""
EMA = 0.998
LR = 1.5e-3
OLD = 0.5
"""The learning rate of what comes from the person finder, beside that of what is new."""


PARTS = ("singles", "empty", "groups")


class Scenes(IterableDataset[list[Scene]]):
    """Batches without end."""

    def __init__(self, pool: Pool, seed: int) -> None:
        self.pool, self.seed = pool, seed

    def __iter__(self) -> Iterator[list[Scene]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            yield [self.pool.draw(rng) for _ in range(PHOTOS)]


def tensors(scenes: list[Scene]) -> tuple[Tensor, Tensor, Tensor]:
    """Photos (n, 3, H, W), planes (n * CLICKS, 5, H, W) and targets (n * CLICKS, 1, H, W)."""
    photo = torch.from_numpy(np.stack([one.photo for one in scenes])).permute(0, 3, 1, 2).float() / 255
    planes = torch.from_numpy(np.concatenate([one.planes for one in scenes]))
    target = torch.from_numpy(np.concatenate([one.target for one in scenes]))[:, None]
    return photo.contiguous(memory_format=torch.channels_last), planes, target


def answers(net: ClickUNet, photo: Tensor, planes: Tensor) -> Tensor:
    """The logits in float32, one for each of the clicks on each photo."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.no_grad():
            quarter, eighth = net.kept(photo)
        each = len(planes) // len(photo)
        photo, quarter, eighth = (one.repeat_interleave(each, 0) for one in (photo, quarter, eighth))
        logits = net.answer(photo, planes, quarter, eighth)
    return logits.float()


def loss_of(logits: Tensor, planes: Tensor, target: Tensor) -> Tensor:
    """Cross entropy and 1 - soft IoU of each person, over the pixels that count, which are those of people.

    People far from the click count less, since most of them are easily told to be others.
    """
    counts = (target != SKIP).float()
    wanted = (target == 1).float()
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    weight = counts * (0.3 + wanted + planes[:, 2:3])
    entropy = (entropy * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp(min=1)
    found = logits.sigmoid() * counts
    both = (found * wanted).sum((1, 2, 3))
    iou = (both + 1) / (found.sum((1, 2, 3)) + wanted.sum((1, 2, 3)) - both + 1)
    return (0.7 * entropy + 1 - iou).mean()


def corrected(planes: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    """The planes with one more click for each person, on the middle of the largest error of an answer."""
    result = planes.clone()
    for at, (answer, wanted) in enumerate(zip(logits[:, 0].numpy() > 0, target[:, 0].numpy(), strict=True)):
        errors = {1: (wanted == 1) & ~answer, 3: (wanted == 0) & answer & (planes[at, 0].numpy() > clicks.PERSON)}
        found = [(*clicks.inmost(one), plane) for plane, one in errors.items()]
        place, depth, plane = max(found, key=lambda one: one[1])
        if depth >= 1:
            maps = torch.from_numpy(np.stack(clicks.maps_of([place])))
            result[at, plane : plane + 2] = torch.maximum(result[at, plane : plane + 2], maps)
    return result


def iou_of(logits: Tensor, target: Tensor) -> Tensor:
    """The IoU of each person over the pixels that count."""
    counts = target != SKIP
    found, wanted = (logits > 0) & counts, target == 1
    return (found & wanted).sum((1, 2, 3)) / (found | wanted).sum((1, 2, 3)).clamp(min=1)


def held_out(cache: Path) -> dict[str, list[Scene]]:
    """Scenes to measure on: composed of validation photos, and real groups that are kept from training."""
    parts = {name: [opened(cache / split, name) for split in ("val", "train")] for name in PARTS}

    class Held(Pool):
        def training(self) -> list[int]:
            return [at for at in range(len(self.groups)) if at not in super(Held, self).training()]

    result = {}
    for name, composed in (("composed", 1.0), ("real", 0.0)):
        pool = Held(parts["singles"][0], parts["empty"][0], parts["groups"][1], composed)
        rng = np.random.default_rng(7)
        result[name] = [pool.draw(rng) for _ in range(32)]
    return result


@torch.no_grad()
def measured(net: ClickUNet, scenes: dict[str, list[Scene]]) -> dict[str, float]:
    """The mean IoU by kind of scene."""
    result = {}
    for name, some in scenes.items():
        scores = []
        for at in range(0, len(some), PHOTOS):
            photo, planes, target = tensors(some[at : at + PHOTOS])
            scores.append(iou_of(answers(net, photo, planes), target))
        result[name] = round(float(torch.cat(scores).mean()), 4)
    return result


def groups_of(net: ClickUNet) -> list[dict[str, Any]]:
    """Parameters that come from the person finder, and new ones; those that stay as they are do not learn."""
    for kept in (net.stem, net.eighth):
        kept.requires_grad_(False)
    old = [*net.sixteenth.parameters(), *net.deepest.parameters()]
    new = [
        *net.clicks.parameters(),
        *net.alike.parameters(),
        *net.ups.parameters(),
        *net.last.parameters(),
        *net.head.parameters(),
    ]
    for one in (*old, *new):
        one.requires_grad_(True)
    return [{"params": old, "share": OLD}, {"params": new, "share": 1.0}]


def rate(done: float) -> float:
    """The share of the learning rate: a short warm-up, then half a cosine."""
    return min(1.0, done / 0.03 + 0.05) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, done)) + 0.004)


def main() -> None:
    """Trains, and writes the running average."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--start", type=Path, help="a mean.pt to begin with")
    parser.add_argument("--lr", type=float, default=LR)
    parser.add_argument("--composed", type=float, default=0.5)
    parser.add_argument("--side", type=int, default=clicks.SIDE, help="of the square; smaller ones are learned faster")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    clicks.SIDE = options.side
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    net = fresh(checkpoint.load(find_checkpoint("standout-mobile"))[0])
    if options.start:
        net.load_state_dict(torch.load(options.start, weights_only=True), strict=False)
    net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(groups_of(net), lr=options.lr, weight_decay=1e-3)
    mean = copy.deepcopy(net)
    steps, spent = 0, 0.0
    last = options.out / "last.pt"
    if last.exists():
        state = torch.load(last, weights_only=True)
        net.load_state_dict(state["net"])
        mean.load_state_dict(state["mean"])
        optimizer.load_state_dict(state["optimizer"])
        steps, spent = state["steps"], state["spent"]
    singles, empty, groups = (opened(options.cache / "train", name) for name in PARTS)
    pool = Pool(singles, empty, groups, options.composed)
    loader = iter(DataLoader(Scenes(pool, options.seed + steps), batch_size=None, num_workers=1, prefetch_factor=4))
    scenes = held_out(options.cache)
    losses: list[float] = []
    begun = told = time.monotonic()
    before = spent
    while spent < 60 * options.minutes:
        photo, planes, target = tensors(next(loader))
        for group in optimizer.param_groups:
            group["lr"] = options.lr * group["share"] * rate(spent / 60 / options.minutes)
        if torch.rand(()) < CORRECTED:
            with torch.no_grad():
                planes = corrected(planes, answers(net, photo, planes), target)
        loss = loss_of(answers(net, photo, planes), planes, target)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        decay = min(EMA, (1 + steps) / (10 + steps))
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.parameters()), list(net.parameters()), 1 - decay)
        steps += 1
        losses.append(float(loss.detach()))
        now = time.monotonic()
        spent = before + now - begun
        if now - told > 270 or steps in (20, 200) or spent >= 60 * options.minutes:
            told = now
            row = {"steps": steps, "clicks": steps * PHOTOS * CLICKS, "minutes": round(spent / 60, 1)}
            row |= {"loss": round(float(np.mean(losses[-200:])), 4), **measured(mean, scenes)}
            with (options.out / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
            state = {"net": net.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**state, "steps": steps, "spent": spent}, options.out / "last.new")
            (options.out / "last.new").replace(last)
            torch.save(mean.state_dict(), options.out / "mean.new")
            (options.out / "mean.new").replace(options.out / "mean.pt")


if __name__ == "__main__":
    main()
