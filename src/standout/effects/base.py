"""What an effect is: a frozen value that makes a picture of an image and its mask.

    image    uint8 or uint16 (H, W, 3)   RGB
    mask     float32 (H, W)              share of each pixel that is person, 0..1
    time     Fraction                    seconds from a clip's first frame; 0 for photos
    alpha    float32 (H, W) or None      the photo's or frame's own transparency, 1 = opaque
    space    Space                       what the image's numbers mean; see space.py
    picture  of the image's dtype        (H, W, 3) RGB, (H, W, 4) RGBA with straight alpha, or (H, W, 1) a gray mask
    behind   of the image's dtype        (H, W, 3) RGB, or (H, W, 4) RGBA whose colors are multiplied by its alpha

To add an effect: a file with such a class (blur.py is a short one), and a row in EFFECTS of __init__.py. Most effects
say what is behind the people; the people are painted over it, and what dresses them, such as a shadow, comes between
the two. An effect that does something else, such as to the people themselves, makes the whole picture in __call__. The
command line, the webcam, Python, JSON and the contract tests follow. Import NumPy and OpenCV inside functions: these
classes are what `standout --help` reads, which loads neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from standout.effects.space import SRGB, Space
from standout.errors import InputError
from standout.types import Image, Mask, Picture, PlanarFrame, Planes

if TYPE_CHECKING:
    from standout.effects.compose import Finish


@dataclass(frozen=True)
class Setting:
    """How users see a field of an effect, as metadata of its annotation: Annotated[float, Setting("...", least=0)].

    help: one sentence. short: a one-letter option, "-s". metavar: what stands for the value in help. least, most: of
    a number. off: of a switch, the name of its opposite, where that is not "no-" and the field's name. option: the
    name on the command line, where that is not the field's. earlier: a name that it had before, still taken but
    not shown. clips: whether clips have it, and not photos alone.
    """

    help: str
    short: str = ""
    metavar: str = ""
    least: float | None = None
    most: float | None = None
    off: str = ""
    option: str = ""
    earlier: str = ""
    clips: bool = True


@dataclass(frozen=True)
class Effect:
    """What becomes of an image and its mask. Two effects with the same fields make the same pictures.

    An effect may hold something open, such as a clip that runs behind the people. It opens that on first use or by
    open(), and close() lets it go; begun() gives an effect of one's own that is closed at the end of the block.
    Pictures may be made in several threads at once, and out of turn where look_up was called in the order of time.
    """

    name: ClassVar[str]
    """Of the command, in JSON, and behind the names of results: photo-blur.jpg."""
    examples: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Command lines for the help, each with what it does."""
    suffix: ClassVar[str | None] = None
    """Of photos' results where no format is asked for; None = the photo's own."""
    is_mask: ClassVar[bool] = False
    """The pictures are gray masks and no photos, so no color profile or EXIF belongs to them."""
    keeps_transparency: ClassVar[bool] = False
    """Where the photo or the frame is transparent, the picture is too: RGBA wherever alpha is given."""
    hides_people: ClassVar[bool] = False
    """It hides the people, so it must miss nobody: its mask is what cover() makes of the network's probability, not a
    refined edge. Nothing else in the result may tell who they are either: EXIF and the tags of clips are left out."""

    @property
    def is_transparent(self) -> bool:
        """Whether every picture is RGBA, so that its format must hold transparency."""
        return False

    @property
    def takes_planes(self) -> bool:
        """Whether it can be given frames of clips and cameras by on_planes, which is faster: those of clips in YUV."""
        return type(self).on_planes is not Effect.on_planes

    @property
    def moves(self) -> bool:
        """Whether what is behind the people changes with time, which photos cannot show."""
        return False

    @property
    def frees_edges(self) -> bool:
        """Whether the people's soft edges are freed of the old background's color before they are painted.

        An effect that leaves this to users has a setting named decontaminate.
        """
        return bool(getattr(self, "decontaminate", True))

    @property
    def has_behind(self) -> bool:
        """Whether something can be drawn between the people and what is behind them, such as a shadow."""
        return type(self).behind is not Effect.behind

    def __call__(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The picture. Raises InputError where the mask's size is not the image's."""
        behind = self.behind(image, mask, time, alpha=alpha, space=space)
        return self.painted(image, mask, behind, alpha=alpha)

    def behind(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """What is behind the people, whole: also where they will stand. It belongs to the caller, who may change it.

        Raises InputError where the mask's size is not the image's, and for an effect that puts nothing behind.
        """
        raise InputError(
            f"the effect {self.name} puts nothing behind the people, so they can have no shadow, outline or other "
            "dress; leave that out, or choose an effect such as cut, blur, color or replace"
        )

    def painted(
        self, image: Image, mask: Mask, behind: Picture, *, alpha: Mask | None = None, finish: Finish | None = None
    ) -> Picture:
        """The people painted over what is behind them, which may be changed in place.

        alpha: the photo's own transparency, kept where keeps_transparency says so. finish: see compose.
        """
        from standout.effects import compose

        kept = alpha if self.keeps_transparency else None
        return compose.painted(image, mask, behind, alpha=kept, decontaminate=self.frees_edges, finish=finish)

    def on_planes(self, frame: PlanarFrame, mask: Mask, *, space: Space = SRGB) -> Planes | Picture:
        """The picture of a frame that is given with a small picture of it; only of an effect that takes_planes.

        mask: (H, W) of the frame. It is a gray picture of an effect that is_mask, else in YUV where the frame is, and
        in RGB where that is; with an alpha where the effect is_transparent.
        """
        raise InputError(f"the effect {self.name} takes no planes; give it RGB pictures")

    def cover(self, probability: Mask) -> Mask:
        """What an effect that hides people hides (H, W), of the network's probability at the image's size."""
        return probability

    def open(self, *, max_pixels: int | None = None) -> tuple[str, ...]:
        """Opens what the effect needs, so that what is wrong with it is known before the first picture.

        max_pixels: of a picture that is read; None = no limit. Returns what could not be kept of it, as warnings.
        Raises InputError where it cannot be read.
        """
        return ()

    def look_up(self, time: Fraction) -> None:
        """Prepares the picture of the frame at that time; called in the order of the frames."""

    def close(self) -> None:
        """Lets go of all that was opened. It may be called twice."""

    def fresh(self) -> Self:
        """This effect at its beginning: a copy with nothing open where it moves, itself where it does not."""
        return replace(self) if self.moves else self

    @contextmanager
    def begun(self) -> Iterator[Self]:
        """This effect at its beginning, closed at the end of the block."""
        own = self.fresh()
        try:
            yield own
        finally:
            own.close()

    def files(self) -> dict[str, Path]:
        """The files that the effect reads, by the names of their fields."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self) if field.init)
        return {name: value for name, value in values if isinstance(value, Path)}
