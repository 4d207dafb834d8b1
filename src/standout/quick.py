"""One line of Python for each effect: a photo in, an array out.

    photo   path, bytes, PIL image, or array (H, W), (H, W, 3), (H, W, 4) uint8 or uint16: grey, RGB, RGBA
    mask    float32 (H, W), 0..1, as segment() returns it; None = find the people first
    result  uint8 or uint16 (H, W, 3) RGB or (H, W, 4) RGBA

To add an effect here: write it in effects.py, call it as blur() does, and name it in __init__._FACE.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from standout import effects, images
from standout.errors import InputError
from standout.segmenter import Segmenter
from standout.types import Image, Mask, Photo, Picture

if TYPE_CHECKING:
    import PIL.Image

    Input: TypeAlias = str | Path | bytes | NDArray[Any] | PIL.Image.Image


def segment(photo: Input, *, model: str | Path = "standout-mobile", device: str = "auto", refine: bool = True) -> Mask:
    """The share of each pixel that is person, 0..1, at the photo's own size.

    The model stays loaded for the next call; for a choice of threads, or several models, make a Segmenter.

    >>> segment(np.zeros((40, 30, 3), np.uint8)).shape
    (40, 30)
    """
    return _found(_opened(photo), None, _segmenter(str(model), device), refine=refine)


def cut(photo: Input, *, mask: NDArray[Any] | None = None, decontaminate: bool = True) -> Picture:
    """The people on transparency, RGBA.

    decontaminate: soft edges get the person's own colour, free of the old background's.

    >>> cut(np.full((1, 2, 3), 200, np.uint8), mask=np.array([[1.0, 0.0]])).tolist()
    [[[200, 200, 200, 255], [0, 0, 0, 0]]]
    """
    opened = _opened(photo)
    return effects.cut(opened.image, _found(opened, mask), decontaminate=decontaminate)


def blur(photo: Input, *, mask: NDArray[Any] | None = None, strength: float = 0.5) -> Picture:
    """The people sharp before a blurred background. strength: 0 (none) to 1."""
    opened = _opened(photo)
    return effects.blur(opened.image, _found(opened, mask), strength=strength)


def color(
    photo: Input,
    color: str | tuple[int, int, int] = "white",
    *,
    mask: NDArray[Any] | None = None,
    decontaminate: bool = True,
) -> Picture:
    """The people before one colour: a name, a hex code, or (red, green, blue) in 0..255.

    >>> color(np.zeros((1, 2, 3), np.uint8), "#08f", mask=np.array([[1.0, 0.0]])).tolist()
    [[[0, 0, 0], [0, 136, 255]]]
    """
    rgb = images.parse_color(color) if isinstance(color, str) else color
    opened = _opened(photo)
    return effects.color(opened.image, _found(opened, mask), rgb=rgb, decontaminate=decontaminate)


def replace(
    photo: Input,
    background: Input,
    *,
    mask: NDArray[Any] | None = None,
    how: Literal["fill", "fit"] = "fill",
    decontaminate: bool = True,
) -> Picture:
    """The people before another picture, which fills the frame (cropped) or fits into it (whole)."""
    opened, behind = _opened(photo), _opened(background)
    found = _found(opened, mask)
    return effects.replace(opened.image, found, background=behind.image, how=how, decontaminate=decontaminate)


def _opened(photo: Input) -> Photo:
    """Whatever stands for a photo, as a Photo."""
    return _from_array(photo) if isinstance(photo, np.ndarray) else images.read(photo)


def _from_array(array: NDArray[Any]) -> Photo:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype not in (np.uint8, np.uint16) or array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise InputError(
            f"array is {array.dtype} {array.shape}; wanted uint8 or uint16 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA"
        )
    if not array.size:
        raise InputError(f"array is {array.shape}: no pixels in it")
    levels = array.reshape(*array.shape[:2], channels)
    image: Image = np.ascontiguousarray(np.repeat(levels, 3, 2) if channels == 1 else levels[..., :3])
    alpha = np.asarray(levels[..., 3] / np.iinfo(array.dtype).max, np.float32) if channels == 4 else None
    return Photo(image, alpha)


def _found(photo: Photo, mask: NDArray[Any] | None, segmenter: Segmenter | None = None, *, refine: bool = True) -> Mask:
    """The mask given, checked, or found; nobody stands where the photo itself is transparent."""
    if mask is None:
        found = (segmenter or _segmenter()).mask(photo.image, refine=refine)
    else:
        found = _checked(mask, photo.image.shape[:2])
    return found if photo.alpha is None else np.minimum(found, photo.alpha)


def _checked(mask: NDArray[Any], shape: tuple[int, ...]) -> Mask:
    """A mask of any sensible dtype as float32 in 0..1."""
    if mask.shape != shape:
        raise InputError(f"mask is {mask.shape}, the photo {shape}; a mask is (H, W), of the photo's size")
    if mask.dtype in (np.uint8, np.uint16):
        return np.asarray(mask / np.iinfo(mask.dtype).max, np.float32)
    found = np.asarray(mask, np.float32)
    if not (found.min() >= 0 and found.max() <= 1):  # "not", so that NaN is caught
        raise InputError(f"mask reaches from {found.min():g} to {found.max():g}; wanted 0 to 1, or uint8 levels")
    return found


@lru_cache(maxsize=2)
def _segmenter(model: str = "standout-mobile", device: str = "auto") -> Segmenter:
    """The model, loaded once."""
    return Segmenter(model, device=device)
