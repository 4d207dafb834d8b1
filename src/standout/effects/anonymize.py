"""The people hidden, and all else as it was: the other way round than the other effects."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, get_args

from standout.effects.base import Effect, Setting
from standout.effects.color import parsed
from standout.effects.space import SRGB, Space
from standout.errors import InputError, unknown
from standout.types import Image, Mask, Picture

How = Literal["pixelate", "blur", "fill", "silhouette"]

MOST_BLOCKS = 10
"""More blocks along the longer side of a person would not hide a face that fills the picture."""


@dataclass(frozen=True)
class Anonymize(Effect):
    """Hide the people, so that nobody can be recognized, and leave all else as it is.

    What is hidden is drawn wide: wherever the model sees a person as merely possible, and a margin around that. The
    result holds nothing of a person that is finer than a block, whose size goes with the size of the person.
    """

    name: ClassVar[str] = "anonymize"
    keeps_transparency: ClassVar[bool] = True
    hides_people: ClassVar[bool] = True
    examples: ClassVar[tuple[tuple[str, str], ...]] = (
        ("standout anonymize photo.jpg", "to photo-anonymize.jpg"),
        ("standout anonymize street/ -o public/ --report audit.jsonl", "a folder, with a line for each photo"),
        ("standout anonymize demo.mp4 --how fill --no-sound", "a clip, without the voices"),
    )

    how: Annotated[
        How,
        Setting(
            "pixelate or blur what is hidden; fill each person's surroundings in one color, so that not even the "
            "outline is left; or silhouette, which shows the outline in one color.",
            metavar="HOW",
        ),
    ] = "pixelate"
    blocks: Annotated[
        int,
        Setting(
            "How many blocks, of pixels or of the blur, go along the longer side of each person: the fewer, the "
            "stronger.",
            metavar="N",
            least=1,
            most=MOST_BLOCKS,
        ),
    ] = 5
    color: Annotated[
        str | tuple[int, int, int],
        Setting("The color for fill and silhouette: a name, or a hex code such as '#1e90ff'.", metavar="COLOR"),
    ] = "black"
    threshold: Annotated[
        float,
        Setting(
            "How probable a person must be to be hidden: the lower it is, the fewer people are missed.",
            metavar="N",
            least=0.01,
            most=0.9,
        ),
    ] = 0.05
    margin: Annotated[
        float,
        Setting(
            "How far beyond the outline is hidden, as a share of the height of each person.",
            metavar="N",
            least=0,
            most=1,
        ),
    ] = 0.02

    def __post_init__(self) -> None:
        """Raises InputError for settings out of range, and for what is no color."""
        if self.how not in get_args(How):
            raise InputError(unknown("how", self.how, get_args(How)))
        for name, least, most in (("blocks", 1, MOST_BLOCKS), ("threshold", 0.01, 0.9), ("margin", 0, 1)):
            value = getattr(self, name)
            if not least <= value <= most:
                raise InputError(f"{name} is {value:g}; wanted {least:g} to {most:g}")
        parsed(self.color)

    def cover(self, probability: Mask) -> Mask:
        """What is hidden (H, W), 1 or 0, of the network's probability at the image's size."""
        from standout.masks.cover import cover

        return cover(probability, threshold=self.threshold, margin=self.margin)

    def __call__(
        self, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None, space: Space = SRGB
    ) -> Picture:
        """The image with everything hidden where the mask is not 0: RGB, or RGBA where alpha is given."""
        from standout.effects import compose, hiding

        compose.check(image, mask)
        if self.how in ("pixelate", "blur"):
            picture = hiding.coarsened(image, mask, blocks=self.blocks, smooth=self.how == "blur", alpha=alpha)
        else:
            rgb = space.color(parsed(self.color))
            picture = hiding.filled(image, mask, rgb=rgb, rounded=self.how == "fill")
        return picture if alpha is None else compose.with_alpha(picture, alpha)
