"""The people before a checkerboard."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from standout.effects.base import Effect, Setting
from standout.effects.color import DECONTAMINATE, parsed
from standout.effects.space import SRGB, Space
from standout.errors import InputError
from standout.types import Image, Mask, Picture


@dataclass(frozen=True)
class Checker(Effect):
    """Put a checkerboard behind the people, as programs show transparency.

    The result is opaque: it shows what is cut out in places that know no transparency.
    """

    name: ClassVar[str] = "checker"
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout checker photo.jpg", "to photo-checker.jpg"),
        ("standout checker photo.jpg --square 0.05 --dark '#777'", "large squares, the darker ones darker"),
    )

    square: Annotated[
        float,
        Setting("Side of a square, as a share of the picture's shorter side.", metavar="N", least=0.002, most=0.5),
    ] = 0.02
    light: Annotated[str, Setting("Color of the lighter squares.", metavar="COLOR")] = "white"
    dark: Annotated[str, Setting("Color of the darker squares.", metavar="COLOR")] = "#cccccc"
    decontaminate: Annotated[bool, DECONTAMINATE] = True

    def __post_init__(self) -> None:
        """Raises InputError for a share out of range, and for what is no color."""
        if not 0.002 <= self.square <= 0.5:
            raise InputError(f"square is {self.square:g}; wanted 0.002 to 0.5 of the picture's shorter side")
        parsed(self.light)
        parsed(self.dark)

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The checkerboard, RGB."""
        import numpy as np

        from standout.effects import compose

        compose.check(image, mask)
        height, width = mask.shape
        side = max(1, round(self.square * min(height, width)))
        light, dark = (compose.filled(image[:1], space.color(parsed(one)))[0] for one in (self.light, self.dark))
        odd = (np.arange(width) // side % 2 == 1)[:, None]
        rows = np.where(odd, dark, light), np.where(odd, light, dark)
        behind = np.empty_like(image)
        for number, top in enumerate(range(0, height, side)):
            behind[top : top + side] = rows[number % 2]
        return behind
