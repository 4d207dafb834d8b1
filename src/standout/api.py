"""One line of Python for each effect: a photo in, an array out.

    photo   path, bytes, PIL image, Photo as read() gives it, or array (H, W), (H, W, 3), (H, W, 4) uint8 or uint16
    mask    array (H, W), or path, bytes or PIL image of a mask; None = the model finds the people first
    model   name, path, or a Segmenter
    result  PhotoArray: uint8 or uint16 (H, W, 3) RGB or (H, W, 4) RGBA that remembers the photo's metadata for write()

To add an effect here: write it in compose.py, call it as blur() does, and name it in __init__._FACE.
"""

from __future__ import annotations

import io
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.batch import photo
from standout.effects import compose
from standout.errors import InputError
from standout.images import PhotoArray, remembering
from standout.models.registry import DEFAULT
from standout.segmenter import Segmenter
from standout.types import Image, Mask, Photo

if TYPE_CHECKING:
    import PIL.Image

    Input: TypeAlias = str | Path | bytes | NDArray[Any] | PIL.Image.Image | Photo
    MaskInput: TypeAlias = str | Path | bytes | NDArray[Any] | PIL.Image.Image
    Model: TypeAlias = str | Path | photo.Segments


def segment(photo: Input, *, model: Model = DEFAULT, device: str = "auto", refine: bool = True) -> Mask:
    """The share of each pixel that is person, 0..1, at the photo's own size.

    The model stays loaded for the next call; for a choice of threads or runtime, give a Segmenter.

    >>> segment(np.zeros((40, 30, 3), np.uint8)).shape
    (40, 30)
    """
    return _found(_opened(photo), None, model, device=device, refine=refine)


def cut(
    photo: Input, *, mask: MaskInput | None = None, model: Model = DEFAULT, decontaminate: bool = True
) -> PhotoArray:
    """The people on transparency, RGBA.

    decontaminate: soft edges get the person's own color, free of the old background's.

    >>> cut(np.full((1, 2, 3), 200, np.uint8), mask=np.array([[1.0, 0.0]])).tolist()
    [[[200, 200, 200, 255], [0, 0, 0, 0]]]
    """
    opened = _opened(photo)
    found = _found(opened, mask, model)
    return remembering(compose.cut(opened.image, found, decontaminate=decontaminate), opened.meta)


def blur(photo: Input, *, mask: MaskInput | None = None, model: Model = DEFAULT, strength: float = 0.5) -> PhotoArray:
    """The people sharp before a blurred background; RGBA where the photo has transparency. strength: 0 (none) to 1."""
    opened = _opened(photo)
    found = _found(opened, mask, model)
    return remembering(compose.blur(opened.image, found, strength=strength, alpha=opened.alpha), opened.meta)


def color(
    photo: Input,
    color: str | tuple[int, int, int] = "white",
    *,
    mask: MaskInput | None = None,
    model: Model = DEFAULT,
    decontaminate: bool = True,
) -> PhotoArray:
    """The people before one color of sRGB: a name, a hex code, or (red, green, blue) in 0..255.

    It looks the same whatever the photo's color profile, so its numbers are others where that is not sRGB.

    >>> color(np.zeros((1, 2, 3), np.uint8), "#08f", mask=np.array([[1.0, 0.0]])).tolist()
    [[[0, 0, 0], [0, 136, 255]]]
    """
    rgb = images.parse_color(color)
    opened = _opened(photo)
    found = _found(opened, mask, model)
    here = images.color_for(rgb, opened.meta.icc)
    return remembering(compose.color(opened.image, found, rgb=here, decontaminate=decontaminate), opened.meta)


def replace(
    photo: Input,
    background: Input,
    *,
    mask: MaskInput | None = None,
    model: Model = DEFAULT,
    how: Literal["fill", "fit"] = "fill",
    decontaminate: bool = True,
) -> PhotoArray:
    """The people before another picture, which fills the frame (cropped) or fits into it (whole).

    The background is brought into the photo's color profile. Where it is transparent the result is, too: then RGBA.
    """
    opened, behind = _opened(photo), _opened(background)
    found = _found(opened, mask, model)
    pixels = images.background_for(behind, opened)
    picture = compose.replace(
        opened.image, found, background=pixels, alpha=behind.alpha, how=how, decontaminate=decontaminate
    )
    return remembering(picture, opened.meta)


def _opened(photo: Input) -> Photo:
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


def _found(photo: Photo, mask: MaskInput | None, model: Model, *, device: str = "auto", refine: bool = True) -> Mask:
    """The mask given, checked, or found; nobody stands where the photo itself is transparent."""
    if mask is None:
        found = _segmenter(model, device).mask(photo.image, refine=refine)
    elif isinstance(mask, np.ndarray):
        found = _checked(mask)
    else:
        found = _read(mask)
    if found.shape != photo.image.shape[:2]:
        height, width = photo.image.shape[:2]
        raise InputError(f"mask is {found.shape}, the photo {(height, width)}; a mask is (H, W), of the photo's size")
    return found if photo.alpha is None else np.minimum(found, photo.alpha)


def _read(mask: str | Path | bytes | PIL.Image.Image) -> Mask:
    """The mask in a picture, as the command line's --mask-from reads it."""
    if isinstance(mask, str | Path | bytes):
        return images.read_alpha(mask)
    if not hasattr(mask, "getexif"):
        raise InputError(f"mask is a {type(mask).__name__}; give an array (H, W), or path, bytes or PIL image of one")
    png = io.BytesIO()
    mask.save(png, "PNG", exif=mask.info.get("exif", b""))
    return images.read_alpha(png.getvalue())


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


def _segmenter(model: Model, device: str) -> photo.Segments:
    """The model, loaded once and anew when its file has changed."""
    if isinstance(model, str | Path):
        file = Path(model)
        return _loaded(str(file.resolve() if file.is_file() else model), device, _changed(file))
    if not callable(getattr(model, "mask", None)):
        raise InputError(f"model is a {type(model).__name__}; give a name, the path of a model file, or a Segmenter")
    if device != "auto":
        raise InputError(f"device {device!r} is for a model by name; a Segmenter has its own")
    return model


def _changed(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=2)
def _loaded(model: str, device: str, changed: int) -> Segmenter:
    return Segmenter(model, device=device)
