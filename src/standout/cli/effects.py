"""The five effects as commands: each class holds one command's own options and makes the effect of them.

To add an effect: such a class, named in COMMANDS; its docstring is the command's help.
"""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from standout.cli.options import Decontaminate, Photos
from standout.cli.show import examples, say
from standout.errors import InputError

if TYPE_CHECKING:
    from standout.batch.naming import Naming
    from standout.batch.photo import Effect
    from standout.effects.scenes import Scene
    from standout.types import Image, Photo, Picture
    from standout.types import Mask as Grey


@dataclass(frozen=True, kw_only=True)
class Cut(Photos):
    """Cut the people out: all else becomes transparent."""

    ending: ClassVar[str] = "-cut"
    epilog: ClassVar[str] = examples(
        ("standout cut photo.jpg", "to photo-cut.png"),
        ("standout cut photo.jpg -o out.webp --crop", "no larger than the people"),
        ("standout cut pics/ -r -o cutouts/", "a folder, its tree kept"),
        ("standout cut photo.jpg -b white -f jpg", "on white, not transparent"),
        ("standout cut photo.jpg --mask-from mine.png", "a mask made by hand"),
        ("standout cut clip.mp4 -f mov", "a clip with transparency: mov, webm, webp, gif, frames"),
    )

    background: Annotated[
        str | None,
        typer.Option("--background", "-b", metavar="COLOR", help="Put this colour behind, in place of transparency."),
    ] = None
    decontaminate: Decontaminate = True

    def effect(self) -> "Effect":
        """The cut-out, or the people before a colour."""
        from standout import images
        from standout.effects import compose

        if self.background is None:
            return lambda photo, mask: compose.cut(photo.image, mask, decontaminate=self.decontaminate)
        return _before(images.parse_color(self.background), decontaminate=self.decontaminate)

    def scene(self) -> "Scene":
        """The cut-out, or the people before a color that looks the same in every clip."""
        if self.background is None:
            return super().scene()
        return _before_color(self.background, decontaminate=self.decontaminate)

    def naming(self) -> "Naming":
        """PNG where nothing else is asked for."""
        from standout.batch.naming import Naming

        return Naming(self.ending, default=".png", format=self.format, alpha=self.background is None)


@dataclass(frozen=True, kw_only=True)
class Blur(Photos):
    """Blur what is behind the people."""

    ending: ClassVar[str] = "-blur"
    see_through: ClassVar[bool] = True
    epilog: ClassVar[str] = examples(
        ("standout blur photo.jpg", "to photo-blur.jpg"),
        ("standout blur photo.jpg --strength 0.9", "stronger"),
        ("standout blur 'pics/*.jpg' -o blurred/ -q", "all that match, saying nothing"),
        ("standout blur talk.mp4 --start 0:30 --end 1:00", "half a minute of a clip, with its sound"),
        ("standout blur long.mp4 --resume", "stopped, the same command goes on"),
    )

    strength: Annotated[
        float, typer.Option("--strength", "-s", metavar="N", min=0, max=1, help="How blurred: 0 not at all, 1 most.")
    ] = 0.5

    def effect(self) -> "Effect":
        """The people before a blurred background."""
        from standout.effects import compose

        return lambda photo, mask: compose.blur(photo.image, mask, strength=self.strength, alpha=photo.alpha)


@dataclass(frozen=True, kw_only=True)
class Color(Photos):
    """Put one colour behind the people."""

    ending: ClassVar[str] = "-color"
    epilog: ClassVar[str] = examples(
        ("standout color photo.jpg", "white, to photo-color.jpg"),
        ("standout color photo.jpg --color '#1e90ff'", "any colour"),
        ("standout color staff/ -c lightgrey --crop", "portraits that go together"),
    )

    color: Annotated[str, typer.Option("--color", "-c", metavar="COLOR", help="A name, or #hex.")] = "white"
    decontaminate: Decontaminate = True

    def effect(self) -> "Effect":
        """The people before a colour."""
        from standout import images

        return _before(images.parse_color(self.color), decontaminate=self.decontaminate)

    def scene(self) -> "Scene":
        """The people before a color that looks the same in every clip."""
        return _before_color(self.color, decontaminate=self.decontaminate)


@dataclass(frozen=True, kw_only=True)
class Replace(Photos):
    """Put another picture behind the people."""

    ending: ClassVar[str] = "-replace"
    see_through: ClassVar[bool] = True
    epilog: ClassVar[str] = examples(
        ("standout replace photo.jpg -b beach.jpg", "to photo-replace.jpg"),
        ("standout replace photo.jpg -b beach.jpg --fit", "all of beach.jpg in sight"),
        ("standout replace pics/ -b beach.jpg", "a folder, to pics-replace/"),
        ("standout replace clip.mp4 -b waves.mp4", "a clip before a clip"),
    )

    background: Annotated[
        Path,
        typer.Option(
            "--background", "-b", metavar="PICTURE", help="The picture to put behind; behind clips also a clip."
        ),
    ]
    fit: Annotated[
        bool, typer.Option("--fit/--fill", help="Show the whole picture, or fill the frame and crop the rest.")
    ] = False
    decontaminate: Decontaminate = True

    def effect(self) -> "Effect":
        """The people before the picture."""
        from standout import images

        behind = self._behind
        known: dict[tuple[bytes | None, int], Image] = {}

        def put(photo: "Photo", mask: "Grey") -> "Picture":
            key = photo.meta.icc, photo.image.itemsize
            if key not in known:
                known.clear()  # folders mostly hold photos of one profile
                known[key] = images.background_for(behind, photo)
            return self._put(photo.image, mask, known[key], alpha=behind.alpha)

        return put

    def scene(self) -> "Scene":
        """The people before the picture, or before a clip from its beginning."""
        from standout import images
        from standout.effects.compose import before_white
        from standout.effects.scenes import Before, moving

        if self._moves() and self.background.exists():
            return moving(self.background, put=self._put)
        behind = self._behind

        def put(image: "Image", mask: "Grey", shown: "Image") -> "Picture":
            return before_white(self._put(image, mask, shown, alpha=behind.alpha))

        return Before(images.in_srgb(behind), put=put)

    @cached_property
    def _behind(self) -> "Photo":
        """The picture, read once for all photos and clips; what could not be kept of it is said then."""
        from standout import images

        if not self.background.exists():
            raise InputError(f"background {self.background} does not exist; give a picture to --background")
        if self._moves():
            raise InputError(f"background {self.background} is a clip, which goes behind clips alone; give a picture")
        behind = images.read(self.background, max_pixels=self.limit())
        for note in () if self.quiet else behind.warnings:
            say(f"background {self.background} {note}")
        return behind

    def _moves(self) -> bool:
        from standout.batch.naming import is_clip

        return is_clip(self.background)

    def _put(self, image: "Image", mask: "Grey", behind: "Image", *, alpha: "Grey | None" = None) -> "Picture":
        from standout.effects import compose

        how: Literal["fit", "fill"] = "fit" if self.fit else "fill"
        return compose.replace(image, mask, background=behind, alpha=alpha, how=how, decontaminate=self.decontaminate)


@dataclass(frozen=True, kw_only=True)
class Mask(Photos):
    """Write the mask itself: white people on black."""

    ending: ClassVar[str] = "-mask"
    grey: ClassVar[bool] = True
    epilog: ClassVar[str] = examples(
        ("standout mask photo.jpg", "to photo-mask.png"),
        ("standout blur photo.jpg --mask-from photo-mask.png", "once retouched"),
        ("standout mask pics/ --json", "tell person shares"),
    )

    def effect(self) -> "Effect":
        """The mask as a grey picture, as deep as the photo."""
        from standout.effects import compose

        return lambda photo, mask: compose.matte(mask, bits=8 * photo.image.itemsize)

    def naming(self) -> "Naming":
        """PNG where nothing else is asked for."""
        from standout.batch.naming import Naming

        return Naming(self.ending, default=".png", format=self.format)


def _before(rgb: tuple[int, int, int], *, decontaminate: bool) -> "Effect":
    """The people before a color of sRGB, whatever the photo's profile."""
    from standout import images
    from standout.effects import compose

    def put(photo: "Photo", mask: "Grey") -> "Picture":
        color = images.color_for(rgb, photo.meta.icc)
        return compose.color(photo.image, mask, rgb=color, decontaminate=decontaminate)

    return put


def _before_color(name: str, *, decontaminate: bool) -> "Scene":
    """The people of a clip before a color of sRGB."""
    import numpy as np

    from standout import images
    from standout.effects import compose
    from standout.effects.scenes import Before

    def put(image: "Image", mask: "Grey", behind: "Image") -> "Picture":
        red, green, blue = behind[0, 0].tolist()
        return compose.color(image, mask, rgb=(red, green, blue), decontaminate=decontaminate)

    return Before(np.array([[images.parse_color(name)]], np.uint8), put=put)


COMMANDS: tuple[type[Photos], ...] = (Cut, Blur, Color, Replace, Mask)
