"""The people before colors that run into each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar

from standout.effects.base import Effect, Setting
from standout.effects.color import DECONTAMINATE, parsed
from standout.effects.space import SRGB, Space
from standout.errors import InputError
from standout.types import Floats, Image, Mask, Picture

if TYPE_CHECKING:
    from standout.masks.tiles import Tile

MOST = 16
"""The most colors of a gradient."""


@dataclass(frozen=True)
class Gradient(Effect):
    """Put a gradient behind the people: two or more colors that run into each other.

    They are colors of sRGB, and look the same whatever the photo's own color space. No bands show, even in 8 bits.
    """

    name: ClassVar[str] = "gradient"
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout gradient photo.jpg", "to photo-gradient.jpg"),
        ("standout gradient photo.jpg --colors 'navy, orchid, gold' --angle 45", "three colors, to the upper right"),
        ("standout gradient staff/ --colors 'white, lightgrey' --radial", "portraits before a studio's wall"),
    )

    colors: Annotated[
        str,
        Setting("Two or more colors with commas between them: names, or hex codes.", metavar="COLORS"),
    ] = "#fbfbfd, #b9c4d6"
    angle: Annotated[
        float,
        Setting("Where the colors run to, in degrees: 0 is up, 90 to the right, 180 down.", metavar="N"),
    ] = 180.0
    radial: Annotated[bool, Setting("Run from the middle to the corners.", off="linear")] = False
    decontaminate: Annotated[bool, DECONTAMINATE] = True

    def __post_init__(self) -> None:
        """Raises InputError for what is no color, for fewer than two of them, and for an angle that is no number."""
        self._stops()
        if not math.isfinite(self.angle):
            raise InputError(f"angle is {self.angle}; wanted degrees, such as 90")

    def _stops(self) -> list[tuple[int, int, int]]:
        names = [one.strip() for one in self.colors.split(",")]
        if not 2 <= len(names) <= MOST:
            raise InputError(
                f"colors are {self.colors!r}; wanted 2 to {MOST} with commas between them, such as 'navy, gold'"
            )
        return [parsed(one) for one in names]

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The gradient, RGB."""
        import cv2
        import numpy as np

        from standout.effects import compose
        from standout.effects.rounding import dithered
        from standout.masks.tiles import bands, levels

        compose.check(image, mask)
        level = np.float32(levels(image) / 255)
        stops = [np.array(space.color(stop), np.float32) * level for stop in self._stops()]
        steps = [last - first for first, last in pairwise(stops)]
        behind = np.empty_like(image)
        for tile in bands(*mask.shape):
            along = self._along(tile, *mask.shape) * np.float32(len(stops) - 1)
            shares = [np.clip(along - np.float32(number), 0, 1) for number in range(len(steps))]
            planes = [
                sum((share * step[channel] for share, step in zip(shares, steps, strict=True)), start=stops[0][channel])
                for channel in range(3)
            ]
            behind[tile] = dithered(np.asarray(cv2.merge(planes), np.float32), tile, image.dtype)
        return behind

    def _along(self, tile: Tile, height: int, width: int) -> Floats:
        """How far along the gradient each pixel of the tile is, 0..1, (h, w)."""
        import numpy as np

        rows, columns = (np.arange(side.start, side.stop, dtype=np.float32) + np.float32(0.5) for side in tile)
        down, right = rows[:, None] - np.float32(height / 2), columns[None] - np.float32(width / 2)
        if self.radial:
            return np.asarray(np.hypot(down, right) / np.float32(math.hypot(height, width) / 2), np.float32)
        # As in CSS: the line is as long as it takes for the corners to have the first and the last color.
        sine, cosine = math.sin(math.radians(self.angle)), math.cos(math.radians(self.angle))
        length = abs(width * sine) + abs(height * cosine)
        return np.asarray(right * np.float32(sine / length) - down * np.float32(cosine / length) + np.float32(0.5))
