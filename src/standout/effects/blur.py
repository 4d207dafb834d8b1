"""The people before a blurred background."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from standout.effects.base import Effect, Setting
from standout.effects.space import SRGB, Space
from standout.errors import InputError
from standout.types import Image, Mask, Picture, Pixels, PlanarFrame

WEAK = 0.1
"""The least strength of a blur that is made from a small picture of a frame."""

STRENGTH = Setting("How blurred, from 0 (not at all) to 1 (most).", short="-s", metavar="N", least=0, most=1)


@dataclass(frozen=True)
class Blur(Effect):
    """Blur what is behind the people."""

    name: ClassVar[str] = "blur"
    keeps_transparency: ClassVar[bool] = True
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout blur photo.jpg", "to photo-blur.jpg"),
        ("standout blur photo.jpg --strength 0.9", "stronger"),
        ("standout blur 'pics/*.jpg' -o blurred/ -q", "all that match, saying nothing"),
        ("standout blur talk.mp4 --start 0:30 --end 1:00", "half a minute of a clip, with its sound"),
        ("standout blur long.mp4 --resume", "after a stop, the same command goes on"),
    )

    strength: Annotated[float, STRENGTH] = 0.5

    def __post_init__(self) -> None:
        """Raises InputError for a strength that is not 0 to 1."""
        if not 0 <= self.strength <= 1:
            raise InputError(f"blur strength is {self.strength}; wanted 0 to 1")

    @property
    def takes_planes(self) -> bool:
        """See Effect. A weak blur is finer than the small picture from which that of planes is made."""
        return self.strength >= WEAK

    @property
    def frees_edges(self) -> bool:
        """See Effect. Without a blur the photo stays as it is."""
        return self.strength > 0

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The background blurred, RGB. The picture is RGBA where alpha is given."""
        from standout.effects import compose

        return compose.blurred(image, mask, strength=self.strength, alpha=alpha)

    def on_planes(self, frame: PlanarFrame, mask: Mask, *, space: Space = SRGB) -> Pixels:
        """See Effect."""
        from standout.effects.planes import Scene

        scene = Scene(frame, mask)
        return scene.painted(scene.blurred(self.strength), decontaminate=self.frees_edges)
