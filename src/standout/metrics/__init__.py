"""Scores of masks: the one place that says how good a mask is, for training, evaluation and benchmarks alike.

overlap    Dice, intersection over union, precision, recall, area
boundary   F-score of the outline
matting    mean absolute difference of alphas
video      how steady the masks of a clip are
"""

from standout.metrics.boundary import TOLERANCE, boundary_f
from standout.metrics.matting import mad
from standout.metrics.overlap import area, dice, iou, precision, recall
from standout.metrics.video import Flicker, dtssd, flicker

__all__ = [
    "TOLERANCE",
    "Flicker",
    "area",
    "boundary_f",
    "dice",
    "dtssd",
    "flicker",
    "iou",
    "mad",
    "precision",
    "recall",
]
