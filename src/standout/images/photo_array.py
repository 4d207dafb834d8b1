"""Pictures that remember the metadata of their photo, so that write() can keep profile, EXIF and dots per inch.

    PhotoArray   a numpy array (H, W, C) with meta: Metadata

Copies, crops and arithmetic keep the metadata. A picture made of two photos with different metadata has none, nor has
an array that is no picture. np.asarray(picture) is the plain array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from standout.types import Metadata, Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Base: TypeAlias = NDArray[Any]
else:
    Base = np.ndarray

NONE = Metadata()
"""The metadata of a picture that remembers none."""


class PhotoArray(Base):
    """A picture, and the metadata of the photo of which it was made."""

    meta: Metadata

    def __array_finalize__(self, made_of: object) -> None:
        self.meta = getattr(made_of, "meta", NONE)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """The result of numpy's function of the plain arrays.

        It gets the metadata where all pictures that take part have the same.
        """
        metas = {given.meta for given in inputs if isinstance(given, PhotoArray)}
        into = options.get("out", ())
        if into:
            options["out"] = tuple(plain(given) for given in into)
        result = getattr(ufunc, method)(*(plain(given) for given in inputs), **options)
        if len(into) == 1:
            return into[0]
        meta = metas.pop() if len(metas) == 1 else NONE
        is_picture = isinstance(result, np.ndarray) and result.ndim == 3 and result.dtype != np.bool_
        return remembering(result, meta) if is_picture else result

    def __reduce__(self) -> Any:
        made: Any = super().__reduce__()
        make, arguments, state = made
        return make, arguments, (state, self.meta)

    def __setstate__(self, state: Any) -> None:
        array, self.meta = state
        super().__setstate__(array)


def remembering(picture: Picture, meta: Metadata) -> PhotoArray:
    """The picture with this metadata; it shares the memory of the given one.

    >>> remembering(np.zeros((1, 2, 3), np.uint8), Metadata(dpi=(300, 300)))[:, :1].copy().meta.dpi
    (300, 300)
    """
    known = picture.view(PhotoArray)
    known.meta = meta
    return known


def meta_of(picture: object) -> Metadata:
    """The metadata that the picture remembers.

    Empty where it remembers none, or where it is gray, that is, only a part of the photo's channels.
    """
    if isinstance(picture, PhotoArray) and picture.ndim == 3 and picture.shape[2] >= 3:
        return picture.meta
    return NONE


def plain(value: Any) -> Any:
    """The plain array of a PhotoArray, which shares its memory; any other value as it is."""
    return np.asarray(value) if isinstance(value, PhotoArray) else value
