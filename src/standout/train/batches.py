"""Pairs -> batches: a view for training and a view for validation, each of a store of decoded photos.

image    uint8    (N, 3, h, w)   RGB
target   float32  (N, 1, h, w)   0..1
weight   float32  (N, 1, h, w)   0, 1 or the boost of borders.py
index    int64    (N,)           the pair's index in its store, by which reports name the photo
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from standout.masks.letterbox import FILL, fit, rectangle
from standout.train.augment import (
    Sample,
    augment,
    crop_to,
    drop_cloth,
    one_person,
    paste,
    pipeline,
    quarters,
    swap_background,
    turn,
)
from standout.train.borders import weights
from standout.train.config import Loss, Recipe
from standout.train.parts import Stage
from standout.train.store import Store, instances_of
from standout.train.unlabelled import (
    UnlabelledBatch,
    UnlabelledItem,
    UnlabelledKey,
    UnlabelledStore,
    UnlabelledView,
    collate_unlabelled,
    draw_unlabelled,
)

if TYPE_CHECKING:
    from standout.train.budget import Budget

Item = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32], int]
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
Key = tuple[int, bool, int]
"""What is drawn: the pair's index, whether the network's rectangle stands upright, and a seed for all randomness."""


class MixedBatch(NamedTuple):
    """A batch with photos without masks beside it."""

    image: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    indices: torch.Tensor
    unlabelled: UnlabelledBatch


def to_item(sample: Sample, rect: tuple[int, int], loss: Loss, index: int) -> Item:
    """The sample letterboxed to rect, (h, w), as (image, target, weight, index); the planes have channels first."""
    image, _ = fit(sample.image, rect)
    mask, _ = fit(sample.mask, rect, fill=0)
    counts, _ = fit(sample.counts, rect, fill=0)
    weight = weights(mask, counts, width=loss.border, boost=loss.border_boost)
    return image.transpose(2, 0, 1), mask[None].astype(np.float32) / 255.0, weight[None], index


class TrainView(Dataset[Item]):
    """Augmented samples for training; each depends on its key alone."""

    def __init__(self, store: Store, recipe: Recipe, stage: Stage) -> None:
        self.store, self.recipe, self.stage = store, recipe, stage
        facts = list(zip(store.people, store.known, strict=True))
        self.donors = [i for i, (share, known) in enumerate(facts) if 0.05 < share < 0.7 and known]
        self.empty = [i for i, (share, known) in enumerate(facts) if share == 0 and known]
        self.standing = [i for i in self.donors if recipe.augment.cloth and store.standing[i]]
        self.apart = [i for i, pair in enumerate(store.pairs) if recipe.augment.singles and instances_of(pair)]
        self.transforms = pipeline(recipe.augment.set)

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, key: Key) -> Item:
        sample, rect = self.draw(*key)
        return to_item(sample, rect, self.recipe.loss, key[0])

    def draw(self, index: int, upright: bool, seed: int) -> tuple[Sample, tuple[int, int]]:
        """The augmented sample, and the rectangle (h, w) that it is to be letterboxed to."""
        rng = np.random.default_rng(seed)
        sample, rect = self.store[index], rectangle(2, 1 + 2 * (not upright), self.stage.size)
        how = self.recipe.augment
        if how.set == "none":
            return sample, rect
        if self.empty and self.store.people[index] > 0 and rng.random() < how.background:
            sample = swap_background(sample, self.store[_one_of(self.empty, rng)], rng)
        if how.quarters and rng.random() < how.quarters:
            others = [self.store[int(i)] for i in rng.integers(len(self.store), size=3)]
            sample = quarters([sample, *others], rect, rng)
        if self.standing and rng.random() < how.cloth:
            sample = drop_cloth(sample, self.store[_one_of(self.standing, rng)], rng)
        if self.donors and rng.random() < self.stage.compose:
            for _ in range(int(rng.integers(1, 4))):
                sample = paste(sample, self._donor(rng), rng, smallest=how.smallest)
        if how.turned and rng.random() < how.turned:
            sample = turn(sample, rng)
        turned = (sample.mask.shape[0] >= sample.mask.shape[1]) != upright
        if rng.random() < (0.7 if turned else 0.3):
            sample = crop_to(sample, rect, rng)
        return augment(sample, self.transforms, rng), rect

    def _donor(self, rng: np.random.Generator) -> Sample:
        """A photo whose people are pasted: all of them, or one of them alone."""
        if self.apart and rng.random() < self.recipe.augment.singles:
            index = _one_of(self.apart, rng)
            people = self.store.people_of(index)
            alone = None if people is None else one_person(self.store[index], people, rng)
            if alone is not None:
                return alone
        return self.store[_one_of(self.donors, rng)]

    def fitted(self, index: int, upright: bool, seed: int) -> Sample:
        """The augmented sample letterboxed as the network gets it, for previews."""
        sample, rect = self.draw(index, upright, seed)
        image, mask, counts = (
            fit(plane, rect, fill=fill)[0] for plane, fill in zip(sample.planes, (FILL, 0, 0), strict=True)
        )
        return Sample(image, mask, counts)


class MixedView(Dataset[Item | UnlabelledItem]):
    """Samples of both kinds: those with masks and those without."""

    def __init__(self, labels: TrainView, unlabelled: UnlabelledView) -> None:
        self.labels, self.unlabelled = labels, unlabelled

    def __getitem__(self, key: Key | UnlabelledKey) -> Item | UnlabelledItem:
        return self.unlabelled[key] if isinstance(key, UnlabelledKey) else self.labels[key]


class ValView(Dataset[Item]):
    """Samples for validation, as inference sees them: not augmented, each in a rectangle that is turned as it is."""

    def __init__(self, store: Store, loss: Loss, size: tuple[int, int]) -> None:
        self.store, self.loss, self.size = store, loss, size

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> Item:
        sample = self.store[index]
        return to_item(sample, rectangle(sample.mask.shape[0], sample.mask.shape[1], self.size), self.loss, index)


def _one_of(indices: Sequence[int], rng: np.random.Generator) -> int:
    return indices[int(rng.integers(len(indices)))]


def draw_order(store: Store, recipe: Recipe, epoch: int, *, processes: int = 1) -> list[list[Key]]:
    """The epoch's batches of train.batch x processes keys, which depend on the recipe and the epoch alone.

    The sample weights of the sources, data.draws, say how often each photo is drawn: 2.5 means twice, and a third time
    by chance in half of the epochs. All photos of a batch have the same orientation, upright as often as the photos
    are, and batches mix all sources, since batch-norm statistics would otherwise differ between portraits and street
    scenes.
    """
    rng = np.random.default_rng([recipe.train.seed, epoch])
    chosen: list[int] = []
    for index, pair in enumerate(store.pairs):
        times = recipe.data.draws.get(pair.source, 1.0)
        chosen += [index] * (int(times) + int(rng.random() < times % 1.0))
    order = [int(i) for i in rng.permutation(chosen)]
    upright_share = float(np.mean([store.upright[i] for i in order])) if order else 0.0
    size = min(recipe.train.batch * processes, len(order))
    batches = []
    for start in range(0, len(order) - size + 1, max(1, size)):
        upright = bool(rng.random() < upright_share)
        batches.append([(i, upright, int(rng.integers(2**31))) for i in order[start : start + size]])
    return batches


def val_order(store: Store, batch: int) -> list[list[int]]:
    """The indices of all photos, in batches whose photos have the same orientation."""
    batches = []
    for upright in (True, False):
        rows = [i for i, one in enumerate(store.upright) if one == upright]
        batches += [rows[start : start + batch] for start in range(0, len(rows), batch)]
    return batches


def collate(items: list[Item]) -> Batch:
    """The items stacked into tensors."""
    image, target, weight = (torch.from_numpy(np.stack(plane)) for plane in zip(*(i[:3] for i in items), strict=True))
    return image, target, weight, torch.tensor([item[3] for item in items])


def collate_mixed(items: list[Item | UnlabelledItem]) -> MixedBatch:
    """The items stacked into tensors; those without masks, whose last plane is an array, come last."""
    labels = [item for item in items if isinstance(item[3], int)]
    others = [item for item in items if not isinstance(item[3], int)]
    return MixedBatch(*collate(labels), collate_unlabelled(others))


def start_worker(_: int) -> None:
    """Keeps a worker's OpenCV to one core, as the network needs the others, and leaves Ctrl-C to the main process."""
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Batches(LightningDataModule):
    """The batches as Lightning asks for them: in a new order every epoch, with a share of each batch per process.

    budget: says how many batches an epoch has; None means one pass over the photos. unlabelled: photos without masks
    beside each batch; None where there are none.
    """

    def __init__(
        self,
        train: Store,
        val: Store,
        recipe: Recipe,
        *,
        workers: int,
        budget: Budget | None = None,
        unlabelled: UnlabelledStore | None = None,
    ) -> None:
        super().__init__()
        self.train, self.val, self.recipe, self.workers, self.budget = train, val, recipe, workers, budget
        self.unlabelled = unlabelled

    def train_dataloader(self) -> DataLoader[Any]:
        """The batches of the coming epoch; Lightning asks for them before every epoch."""
        assert self.trainer is not None
        epoch, rank, world = self.trainer.current_epoch, self.trainer.global_rank, self.trainer.world_size
        epoch = min(epoch, len(self.recipe.epochs) - 1)
        if self.budget is None:
            keys = draw_order(self.train, self.recipe, epoch, processes=world)
        else:
            steps = self.budget.agree(self.trainer.strategy.broadcast(self.budget.begin(epoch)))
            keys = self.budget.batches(self.train, steps, processes=world)
        mine = [batch[rank::world] for batch in keys]
        stage = self.recipe.epochs[epoch]
        labels = TrainView(self.train, self.recipe, stage)
        view: Dataset[Any] = labels
        sampler: list[list[Any]] = [list(batch) for batch in mine]
        if self.unlabelled is not None:
            view = MixedView(labels, UnlabelledView(self.unlabelled, self.recipe, stage))
            uprights = [batch[0][1] for batch in keys]
            others = draw_unlabelled(len(self.unlabelled), uprights, self.recipe, epoch, processes=world)
            sampler = [[*labels, *free[rank::world]] for labels, free in zip(mine, others, strict=True)]
        return DataLoader(
            view,
            batch_sampler=sampler,  # the view takes keys where other data sets take indices
            num_workers=self.workers,
            prefetch_factor=6,
            collate_fn=collate if self.unlabelled is None else collate_mixed,
            worker_init_fn=start_worker,
            pin_memory=torch.cuda.is_available(),
        )

    def val_dataloader(self) -> DataLoader[Item]:
        """All validation photos at the size of the last stage, which ships, so that all epochs can be compared.

        Every process gets the same number of batches, since processes wait for each other after each batch. A photo
        that comes twice counts once.
        """
        assert self.trainer is not None
        rank, world = self.trainer.global_rank, self.trainer.world_size
        batches = val_order(self.val, self.recipe.train.batch)
        batches = list(islice(cycle(batches), -(-len(batches) // world) * world))[rank::world]
        view = ValView(self.val, self.recipe.loss, self.recipe.epochs[-1].size)
        return DataLoader(view, batch_sampler=batches, collate_fn=collate)
