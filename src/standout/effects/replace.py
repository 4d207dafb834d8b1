"""The people before another picture or clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from standout.effects.background import Background, Moving, Still
from standout.effects.base import Effect, Setting
from standout.effects.color import DECONTAMINATE
from standout.effects.space import SRGB, Space
from standout.types import Image, Mask, Photo, Picture


@dataclass(frozen=True)
class Replace(Effect):
    """Put another picture behind the people, or behind clips also a clip.

    The picture is brought into the photo's color space. Where it is transparent, the result is too.
    """

    name: ClassVar[str] = "replace"
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout replace photo.jpg -b beach.jpg", "to photo-replace.jpg"),
        ("standout replace photo.jpg -b beach.jpg --fit", "all of beach.jpg in sight"),
        ("standout replace pics/ -b beach.jpg", "a folder, to pics-replace/"),
        ("standout replace clip.mp4 -b waves.mp4", "a clip before a clip"),
    )

    background: Annotated[
        Path | Photo, Setting("The picture to put behind; behind clips also a clip.", short="-b", metavar="PICTURE")
    ]
    fit: Annotated[bool, Setting("Show the whole picture, or fill the frame and crop the rest.", off="fill")] = False
    decontaminate: Annotated[bool, DECONTAMINATE] = True
    _behind: Background = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """A path may also be given as text."""
        if isinstance(self.background, str):
            object.__setattr__(self, "background", Path(self.background))
        moving = isinstance(self.background, Path) and _is_clip(self.background)
        behind: Background = Moving(Path(str(self.background))) if moving else Still(self.background)
        object.__setattr__(self, "_behind", behind)

    @property
    def moves(self) -> bool:
        """See Effect."""
        return isinstance(self._behind, Moving)

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The background in the image's frame, RGB, or RGBA where it is transparent."""
        from standout.effects import compose

        how: Literal["fit", "fill"] = "fit" if self.fit else "fill"
        background, shares = self._behind.at(Fraction(time), space, image)
        return compose.backdrop(image, background, alpha=shares, how=how)

    def open(self, *, max_pixels: int | None = None) -> tuple[str, ...]:
        """See Effect."""
        return tuple(f"background {self.background} {note}" for note in self._behind.open(max_pixels=max_pixels))

    def look_up(self, time: Fraction) -> None:
        """See Effect."""
        self._behind.look_up(time)

    def close(self) -> None:
        """See Effect."""
        self._behind.close()


def _is_clip(path: Path) -> bool:
    from standout.video import READABLE

    return path.suffix.lower() in READABLE
