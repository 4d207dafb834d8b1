"""Encoders: a photo batch -> five feature maps, each half the size of the one before.

    image     float  (N, 3, H, W)           RGB 0..1, H and W multiples of 32
    features  5 x float (N, C_i, H/2^i, W/2^i)   i = 1..5

To add an encoder: a row in ENCODERS with its timm name and the normalization its weights were trained with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from standout.errors import ModelError


@dataclass(frozen=True)
class EncoderSpec:
    """A timm model and the input it expects: (rgb 0..1 - mean) / std."""

    timm_name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    same_padding: bool = False
    """The weights come from TensorFlow: stride-2 convolutions pad the bottom and right only."""


HALF = (0.5, 0.5, 0.5)

ENCODERS = {
    "mobilenetv2_100": EncoderSpec("mobilenetv2_100", HALF, HALF, same_padding=True),
}


class SamePadConv2d(nn.Conv2d):
    """TensorFlow's "same" padding at stride 2 for even sizes, as a constant: it exports to plain Pad + Conv.

    timm's own Conv2dSame computes the padding from the input at run time, which an exporter cannot fold.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of x, padded by the odd pixel at the bottom and right."""
        total = self.kernel_size[0] - self.stride[0]
        before, after = total // 2, total - total // 2
        x = F.pad(x, (before, after, before, after))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def _use_same_padding(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and child.stride == (2, 2):
            kernel = child.kernel_size[0]
            same = SamePadConv2d(
                child.in_channels, child.out_channels, kernel, 2, groups=child.groups, bias=child.bias is not None
            )
            setattr(module, name, same)
        else:
            _use_same_padding(child)


class Encoder(nn.Module):
    """A timm feature extractor that normalizes its own input.

    weights: a safetensors file in timm's names (a classifier head in it is ignored), or None for random ones.
    """

    def __init__(self, name: str, weights: Path | None = None) -> None:
        super().__init__()
        if name not in ENCODERS:
            raise ModelError(f"encoder {name!r} is not known; choose one of: {', '.join(ENCODERS)}")
        spec = ENCODERS[name]
        self.body: nn.Module = timm.create_model(spec.timm_name, features_only=True, pretrained=False)
        self.channels: list[int] = self.body.feature_info.channels()  # type: ignore[union-attr, operator]
        if spec.same_padding:
            _use_same_padding(self.body)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)
        if weights is not None:
            self._load(weights)

    def _load(self, weights: Path) -> None:
        missing, _ = self.body.load_state_dict(load_file(weights), strict=False)
        lost = [key for key in missing if not key.endswith("num_batches_tracked")]
        if lost:
            raise ModelError(f"{weights} lacks {len(lost)} tensors of the encoder, {lost[0]} among them")

    def forward(self, image: Tensor) -> list[Tensor]:
        """The five feature maps, largest first."""
        features: list[Tensor] = self.body((image - self.mean) / self.std)
        return features
