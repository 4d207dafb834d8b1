"""The click network: a photo, its people mask and clicks -> which of the people's pixels are the person clicked on.

seen     float (N, 8, H, W)   RGB 0..1, then the five planes of masks.clicks; H and W multiples of 32
logits   float (N, 1, H, W)   > 0 where a pixel is more likely of that person than not; read it inside the people alone

It begins as the person finder that it is made of: the encoder's stages down to 1/8 stay as they are and see the photo
alone, and the planes are added to what comes out of them. The deeper stages and the decoder learn.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from standout.masks.clicks import PLANES
from standout.net.fold import fold_batch_norms
from standout.net.unet import UNet

KEPT = 3
"""Stages of the encoder that stay as they are, down to 1/8 of the photo's size."""
DEEPEST = 2
"""Blocks that are kept of the stage at 1/32, of three; the stage after it is left out. Both save weights."""


def mixed(inputs: int, outputs: int) -> nn.Sequential:
    """A depthwise 3x3 convolution and a pointwise 1x1 convolution with ReLU, without batch norm."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs), nn.Conv2d(inputs, outputs, 1), nn.ReLU(inplace=True)
    )


class Rise(nn.Module):
    """Doubles the size of the deeper features, joins them to the skip connection, and mixes both."""

    def __init__(self, deep: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(deep, outputs, 1)
        self.mix = nn.Sequential(mixed(outputs + skip, outputs), mixed(outputs, outputs))

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """The mixed features, at the size of the skip connection."""
        grown = F.interpolate(self.narrow(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        result: Tensor = self.mix(torch.cat([F.relu(grown), skip], 1))
        return result


class Alike(nn.Module):
    """Adds to features how far each place is from the places clicked on, in a space that it learns.

    Convolutions alone carry a click over a whole person only in many small steps. To compare every place with the one
    clicked on, as metric learning does (Fathi et al., "Semantic Instance Segmentation via Deep Metric Learning", arXiv
    1703.10277), takes one.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, 32, 1)
        self.added = nn.Conv2d(32, outputs, 1)

    def forward(self, features: Tensor, near: Tensor) -> Tensor:
        """What to add (N, outputs, h, w). near: the clicks' near map at the features' size, (N, 1, h, w)."""
        key = self.key(features)
        clicked = (key * near).sum((2, 3), keepdim=True) / (near.sum((2, 3), keepdim=True) + 1e-4)
        result: Tensor = self.added((key - clicked).abs())
        return result


class ClickUNet(nn.Module):
    """The click network. finder: a U-Net on mobilenetv2_100, which is taken apart; batch norms are folded."""

    def __init__(self, finder: UNet) -> None:
        super().__init__()
        fold_batch_norms(finder)
        body = finder.encoder.body
        stages = list(body.blocks)  # type: ignore[arg-type]
        self.stem = nn.Sequential(body.conv_stem, body.bn1, *stages[:2])  # type: ignore[arg-type]
        self.eighth = stages[2]
        self.sixteenth = nn.Sequential(stages[3], stages[4])
        self.deepest = nn.Sequential(*list(stages[5])[:DEEPEST])
        self.clicks = nn.Sequential(
            nn.Conv2d(4 * PLANES, 48, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(48, 64, 1)
        )
        self.alike = nn.ModuleList([Alike(96, 128), Alike(64, 64)])
        self.ups = nn.ModuleList([Rise(160, 96, 128), Rise(128, 32 + 32, 64), Rise(64, 24, 40)])
        self.last = mixed(40 + 48 + 4 * PLANES, 48)
        self.head = nn.Conv2d(48, 16, 1)

    def kept(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """The photo's features at 1/4 and 1/8, before any click. photo: (N, 3, H, W)."""
        quarter = self.stem((photo - 0.5) / 0.5)
        return quarter, self.eighth(quarter)

    def answer(self, photo: Tensor, planes: Tensor, quarter: Tensor, eighth: Tensor) -> Tensor:
        """The logits, from the features that kept gave."""
        small = F.avg_pool2d(planes, 4)
        fine = F.pixel_unshuffle(F.avg_pool2d(planes, 2), 2)
        added, beside = self.clicks(F.pixel_unshuffle(small, 2)).split(32, 1)
        sixteenth = self.sixteenth(eighth + added)
        deep = self.ups[0](self.deepest(sixteenth), sixteenth)
        deep = deep + self.alike[0](sixteenth, F.avg_pool2d(planes[:, 1:2], 16))
        deep = self.ups[1](deep, torch.cat([eighth, F.relu(beside)], 1))
        deep = deep + self.alike[1](deep, F.avg_pool2d(planes[:, 1:2], 8))
        deep = self.ups[2](deep, quarter)
        blocks = F.pixel_unshuffle(photo - 0.5, 4)
        logits: Tensor = F.pixel_shuffle(self.head(self.last(torch.cat([deep, blocks, fine], 1))), 4)
        return logits

    def forward(self, seen: Tensor) -> Tensor:
        """The logits (N, 1, H, W)."""
        photo, planes = seen[:, :3], seen[:, 3:]
        return self.answer(photo, planes, *self.kept(photo))


def fresh(finder: UNet) -> ClickUNet:
    """A click network that has yet to learn: the planes change nothing, and the decoder takes over what fits."""
    net = ClickUNet(finder)
    with torch.no_grad():
        change = net.clicks[2]
        assert isinstance(change, nn.Conv2d) and change.bias is not None
        change.weight[:32].zero_()
        change.bias.zero_()
        for one in net.alike:
            nn.init.zeros_(one.added.weight)  # type: ignore[union-attr, arg-type]
            nn.init.zeros_(one.added.bias)  # type: ignore[union-attr, arg-type]
    return net
