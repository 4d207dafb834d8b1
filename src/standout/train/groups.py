"""A network's weights -> groups that learn at different rates."""

from __future__ import annotations

from typing import Any

from torch import nn


def groups(net: nn.Module, *, lr: float, encoder_lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Four groups for an optimizer: the weights of encoder and decoder, each with and without weight decay.

    Batch norms and biases have no weight decay. encoder_lr: the encoder's rate as a share of lr. A group's own share is
    in its "share", by which a schedule multiplies its rate.
    """
    found: list[dict[str, Any]] = []
    for encoder, share in ((True, encoder_lr), (False, 1.0)):
        for decays in (True, False):
            chosen = [
                weight
                for name, weight in net.named_parameters()
                if name.startswith("encoder.") == encoder and (weight.ndim > 1) == decays
            ]
            decay = weight_decay if decays else 0.0
            found.append({"params": chosen, "share": share, "weight_decay": decay, "lr": lr * share})
    return found
