"""A trained model's validation loss as the original project computed it, beside our own loss and Dice.

    .venv/bin/python benchmarks/original.py runs/picsart-mobilenetv2/model.safetensors [--data ../shared/people]

The original's: half binary cross-entropy, half -log Dice. Cross-entropy is a mean over pixels, those in the band that
an erosion with an 8x8 square takes off the person counted twice; Dice is of a batch of 32 photos as a whole, against
labels cut at one half (github.com/gasparian/PicsArtHack-binary-segmentation). Ours is stricter: weights normalized and
three in a band to both sides of the outline, and Dice is of each photo. Photos are letterboxed to 320x256, and what
is beyond them counts in neither.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from standout.data import find_splits
from standout.net import checkpoint
from standout.train.batches import ValView, collate
from standout.train.config import Loss
from standout.train.losses import combine
from standout.train.module import score
from standout.train.store import Store

BATCH = 32


def original_loss(logits: torch.Tensor, target: torch.Tensor, counts: torch.Tensor) -> float:
    """Of a batch (N, 1, H, W). counts: 1 where a pixel counts, else 0."""
    hard = (target > 0.5).float()
    planes = hard[:, 0].numpy().astype(np.uint8)
    eroded = np.stack([cv2.erode(plane, np.ones((8, 8), np.uint8)) for plane in planes])
    weight = counts * (1 + torch.from_numpy(planes - eroded)[:, None])
    bce = (F.binary_cross_entropy_with_logits(logits, hard, reduction="none") * weight).sum() / counts.sum()
    found, there = logits.sigmoid() * counts, hard * counts
    dice = (2 * (found * there).sum() + 1) / (found.sum() + there.sum() + 1)
    return float(0.5 * bce - 0.5 * dice.log())


@torch.inference_mode()
def main() -> None:
    """Prints the three figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "people")
    parser.add_argument("--source", default="picsart")
    parser.add_argument("--mirror", action="store_true", help="use test-time augmentation, as users get it")
    options = parser.parse_args()
    net, card = checkpoint.load(options.model)
    pairs = [pair for pair in find_splits(options.data)[1] if pair.source == options.source]
    view = ValView(Store(pairs), Loss(), card.size)
    upright = [i for i in range(len(view)) if view.store.upright[i]]
    lying = [i for i in range(len(view)) if not view.store.upright[i]]
    theirs, ours, dices = [], [], []
    for rows in (upright, lying):
        for start in range(0, len(rows), BATCH):
            image, target, weight, _ = collate([view[i] for i in rows[start : start + BATCH]])
            logits = net(image.float() / 255)
            if options.mirror:
                mirrored = net(image.flip(-1).float() / 255).flip(-1)
                logits = ((logits.sigmoid() + mirrored.sigmoid()) / 2).logit(eps=1e-6)
            theirs.append((len(image), original_loss(logits, target, (weight > 0).float())))
            each = combine(Loss().shares)(logits, target, weight)
            ours += each.tolist()
            dices += [score(logits[i], target[i], weight[i], loss=0.0).dice for i in range(len(image))]
    total = sum(count * loss for count, loss in theirs) / len(ours)
    print(f"{options.model}: {len(ours)} validation photos of {options.source} at {card.size[0]}x{card.size[1]}")
    print(f"Dice {np.mean(dices):.4f} (median {np.median(dices):.4f})")
    print(f"loss {np.mean(ours):.4f}, as the original computed it {total:.4f}")


if __name__ == "__main__":
    main()
