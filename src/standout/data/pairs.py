"""One photo and its mask.

image   uint8 (H, W, 3)   RGB, as images.read gives it to every other user: upright, by its numbers
mask    uint8 (H, W)      255 = person, 0 = background, 128 = do not count, anything else = a soft edge
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.errors import InputError
from standout.images import read_mask
from standout.images.depth import in_bytes as in_bytes
from standout.images.mask_values import IGNORE as IGNORE

Bytes = NDArray[np.uint8]


class Label(Protocol):
    """A mask that is not a picture which speaks for itself: see classes.py, coco.py."""

    def read(self, notes: list[str] | None = None) -> Bytes:
        """The mask (H, W) as above; what was not plain about it is told in notes. Raises InputError."""

    def identity(self) -> bytes:
        """What tells it from another label."""


@dataclass(frozen=True)
class Pair:
    """One photo and its mask, a picture or another label.

    source: where the pair comes from; by default what stands before the last "_" in its name. split: "train", "val" or
    "test" where the data say so.
    """

    image: Path
    mask: Path | Label
    source: str = ""
    split: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """The source by its name.

        >>> Pair(Path("images/street_0007.webp"), Path("masks/street_0007.png")).source
        'street'
        """
        if not self.source:
            object.__setattr__(self, "source", self.image.stem.rpartition("_")[0] or "photos")

    @property
    def name(self) -> str:
        """The photo's name without folder and suffix."""
        return self.image.stem

    @property
    def mask_file(self) -> Path | None:
        """The mask's own file, if it has one."""
        found = self.mask if isinstance(self.mask, Path) else getattr(self.mask, "path", None)
        return found if isinstance(found, Path) else None

    @property
    def mask_name(self) -> str:
        """What an error calls the mask."""
        return str(self.mask_file) if self.mask_file is not None else "in the annotations"


def read_pair(pair: Pair) -> tuple[Bytes, Bytes]:
    """The pair's photo and mask.

    Raises InputError, naming the file, when one cannot be read or their sizes differ.
    """
    image = read_image(pair.image)
    return image, read_label(pair, image.shape[:2])


def read_image(path: Path) -> Bytes:
    """The photo at path as training sees it: the pixels that the Segmenter gets, in 8 bits.

    Raises InputError when it cannot be read.
    """
    return in_bytes(images.read(path).image)


def read_label(pair: Pair, shape: tuple[int, ...], *, notes: list[str] | None = None) -> Bytes:
    """The pair's mask, for a photo of shape (H, W). What was not plain about it is told in notes.

    Raises InputError, naming the file, when it cannot be read or is of another size.
    """
    own = pair.mask
    mask = read_mask(own, notes=notes) if isinstance(own, Path) else own.read(notes)
    if shape != mask.shape:
        raise SizesDiffer(_sizes(pair, shape, mask.shape))
    return mask


class SizesDiffer(InputError):
    """A photo and its mask are not of one size."""


def _sizes(pair: Pair, shape: tuple[int, ...], found: tuple[int, ...]) -> str:
    (height, width), (rows, columns) = shape, found
    cure = "they must be of one size"
    if (height, width) == (columns, rows):
        cure += "; the mask lies on its side: turn it"
    elif abs(height * columns - width * rows) <= max(height, width, rows, columns):
        cure += f"; make the mask anew at {width}x{height}, or scale the photo down to the mask"
    return f"{pair.image} is {width}x{height}, its mask {pair.mask_name} is {columns}x{rows}; {cure}"


def fingerprint(pairs: Iterable[Pair]) -> str:
    """sha256 over names, splits, sizes of photos, and masks byte by byte, in order of name."""
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: (pair.split, pair.name)):
        digest.update(f"{pair.split}/{pair.image.name} {pair.image.stat().st_size} ".encode())
        digest.update(pair.mask.read_bytes() if isinstance(pair.mask, Path) else pair.mask.identity())
    return digest.hexdigest()
