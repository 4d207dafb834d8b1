"""Scores of masks: training, evaluation and benchmarks all ask this room how good a mask is.

overlap    Dice, intersection over union, precision, recall, area: update -> sums, compute(sums) -> scores
boundary   F-score of the outline
matting    mean absolute difference of two alphas, and of their slopes
video      how steady the masks of a clip are: dtSSD against a truth, flicker without one

To add a score of one photo: a function here, and a field in evaluate.photos.Score.
"""

from standout.metrics.boundary import TOLERANCE, boundary_f
from standout.metrics.matting import gradient_error, mad
from standout.metrics.overlap import Scores, Sums, area, compute, dice, iou, precision, recall, update
from standout.metrics.video import Flicker, dtssd, flicker

__all__ = [
    "TOLERANCE",
    "Flicker",
    "Scores",
    "Sums",
    "area",
    "boundary_f",
    "compute",
    "dice",
    "dtssd",
    "flicker",
    "gradient_error",
    "iou",
    "mad",
    "precision",
    "recall",
    "update",
]
