"""Photos without masks: which of them are used, and how each is drawn for the teacher and for the student.

image    uint8   (H, W, 3)      RGB
hint     uint8   (H, W)         what boxes say of each pixel: one of the codes of Hint
weak     uint8   (N, 3, h, w)   the photos as the teacher sees them: flipped, scaled and moved at most
strong   uint8   (N, 3, h, w)   the same views as the student sees them: in other colors and light, blurred, with noise
mixed    bool    (N, 1, h, w)   where the student sees the next photo of the batch instead
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from standout.batch.find import find
from standout.batch.naming import is_clip
from standout.data.boxes import LabelBox, read_boxes
from standout.data.duplicates import Look, look_at, near
from standout.data.pairs import Pair, read_image
from standout.errors import InputError
from standout.masks.letterbox import fit, rectangle, resize
from standout.support.system import cores
from standout.train.augment import Sample, augment, crop_to, in_other_light, moved
from standout.train.config import Recipe
from standout.train.distill import Distill
from standout.train.parts import Stage
from standout.train.store import Store
from standout.types import Bytes

SHARPER = 1.4
"""How many times as long as the network's input a stored photo is at most, so that a scaled view stays sharp."""


class Hint(IntEnum):
    """What is known of a pixel before the teacher is asked."""

    OUTSIDE = 0
    """It is not part of the photo."""
    NOBODY = 1
    """It lies outside of every box of the photo."""
    UNKNOWN = 2
    """The photo has no boxes, or the pixel lies in a box around a crowd."""
    BOX = 3
    """It lies in the box of a person."""


@dataclass(frozen=True)
class UnlabelledPhoto:
    """A photo without a mask. boxes: those of its people, if a file tells; None where none does."""

    path: Path
    boxes: tuple[LabelBox, ...] | None = None


def find_photos(settings: Distill) -> list[UnlabelledPhoto]:
    """The photos of distill.unlabelled, folders inside it included, with the boxes that distill.boxes has for them.

    Raises InputError when the folder does not exist or holds no photo, and when no box belongs to any of its photos.
    """
    if settings.unlabelled is None:
        return []
    if not settings.unlabelled.is_dir():
        raise InputError(f"distill.unlabelled is {settings.unlabelled}, which is no folder; name a folder of photos")
    found = [one for one in find(str(settings.unlabelled), recursive=True) if not (one.skip or is_clip(one.source))]
    for one in found:
        if one.fault:
            raise InputError(one.fault)
    if not found:
        raise InputError(f"{settings.unlabelled} holds no photo; distill.unlabelled names a folder of photos")
    known = read_boxes(settings.boxes) if settings.boxes else {}
    photos = [UnlabelledPhoto(one.source, known.get(one.name.as_posix(), known.get(one.name.name))) for one in found]
    if settings.boxes and all(photo.boxes is None for photo in photos):
        raise InputError(
            f"{settings.boxes} names none of the {len(photos)} photos in {settings.unlabelled}; its file names must be "
            "those of the photos"
        )
    return photos


def identity(photos: Sequence[UnlabelledPhoto]) -> str:
    """The sha256, in hex, over the names, file sizes and boxes of the photos, in their order."""
    digest = hashlib.sha256()
    for photo in photos:
        digest.update(f"{photo.path.name} {photo.path.stat().st_size} {photo.boxes}\n".encode())
    return digest.hexdigest()


def looks(val: Store, others: Sequence[Pair], *, tick: Callable[[], None] = lambda: None) -> list[Look]:
    """The looks of the photos that measure a model: of validation photos, read already, and of others.

    tick: called after each of the others. Raises InputError when a photo cannot be read.
    """

    def read(pair: Pair) -> Look:
        found = look_at(read_image(pair.image))
        tick()
        return found

    with ThreadPoolExecutor(cores()) as pool:
        return [look_at(val[i].image) for i in range(len(val))] + list(pool.map(read, others))


class UnlabelledStore:
    """The decoded photos without masks, kept in memory, without near-duplicates of the photos that measure the model.

    photos: those that are left. images: decoded, scaled down to side at most. dropped: the photos that were left out.
    """

    def __init__(
        self,
        photos: Sequence[UnlabelledPhoto],
        *,
        side: int,
        held_out: Sequence[Look],
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        """held_out: the looks of validation and test photos. tick: called after each photo that is read.

        Raises InputError naming the first photo that cannot be read, and when every photo is a near-duplicate.
        """

        def read(photo: UnlabelledPhoto) -> tuple[Bytes, Look]:
            image = read_image(photo.path)
            look, scale = look_at(image), side / max(image.shape[:2])
            if scale < 1:
                image = resize(image, *(max(1, round(length * scale)) for length in image.shape[:2]))
            tick()
            return np.ascontiguousarray(image), look

        with ThreadPoolExecutor(cores()) as pool:
            decoded = list(pool.map(read, photos))
        leaks = near([look for _, look in decoded], held_out)
        self.dropped = [photo for i, photo in enumerate(photos) if i in leaks]
        self.photos = [photo for i, photo in enumerate(photos) if i not in leaks]
        self.images = [image for i, (image, _) in enumerate(decoded) if i not in leaks]
        if not self.photos:
            raise InputError(
                f"all {len(photos)} photos without masks are near-duplicates of validation photos; give others as "
                "distill.unlabelled"
            )

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Sample:
        """The photo, with the levels of what its boxes say as its mask: 255 in a box, 0 outside, 128 unknown."""
        image = self.images[index]
        return Sample(
            image, _levels(self.photos[index].boxes, image.shape[:2]), np.full(image.shape[:2], 255, np.uint8)
        )


def _levels(boxes: tuple[LabelBox, ...] | None, shape: tuple[int, ...]) -> Bytes:
    """What boxes say of a photo of shape (H, W): 255 in a box, 128 in a crowd's box or where none are known, else 0."""
    if boxes is None:
        return np.full(shape[:2], 128, np.uint8)
    levels = np.zeros(shape[:2], np.uint8)
    for box in sorted(boxes, key=lambda box: not box.crowd):
        levels[box.within(shape)] = 128 if box.crowd else 255
    return levels


class UnlabelledKey(NamedTuple):
    """What is drawn: the photo's index, whether the network's rectangle stands upright, and a seed."""

    photo: int
    upright: bool
    seed: int


UnlabelledItem = tuple[Bytes, Bytes, Bytes, NDArray[np.bool_]]
"""weak, strong, hint and mixed of one photo, channels first."""


class UnlabelledBatch(NamedTuple):
    """A batch of photos without masks; see the head of this file."""

    weak: Tensor
    strong: Tensor
    hint: Tensor
    mixed: Tensor


class UnlabelledView(Dataset[UnlabelledItem]):
    """The photos as teacher and student see them in one stage; each item depends on its key alone."""

    def __init__(self, store: UnlabelledStore, recipe: Recipe, stage: Stage) -> None:
        self.store, self.stage, self.mix = store, stage, recipe.distill.mix
        self.moved, self.in_other_light = moved(), in_other_light()

    def __getitem__(self, key: UnlabelledKey) -> UnlabelledItem:
        rng = np.random.default_rng(key.seed)
        sample, rect = self.store[key.photo], rectangle(2, 1 + 2 * (not key.upright), self.stage.size)
        turned = (sample.mask.shape[0] >= sample.mask.shape[1]) != key.upright
        if rng.random() < (0.7 if turned else 0.3):
            sample = crop_to(sample, rect, rng)
        sample = augment(sample, self.moved, rng)
        weak, _ = fit(sample.image, rect)
        levels, counts = (fit(plane, rect, fill=0)[0] for plane in (sample.mask, sample.counts))
        strong = augment(Sample(weak, levels, counts), self.in_other_light, rng).image
        mixed = np.zeros(rect, np.bool_)
        if rng.random() < self.mix:
            mixed[_rectangle(rect, rng)] = True
        return weak.transpose(2, 0, 1), strong.transpose(2, 0, 1), _codes(levels, counts)[None], mixed[None]


def _codes(levels: NDArray[np.uint8], counts: NDArray[np.uint8]) -> Bytes:
    """The codes of Hint from the levels of a photo's boxes and the pixels that belong to the photo."""
    codes = np.full(levels.shape, Hint.UNKNOWN, np.uint8)
    codes[levels < 32] = Hint.NOBODY
    codes[levels > 223] = Hint.BOX
    codes[counts < 128] = Hint.OUTSIDE
    return codes


def _rectangle(rect: tuple[int, int], rng: np.random.Generator) -> tuple[slice, slice]:
    """A part of rect, (h, w), that covers a tenth to a half of it, at a random place."""
    share, tall = rng.uniform(0.1, 0.5), rng.uniform(0.6, 1.0 / 0.6)
    sides = [round(length * min(1.0, (share * way) ** 0.5)) for length, way in zip(rect, (tall, 1 / tall), strict=True)]
    top, left = (int(rng.integers(length - side + 1)) for length, side in zip(rect, sides, strict=True))
    return slice(top, top + sides[0]), slice(left, left + sides[1])


def draw_unlabelled(
    count: int, uprights: Sequence[bool], recipe: Recipe, epoch: int, *, processes: int = 1
) -> list[list[UnlabelledKey]]:
    """For each labeled batch of the epoch, by its orientation, the keys of the photos without masks beside it.

    count: how many such photos there are. All of them are drawn once, in random order, before any is drawn again, also
    across epochs of the same length; the keys depend on the recipe and the epoch alone.
    """
    each = (recipe.distill.unlabelled_batch or recipe.train.batch) * processes
    rng = np.random.default_rng([recipe.train.seed, epoch, 1])
    orders: dict[int, NDArray[np.int64]] = {}
    place = epoch * len(uprights) * each
    batches = []
    for upright in uprights:
        keys = []
        for _ in range(each):
            turn = place // count
            if turn not in orders:
                orders[turn] = np.random.default_rng([recipe.train.seed, turn, 2]).permutation(count)
            keys.append(UnlabelledKey(int(orders[turn][place % count]), upright, int(rng.integers(2**31))))
            place += 1
        batches.append(keys)
    return batches


def collate_unlabelled(items: Sequence[UnlabelledItem]) -> UnlabelledBatch:
    """The items stacked into tensors."""
    return UnlabelledBatch(*(torch.from_numpy(np.stack(plane)) for plane in zip(*items, strict=True)))
