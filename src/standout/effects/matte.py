"""The mask itself, as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from standout.effects.base import Effect
from standout.effects.space import SRGB, Space
from standout.types import Image, Mask, Picture, PlanarFrame


@dataclass(frozen=True)
class Matte(Effect):
    """Write the mask itself: white people on black."""

    name: ClassVar[str] = "mask"
    suffix: ClassVar[str | None] = ".png"
    is_mask: ClassVar[bool] = True
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout mask photo.jpg", "to photo-mask.png"),
        ("standout blur photo.jpg --mask-from photo-mask.png", "once retouched"),
        ("standout mask pics/ --json", "tell person shares"),
    )

    def __call__(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The mask as a gray picture (H, W, 1), as deep as the image."""
        from standout.effects import compose

        return compose.matte(mask, bits=8 * image.itemsize)

    def on_planes(self, frame: PlanarFrame, mask: Mask, *, space: Space = SRGB) -> Picture:
        """See Effect."""
        from standout.effects import compose

        return compose.matte(mask)
