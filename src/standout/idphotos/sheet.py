"""A sheet of photo paper with as many of the same photo as it holds, and marks along which to cut."""

from __future__ import annotations

import numpy as np

from standout import images
from standout.errors import InputError, unknown
from standout.idphotos.make import IdPhoto
from standout.idphotos.rules import INCH
from standout.types import Bytes, Metadata

PAPERS = {
    "10x15": (150.0, 100.0, 2.0),
    "13x18": (180.0, 130.0, 2.0),
    "a6": (148.0, 105.0, 2.0),
    "a4": (297.0, 210.0, 5.0),
}
"""Name -> the longer side, the shorter side, and the border that stays white, in millimeters."""
GAP = 2.0
"""Between two photos, in millimeters, so that a cut that is a little off spoils neither."""
MARK = 1.0
"""The length of a cut mark, in millimeters. Marks lie in the gaps and borders, never on a photo."""
GRAY = 120


def sheet(photo: IdPhoto, paper: str) -> Bytes:
    """The sheet, uint8 (H, W, 3), at the photo's dpi: print it at 100 %, without fitting it to the page.

    Raises InputError for a paper that is not known, or that is too small.
    """
    if paper not in PAPERS:
        raise InputError(unknown("paper", paper, PAPERS))
    tall, wide = photo.picture.shape[:2]
    dots = photo.dpi / INCH
    long, short, white = PAPERS[paper]
    gap, border, mark = (round(value * dots) for value in (GAP, white, MARK))
    counts = []
    for sides in ((long, short), (short, long)):
        width, height = (round(side * dots) for side in sides)
        across, down = ((room - 2 * border + gap) // (side + gap) for room, side in ((width, wide), (height, tall)))
        counts.append((across * down, width, height, across, down))
    _, width, height, across, down = max(counts)
    if across < 1 or down < 1:
        raise InputError(f"no photo of {photo.rule.size} fits on {paper} paper; give a larger one")
    made = np.full((height, width, 3), 255, np.uint8)
    left, top = (width - across * (wide + gap) + gap) // 2, (height - down * (tall + gap) + gap) // 2
    for row in range(down):
        for column in range(across):
            y, x = top + row * (tall + gap), left + column * (wide + gap)
            _mark(made, (y, x, y + tall, x + wide), min(mark, gap // 2))
            made[y : y + tall, x : x + wide] = photo.picture
    return made


def _mark(made: Bytes, box: tuple[int, int, int, int], length: int) -> None:
    """Draws marks beside the corners of the box, along its edges."""
    top, left, bottom, right = box
    for y in (top, bottom - 1):
        made[y, left - length : left] = made[y, right : right + length] = GRAY
    for x in (left, right - 1):
        made[top - length : top, x] = made[bottom : bottom + length, x] = GRAY


def encoded(photo: IdPhoto, paper: str) -> bytes:
    """The sheet as a JPEG that says how large it is to be printed. Raises as sheet does."""
    meta = Metadata(dpi=(photo.dpi, photo.dpi))
    return images.encode(sheet(photo, paper), ".jpg", meta=meta, quality=95)
