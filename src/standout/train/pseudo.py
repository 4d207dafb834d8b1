"""What the student learns of photos without masks: a teacher's answers where it is sure.

answer   float32 (N, 1, h, w)   the teacher's probability, 0..1
hint     uint8   (N, 1, h, w)   the codes of unlabelled.Hint
target   float32 (N, 1, h, w)   0 or 1
weight   float32 (N, 1, h, w)   1 where the answer is believed, otherwise 0
"""

from __future__ import annotations

import torch
from torch import Tensor

from standout.train.losses import PIXELS, LossFunction
from standout.train.unlabelled import Hint, UnlabelledBatch

BLIND = 0.1
"""Share of a photo's boxes in which a teacher must find people, so that its "nobody" inside of them is believed."""


def believed(answer: Tensor, hint: Tensor, *, confidence: float) -> tuple[Tensor, Tensor]:
    """Target and weight: the answer is believed where the probability is at least confidence or at most 1 - confidence.

    After Sohn et al., "FixMatch" (arXiv 2001.07685). Boxes are believed before the teacher: outside of them is nobody,
    and inside a pixel is person from a probability of 0.5 on. Where a teacher finds people in less than a tenth of a
    photo's boxes, it is blind there, and what it calls nobody inside of them does not count.

    >>> answer = torch.tensor([[[[0.95, 0.6, 0.02, 0.95]]]])
    >>> unknown, box = torch.full((1, 1, 1, 4), Hint.UNKNOWN), torch.full((1, 1, 1, 4), Hint.BOX)
    >>> box[..., 3] = Hint.NOBODY
    >>> [plane.flatten().tolist() for plane in believed(answer, unknown, confidence=0.9)]
    [[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 1.0]]
    >>> [plane.flatten().tolist() for plane in believed(answer, box, confidence=0.9)]
    [[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]
    """
    person, boxed = answer >= 0.5, hint == Hint.BOX
    nobody = answer <= 1 - confidence
    found = (person & boxed).sum(PIXELS, keepdim=True) >= BLIND * boxed.sum(PIXELS, keepdim=True)
    sure = torch.where(boxed, person | (nobody & found), (answer >= confidence) | nobody)
    sure = (sure | (hint == Hint.NOBODY)) & (hint != Hint.OUTSIDE)
    return (person & (hint != Hint.NOBODY)).to(answer.dtype), sure.to(answer.dtype)


def mixed(plane: Tensor, where: Tensor) -> Tensor:
    """The planes of a batch, each replaced by the next photo's where it says so; (N, C, h, w) and bool (N, 1, h, w).

    After Yun et al., "CutMix" (arXiv 1905.04899), which French et al., "Semi-supervised semantic segmentation needs
    strong, varied perturbations" (arXiv 1906.01916), found to matter most for masks.
    """
    return torch.where(where, plane.roll(1, 0), plane)


def taught(loss: LossFunction, logits: Tensor, answer: Tensor, batch: UnlabelledBatch, *, confidence: float) -> Tensor:
    """The mean loss of the student's logits for batch, of which the teacher's answer is for the weak views.

    A photo counts by the share of its pixels that are believed, so that those of which the teacher is unsure teach
    little.
    """
    target, weight = believed(answer, batch.hint, confidence=confidence)
    target, weight = mixed(target, batch.mixed), mixed(weight, batch.mixed)
    real = mixed(batch.hint, batch.mixed) != Hint.OUTSIDE
    share = weight.sum(PIXELS) / real.sum(PIXELS).clamp_min(1)
    return (loss(logits, target, weight) * share).mean()
