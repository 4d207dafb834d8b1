"""Several networks in one, which answer with the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from standout.errors import ModelError
from standout.models.card import CARD_VERSION, ModelCard
from standout.net.unet import UNet


class Ensemble(nn.Module):
    """Networks of one kind whose probabilities are averaged; it takes and gives what a single network does.

    nets: at least one network.
    """

    def __init__(self, nets: Sequence[UNet]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, image: Tensor) -> Tensor:
        """The logits (N, 1, H, W) of the mean probability, clipped to +-13.8, where it is within 1e-6 of 0 or 1."""
        mean = torch.stack([torch.sigmoid(net(image).float()) for net in self.nets]).mean(0)
        return torch.logit(mean, eps=1e-6)


def card_of_ensemble(cards: Sequence[ModelCard]) -> ModelCard:
    """The card of the ensemble of networks: the first card, with the number of members, and without scores.

    Raises ModelError where the networks are not of one kind or expect photos in different ways.
    """
    first = cards[0]
    for card in cards[1:]:
        for name in ("encoder", "decoder", "size", "second_look", "threshold"):
            if getattr(card, name) != getattr(first, name):
                raise ModelError(
                    f"{card.name} has {name} {getattr(card, name)}, {first.name} has {getattr(first, name)}; an "
                    "ensemble takes networks of one kind"
                )
    return replace(first, members=len(cards), card_version=CARD_VERSION, sha256="", scores={}, protocol="")
