import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from standout.errors import InputError
from standout.train.losses import LOSSES, border_bce, boundary, combine, focal, matting, neg_log_dice, tversky

SHAPE = (3, 1, 8, 8)
OVERLAPS = [neg_log_dice, tversky]


def random(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(seed)
    return torch.randn(SHAPE) * 3, torch.rand(SHAPE), torch.rand(SHAPE) + 0.5


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_loss_is_one_value_a_photo_and_no_photo_minds_its_neighbours(name: str) -> None:
    logits, target, weight = random()
    together = LOSSES[name](logits, target, weight)
    assert together.shape == (3,)
    alone = [LOSSES[name](logits[i : i + 1], target[i : i + 1], weight[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_pixels_without_weight_change_nothing(name: str) -> None:
    logits, target, weight = random()
    target = (target > 0.5).float()
    weight[..., 4:] = 0
    other = logits.clone()
    other[..., 4:] = 50
    torch.testing.assert_close(LOSSES[name](logits, target, weight), LOSSES[name](other, target, weight))
    other.requires_grad_()
    LOSSES[name](other, target, weight).sum().backward()
    assert not other.grad[..., 4:].any()


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("truth", [0.0, 1.0], ids=["nobody", "everybody"])
def test_being_right_is_better_than_being_wrong(name: str, truth: float) -> None:
    target, weight = torch.full(SHAPE, truth), torch.full(SHAPE, 3.0 if name == "matting" else 1.0)
    right, wrong = (
        LOSSES[name](torch.full(SHAPE, sign * 20.0), target, weight) for sign in (2 * truth - 1, 1 - 2 * truth)
    )
    if truth == 0 and LOSSES[name] in OVERLAPS:
        assert not right.any() and not wrong.any()  # cross-entropy's matter
    else:
        assert (right < wrong).all()
    if name != "boundary":
        torch.testing.assert_close(right, torch.zeros(3), atol=1e-4, rtol=0)


def test_cross_entropy_agrees_with_numpy() -> None:
    logits, target, weight = random()
    p = 1 / (1 + np.exp(-logits.double().numpy()))
    t, w = target.double().numpy(), weight.double().numpy()
    each = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    wanted = (each * w).sum((1, 2, 3)) / w.sum((1, 2, 3))
    np.testing.assert_allclose(border_bce(logits, target, weight), wanted, rtol=1e-4)
    wanted = (each * np.abs(t - p) ** 2 * w).sum((1, 2, 3)) / w.sum((1, 2, 3))
    np.testing.assert_allclose(focal(logits, target, weight), wanted, rtol=1e-4)


def test_overlaps_agree_with_numpy() -> None:
    logits, target, weight = random()
    p, t = 1 / (1 + np.exp(-logits.double().numpy())), target.double().numpy()
    dice = (2 * (p * t).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + t.sum((1, 2, 3)) + 1)
    np.testing.assert_allclose(neg_log_dice(logits, target, weight), -np.log(dice), rtol=1e-4)
    tp, fn, fp = ((x).sum((1, 2, 3)) for x in (p * t, (1 - p) * t, p * (1 - t)))
    np.testing.assert_allclose(
        tversky(logits, target, weight), 1 - (tp + 1) / (tp + 0.7 * fn + 0.3 * fp + 1), rtol=1e-4
    )


def test_tversky_at_one_half_is_dice() -> None:
    logits, target, weight = random()
    half = 1 - tversky(logits, target, weight, miss=0.5, smooth=0.5)
    torch.testing.assert_close(-half.log(), neg_log_dice(logits, target, weight, smooth=1.0))


def test_focal_forgives_what_is_nearly_right() -> None:
    target, weight = torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    near, far = (focal(torch.full_like(target, x), target, weight) for x in (2.0, -2.0))
    plain_near, plain_far = (border_bce(torch.full_like(target, x), target, weight) for x in (2.0, -2.0))
    assert near / plain_near < 0.02 < 0.7 < far / plain_far


def test_matting_agrees_with_numpy() -> None:
    logits, target, weight = random()
    apart = (1 / (1 + np.exp(-logits.double().numpy())) - target.double().numpy()) * (weight > 0).numpy()
    band = (weight > 1).numpy()
    wanted = np.zeros(len(apart))
    steps = [(apart, band), (np.diff(apart, axis=2), band[:, :, 1:]), (np.diff(apart, axis=3), band[..., 1:])]
    for each, chosen in steps:
        wanted += (np.abs(each) * chosen).sum((1, 2, 3)) / chosen.sum((1, 2, 3))
    np.testing.assert_allclose(matting(logits, target, weight, levels=0), wanted, rtol=1e-4)


def test_matting_sees_hair_that_is_smoothed_away() -> None:
    strands = (torch.arange(32) % 4 == 0).float().expand(1, 1, 32, 32)
    weight = torch.full_like(strands, 3.0)
    found, smooth = strands.logit(1e-3), torch.full_like(strands, 0.25).logit()
    assert matting(found, strands, weight) < 0.01
    assert matting(smooth, strands, weight) > 2.5 * (0.25 - strands).abs().mean()


def test_matting_asks_nothing_away_from_the_outline() -> None:
    target, weight = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    assert matting(torch.full_like(target, 9.0), target, weight) == 0


def test_boundary_costs_by_distance() -> None:
    target = torch.zeros(1, 1, 40, 40)
    target[..., 15:25, 15:25] = 1
    weight = torch.ones_like(target)

    def with_spot(row: int, column: int) -> float:
        logits = torch.where(target > 0, 20.0, -20.0)
        logits[..., row, column] = 20.0
        return float(boundary(logits, target, weight))

    assert with_spot(20, 20) < with_spot(20, 26) < with_spot(20, 39)
    gap = with_spot(20, 39) - with_spot(20, 26)
    assert gap == pytest.approx(13 * 10 / math.hypot(40, 40) / 1600, rel=0.02)


@pytest.mark.parametrize("loss", OVERLAPS)
def test_one_pixel_can_be_found(loss: Callable[..., Tensor]) -> None:
    target = torch.zeros(1, 1, 8, 8)
    target[..., 3, 3] = 1
    found = loss(torch.where(target > 0, 20.0, -20.0), target, torch.ones_like(target))
    assert found == pytest.approx(0.0, abs=1e-4)


def test_shares_are_taken() -> None:
    batch = random()
    wanted = 0.3 * border_bce(*batch) + 0.7 * neg_log_dice(*batch)
    torch.testing.assert_close(combine({"bce": 0.3, "dice": 0.7})(*batch), wanted)


def test_wrong_shares_are_explained() -> None:
    with pytest.raises(InputError, match=r"\(bce 0.5, dice 0.6\) sum to 1.1, not 1"):
        combine({"bce": 0.5, "dice": 0.6})
    with pytest.raises(InputError, match="'tverski' is not known; did you mean 'tversky'"):
        combine({"tverski": 1.0})
