"""The average of several trained networks of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from standout.errors import ModelError
from standout.models.card import ModelCard
from standout.net.unet import UNet


def average(nets: Sequence[UNet], shares: Sequence[float]) -> UNet:
    """The first network, filled with the weighted mean of all weights and statistics. shares: they sum to 1.

    Networks that were fine-tuned from the same weights lie in one valley of the loss, where their mean is as good as
    each of them or better: Wortsman et al., "Model soups" (arXiv 2203.05482). Other networks must not be averaged.

    Raises ModelError where they are not of one kind, or the shares do not sum to 1.
    """
    if len(nets) != len(shares) or abs(sum(shares) - 1) > 1e-6:
        said = ", ".join(map(str, shares))
        raise ModelError(f"{len(nets)} networks and the shares {said}; wanted one share for each, with the sum 1")
    states = [net.state_dict() for net in nets]
    for state in states[1:]:
        apart = [name for name in states[0] if name not in state or state[name].shape != states[0][name].shape]
        if apart or state.keys() != states[0].keys():
            raise ModelError(f"networks of different kinds cannot be averaged; {(apart or ['a layer'])[0]} differs")
    mean = {
        name: sum(share * state[name] for share, state in zip(shares, states, strict=True))
        if value.is_floating_point()
        else value
        for name, value in states[0].items()
    }
    nets[0].load_state_dict(mean)
    return nets[0]


def card_of_mean(cards: Sequence[ModelCard], shares: Sequence[float]) -> ModelCard:
    """The card of the mean of networks: the last card, with the names, the teachers and the licenses of all.

    It has no scores and no fingerprint, since those of the single networks do not hold for the mean.
    """
    last = cards[-1]
    if len(cards) == 1:
        return replace(last, sha256="", scores={}, protocol="")
    parts = [f"{share:.3g} of {card.identity}" for card, share in zip(cards, shares, strict=True)]
    licenses = list(dict.fromkeys(card.license for card in cards))
    return replace(
        last,
        base=f"the mean of {', '.join(parts)}",
        teacher=", ".join(dict.fromkeys(card.teacher for card in cards if card.teacher)),
        license="; ".join(one or "not stated" for one in licenses) if any(licenses) else "",
        sha256="",
        scores={},
        protocol="",
    )
