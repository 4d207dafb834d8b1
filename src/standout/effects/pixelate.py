"""The people before a background in blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from standout.effects.base import Effect, Setting
from standout.effects.space import SRGB, Space
from standout.errors import InputError
from standout.types import Floats, Image, Mask, Picture


@dataclass(frozen=True)
class Pixelate(Effect):
    """Show what is behind the people in blocks of one color each.

    A block has the mean color of its background alone: nothing of the people's colors runs into the blocks around them.
    """

    name: ClassVar[str] = "pixelate"
    keeps_transparency: ClassVar[bool] = True
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout pixelate photo.jpg", "to photo-pixelate.jpg"),
        ("standout pixelate photo.jpg --block 0.08", "larger blocks"),
        ("standout pixelate talk.mp4", "a clip, with its sound"),
    )

    block: Annotated[
        float,
        Setting("Side of a block, as a share of the picture's shorter side.", metavar="N", least=0.005, most=0.5),
    ] = 0.04

    def __post_init__(self) -> None:
        """Raises InputError for a share out of range."""
        if not 0.005 <= self.block <= 0.5:
            raise InputError(f"block is {self.block:g}; wanted 0.005 to 0.5 of the picture's shorter side")

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The background in blocks, RGB. The picture is RGBA where alpha is given."""
        import cv2
        import numpy as np

        from standout.effects import compose

        compose.check(image, mask)
        shown = np.ones_like(mask) if alpha is None else alpha
        share = np.clip(shown - mask, 0, 1)
        # A pixel counts by its share of background; the soft rim, still tinted by the person, next to nothing. Where
        # a block holds no background at all, nobody sees it: any color will do, such as the mean of the whole block.
        for _ in range(3):
            share *= share
        weight = np.maximum(share, np.float32(1e-6), out=share)
        side = self.block * min(mask.shape)
        rows, columns = (max(1, math.ceil(length / side)) for length in mask.shape)

        def mean(plane: Floats) -> Floats:
            return np.asarray(cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)

        known = mean(weight)
        # one channel after the other: all at once, large photos would take half a gigabyte
        planes = [mean(np.asarray(image[..., channel] * weight, np.float32)) / known for channel in range(3)]
        colors: Floats = np.rint(np.dstack(planes))
        blocks: Picture = cv2.resize(colors.astype(image.dtype), mask.shape[::-1], interpolation=cv2.INTER_NEAREST)  # type: ignore[assignment]
        return blocks
