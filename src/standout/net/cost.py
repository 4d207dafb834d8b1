"""The cost of a network: its parameters and multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """The parameters of a network, and the multiply-adds of its convolutions and matrix products for one photo."""

    parameters: int
    multiply_adds: int

    def __str__(self) -> str:
        """The cost as text.

        >>> str(Cost(1_940_000, 1_234_000_000))
        '1.94 M parameters, 1.23 G multiply-adds'
        """
        return f"{self.parameters / 1e6:.2f} M parameters, {self.multiply_adds / 1e9:.2f} G multiply-adds"


def cost(net: nn.Module, size: tuple[int, int]) -> Cost:
    """The cost of net for one photo of size (height, width); torch counts two flops for a multiply-add.

    >>> cost(nn.Conv2d(3, 8, 3, padding=1), (10, 20))
    Cost(parameters=224, multiply_adds=43200)
    """
    device = next(net.parameters()).device
    was_training = net.training
    net.eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 3, *size, device=device))
    net.train(was_training)
    return Cost(sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2)
