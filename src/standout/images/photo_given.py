"""A photo in whatever form Python gives it -> a Photo: an array, or path, bytes or PIL image of a picture."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.errors import InputError
from standout.types import Image, Photo

if TYPE_CHECKING:
    import PIL.Image

    Input: TypeAlias = str | Path | bytes | NDArray[Any] | PIL.Image.Image | Photo


def given_photo(photo: Input) -> Photo:
    """Whatever stands for a photo, as a Photo. What its file says that could not be kept is a Python warning."""
    if isinstance(photo, Photo):
        return photo
    if isinstance(photo, np.ndarray):
        return _from_array(photo)
    opened = images.read(photo)
    for note in opened.warnings:
        name = photo if isinstance(photo, str | Path) else "the given picture"
        warnings.warn(f"{name} {note}", stacklevel=3)
    return opened


def _from_array(array: NDArray[Any]) -> Photo:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype not in (np.uint8, np.uint16) or array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise InputError(
            f"array is {array.dtype} {array.shape}; wanted uint8 or uint16 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA"
        )
    if not array.size:
        raise InputError(f"array is {array.shape}: no pixels in it")
    levels = np.asarray(array).reshape(*array.shape[:2], channels)
    image: Image = np.ascontiguousarray(np.repeat(levels, 3, 2) if channels == 1 else levels[..., :3])
    most = np.iinfo(array.dtype).max
    is_opaque = channels != 4 or bool((levels[..., 3] == most).all())
    alpha = None if is_opaque else np.asarray(levels[..., 3] / most, np.float32)
    return Photo(image, alpha, images.meta_of(array))
