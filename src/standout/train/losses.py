"""Losses for binary person masks.

Every loss is a plain function of the same three tensors and returns one scalar; lower is better, 0 is perfect.

    logits  float  (N, 1, H, W)   raw network output, any real number
    target  float  (N, 1, H, W)   1 = person, 0 = background, soft edges in between
    weight  float  (N, 1, H, W)   importance of each pixel, >= 0 (see borders.py); 0 = does not count

To add a loss: write such a function.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def border_bce(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy, averaged over each photo's weights, then over photos."""
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    photo = each.sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(1.0)
    return photo.mean()


def neg_log_dice(logits: Tensor, target: Tensor, weight: Tensor, *, smooth: float = 1.0, least: float = 5e-4) -> Tensor:
    """-log of the soft Dice overlap of each photo, averaged over the photos that show somebody.

        dice = (2 * sum(p * t) + smooth) / (sum(p) + sum(t) + smooth),    p = sigmoid(logits)

    smooth: in pixels. least: share of the photo that must be person for it to take part. Without anybody,
    -log dice is log of the area called person: its first pixels would cost thousands of times more than any
    mistake elsewhere, and the network would learn silence. Such photos count through cross-entropy alone.

    >>> import torch
    >>> found = torch.tensor([[[[90.0, 90.0]]]])     # two pixels called person,
    >>> truth = torch.tensor([[[[1.0, 0.0]]]])       # one of them rightly: dice = 3/4
    >>> neg_log_dice(found, truth, torch.ones_like(truth))
    tensor(0.2877)
    """
    counts = (weight > 0).to(logits.dtype)
    found, truth = logits.sigmoid() * counts, target * counts
    both, total = (found * truth).sum((1, 2, 3)), (found + truth).sum((1, 2, 3))
    each = -((2 * both + smooth) / (total + smooth)).log()
    somebody = (truth.sum((1, 2, 3)) >= least * counts.sum((1, 2, 3)).clamp_min(1.0)).to(logits.dtype)
    return (each * somebody).sum() / somebody.sum().clamp_min(1.0)


def bce_dice(logits: Tensor, target: Tensor, weight: Tensor, *, bce_share: float) -> Tensor:
    """bce_share of border-weighted BCE, the rest -log Dice."""
    return bce_share * border_bce(logits, target, weight) + (1 - bce_share) * neg_log_dice(logits, target, weight)
