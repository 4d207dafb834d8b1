"""Pairs -> batches, in two views of one store of decoded photos.

image   uint8    (N, 3, h, w)   RGB
target  float32  (N, 1, h, w)   0..1
weight  float32  (N, 1, h, w)   see borders.py
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from standout.dataset import IGNORE, Pair
from standout.pixels import fit, rectangle, resize
from standout.train.augment import Sample, augment, crop_to, paste, pipeline
from standout.train.borders import weights
from standout.train.config import Config, Stage

Item = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]

STORED_SIDE = 448
"""Longest side of a photo in the store: above the network's, so that zooming in stays sharp."""


def read_sample(pair: Pair) -> Sample:
    """The pair decoded and scaled down to STORED_SIDE. Training photos are plain sRGB, so OpenCV decodes them."""
    image, mask = cv2.imread(str(pair.image), cv2.IMREAD_COLOR), cv2.imread(str(pair.mask), cv2.IMREAD_GRAYSCALE)
    if image is None or mask is None or image.shape[:2] != mask.shape:
        raise ValueError(f"{pair.image} and {pair.mask} must be readable and of one size")
    counts = np.where(mask == IGNORE, 0, 255).astype(np.uint8)
    mask = np.where(mask == IGNORE, 0, mask).astype(np.uint8)
    scale = STORED_SIDE / max(mask.shape)
    planes = [cv2.cvtColor(image, cv2.COLOR_BGR2RGB), mask, counts]
    if scale < 1:
        size = (round(mask.shape[0] * scale), round(mask.shape[1] * scale))
        planes = [resize(plane, *size) for plane in planes]
    return Sample(*(np.asarray(plane, np.uint8) for plane in planes))


def read_all(pairs: list[Pair]) -> list[Sample]:
    """All pairs in memory, about 0.4 MB each: decoding WebP again every epoch would cost more than augmenting."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(read_sample, pairs))


def to_item(sample: Sample, rect: tuple[int, int], config: Config) -> Item:
    """The sample fitted to the network's rectangle as (image, target, weight), channels first."""
    image, _ = fit(sample.image, rect)
    mask, _ = fit(sample.mask, rect, fill=0)
    counts, _ = fit(sample.counts, rect, fill=0)
    weight = weights(mask, counts, width=config.border, boost=config.border_boost)
    return image.transpose(2, 0, 1), mask[None].astype(np.float32) / 255.0, weight[None]


class TrainView(Dataset[Item]):
    """Augmented samples. An item is asked for by (index, upright, seed): see draw_order."""

    def __init__(self, samples: list[Sample], config: Config, stage: Stage) -> None:
        self.samples, self.config, self.stage = samples, config, stage
        share = [float(np.count_nonzero(s.mask)) / s.mask.size for s in samples]
        whole = [bool((s.counts > 0).all()) for s in samples]
        self.donors = [i for i, s in enumerate(share) if 0.05 < s < 0.7 and whole[i]]
        self.transforms = pipeline()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, bool, int]) -> Item:
        sample, rect = self.draw(*key)
        return to_item(sample, rect, self.config)

    def draw(self, index: int, upright: bool, seed: int) -> tuple[Sample, tuple[int, int]]:
        """The augmented sample, and the rectangle it is to be fitted to."""
        rng = np.random.default_rng(seed)
        sample, rect = self.samples[index], rectangle(2, 1 + 2 * (not upright), self.stage.size)
        if rng.random() < self.stage.compose and self.donors:
            for _ in range(int(rng.integers(1, 4))):
                sample = paste(sample, self.samples[self.donors[int(rng.integers(len(self.donors)))]], rng)
        turned = (sample.mask.shape[0] >= sample.mask.shape[1]) != upright
        if rng.random() < (0.7 if turned else 0.3):
            sample = crop_to(sample, rect, rng)
        return augment(sample, self.transforms, rng), rect


class ValView(Dataset[Item]):
    """Samples as inference sees them, all in the upright rectangle so that they batch."""

    def __init__(self, samples: list[Sample], config: Config, size: tuple[int, int]) -> None:
        self.samples, self.config, self.size = samples, config, size

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        return to_item(self.samples[index], rectangle(2, 1, self.size), self.config)


def draw_order(pairs: list[Pair], config: Config, epoch: int) -> list[list[tuple[int, bool, int]]]:
    """The epoch's batches as keys (index, upright, seed), a pure function of config.seed and epoch.

    Sources are drawn config.draws times; half of the batches are upright, half lie on their side, and every batch
    mixes all sources: batch-norm statistics would otherwise differ between portraits and street scenes.
    """
    rng = np.random.default_rng([config.seed, epoch])
    chosen: list[int] = []
    for index, pair in enumerate(pairs):
        times = config.draws.get(pair.source, 1.0)
        chosen += [index] * (int(times) + int(rng.random() < times % 1.0))
    order = rng.permutation(chosen)
    batches = []
    for start in range(0, len(order) - config.batch + 1, config.batch):
        upright = bool(rng.random() < 0.6)
        batches.append([(int(i), upright, int(rng.integers(2**31))) for i in order[start : start + config.batch]])
    return batches


def collate(items: list[Item]) -> Batch:
    """Items stacked into tensors."""
    image, target, weight = (torch.from_numpy(np.stack(plane)) for plane in zip(*items, strict=True))
    return image, target, weight


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)


def train_batches(view: TrainView, keys: list[list[tuple[int, bool, int]]]) -> Iterator[Batch]:
    """The epoch's batches, made by one worker process beside the training."""
    loader = DataLoader(
        view, batch_sampler=keys, num_workers=1, prefetch_factor=6, collate_fn=collate, worker_init_fn=_one_thread
    )
    return iter(loader)
