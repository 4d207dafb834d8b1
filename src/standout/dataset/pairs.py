"""One photo and its mask.

image   uint8 (H, W, 3)   RGB, turned as its EXIF says
mask    uint8 (H, W)      255 = person, 0 = background, 128 = do not count, anything else = a soft edge
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.errors import InputError

IGNORE = 128
"""Mask level of pixels that count neither in training nor in scores."""

Bytes = NDArray[np.uint8]


class Label(Protocol):
    """A mask that is not a grey picture: see voc.py, coco.py."""

    def read(self) -> Bytes:
        """The mask (H, W) as above. Raises InputError."""

    def identity(self) -> bytes:
        """What tells it from another label."""


@dataclass(frozen=True)
class Pair:
    """One photo and its mask, a grey picture or another label.

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


def read_pair(pair: Pair) -> tuple[Bytes, Bytes]:
    """The pair's photo and mask.

    Raises InputError, naming the file, when one cannot be read or their sizes differ.
    """
    image = read_image(pair.image)
    mask = read_mask(pair.mask) if isinstance(pair.mask, Path) else pair.mask.read()
    if image.shape[:2] != mask.shape:
        (height, width), (rows, columns) = image.shape[:2], mask.shape
        hint = "; the mask lies on its side: turn it" if (height, width) == (columns, rows) else ""
        raise InputError(
            f"{pair.image} is {width}x{height}, its mask {_where(pair)} is {columns}x{rows}; "
            f"they must be of one size{hint}"
        )
    return image, mask


def _where(pair: Pair) -> str:
    return str(pair.mask) if isinstance(pair.mask, Path) else "in the annotations"


def read_image(path: Path) -> Bytes:
    """The photo at path. Raises InputError when it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(
            f"{path} is not a picture that can be read, or it is damaged; replace it, or remove it and its mask"
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def read_mask(path: Path) -> Bytes:
    """The grey mask at path; of a picture with transparency, its alpha.

    Where the largest level is 1, 0 and 1 mean 0 and 255. 128 means "do not count" only in areas that somewhere are
    three pixels wide: on a soft edge it is a level like others. Raises InputError when it cannot be read.
    """
    mask: NDArray[Any] | None = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if mask is None:
        raise InputError(
            f"{path} is not a picture that can be read, or it is damaged; replace it, or remove it and its photo"
        )
    if mask.ndim == 3:
        has_alpha = mask.shape[2] == 4 and bool((mask[..., 3] != mask[0, 0, 3]).any())
        mask = mask[..., 3] if has_alpha else cv2.cvtColor(mask[..., :3], cv2.COLOR_BGR2GRAY)
    if mask.dtype == np.uint16:
        mask = (mask // 256).astype(np.uint8)
    grey = np.asarray(mask, np.uint8)
    if grey.max() == 1:
        grey = grey * np.uint8(255)
    return _without_soft_ignores(grey)


def _without_soft_ignores(mask: Bytes) -> Bytes:
    """The mask with 127 for 128 wherever that is part of an edge and not of an area."""
    unclear = (mask == IGNORE).astype(np.uint8)
    if not unclear.any():
        return mask
    _, areas = cv2.connectedComponents(unclear)
    wide = np.unique(areas[cv2.erode(unclear, np.ones((3, 3), np.uint8)) > 0])
    return np.where((unclear > 0) & ~np.isin(areas, wide), np.uint8(IGNORE - 1), mask).astype(np.uint8)


def fingerprint(pairs: Iterable[Pair]) -> str:
    """sha256 over names, splits, sizes of photos, and masks byte by byte, in order of name."""
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: (pair.split, pair.name)):
        digest.update(f"{pair.split}/{pair.image.name} {pair.image.stat().st_size} ".encode())
        digest.update(pair.mask.read_bytes() if isinstance(pair.mask, Path) else pair.mask.identity())
    return digest.hexdigest()
