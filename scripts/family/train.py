"""Trains the bundled family together on one GPU, in a fixed time.

    python scripts/family/train.py PACK.zip --out FOLDER --seconds 560      # reading the photos included

    out   quality, mobile-taught, mobile-alone and tiny, .safetensors each: running averages of the weights

The bundled models go on from their own weights. One batch at quality's size serves quality, and at their own sizes the
taught mobile and tiny, which learn from its answers beside the labels. A second mobile learns from labels alone on
batches of its own: the two differ, so that their mean with the weights they started from is better than each. The
learning rates follow the clock, so that all of them have come down when the time is over.

Planes stay one after another in memory (NCHW): in channels-last order cuDNN compiles each depthwise convolution anew
for each shape, a second or more each. On an H200, 480 seconds were 156 until the first step, 802 steps of 64 photos of
the first three networks and 527 of the fourth: 0.32 s and 0.13 s a step, the GPU half busy.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from light import relit
from photos import FILL, Draw, Photos, unpacked
from torch import Tensor
from torch.nn import functional as F

from standout.models.card import ModelCard
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.net.unet import UNet
from standout.train.groups import groups
from standout.train.losses import border_bce, combine
from standout.train.schedules import one_cycle

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DRAWS = {
    "picsart": 1.0, "eg1800": 0.75, "ccp": 0.9, "cocoval": 1.6, "cocoweak": 1.3, "voc": 2.0, "coco": 3.0,
    "duts": 1.6, "penn": 1.0, "ecssd": 1.6, "empty": 1.2, "empty3": 1.6,
}  # fmt: skip
NOBODY = 2.0
"""How often a photo of nobody counts: of the three losses only cross-entropy speaks about it, and quietly."""
LOSS = combine({"bce": 0.4, "dice": 0.4, "matting": 0.2})
TEACHERS = "MODNet for hair, DeepLabv3 for undecided pixels"
TAUGHT = 0.3
"""The teacher's share of a taught network's loss."""
EMA = 0.995
QUALITY, MOBILE, TINY = (480, 384), (320, 256), (256, 192)
Batch = tuple[Tensor, Tensor, Tensor]
"""Photos (n, 3, H, W), targets and weights (n, 1, H, W)."""


@dataclass
class Learner:
    """A network in training with its running average."""

    name: str
    net: UNet
    lr: float
    share: float
    """Of the machine's time."""
    encoder_lr: float = 0.35
    spent: float = 0.0
    steps: int = 0
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.net.to(DEVICE).train()
        split = groups(self.net, lr=self.lr, encoder_lr=self.encoder_lr, weight_decay=1e-2)
        self.optimizer = torch.optim.AdamW(split, lr=self.lr, fused=True)
        self.values = [v for v in self.net.state_dict().values() if v.is_floating_point()]
        self.means = [v.clone() for v in self.values]

    def step(self, loss: Tensor, done: float) -> None:
        """One step. done: the share of the whole time that is over."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * group["share"] * one_cycle(int(done * 10000), 10000)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimizer.step()
        decay = min(EMA, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.means, self.values, 1 - decay)
        self.steps += 1
        self.losses.append(float(loss.detach()))

    def averaged(self) -> UNet:
        """The network with its average weights; training must not go on with it."""
        for value, mean in zip(self.values, self.means, strict=True):
            value.copy_(mean)
        return self.net.eval()


def answers(learner: Learner, image: Tensor) -> Tensor:
    """The logits, float32."""
    with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
        logits: Tensor = learner.net(image)
    return logits.float()


def drawn(photos: Photos, count: int, how: Draw, *, border: int = 9) -> Batch:
    """A batch, augmented. border: the width of the band about the outline, odd."""
    sample, boost = photos.batch(count, how)
    outside = (sample[:, :3] - FILL).abs().amax(1, keepdim=True) + sample[:, 4:5] < 1e-4
    image = relit(sample[:, :3])
    letterboxed = torch.rand(count, 1, 1, 1, device=image.device) < 0.5
    image = torch.where(outside & letterboxed, FILL, image)
    target, counts = sample[:, 3:4], sample[:, 4:5]
    return image, target, weighted(target, counts, boost, border)


def weighted(target: Tensor, counts: Tensor, boost: Tensor, border: int) -> Tensor:
    """The weight of each pixel: 1, boost near the outline, 0 where it does not count."""
    person = (target > 0.5).float()
    reach = border // 2
    band = F.max_pool2d(person, border, 1, reach) + F.max_pool2d(-person, border, 1, reach)
    return torch.where(band > 0.5, boost[:, None, None, None], 1.0) * (counts > 0.5)


def smaller(batch: Batch, size: tuple[int, int]) -> Batch:
    """The batch at another network's size."""
    image, target, weight = batch
    high, wide = max(size), min(size)
    rect = (high, wide) if image.shape[2] >= image.shape[3] else (wide, high)
    image, target = (F.interpolate(p, rect, mode="bilinear", antialias=True) for p in (image, target))
    return image, target, F.interpolate(weight, rect, mode="nearest")


def labeled(logits: Tensor, batch: Batch, nobody: float = NOBODY) -> Tensor:
    """The loss against labels, in which photos of nobody count so many times."""
    _, target, weight = batch
    counts = torch.where(target.amax((1, 2, 3)) < 0.5, nobody, 1.0)
    return (counts * LOSS(logits, target, weight)).sum() / counts.sum()


def taught(logits: Tensor, batch: Batch, teacher: Tensor) -> Tensor:
    """The loss against labels and against the teacher's probability."""
    weight = batch[2]
    answer = F.interpolate(teacher, logits.shape[2:], mode="bilinear", antialias=True)
    told = border_bce(logits, answer, weight + 0.3 * (weight == 0)).mean()
    return (1 - TAUGHT) * labeled(logits, batch) + TAUGHT * told


def settled() -> None:
    """Waits until the device has done what it was given."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def prepared(count: int) -> tuple[list[Learner], dict[str, ModelCard]]:
    """The learners, and the cards of what they start from; a copy of each takes a step, which loads its kernels."""
    loaded = {name: checkpoint.load(find_checkpoint(f"standout-{name}")) for name in ("quality", "mobile", "tiny")}
    cards = {name: card for name, (_, card) in loaded.items()}
    second, _ = checkpoint.load(find_checkpoint("standout-mobile"))
    learners = [
        Learner("quality", loaded["quality"][0], 2.5e-3, 0.5),
        Learner("mobile-taught", loaded["mobile"][0], 3e-3, 0.0),
        Learner("tiny", loaded["tiny"][0], 4e-3, 0.0),
        Learner("mobile-alone", second, 3e-3, 0.14),
    ]
    torch.linalg.inv(torch.eye(3, device=DEVICE)[None])
    for learner, size in zip(learners, (QUALITY, MOBILE, TINY, MOBILE), strict=True):
        trial = copy.deepcopy(learner.net)
        for rect in (size, size[::-1]):
            image = torch.rand(count, 3, *rect, device=DEVICE)
            with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
                trial(image).float().mean().backward()
        settled()
    return learners, cards


def main() -> None:
    """Trains, and writes the averages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--seed", type=int, default=41)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    begun = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        ready = pool.submit(prepared, options.batch)
        photos = Photos(*unpacked(options.pack), DRAWS, DEVICE)
        print(f"{len(photos.source)} photos on the device after {time.monotonic() - begun:.0f} s", flush=True)
        learners, cards = ready.result()
    quality, pupil, tiny = learners[:3]
    print(f"ready after {time.monotonic() - begun:.0f} s", flush=True)
    start = time.monotonic()
    told = start
    if start - begun >= options.seconds:
        sys.exit(f"getting ready took {start - begun:.0f} s of --seconds {options.seconds:g}; give more time")
    done = 0.0
    while done < 1:
        compose = 0.25 if done < 0.75 else 0.12
        turn = min((one for one in learners if one.share), key=lambda one: one.spent / one.share)
        before = time.monotonic()
        if turn is quality:
            batch = drawn(photos, options.batch, Draw(QUALITY, compose), border=13)
            logits = answers(quality, batch[0])
            quality.step(labeled(logits, batch), done)
            teacher = logits.detach().sigmoid()
            for learner, size in ((pupil, MOBILE), (tiny, TINY)):
                small = smaller(batch, size)
                logits = answers(learner, small[0])
                learner.step(taught(logits, small, teacher), done)
        else:
            batch = drawn(photos, options.batch, Draw(MOBILE, compose))
            turn.step(labeled(answers(turn, batch[0]), batch), done)
        settled()
        now = time.monotonic()
        turn.spent += now - before
        done = (now - start) / (options.seconds - (start - begun))
        if now - told > 10:
            told = now
            rows = {
                one.name: [one.steps, round(float(np.mean(one.losses[-30:])), 4), round(one.spent)] for one in learners
            }
            print(f"{now - start:.0f} s {json.dumps(rows)}", flush=True)

    options.out.mkdir(parents=True, exist_ok=True)
    for learner in learners:
        net = learner.averaged()
        print(f"{learner.name}: {learner.steps} steps of {options.batch}, {learner.spent:.0f} s", flush=True)
        card = cards[learner.name.split("-")[0]]
        teachers = TEACHERS + (", the quality network trained beside it" if learner in (pupil, tiny) else "")
        card = replace(
            card, name=f"family-{learner.name}", base=card.identity, teacher=teachers, sha256="", scores={}, protocol=""
        )
        checkpoint.save(net.cpu(), card, options.out / f"{learner.name}.safetensors")


if __name__ == "__main__":
    main()
