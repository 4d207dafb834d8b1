"""The people before one color."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from standout.effects.base import Effect, Setting
from standout.effects.space import SRGB, Space
from standout.types import Image, Mask, Picture, Pixels, PlanarFrame

DECONTAMINATE = Setting("Free soft edges of the old background's color.")


@dataclass(frozen=True)
class Color(Effect):
    """Put one color behind the people.

    It is a color of sRGB, and looks the same whatever the photo's or the clip's own color space.
    """

    name: ClassVar[str] = "color"
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout color photo.jpg", "white, to photo-color.jpg"),
        ("standout color photo.jpg --color '#1e90ff'", "any color"),
        ("standout color clip.mp4 --color green-screen", "to be keyed out by another program"),
        ("standout color staff/ -c lightgrey --crop", "portraits that go together"),
    )

    color: Annotated[
        str | tuple[int, int, int],
        Setting("A name, green-screen too, or a hex code such as '#1e90ff'.", short="-c", metavar="COLOR"),
    ] = "white"
    decontaminate: Annotated[bool, DECONTAMINATE] = True

    def __post_init__(self) -> None:
        """Raises InputError for what is no color."""
        parsed(self.color)

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The color, RGB."""
        from standout.effects import compose

        return compose.filled(image, space.color(parsed(self.color)))

    def on_planes(self, frame: PlanarFrame, mask: Mask, *, space: Space = SRGB) -> Pixels:
        """See Effect."""
        from standout.effects.planes import Scene

        scene = Scene(frame, mask)
        return scene.painted(scene.filled(space.color(parsed(self.color))), decontaminate=self.decontaminate)


def parsed(color: str | tuple[int, int, int]) -> tuple[int, int, int]:
    """Red, green and blue, 0..255, of a name, a hex code or three numbers. Raises InputError for what is none."""
    from standout.images import parse_color

    return parse_color(color)
