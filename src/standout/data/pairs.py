"""A photo and its mask.

image   uint8 (H, W, 3)   RGB, decoded by images.read as for every other use: upright, in the file's own color values
mask    uint8 (H, W)      255 = person, 0 = background, 128 = does not count, any other level = a soft edge
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from standout import images
from standout.errors import InputError
from standout.images import read_mask
from standout.images.depth import in_bytes as in_bytes
from standout.images.mask_values import IGNORE as IGNORE
from standout.types import Bytes


class Label(Protocol):
    """A mask that is not simply a picture of levels; classes.py and coco.py have examples."""

    def read(self, notes: list[str] | None = None) -> Bytes:
        """The mask, uint8 (H, W) with the levels above; remarks on how it was read are added to notes.

        Raises InputError when it cannot be read.
        """

    def identity(self) -> bytes:
        """Bytes that differ between different labels, for fingerprints."""


@dataclass(frozen=True)
class Pair:
    """A photo and its mask, which is a picture file or another label.

    source: where the pair comes from; by default the part of its name before the last "_". split: "train", "val" or
    "test" if the data say so, otherwise "". title: the pair's name where that of the photo's file does not tell pairs
    apart.
    """

    image: Path
    mask: Path | Label
    source: str = ""
    split: str = field(default="", compare=False)
    title: str = ""

    def __post_init__(self) -> None:
        """Takes the source from the name if none is given.

        >>> Pair(Path("images/street_0007.webp"), Path("masks/street_0007.png")).source
        'street'
        """
        if not self.source:
            object.__setattr__(self, "source", self.name.rpartition("_")[0] or "photos")

    @property
    def name(self) -> str:
        """The title, or else the photo's name without folder and suffix."""
        return self.title or self.image.stem

    @property
    def mask_file(self) -> Path | None:
        """The file of the mask; None if the mask is part of another file, as with COCO."""
        found = self.mask if isinstance(self.mask, Path) else getattr(self.mask, "path", None)
        return found if isinstance(found, Path) else None

    @property
    def mask_name(self) -> str:
        """The name of the mask in error messages."""
        return str(self.mask_file) if self.mask_file is not None else "in the annotations"


def read_pair(pair: Pair) -> tuple[Bytes, Bytes]:
    """The pair's photo, uint8 (H, W, 3), and its mask, uint8 (H, W).

    Raises InputError, naming the file, when one of them cannot be read or when their sizes differ.
    """
    image = read_image(pair.image)
    return image, read_label(pair, image.shape[:2])


def read_image(path: Path) -> Bytes:
    """The photo at path, uint8 (H, W, 3), as training sees it: the pixels that the Segmenter gets, in 8 bits.

    Raises InputError when it cannot be read.
    """
    return in_bytes(images.read(path).image)


def read_label(pair: Pair, shape: tuple[int, ...], *, notes: list[str] | None = None) -> Bytes:
    """The pair's mask, uint8 (H, W), for a photo of that shape (H, W).

    notes: remarks on how the mask was read are added to it. Raises InputError, naming the file, when the mask cannot be
    read, and SizesDiffer when it has another size.
    """
    own = pair.mask
    mask = read_mask(own, notes=notes) if isinstance(own, Path) else own.read(notes)
    if shape != mask.shape:
        raise SizesDiffer(_sizes(pair, shape, mask.shape))
    return mask


class SizesDiffer(InputError):
    """A photo and its mask have different sizes."""


def _sizes(pair: Pair, shape: tuple[int, ...], found: tuple[int, ...]) -> str:
    """The message about a photo of one shape (H, W) and a mask of another, with the likely cure."""
    (height, width), (rows, columns) = shape, found
    cure = "they must be of the same size"
    if (height, width) == (columns, rows):
        cure += "; the mask lies on its side: turn it"
    elif abs(height * columns - width * rows) <= max(height, width, rows, columns):
        cure += f"; make the mask anew at {width}x{height}, or scale the photo down to the mask"
    return f"{pair.image} is {width}x{height}, its mask {pair.mask_name} is {columns}x{rows}; {cure}"


def fingerprint(pairs: Iterable[Pair]) -> str:
    """The sha256, in hex, over names, parts, the sizes of photo files and the contents of masks, in order of name."""
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: (pair.split, pair.name)):
        digest.update(f"{pair.split}/{pair.image.name} {pair.image.stat().st_size} ".encode())
        digest.update(pair.mask.read_bytes() if isinstance(pair.mask, Path) else pair.mask.identity())
    return digest.hexdigest()
