"""One photo, start to end: read, mask, effect, encode, write.

    Task -> Outcome   what the photo was, and what there is to say about it

To add a step between mask and effect: write it in masks.py and call it in Work._mask.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np

from standout import images
from standout.batch.plan import STREAM, Task
from standout.effects.compose import before_white
from standout.errors import InputError, OutputError, UnreadableImage
from standout.masks.people import bounds, feather, keep_largest
from standout.support.atomic import is_file, is_folder, write_atomic
from standout.types import Image, Mask, Metadata, Photo, Picture

NOBODY = 0.001
"""Share of the picture below which nobody counts as found."""

MARGIN = 0.02
"""Room left around the subject by a crop, as a share of its longer side."""

Finder: TypeAlias = Callable[[Task, Photo], Mask]
Effect: TypeAlias = Callable[[Photo, Mask], Picture]


@dataclass(frozen=True)
class Outcome:
    """The size in pixels, the share that is person (0..1), and warnings.

    frames: of a clip; None for a photo. flicker_before, flicker_after: of a clip's masks, before and after they were
    steadied (metrics.flicker), where it was measured.
    """

    width: int
    height: int
    person_share: float
    warnings: tuple[str, ...] = ()
    frames: int | None = None
    flicker_before: float | None = None
    flicker_after: float | None = None


@dataclass(frozen=True)
class Work:
    """What is done with each photo; call it with a Task. Safe to share between threads.

    find: photo -> mask. feather: in pixels. see_through: where the effect leaves transparency and the format holds
    none, white comes behind (else that is an error). grey: the result is no photo, so no color profile
    or EXIF goes with it. max_pixels: None = no limit.
    """

    find: Finder
    effect: Effect
    keep: Literal["all", "largest"] = "all"
    feather: float = 0.0
    crop: bool = False
    see_through: bool = False
    grey: bool = False
    quality: int | None = None
    metadata: Literal["keep", "strip", "all"] = "keep"
    max_pixels: int | None = images.MAX_PIXELS
    overwrite: bool = False

    def __call__(self, task: Task) -> Outcome:
        """The task done, its target written. Raises InputError, or what the finder raises."""
        photo = images.read(_stdin() if task.source == STREAM else task.source, max_pixels=self.max_pixels)
        mask, share = self._mask(task, photo)
        nobody = ("nobody found",) if share < NOBODY else ()
        picture = self.effect(photo, mask)
        if self.see_through and not images.WRITERS[task.suffix].alpha:
            picture = before_white(picture)
        if self.crop:
            picture = cropped(picture, mask)
        meta = Metadata(dpi=photo.meta.dpi, bits=photo.meta.bits) if self.grey else photo.meta
        data = images.encode(picture, task.suffix, meta=meta, quality=self.quality, metadata=self.metadata)
        if task.target == STREAM:
            _to_stdout(data)
        else:
            write_atomic(task.target, data, overwrite=self.overwrite)
        height, width = photo.image.shape[:2]
        return Outcome(width, height, share, (*photo.warnings, *nobody))

    def _mask(self, task: Task, photo: Photo) -> tuple[Mask, float]:
        mask = self.find(task, photo)
        if self.keep == "largest":
            mask = keep_largest(mask)
        share = float(mask.mean())
        mask = feather(mask, self.feather)
        return (mask if photo.alpha is None else np.minimum(mask, photo.alpha)), share


def cropped(picture: Picture, mask: Mask) -> Picture:
    """The picture cut to where the mask is, with a small margin; the whole picture where nobody is.

    >>> cropped(np.zeros((9, 9, 3), np.uint8), np.pad(np.ones((3, 3), np.float32), 3)).shape
    (5, 5, 3)
    """
    box = bounds(mask)
    if box is None:
        return picture
    top, left, bottom, right = box
    margin = max(1, round(MARGIN * max(bottom - top, right - left)))
    return picture[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]


class Segments(Protocol):
    """What finds people in an image: a Segmenter, or a fake of three lines."""

    def mask(self, image: Image, *, refine: bool = True) -> Mask:
        """The mask, of the image's size."""


def by_model(segmenter: Segments, *, refine: bool = True) -> Finder:
    """A finder that asks the model."""
    return lambda task, photo: segmenter.mask(photo.image, refine=refine)


def by_hand(where: Path, *, max_pixels: int | None = images.MAX_PIXELS) -> Finder:
    """A finder that reads masks made or retouched by hand: one file, or a folder with one a photo.

    Soft edges stay soft. What else a mask may be is told in images.read_alpha.

    Raises InputError when there is nothing at where; the finder does when a photo has no mask, one of another size, or
    one that does not say who is person (UnclearMask).
    """
    if not where.exists():
        raise InputError(f"mask {where} does not exist; give a mask picture, or a folder of them named like the photos")

    def find(task: Task, photo: Photo) -> Mask:
        path = _like(task, where) if is_folder(where) else where
        mask = images.read_alpha(path, max_pixels=max_pixels)
        if mask.shape != photo.image.shape[:2]:
            height, width = photo.image.shape[:2]
            raise InputError(
                f"mask {path} is {mask.shape[1]}x{mask.shape[0]} but {task.source} is {width}x{height}; "
                "a mask has its photo's size"
            )
        return mask

    return find


def _like(task: Task, folder: Path) -> Path:
    """The mask in folder named like the task's photo: name.jpg.png, name.png or name-mask.png, in the photo's place."""
    names = (task.name.name, task.name.stem, f"{task.name.stem}-mask")
    suffixes = (".png", *sorted(images.READABLE - {".png"}))
    for place in dict.fromkeys((folder / task.name.parent, folder)):
        for name in names:
            for suffix in suffixes:
                if is_file(path := place / f"{name}{suffix}"):
                    return path
    raise InputError(f"{folder} has no mask for {task.source}; wanted {names[1]}.png")


def _to_stdout(data: bytes) -> None:
    """All of it. Raises BrokenPipeError where nobody reads any more, OutputError where it cannot go there."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output cannot be written ({error.strerror}); name a file: -o out.png") from error


def _stdin() -> bytes:
    """All of standard input. Raises UnreadableImage when there is none."""
    data = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    if not data:
        raise UnreadableImage("standard input is empty; pipe a picture in: standout cut - < photo.jpg > cut.png")
    return data
