"""The U-Net: an encoder, and a decoder that returns to full resolution.

    image   float  (N, 3, H, W)   RGB 0..1, H and W multiples of 32
    logits  float  (N, 1, H, W)   > 0 where a person is more likely than not

After Ronneberger et al., "U-Net" (arXiv 1505.04597). The slim and the light decoder mix with depthwise-separable
convolutions (Howard et al., "MobileNets", arXiv 1704.04861), the heavy decoder with plain 3x3 convolutions.

To add a decoder: a row in DECODERS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from standout.errors import ModelError, unknown
from standout.net.encoders import Encoder


class Separable(nn.Sequential):
    """A depthwise 3x3 convolution and then a pointwise 1x1 convolution, each with batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Plain(nn.Sequential):
    """A 3x3 convolution with batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


@dataclass(frozen=True)
class DecoderSpec:
    """How a decoder mixes features, its widths from 1/16 to 1/2 of the photo's size, and the width of its last step."""

    mix: Callable[[int, int], nn.Module]
    widths: tuple[int, int, int, int]
    last: int


DECODERS = {
    "slim": DecoderSpec(Separable, (64, 40, 24, 16), 16),
    "light": DecoderSpec(Separable, (128, 64, 40, 32), 32),
    "heavy": DecoderSpec(Plain, (256, 128, 64, 48), 32),
}


class Up(nn.Module):
    """Doubles the size of the deeper features, joins them to the skip connection, and mixes both."""

    def __init__(self, deep: int, skip: int, outputs: int, *, mix: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        # Narrowing the deeper map before it is enlarged is the same function as after, at a quarter of the cost.
        self.narrow = nn.Sequential(nn.Conv2d(deep, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.mix = nn.Sequential(mix(outputs + skip, outputs), mix(outputs, outputs))

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """The mixed features (N, outputs, H, W), at the size of the skip connection."""
        grown = F.interpolate(self.narrow(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        mixed: Tensor = self.mix(torch.cat([F.relu(grown), skip], 1))
        return mixed


class UNet(nn.Module):
    """A U-Net whose last step predicts the four pixels under each half-resolution feature at once.

    encoder: a name, see encoders.py. decoder: a name in DECODERS. weights: the encoder's, see encoders.Encoder.

    The half-resolution features are joined by the photo itself, whose 2x2 blocks are folded into 12 channels, and the
    four logits of a block unfold into full resolution (sub-pixel convolution, Shi et al., arXiv 1609.05158). That gives
    full-size edges at the cost of half the size.

    Raises ModelError for an unknown name, and for weights that cannot be had or do not fit.
    """

    def __init__(
        self, encoder: str = "mobilenetv2_100", *, decoder: str = "light", weights: Path | str | None = None
    ) -> None:
        super().__init__()
        if decoder not in DECODERS:
            raise ModelError(unknown("decoder", decoder, DECODERS))
        spec = DECODERS[decoder]
        self.encoder = Encoder(encoder, weights)
        channels = self.encoder.channels
        deep = channels[-1]
        ups = []
        for skip, outputs in zip(reversed(channels[:-1]), spec.widths, strict=True):
            ups.append(Up(deep, skip, outputs, mix=spec.mix))
            deep = outputs
        self.ups = nn.ModuleList(ups)
        self.last = spec.mix(deep + 12, spec.last)
        self.head = nn.Conv2d(spec.last, 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        """The logits (N, 1, H, W)."""
        *skips, deep = self.encoder(image)
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            deep = up(deep, skip)
        blocks = F.pixel_unshuffle(image - 0.5, 2)
        logits: Tensor = F.pixel_shuffle(self.head(self.last(torch.cat([deep, blocks], 1))), 2)
        return logits


class Probability(nn.Module):
    """The network as it ships: RGB 0..1 in, person probability 0..1 out. net: a UNet, or an ensemble of them."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        """The probability (N, 1, H, W), 0..1."""
        return torch.sigmoid(self.net(image))
