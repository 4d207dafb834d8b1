import math

import pytest
import torch

from standout.train.losses import bce_dice, border_bce, neg_log_dice

LOSSES = [border_bce, neg_log_dice, lambda *t: bce_dice(*t, bce_share=0.5)]


def person(found: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits of +-found that are right everywhere, for two photos with a square person."""
    target = torch.zeros(2, 1, 16, 16)
    target[:, :, 4:12, 4:12] = 1
    return (target * 2 - 1) * found, target, torch.ones_like(target)


@pytest.mark.parametrize("loss", LOSSES)
def test_right_is_near_0_and_wrong_is_worse(loss: object) -> None:
    right, wrong = loss(*person(20.0)), loss(*person(-20.0))
    assert right < 1e-4
    assert wrong > 1


@pytest.mark.parametrize("loss", LOSSES)
def test_uncounted_pixels_change_nothing(loss: object) -> None:
    logits, target, weight = person(2.0)
    weight[:, :, :, :6] = 0
    spoiled, elsewhere = logits.clone(), target.clone()
    spoiled[:, :, :, :6] = 50.0
    elsewhere[:, :, :, :6] = 1 - elsewhere[:, :, :, :6]
    torch.testing.assert_close(loss(spoiled, elsewhere, weight), loss(logits, target, weight))


def test_nobody_counts_through_cross_entropy_alone() -> None:
    logits, empty = torch.full((1, 1, 8, 8), -2.0, requires_grad=True), torch.zeros(1, 1, 8, 8)
    assert neg_log_dice(logits, empty, torch.ones_like(empty)) == 0
    bce_dice(logits, empty, torch.ones_like(empty), bce_share=0.5).backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0, "empty photos must still teach"


def test_nobody_does_not_dilute_the_others() -> None:
    logits, target, weight = person(1.0)
    alone = neg_log_dice(logits[:1], target[:1], weight[:1])
    target[1] = 0
    torch.testing.assert_close(neg_log_dice(logits, target, weight), alone)


def test_neg_log_dice_of_half_found_is_log_of_dice() -> None:
    target = torch.zeros(1, 1, 1, 4096)
    target[..., :2048] = 1
    logits = torch.full_like(target, -50.0)
    logits[..., :1024] = 50.0
    wanted = -math.log((2 * 1024 + 1) / (1024 + 2048 + 1))
    assert abs(float(neg_log_dice(logits, target, torch.ones_like(target))) - wanted) < 1e-5


def test_border_pixels_pull_harder() -> None:
    logits, target, weight = torch.zeros(1, 1, 1, 2, requires_grad=True), torch.tensor([[[[1.0, 0.0]]]]), None
    weight = torch.tensor([[[[3.0, 1.0]]]])
    border_bce(logits, target, weight).backward()
    pull = logits.grad.abs().flatten()
    assert float(pull[0] / pull[1]) == pytest.approx(3.0)
