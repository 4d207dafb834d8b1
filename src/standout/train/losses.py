"""Losses for binary person masks.

Every loss is a plain function of the same three tensors and returns a value for each photo; lower is better, and 0 is
perfect. The mean over photos is taken by the trainer, so that it is the same under gradient accumulation and data
parallelism.

    logits  float  (N, 1, H, W)   raw network output, any real number
    target  float  (N, 1, H, W)   1 = person, 0 = background, soft edges in between
    weight  float  (N, 1, H, W)   importance of each pixel, >= 0 (see borders.py); 0 = does not count
    loss    float  (N,)           only the boundary loss may be below 0

To add a loss: such a function, named in LOSSES and as a share in config.Loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from standout.errors import InputError, unknown

LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits, target, weight) -> loss."""

PIXELS = (1, 2, 3)
"""The dimensions of a batch over which a photo's pixels are summed."""


def _weighted_mean(each: Tensor, weight: Tensor) -> Tensor:
    return (each * weight).sum(PIXELS) / weight.sum(PIXELS).clamp_min(1.0)


def border_bce(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy of each photo, averaged over its pixels by their weights."""
    return _weighted_mean(F.binary_cross_entropy_with_logits(logits, target, reduction="none"), weight)


def neg_log_dice(logits: Tensor, target: Tensor, weight: Tensor, *, smooth: float = 1.0, least: float = 5e-4) -> Tensor:
    """-log of the soft Dice overlap of each photo that shows somebody; 0 for the other photos.

        dice = (2 * sum(p * t) + smooth) / (sum(p) + sum(t) + smooth),    p = sigmoid(logits)

    smooth: in pixels. least: share of the photo that must be person for it to take part, 0..1. Without anybody,
    -log dice is the logarithm of the area called person: its first pixels would cost thousands of times more than any
    mistake elsewhere, and the network would learn to find nobody. Such photos count through cross-entropy alone.

    >>> found = torch.tensor([[[[90.0, 90.0]]]])     # two pixels called person,
    >>> truth = torch.tensor([[[[1.0, 0.0]]]])       # one of them rightly: dice = 3/4
    >>> neg_log_dice(found, truth, torch.ones_like(truth))
    tensor([0.2877])
    """
    found, truth, somebody = _planes(logits, target, weight, least=least)
    both, total = (found * truth).sum(PIXELS), (found + truth).sum(PIXELS)
    return -((2 * both + smooth) / (total + smooth)).log() * somebody


def focal(logits: Tensor, target: Tensor, weight: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Cross-entropy in which pixels that are already right count little: it is multiplied by |t - p| ** gamma.

    Lin et al., "Focal Loss for Dense Object Detection" (arXiv 1708.02002), without their class weight, which the
    border's weight replaces, and with |t - p| instead of 1 - p_t, so that the loss of a soft target can reach 0.
    """
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return _weighted_mean(each * (target - logits.sigmoid()).abs().pow(gamma), weight)


def tversky(
    logits: Tensor, target: Tensor, weight: Tensor, *, miss: float = 0.7, smooth: float = 1.0, least: float = 5e-4
) -> Tensor:
    """1 - the Tversky index of each photo that shows somebody; 0 for the other photos.

        index = (tp + smooth) / (tp + miss * fn + (1 - miss) * fp + smooth)

    Salehi et al., "Tversky loss function for image segmentation" (arXiv 1706.05721). A miss (0..1) above one half makes
    a missed pixel cost more than a falsely found one. smooth and least are those of neg_log_dice.

    >>> found = torch.tensor([[[[90.0, -90.0]]]])
    >>> truth = torch.tensor([[[[1.0, 1.0]]]])       # half missed: 1 - 2 / (1 + 0.7 + 1)
    >>> tversky(found, truth, torch.ones_like(truth))
    tensor([0.2593])
    """
    found, truth, somebody = _planes(logits, target, weight, least=least)
    right = (found * truth).sum(PIXELS)
    missed, false = (truth - found * truth).sum(PIXELS), (found - found * truth).sum(PIXELS)
    return (1 - (right + smooth) / (right + miss * missed + (1 - miss) * false + smooth)) * somebody


def boundary(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The mean over each photo of probability times the signed distance to the label's outline.

    The distance is a share of the diagonal times 10, a factor that brings the loss to the scale of the other losses.
    Kervadec et al., "Boundary loss for highly unbalanced segmentation" (arXiv 1812.07032): probability outside of the
    person raises the loss and probability inside lowers it, both in proportion to the distance. The loss may fall below
    0 and has hardly any gradient at first, so give it a small share beside another loss. The loss of a photo of nobody,
    which has no outline, is its mean probability.
    """
    distance = torch.from_numpy(np.stack([_signed_distance(plane) for plane in target.detach().cpu().numpy()[:, 0]]))
    counts = (weight > 0).to(logits.dtype)
    return _weighted_mean(logits.sigmoid() * distance[:, None].to(logits), counts)


def matting(logits: Tensor, target: Tensor, weight: Tensor, *, levels: int = 3) -> Tensor:
    """How far the probability is from a soft target near the outline: where hair shows, cross-entropy says little.

    The sum of three means over the pixels whose weight is above 1, the band of borders.py: the absolute difference,
    that of the steps to the next pixel (the gradient), and that of the levels of a Laplacian pyramid, each of which
    counts twice as much as the finer one before it. A photo without an outline costs nothing. After Xu et al., "Deep
    Image Matting" (arXiv 1703.03872), and Hou and Liu, "Context-Aware Image Matting" (arXiv 1909.09725).

    levels: of the pyramid; the photo's sides are multiples of 2 ** levels.

    >>> found = torch.tensor([[[[9.0, 0.0], [9.0, 0.0]]]])
    >>> truth = torch.tensor([[[[1.0, 0.5], [1.0, 0.5]]]])      # half a pixel of hair is found as such
    >>> matting(found, truth, torch.full_like(truth, 3.0), levels=1).round(decimals=2)
    tensor([0.])
    """
    band = (weight > 1).to(logits.dtype)
    apart = (logits.sigmoid() - target) * (weight > 0).to(logits.dtype)
    total = _weighted_mean(apart.abs(), band)
    total = total + _weighted_mean(apart.diff(dim=2).abs(), band[:, :, 1:])
    total = total + _weighted_mean(apart.diff(dim=3).abs(), band[..., 1:])
    for level in range(levels):
        coarse = F.avg_pool2d(apart, 2)
        fine = apart - F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        total = total + 2**level * _weighted_mean(fine.abs(), band) / (2**levels - 1)
        apart, band = coarse, F.max_pool2d(band, 2)
    return total


def _signed_distance(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance to the outline of plane > 0.5, as a share of the diagonal times 10: below 0 inside; 1 without person."""
    person = (plane > 0.5).astype(np.uint8)
    if not person.any():
        return np.ones(plane.shape, np.float32)
    inside = cv2.distanceTransform(np.pad(person, 1), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    outside = cv2.distanceTransform(1 - person, cv2.DIST_L2, cv2.DIST_MASK_5)
    distance = (10.0 / math.hypot(*plane.shape)) * (outside - inside)
    return distance.astype(np.float32)


def _planes(logits: Tensor, target: Tensor, weight: Tensor, *, least: float) -> tuple[Tensor, Tensor, Tensor]:
    """Probability and target where they count (0 elsewhere), and 1 or 0 for each photo: whether it shows somebody.

    least: the share of the photo that must be person for that.
    """
    counts = (weight > 0).to(logits.dtype)
    truth = target * counts
    somebody = truth.sum(PIXELS) >= least * counts.sum(PIXELS).clamp_min(1.0)
    return logits.sigmoid() * counts, truth, somebody.to(logits.dtype)


LOSSES: dict[str, LossFunction] = {
    "bce": border_bce,
    "dice": neg_log_dice,
    "focal": focal,
    "tversky": tversky,
    "boundary": boundary,
    "matting": matting,
}


def combine(shares: Mapping[str, float]) -> LossFunction:
    """The sum of the named losses, each multiplied by its share.

    Raises InputError for a name that is not in LOSSES, and for shares that do not sum to 1.
    """
    for name in shares:
        if name not in LOSSES:
            raise InputError(unknown("loss", name, LOSSES))
    if abs(sum(shares.values()) - 1) > 1e-6:
        said = ", ".join(f"{name} {share:g}" for name, share in shares.items()) or "none"
        raise InputError(
            f"the shares of the losses ({said}) sum to {sum(shares.values()):g}, not 1; set them in [loss]"
        )
    parts = [(LOSSES[name], share) for name, share in shares.items()]

    def loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return torch.stack([share * part(logits, target, weight) for part, share in parts]).sum(0)

    return loss
