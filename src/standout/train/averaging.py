"""The exponential moving average of the weights, which is what is validated and what ships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class Averaging(WeightAveraging):
    """Lightning's weight averaging with a decay that starts small, so that the first weights are soon forgotten.

    After n steps the decay is min(decay, (1 + n) / (10 + n)). Checkpoints hold the average in "state_dict" and the
    weights in training beside it. Batch-norm statistics are averaged too.

    decay: the share of the average that each step keeps, 0..1.
    """

    def __init__(self, decay: float) -> None:
        def warmed(means: list[Tensor], values: list[Tensor], count: Tensor | int) -> None:
            step = int(count)
            follow(means, values, 1 - min(decay, (1 + step) / (10 + step)))

        super().__init__(multi_avg_fn=warmed)

    @property
    def average(self) -> Any:
        """The module with the averaged weights, ready to be asked; it is there while the run trains."""
        assert self._average_model is not None
        return self._average_model.module.eval()


@torch.no_grad()
def follow(means: Sequence[Tensor], values: Sequence[Tensor], share: float) -> None:
    """Moves each mean toward its value by share (0..1), in place; integers, such as counts of batches, are copied."""
    for mean, value in zip(means, values, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, share)
        else:
            mean.copy_(value)
