"""Light, color and image quality, changed on the device: what bad lamps, cameras and messengers do to photos.

image   float32 (n, 3, H, W)   RGB 0..1, H and W multiples of 16
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

LUMA = (0.299, 0.587, 0.114)
TABLE = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
"""The quantization of luma that the JPEG standard gives as an example."""


def relit(image: Tensor) -> Tensor:
    """The photos in random light, colors and quality, each by itself."""
    n, device = len(image), image.device

    def chance(share: float) -> Tensor:
        return (torch.rand(n, device=device) < share)[:, None, None, None]

    def uniform(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand((n, channels, 1, 1), device=device)

    def maybe(share: float, changed: Tensor) -> Tensor:
        return torch.where(chance(share), changed, image)

    image = _blurred(image)
    image = maybe(0.5, image * (1 + uniform(-0.3, 0.3)) + uniform(-0.3, 0.3))
    image = maybe(0.35, _hue(image, uniform(-16, 16), uniform(0.5, 1.6)))
    image = maybe(0.06, _hue(image, uniform(-180, 180), uniform(0.6, 1.5)))
    image = maybe(0.2, image + uniform(-0.07, 0.07, 3))
    warm = uniform(-1, 1)
    image = maybe(0.15, image * torch.cat([1 + 0.25 * warm, torch.ones_like(warm), 1 - 0.35 * warm], 1))
    image = image.clamp(0, 1)
    image = maybe(0.2, image.clamp_min(1e-4) ** uniform(0.6, 1.5))
    image = maybe(0.07, _gray(image).expand(-1, 3, -1, -1))
    dark = image * uniform(0.12, 0.5)
    grain = torch.randn_like(image) * (0.02 + 0.15 * dark.clamp_min(0).sqrt()) * uniform(0.2, 1.0)
    image = maybe(0.1, dark + grain)
    image = maybe(0.12, image + torch.randn_like(image) * uniform(0.01, 0.06))
    rows = (torch.rand(n, device=device) < 0.25).nonzero()[:, 0]
    if len(rows):
        image[rows] = compressed(image[rows].clamp(0, 1), 15 + 75 * torch.rand(len(rows), device=device))
    return image.clamp(0, 1)


def _gray(image: Tensor) -> Tensor:
    return (image * torch.tensor(LUMA, device=image.device)[:, None, None]).sum(1, keepdim=True)


def _hue(image: Tensor, degrees: Tensor, saturation: Tensor) -> Tensor:
    """The colors turned about gray by degrees, and made more or less saturated."""
    gray = _gray(image)
    r, _, b = (image - gray).unbind(1)
    u, v = b * 0.493, r * 0.877
    turn = degrees[:, 0] * math.pi / 180
    u, v = u * torch.cos(turn) - v * torch.sin(turn), u * torch.sin(turn) + v * torch.cos(turn)
    red, blue = v / 0.877, u / 0.493
    green = -(LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
    return gray + saturation * torch.stack([red, green, blue], 1)


def _blurred(image: Tensor, *, reach: int = 4) -> Tensor:
    """Some of the photos out of focus, shaken, or made small and large again."""
    n, device = len(image), image.device
    chance = torch.rand(n, device=device)
    rows = (chance < 0.18).nonzero()[:, 0]
    if len(rows):
        at = torch.arange(-reach, reach + 1, device=device, dtype=torch.float32)
        y, x = at[:, None], at[None]
        sigma = (0.5 + 1.2 * torch.rand(len(rows), device=device))[:, None, None]
        soft = torch.exp(-(x**2 + y**2) / (2 * sigma**2))
        radius = (1.5 + 2 * torch.rand(len(rows), device=device))[:, None, None]
        disk = ((x**2 + y**2).sqrt() - radius).neg().add(0.5).clamp(0, 1)
        turn = (math.pi * torch.rand(len(rows), device=device))[:, None, None]
        along, across = x * torch.cos(turn) + y * torch.sin(turn), -x * torch.sin(turn) + y * torch.cos(turn)
        length = (1 + 3.5 * torch.rand(len(rows), device=device))[:, None, None]
        shaken = (1 - across.abs()).clamp_min(0) * (along.abs() <= length)
        kind = torch.randint(3, (len(rows), 1, 1), device=device)
        kernel = torch.where(kind == 0, soft, torch.where(kind == 1, disk, shaken))
        kernel = (kernel / kernel.sum((1, 2), keepdim=True)).repeat_interleave(3, 0)[:, None]
        padded = F.pad(image[rows], (reach,) * 4, mode="replicate").flatten(0, 1)[None]
        image = image.clone()
        image[rows] = F.conv2d(padded, kernel, groups=3 * len(rows))[0].reshape(image[rows].shape)
    rows = (chance > 0.94).nonzero()[:, 0]
    if len(rows):
        share = 0.3 + 0.5 * float(torch.rand(()))
        small = F.interpolate(image[rows], scale_factor=share, mode="bilinear", antialias=True)
        image[rows] = F.interpolate(small, image.shape[2:], mode="bilinear")
    return image


def compressed(image: Tensor, quality: Tensor) -> Tensor:
    """The photos as JPEG gives them back, with chroma at half the size. quality: (n,), 1..100."""
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    table = torch.tensor([float(step) for step in TABLE.split()], device=image.device).view(8, 8)
    steps = (table * scale[:, None, None]).round().clamp(1, 255) / 255
    luma = _gray(image)
    chroma = torch.cat([(image[:, 2:] - luma) * 0.564, (image[:, :1] - luma) * 0.713], 1)
    luma = _rounded(luma - 0.5, steps) + 0.5
    chroma = _rounded(F.avg_pool2d(chroma, 2), steps * 1.2)
    blue, red = F.interpolate(chroma, scale_factor=2, mode="bilinear").chunk(2, 1)
    r, b = luma + red / 0.713, luma + blue / 0.564
    return torch.cat([r, (luma - LUMA[0] * r - LUMA[2] * b) / LUMA[1], b], 1)


def _rounded(plane: Tensor, steps: Tensor) -> Tensor:
    """The planes with the discrete cosine transform of their 8x8 blocks rounded to multiples of steps (n, 8, 8)."""
    k = torch.arange(8, device=plane.device, dtype=torch.float32)
    basis = torch.cos((2 * k + 1) * k[:, None] * math.pi / 16) / 2
    basis[0] /= math.sqrt(2)
    n, channels, height, width = plane.shape
    blocks = plane.reshape(n, channels, height // 8, 8, width // 8, 8)
    found = torch.einsum("ui,nchiwj,vj->nchuwv", basis, blocks, basis)
    wide = steps[:, None, None, :, None, :]
    found = (found / wide).round() * wide
    return torch.einsum("ui,nchuwv,vj->nchiwj", basis, found, basis).reshape(plane.shape)
