"""A trained network as one safetensors file that holds its card. Loading never unpickles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from standout.errors import ModelError
from standout.models.card import CARD_KEY, ModelCard
from standout.net.header import card_in
from standout.net.unet import UNet

KEPT = (torch.float16, torch.float32)
"""The types in which tensors are written."""


def fingerprint(state: Mapping[str, Tensor]) -> str:
    """The sha256 over the names and bytes of all tensors, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].detach().contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def save(net: UNet, card: ModelCard, path: Path) -> ModelCard:
    """Writes the weights in float16 (batch norm statistics in float32) and returns the card with their sha256."""
    state = {
        name: tensor.half() if tensor.is_floating_point() and "running_" not in name else tensor
        for name, tensor in net.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    state = {name: tensor.contiguous() for name, tensor in state.items()}
    card = replace(card, sha256=fingerprint(state))
    path.write_bytes(to_bytes(state, metadata={CARD_KEY: card.to_json()}))
    return card


def load(path: Path) -> tuple[UNet, ModelCard]:
    """The network, in float32 and eval mode, and its card.

    Raises ModelError where the file is no such checkpoint, or its weights do not match the sha256 on its card.
    """
    card = card_in(path)
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a readable safetensors checkpoint: {error}") from None
    if any(tensor.dtype not in KEPT for tensor in state.values()) or fingerprint(state) != card.sha256:
        raise ModelError(f"{path} is damaged: its weights do not match the sha256 in its card; get the file again")
    net = UNet(card.encoder, decoder=card.decoder)
    wanted = {name: value.shape for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    lost = [name for name, shape in wanted.items() if name not in state or state[name].shape != shape]
    lost += [name for name in state if name not in wanted]
    if lost:
        raise ModelError(f"{path} does not fit the network that its card names: {lost[0]} and {len(lost) - 1} more")
    net.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=False)
    return net.to(memory_format=torch.channels_last).eval(), card
