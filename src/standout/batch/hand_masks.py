"""Masks that were made or retouched by hand, found by the photos' names."""

from __future__ import annotations

from pathlib import Path

from standout import images
from standout.batch.photo import MaskSource
from standout.batch.plan import Task
from standout.errors import InputError
from standout.support.atomic import is_file, is_folder
from standout.types import Mask, Photo


def by_hand(where: Path, *, max_pixels: int | None = images.MAX_PIXELS) -> MaskSource:
    """Masks made or retouched by hand: one file, or a folder with a file for each photo.

    Soft edges stay soft. images.read_alpha tells what a mask file may be.

    Raises InputError when there is nothing at where. So does the function returned when a photo has no mask, or one of
    another size; UnclearMask for one that does not say who is person.
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
    """The mask in folder of the task's photo. Raises InputError when there is none."""
    path = mask_for(task.name, folder)
    if path is None:
        raise InputError(f"{folder} has no mask for {task.source}; wanted {task.name.stem}.png")
    return path


def mask_for(photo: Path, folder: Path) -> Path | None:
    """The mask in folder named like the photo: name.jpg.png, name.png or name-mask.png, in the photo's place.

    photo: its place below the folder of photos. None where there is none.
    """
    names = (photo.name, photo.stem, f"{photo.stem}-mask")
    suffixes = (".png", *sorted(images.READABLE - {".png"}))
    for place in dict.fromkeys((folder / photo.parent, folder)):
        for name in names:
            for suffix in suffixes:
                if is_file(path := place / f"{name}{suffix}"):
                    return path
    return None
