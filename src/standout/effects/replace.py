"""The people before another picture or clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from standout.effects.background import Background, Moving, Still
from standout.effects.base import Effect, Setting
from standout.effects.color import DECONTAMINATE
from standout.effects.space import SRGB, Space
from standout.types import Image, Mask, Photo, Picture, Pixels, PlanarFrame


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
    _planes: dict[Any, Pixels] = field(default_factory=dict, init=False, repr=False, compare=False)

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

    def on_planes(self, frame: PlanarFrame, mask: Mask, *, space: Space = SRGB) -> Pixels:
        """See Effect. Where the background is transparent, it is white."""
        from standout.effects.planes import Scene

        behind = self._planes_behind(frame, mask, space)
        return Scene(frame, mask).painted(behind, decontaminate=self.decontaminate)

    def _planes_behind(self, frame: PlanarFrame, mask: Mask, space: Space) -> Pixels:
        """The background as pixels like the frame's, which the caller may change. That of a picture is made once."""
        import numpy as np

        from standout.effects.compose import before_white
        from standout.effects.planes import as_pixels, copied, kind_of

        like = frame.planes
        key = space, kind_of(like)
        kept = self._planes.get(key)
        if kept is None:
            image = np.broadcast_to(np.uint8(0), (*mask.shape, 3))  # only its size and depth count
            kept = as_pixels(before_white(self.behind(image, mask, frame.time, space=space)), like)
            if not self.moves:
                self._planes[key] = kept
        return copied(kept)

    def open(self, *, max_pixels: int | None = None) -> tuple[str, ...]:
        """See Effect."""
        return tuple(f"background {self.background} {note}" for note in self._behind.open(max_pixels=max_pixels))

    def look_up(self, time: Fraction) -> None:
        """See Effect."""
        self._behind.look_up(time)

    def close(self) -> None:
        """See Effect."""
        self._behind.close()
        self._planes.clear()


def _is_clip(path: Path) -> bool:
    from standout.video import READABLE

    return path.suffix.lower() in READABLE
