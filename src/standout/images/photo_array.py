"""Pictures that remember the photo they were made of, so that write() can keep its profile, EXIF and dots per inch.

    PhotoArray   a numpy array (H, W, C) with meta: Metadata

Copies, crops and arithmetic keep the metadata. Where pictures of two photos come together, and in arrays that are no
picture any more, there is none. np.asarray(picture) is the plain array.
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


class PhotoArray(Base):
    """A picture and the metadata of the photo it was made of."""

    meta: Metadata

    def __array_finalize__(self, made_of: object) -> None:
        self.meta = getattr(made_of, "meta", NONE)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Numpy's function of plain arrays; the metadata follows where all pictures that take part have the same."""
        metas = {one.meta for one in inputs if isinstance(one, PhotoArray)}
        into = options.get("out", ())
        if into:
            options["out"] = tuple(plain(one) for one in into)
        result = getattr(ufunc, method)(*(plain(one) for one in inputs), **options)
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
    """The picture, sharing its memory, with this metadata.

    >>> remembering(np.zeros((1, 2, 3), np.uint8), Metadata(dpi=(300, 300)))[:, :1].copy().meta.dpi
    (300, 300)
    """
    known = picture.view(PhotoArray)
    known.meta = meta
    return known


def meta_of(picture: object) -> Metadata:
    """What the picture remembers; nothing where it does not, or shows a part of the photo's channels in gray."""
    if isinstance(picture, PhotoArray) and picture.ndim == 3 and picture.shape[2] >= 3:
        return picture.meta
    return NONE


def plain(one: Any) -> Any:
    """The plain array of a picture, sharing its memory; anything else as it is."""
    return np.asarray(one) if isinstance(one, PhotoArray) else one
