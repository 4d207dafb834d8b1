"""A folder of photos and masks -> pairs.

    DIR/images/NAME.webp|jpg|png    photos
    DIR/masks/NAME.png              masks: 255 = person, 0 = background, 128 = do not count (unclear)

A pair's source is what stands before the last "_" in its name (picsart_0012 -> picsart).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from standout.errors import InputError

IGNORE = 128
"""Mask level of pixels that count neither in training nor in scores."""

PHOTO_SUFFIXES = (".webp", ".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Pair:
    """One photo and its mask."""

    image: Path
    mask: Path

    @property
    def source(self) -> str:
        """Where the pair comes from, after its name.

        >>> Pair(Path("images/street_0007.webp"), Path("masks/street_0007.png")).source
        'street'
        """
        return self.image.stem.rpartition("_")[0] or "photos"


def find_pairs(folder: Path) -> list[Pair]:
    """All pairs below folder, sorted by name.

    Raises InputError when images/ or masks/ is missing, when a photo has no mask, or when there is no pair.
    """
    images, masks = folder / "images", folder / "masks"
    for wanted in (images, masks):
        if not wanted.is_dir():
            raise InputError(f"{wanted} is not a folder; the data folder needs images/ and masks/")
    photos = sorted(file for file in images.iterdir() if file.suffix.lower() in PHOTO_SUFFIXES)
    pairs = [Pair(photo, masks / f"{photo.stem}.png") for photo in photos]
    orphans = [pair.image.name for pair in pairs if not pair.mask.is_file()]
    if orphans:
        raise InputError(f"{len(orphans)} photos in {images} have no mask in {masks}, {orphans[0]} among them")
    if not pairs:
        raise InputError(f"{images} holds no photo ({', '.join(PHOTO_SUFFIXES)})")
    return pairs
