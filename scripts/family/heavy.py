"""Trains the heavy one of the hackathon's pair on a GPU, in a fixed time, and answers photos with it.

    python scripts/family/heavy.py PACK.zip PHOTOS.npy --out FILE.npz --seconds 80

PHOTOS   uint8 (n, 3, 320, 256)    RGB, letterboxed
FILE     logits, float16 (n, 1, 320, 256)

Its ResNet101 starts from random weights: all sources first, then `picsart` alone, as the hackathon had it. The weights,
of 190 MB, stay on the machine; its answers come home, to be measured by benchmarks/original.py.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from photos import Draw, Photos, unpacked

from standout.net.unet import UNet
from train import DEVICE, DRAWS, MOBILE, Learner, answers, drawn, labeled

ALONE = "picsart"
LAST = 0.6
"""The share of the time after which photos are of ALONE only."""


def learned(photos: Photos, count: int, seconds: float) -> UNet:
    """The network after so many seconds of training on batches of count photos."""
    learner = Learner("heavy", UNet("resnet101", decoder="heavy"), 2e-3, 1.0, encoder_lr=1.0)
    alone = photos.weights * torch.tensor([source == ALONE for source in photos.source], device=DEVICE)
    start, done, told = time.monotonic(), 0.0, 0.0
    while done < 1:
        if done > LAST:
            photos.weights = alone
        how = Draw(MOBILE, 0.1, turned=0.0) if done > LAST else Draw(MOBILE, 0.2)
        batch = drawn(photos, count, how)
        learner.step(labeled(answers(learner, batch[0]), batch), done)
        done = (time.monotonic() - start) / seconds
        if done > told + 0.1:
            told = done
            print(f"{100 * done:.0f} %: {learner.steps} steps, loss {np.mean(learner.losses[-30:]):.4f}", flush=True)
    print(f"{learner.steps} steps of {count} photos", flush=True)
    return learner.averaged()


def main() -> None:
    """Trains, and writes the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    torch.manual_seed(41)
    begun = time.monotonic()
    photos = Photos(*unpacked(options.pack), DRAWS, DEVICE)
    print(f"{len(photos.source)} photos after {time.monotonic() - begun:.0f} s", flush=True)
    net = learned(photos, options.batch, options.seconds)
    seen = torch.from_numpy(np.load(options.photos)).to(DEVICE)
    with torch.inference_mode():
        logits = torch.cat([net(part.float() / 255).cpu() for part in torch.split(seen, 20)])
    np.savez_compressed(options.out, logits=logits.half().numpy())


if __name__ == "__main__":
    main()
