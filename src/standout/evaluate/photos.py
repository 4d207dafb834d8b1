"""The scores of one photo, from the mask that users get and from the label.

mask    float32 (H, W)   probability of person, 0..1, at the photo's own size
label   uint8   (H, W)   255 person, 0 background, 128 does not count, any other level a soft edge

To add a score: a field in Score, named in METRICS and in show.HEADS.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standout import metrics
from standout.data import IGNORE
from standout.types import Mask

LEVELS = 100
"""Steps of probability in which a photo's pixels are counted, for curves over the threshold and for calibration."""

SIZES = {"small": 0.05, "medium": 0.25, "large": 1.0}
"""Size of person -> the largest share of the photo, 0..1, that all its people together may fill for it."""

METRICS = ("dice", "iou", "boundary_f", "precision", "recall", "mad")


@dataclass(frozen=True)
class Score:
    """A photo's scores, each 0..1. Where the label shows nobody, only area, the share called person, is meaningful.

    share: how much of the photo is person by its label. person, background: int64 (LEVELS + 1,), how many pixels of
    people and of the background got each level of probability.
    """

    name: str
    source: str
    share: float
    dice: float
    iou: float
    boundary_f: float
    precision: float
    recall: float
    mad: float
    area: float
    person: NDArray[np.int64]
    background: NDArray[np.int64]

    @property
    def empty(self) -> bool:
        """Whether the label shows nobody."""
        return self.share == 0

    @property
    def size(self) -> str:
        """small, medium or large, by share."""
        return next(name for name, most in SIZES.items() if self.share <= most)

    @property
    def badness(self) -> float:
        """How wrong the mask is, 0..1: 1 - Dice, or the area called person where the label shows nobody."""
        return self.area if self.empty else 1 - self.dice

    def row(self) -> dict[str, Any]:
        """The scores as a JSON object holds them, rounded to five decimals and without the counts of pixels."""
        return {
            field.name: _rounded(getattr(self, field.name))
            for field in fields(self)
            if field.name not in ("person", "background")
        }


def _rounded(value: float | str) -> float | str:
    return value if isinstance(value, str) else round(value, 5)


def score(mask: Mask, label: NDArray[np.uint8], *, threshold: float, tolerance: float, name: str, source: str) -> Score:
    """The scores of a mask.

    threshold: the probability from which a pixel is called person. tolerance: see metrics.boundary_f.
    """
    counts = label != IGNORE
    truth, found = label > IGNORE, mask >= threshold
    sums = metrics.update(found, truth, counts)
    overlap = metrics.compute(sums)
    levels = np.floor(mask * LEVELS + 1e-4).astype(np.int64)
    return Score(
        name=name,
        source=source,
        share=sums.truth / max(1, sums.counted),
        dice=overlap.dice,
        iou=overlap.iou,
        boundary_f=metrics.boundary_f(found, truth, counts, tolerance=tolerance),
        precision=overlap.precision,
        recall=overlap.recall,
        mad=metrics.mad(mask, label.astype(np.float32) / 255.0, counts),
        area=overlap.area,
        person=np.bincount(levels[truth & counts], minlength=LEVELS + 1),
        background=np.bincount(levels[~truth & counts], minlength=LEVELS + 1),
    )
