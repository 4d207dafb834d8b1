"""Batch norms folded into the convolutions before them: the same function in fewer steps."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def foldable(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The names of each convolution and of the batch norm right behind it.

    >>> list(foldable(nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.BatchNorm2d(8))))
    [('0', '1')]
    """
    before: tuple[str, nn.Module] | None = None
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            yield before[0], path
        else:
            yield from foldable(child, f"{path}.")
        before = (path, child)


def fold_batch_norms(net: nn.Module) -> None:
    """Puts the network into eval mode, and every batch norm into the convolution before it."""
    net.eval()
    for convolution, norm in list(foldable(net)):
        before, after = net.get_submodule(convolution), net.get_submodule(norm)
        assert isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d)
        net.set_submodule(convolution, fuse_conv_bn_eval(before, after))
        # The batch norms of timm carry the activation that follows them.
        net.set_submodule(norm, getattr(after, "act", nn.Identity()))
