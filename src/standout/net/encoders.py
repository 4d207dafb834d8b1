"""Encoders: a batch of photos -> five feature maps, each at half the size of the one before.

    image     float  (N, 3, H, W)                RGB 0..1, H and W multiples of 32
    features  5 x float (N, C_i, H/2^i, W/2^i)   i = 1..5

Any timm model with such maps can be used. To add an encoder whose weights expect another input than timm states: a row
in ENCODERS with the normalization that they were trained with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F

from standout.errors import ModelError, suggestion
from standout.net import weights as files

REDUCTIONS = [2, 4, 8, 16, 32]


@dataclass(frozen=True)
class EncoderSpec:
    """A timm model and the input that it expects: (RGB in 0..1 - mean) / std."""

    timm_name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    same_padding: bool = False
    """Whether the weights come from TensorFlow, where convolutions of stride 2 pad the bottom and the right only."""


HALF = (0.5, 0.5, 0.5)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

ENCODERS = {
    "mobilenetv2_100": EncoderSpec("mobilenetv2_100", HALF, HALF, same_padding=True),
    "mobilenetv2_050": EncoderSpec("mobilenetv2_050", HALF, HALF, same_padding=True),
    "mobilenetv3_large_100": EncoderSpec("mobilenetv3_large_100", IMAGENET_MEAN, IMAGENET_STD),
    "tf_efficientnet_lite0": EncoderSpec("tf_efficientnet_lite0", HALF, HALF),
    "tf_efficientnet_lite1": EncoderSpec("tf_efficientnet_lite1", HALF, HALF),
    "tf_efficientnet_lite2": EncoderSpec("tf_efficientnet_lite2", HALF, HALF),
    "resnet18": EncoderSpec("resnet18", IMAGENET_MEAN, IMAGENET_STD),
    "resnet34": EncoderSpec("resnet34", IMAGENET_MEAN, IMAGENET_STD),
    "resnet50": EncoderSpec("resnet50", IMAGENET_MEAN, IMAGENET_STD),
    "resnet101": EncoderSpec("resnet101", IMAGENET_MEAN, IMAGENET_STD),
}


def spec_of(name: str) -> EncoderSpec:
    """The row of a name in ENCODERS, or what timm states about its model of that name.

    Raises ModelError, with the nearest name, where timm has no such model.
    """
    if name in ENCODERS:
        return ENCODERS[name]
    if name.split(".")[0] not in timm.list_models():
        hint = suggestion(name, [*ENCODERS, *timm.list_models()], f"proven ones: {', '.join(ENCODERS)}")
        raise ModelError(f"encoder {name!r} is not a timm model; {hint}")
    config = timm.get_pretrained_cfg(name)
    if config is None:
        return EncoderSpec(name, HALF, HALF)
    mean, std = ((float(r), float(g), float(b)) for r, g, b in (config.mean, config.std))
    return EncoderSpec(name, mean, std)


class SamePadConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding at stride 2, constant for even sizes: it exports as Pad + Conv.

    timm's own Conv2dSame computes the padding from the input at run time, which an exporter cannot fold.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of x, padded with the odd pixel at the bottom and the right."""
        total = self.kernel_size[0] - self.stride[0]
        before, after = total // 2, total - total // 2
        x = F.pad(x, (before, after, before, after))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def _use_same_padding(module: nn.Module, *, every: bool) -> None:
    """Gives convolutions of stride 2 constant "same" padding: every one, or those that timm pads so at run time."""
    for name, child in module.named_children():
        wanted = isinstance(child, nn.Conv2d) if every else isinstance(child, Conv2dSame)
        if wanted and isinstance(child, nn.Conv2d) and child.stride == (2, 2):
            kernel = child.kernel_size[0]
            same = SamePadConv2d(
                child.in_channels, child.out_channels, kernel, 2, groups=child.groups, bias=child.bias is not None
            )
            same.load_state_dict(child.state_dict())
            setattr(module, name, same)
        else:
            _use_same_padding(child, every=every)


class Encoder(nn.Module):
    """A timm feature extractor that normalizes its own input.

    weights: a file or package (see weights.py), "timm" for the weights that timm downloads, or None for random ones.
    """

    def __init__(self, name: str, weights: Path | str | None = None) -> None:
        super().__init__()
        spec = spec_of(name)
        self.body: nn.Module = _body(name, spec, pretrained=weights == "timm")
        self.channels: list[int] = self.body.feature_info.channels()  # type: ignore[union-attr, operator]
        _use_same_padding(self.body, every=spec.same_padding)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)
        if weights is not None and weights != "timm":
            files.load(self.body, weights)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The five feature maps, largest first."""
        features: list[Tensor] = self.body((image - self.mean) / self.std)
        return features


def _body(name: str, spec: EncoderSpec, *, pretrained: bool) -> nn.Module:
    """The timm model as a feature extractor.

    Raises ModelError where it does not give five maps, each at half the size, and where its weights cannot be had.
    """
    try:
        body: Any = timm.create_model(spec.timm_name, features_only=True, pretrained=pretrained)
    except Exception as error:  # the errors of the hub's client have no common base
        if pretrained:
            raise ModelError(
                f"timm cannot get the weights of {name!r} ({_first_line(error)}); with a network connection it can, or "
                "give a file: model.encoder_weights = 'FILE.safetensors'"
            ) from None
        raise ModelError(f"encoder {name!r} gives no feature maps ({_first_line(error)})") from None
    reductions = list(body.feature_info.reduction())
    if reductions != REDUCTIONS:
        raise ModelError(
            f"encoder {name!r} gives feature maps at 1/{', 1/'.join(map(str, reductions))} of the photo; "
            f"a U-Net needs five, at 1/{', 1/'.join(map(str, REDUCTIONS))}; proven ones: {', '.join(ENCODERS)}"
        )
    module: nn.Module = body
    return module


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
