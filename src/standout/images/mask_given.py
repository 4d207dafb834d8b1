"""A mask in whatever form Python gives it -> a Mask: an array, or path, bytes or PIL image of a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from standout.errors import InputError
from standout.images.mask import read_alpha
from standout.types import Mask

if TYPE_CHECKING:
    import PIL.Image

    MaskInput: TypeAlias = str | Path | bytes | NDArray[Any] | PIL.Image.Image


def given_mask(mask: MaskInput) -> Mask:
    """The mask, checked; one in a picture is read as the command line's --mask-from reads it.

    Raises InputError for what is no mask.
    """
    if isinstance(mask, np.ndarray):
        return _checked(mask)
    if isinstance(mask, str | Path | bytes):
        return read_alpha(mask)
    if not hasattr(mask, "getexif"):
        raise InputError(f"mask is a {type(mask).__name__}; give an array (H, W), or path, bytes or PIL image of one")
    png = io.BytesIO()
    mask.save(png, "PNG", exif=mask.info.get("exif", b""))
    return read_alpha(png.getvalue())


def _checked(mask: NDArray[Any]) -> Mask:
    """A mask of any sensible dtype as float32 in 0..1."""
    if mask.ndim == 3 and mask.shape[2] == 1:
        mask = mask[..., 0]
    if mask.ndim != 2 or not mask.size or mask.dtype.kind not in "buif":
        raise InputError(f"mask is {mask.dtype} {mask.shape}; wanted numbers (H, W): 0 to 1, True and False, or uint8")
    most = mask.max()
    if mask.dtype in (np.uint8, np.uint16) and most > 1:  # 0 and 1 alone are numbers of classes
        return np.asarray(mask / np.iinfo(mask.dtype).max, np.float32)
    if not (mask.min() >= 0 and most <= 1):  # "not", so that NaN is caught
        raise InputError(f"mask reaches from {mask.min():g} to {most:g}; wanted 0 to 1, or levels in uint8 or uint16")
    return np.asarray(mask, np.float32)
