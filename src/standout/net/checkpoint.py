"""A trained network in a file, its card inside. Loading never unpickles.

.safetensors    what training writes
.onnx           an export in float32 or float16, which keeps the same weights beside its own (see trainable.py); the
                bundled models are such files
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from standout.errors import ModelError
from standout.models.card import CARD_KEY, ModelCard
from standout.net.ensemble import Ensemble
from standout.net.fold import foldable
from standout.net.header import card_in, is_export
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


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """The network's tensors as files hold them: weights in float16, statistics of batch norms in float32."""
    return {
        name: (tensor.half() if tensor.is_floating_point() and "running_" not in name else tensor).contiguous()
        for name, tensor in net.state_dict().items()
        if _is_kept(name)
    }


def norms_of(net: nn.Module) -> dict[str, tuple[str, float]]:
    """The name of each convolution that an export folds a batch norm into -> that norm's name and epsilon."""
    norms = ((convolution, norm, net.get_submodule(norm)) for convolution, norm in foldable(net))
    return {
        convolution: (name, norm.eps)
        for convolution, name, norm in norms
        if isinstance(norm, nn.BatchNorm2d) and norm.affine and norm.track_running_stats
    }


def save(net: nn.Module, card: ModelCard, path: Path) -> ModelCard:
    """Writes the weights in float16 (batch norm statistics in float32) and returns the card with their sha256."""
    state = state_of(net)
    card = replace(card, sha256=fingerprint(state))
    path.write_bytes(to_bytes(state, metadata={CARD_KEY: card.to_json()}))
    return card


def load(path: Path) -> tuple[UNet, ModelCard]:
    """The network of a file that holds a single one, in float32 and eval mode, and its card.

    Raises ModelError where the file is no such checkpoint, its weights do not match the sha256 on its card, or it is an
    ensemble.
    """
    net, card = load_any(path)
    if not isinstance(net, UNet):
        raise ModelError(
            f"{path} is an ensemble of {card.members} networks, which cannot be trained on; give the model of a fold, "
            "or let a single network learn from the ensemble as its distill.teacher"
        )
    return net, card


def load_any(path: Path) -> tuple[UNet | Ensemble, ModelCard]:
    """The network or the ensemble in a file, in float32 and eval mode, and its card. Raises ModelError as load does."""
    card = card_in(path)
    nets = [UNet(card.encoder, decoder=card.decoder) for _ in range(card.members)]
    net = nets[0] if card.members == 1 else Ensemble(nets)
    state = _exported(path, net) if is_export(path) else _saved(path)
    if any(tensor.dtype not in KEPT for tensor in state.values()) or fingerprint(state) != card.sha256:
        raise ModelError(f"{path} is damaged: its weights do not match the sha256 in its card; get the file again")
    wanted = {name: value.shape for name, value in net.state_dict().items() if _is_kept(name)}
    lost = [name for name, shape in wanted.items() if name not in state or state[name].shape != shape]
    lost += [name for name in state if name not in wanted]
    if lost:
        raise ModelError(f"{path} does not fit the network that its card names: {lost[0]} and {len(lost) - 1} more")
    net.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=False)
    return net.to(memory_format=torch.channels_last).eval(), card


def _saved(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a readable safetensors checkpoint: {error}") from None


def _exported(path: Path, net: nn.Module) -> dict[str, Tensor]:
    from standout.net import trainable  # loads onnx, which a checkpoint does not need

    wanted = {name: tensor.numpy().dtype.type for name, tensor in state_of(net).items()}
    return {name: torch.from_numpy(array.copy()) for name, array in trainable.read(path, wanted, norms_of(net)).items()}


def _is_kept(name: str) -> bool:
    """Whether files hold the tensor of that name: how many batches a norm has seen is of no use."""
    return not name.endswith("num_batches_tracked")
