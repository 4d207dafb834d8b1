"""Pruning: the most important channels of a wide encoder become the first weights of a narrower one."""

from __future__ import annotations

import torch
from torch import nn

from standout.errors import MissingExtra, ModelError
from standout.net.encoders import Encoder


def prune(wide: Encoder, into: Encoder) -> None:
    """Fills `into` with the channels of `wide` whose weights are largest; `wide` itself is pruned to them.

    After Li et al., "Pruning Filters for Efficient ConvNets" (arXiv 1608.08710). Layers that share channels are pruned
    together, by the L2 norm over the group (Fang et al., "DepGraph", arXiv 2301.12900).

    Raises ModelError where the two differ in more than the number of channels, or a layer of `into` is wider than that
    of `wide`; MissingExtra where torch-pruning is not installed.
    """
    try:
        import torch_pruning
    except ImportError:
        raise MissingExtra("model.prune", "prune") from None
    wanted = {name: layer.out_channels for name, layer in into.named_modules() if isinstance(layer, nn.Conv2d)}
    names = {layer: name for name, layer in wide.named_modules()}
    graph = torch_pruning.DependencyGraph().build_dependency(wide, example_inputs=torch.zeros(1, 3, 64, 64))
    importance = torch_pruning.importance.GroupMagnitudeImportance(p=2)
    cut = torch_pruning.prune_conv_out_channels
    # Pruning a layer changes the groups of the layers after it, so each group is computed when its turn comes.
    roots = [group[0].dep.target.module for group in graph.get_all_groups(root_module_types=[nn.Conv2d])]
    for layer in roots:
        have, keep = layer.out_channels, wanted.get(names[layer], 0)
        if not 0 < keep <= have:
            raise ModelError(
                f"cannot prune {names[layer]} from {have} channels to {keep}; give model.encoder of the same family, "
                "and no wider than that of model.prune"
            )
        if keep < have:
            scores = importance(graph.get_pruning_group(layer, cut, list(range(have))))
            graph.get_pruning_group(layer, cut, scores.argsort()[: have - keep].tolist()).prune()
    try:
        into.load_state_dict(wide.state_dict())
    except RuntimeError as error:
        raise ModelError(f"the two encoders differ in more than width: {str(error).splitlines()[-1].strip()}") from None
