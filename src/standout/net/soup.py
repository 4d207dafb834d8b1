"""Several trained networks of one kind, averaged into one."""

from __future__ import annotations

from collections.abc import Sequence

from standout.errors import ModelError
from standout.net.unet import UNet


def average(nets: Sequence[UNet], shares: Sequence[float]) -> UNet:
    """The first network, filled with the mean of all weights and statistics by shares, which sum to 1.

    Networks that were trained on from the same weights lie in one valley, where their mean is as good as each or
    better: Wortsman et al., "Model soups" (arXiv 2203.05482). Others must not be averaged.

    Raises ModelError when they are not of one kind, or the shares do not sum to 1.
    """
    if len(nets) != len(shares) or abs(sum(shares) - 1) > 1e-6:
        raise ModelError(f"{len(nets)} networks and the shares {', '.join(map(str, shares))}; wanted one each, sum 1")
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
