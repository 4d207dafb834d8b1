"""The people before a background out of focus, as a lens with a wide aperture shows it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from standout.effects.base import Effect, Setting
from standout.effects.blur import STRENGTH
from standout.effects.space import SRGB, Space
from standout.errors import InputError
from standout.types import Floats, Image, Mask, Picture

REACH = 0.08
"""Radius of the discs at strength 1, as a share of the shorter side: their spread is that of blur at its strongest."""


@dataclass(frozen=True)
class Lens(Effect):
    """Put what is behind the people out of focus, as a fast lens does: points of light become round discs.

    Where people stand on their feet, the floor about them stays sharp, and blurs more and more with its distance.
    """

    name: ClassVar[str] = "lens"
    keeps_transparency: ClassVar[bool] = True
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout lens photo.jpg", "to photo-lens.jpg"),
        ("standout lens photo.jpg --strength 0.9 --highlights 1", "larger and brighter discs"),
        ("standout lens street.jpg --falloff 0", "the floor at the feet blurred like the rest"),
        ("standout lens talk.mp4", "a clip, with its sound"),
    )

    strength: Annotated[float, STRENGTH] = 0.5
    highlights: Annotated[
        float, Setting("How bright points of light become, from 0 to 1.", metavar="N", least=0, most=1)
    ] = 0.5
    falloff: Annotated[
        float,
        Setting(
            "How far above the feet the blur is full, in heights of the person; 0 = all alike.",
            metavar="N", least=0, most=4,
        ),
    ] = 0.5  # fmt: skip

    def __post_init__(self) -> None:
        """Raises InputError for a value out of range."""
        for name, most in (("strength", 1), ("highlights", 1), ("falloff", 4)):
            if not 0 <= getattr(self, name) <= most:
                raise InputError(f"lens {name} is {getattr(self, name)}; wanted 0 to {most}")

    @property
    def frees_edges(self) -> bool:
        """See Effect. Without a blur the photo stays as it is."""
        return self.strength > 0

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The background out of focus, RGB. The picture is RGBA where alpha is given."""
        from standout.effects import compose
        from standout.effects.bokeh import lens_blurred

        compose.check(image, mask)
        if self.strength == 0:
            return image.copy()
        return lens_blurred(
            image, mask, radius=REACH * self.strength * min(mask.shape), blurred=self._blurred(mask),
            highlights=self.highlights, alpha=alpha,
        )  # fmt: skip

    def _blurred(self, mask: Mask) -> Floats:
        """How blurred each row is, 0..1 (H,).

        A lens focused on the feet blurs a floor by the difference of the inverse distances, which grows evenly from
        the feet's row up to the horizon, and as evenly below.
        """
        import numpy as np

        from standout.effects.figures import figures

        found = figures(mask)
        rows = np.arange(mask.shape[0], dtype=np.float32)
        if not self.falloff or not found or not found[0].stands:
            return np.ones_like(rows)
        feet = [figure.bottom for figure in found if figure.stands]
        away = np.maximum(min(feet) - rows, rows - max(feet)) / np.float32(self.falloff * found[0].height)
        return np.asarray(np.clip(away, 0, 1), np.float32)
