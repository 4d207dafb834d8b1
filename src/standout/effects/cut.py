"""The people cut out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from standout.effects.base import Effect, Setting
from standout.effects.color import DECONTAMINATE, parsed
from standout.effects.space import SRGB, Space
from standout.types import Image, Mask, Picture, PlanarFrame, Planes


@dataclass(frozen=True)
class Cut(Effect):
    """Cut the people out: everything else becomes transparent.

    Hidden pixels are black, so that nothing of the old background stays in the file.
    """

    name: ClassVar[str] = "cut"
    suffix: ClassVar[str | None] = ".png"
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout cut photo.jpg", "to photo-cut.png"),
        ("standout cut photo.jpg -o out.webp --crop", "no larger than the people"),
        ("standout cut pics/ -r -o cutouts/", "a folder, its tree kept"),
        ("standout cut photo.jpg -b white -f jpg", "on white, not transparent"),
        ("standout cut photo.jpg --mask-from mine.png", "a mask made by hand"),
        ("standout cut clip.mp4 -f mov", "a clip with transparency: mov, webm, webp, gif, frames"),
    )

    background: Annotated[
        str | None, Setting("Put this color behind, in place of transparency.", short="-b", metavar="COLOR")
    ] = None
    decontaminate: Annotated[bool, DECONTAMINATE] = True

    def __post_init__(self) -> None:
        """Raises InputError for what is no color."""
        if self.background is not None:
            parsed(self.background)

    @property
    def is_transparent(self) -> bool:
        """See Effect."""
        return self.background is None

    def __call__(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The people on transparency, RGBA, or before the color, RGB."""
        from standout.effects import compose

        if self.background is None:  # where nothing is behind, their colors need no mixing
            return compose.cut(image, mask, decontaminate=self.decontaminate)
        return super().__call__(image, mask, time, alpha=alpha, space=space)

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """Transparency, RGBA, or the color, RGB."""
        import numpy as np

        from standout.effects import compose

        if self.background is None:
            return np.zeros((*image.shape[:2], 4), image.dtype)
        return compose.filled(image, space.color(parsed(self.background)))

    def on_planes(self, frame: PlanarFrame, mask: Mask, *, space: Space = SRGB) -> Planes | Picture:
        """See Effect."""
        from standout.effects.planes import Scene

        scene = Scene(frame, mask)
        if self.background is None:
            return scene.cut(decontaminate=self.decontaminate)
        behind = scene.filled(space.color(parsed(self.background)))
        return scene.painted(behind, decontaminate=self.decontaminate)
