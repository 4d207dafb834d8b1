"""One photo's scores, from its mask as users get it and its label.

mask    float32 (H, W)   0..1, the photo's own size
label   uint8   (H, W)   255 person, 0 background, 128 does not count, anything else a soft edge
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
"""Steps of probability in which each photo's masks are counted, for curves over the threshold."""

SIZES = {"small": 0.05, "medium": 0.25, "large": 1.0}
"""Up to which share of the photo a person (or all of them together) is of that size."""

METRICS = ("dice", "iou", "boundary_f", "precision", "recall", "mad")


@dataclass(frozen=True)
class Score:
    """A photo's scores. Where the label shows nobody, only area says anything: the share called person.

    person, background: how many pixels that are (not) person got each level of probability, 0..LEVELS. share: of the
    photo that is person.
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
        """How wrong, 0..1: 1 - Dice, or the area called person where nobody is."""
        return self.area if self.empty else 1 - self.dice

    def row(self) -> dict[str, Any]:
        """For a file: everything but the counts of pixels."""
        return {
            field.name: _rounded(getattr(self, field.name))
            for field in fields(self)
            if field.name not in ("person", "background")
        }


def _rounded(value: float | str) -> float | str:
    return value if isinstance(value, str) else round(value, 5)


def score(mask: Mask, label: NDArray[np.uint8], *, threshold: float, tolerance: float, name: str, source: str) -> Score:
    """The scores of a mask. threshold: probability from which a pixel is person. tolerance: see metrics.boundary_f."""
    counts = label != IGNORE
    truth, found = label > IGNORE, mask >= threshold
    levels = np.floor(mask * LEVELS + 1e-4).astype(np.int64)
    return Score(
        name=name,
        source=source,
        share=float(np.count_nonzero(truth & counts)) / max(1, int(np.count_nonzero(counts))),
        dice=metrics.dice(found, truth, counts),
        iou=metrics.iou(found, truth, counts),
        boundary_f=metrics.boundary_f(found, truth, counts, tolerance=tolerance),
        precision=metrics.precision(found, truth, counts),
        recall=metrics.recall(found, truth, counts),
        mad=metrics.mad(mask, label.astype(np.float32) / 255.0, counts),
        area=metrics.area(found, counts),
        person=np.bincount(levels[truth & counts], minlength=LEVELS + 1),
        background=np.bincount(levels[~truth & counts], minlength=LEVELS + 1),
    )
