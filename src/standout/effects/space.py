"""What the numbers of an image mean, and how colors and pictures from elsewhere come to look the same in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from standout.types import Image, Metadata, Photo

if TYPE_CHECKING:
    from standout.video import Colors


class Space(Protocol):
    """A color space that an effect brings its own colors into."""

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, float, float]:
        """What looks like a color of sRGB, 0..255, in this space, 0..255."""

    def still(self, picture: Photo, like: Image) -> Image:
        """A picture's pixels in this space, at least as deep as those of the image they go behind need it."""

    def moving(self, image: Image, colors: Colors) -> Image:
        """The frame of a clip of these colors in this space."""


@dataclass(frozen=True)
class PhotoSpace:
    """That of a photo, told by its ICC profile; None = sRGB."""

    icc: bytes | None = None

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, float, float]:
        """See Space."""
        from standout import images

        return images.color_for(rgb, self.icc)

    def still(self, picture: Photo, like: Image) -> Image:
        """See Space."""
        from standout import images

        return images.background_for(picture, Photo(like, meta=Metadata(icc=self.icc)))

    def moving(self, image: Image, colors: Colors) -> Image:
        """See Space. Photos of any profile but sRGB have no clip behind them."""
        from standout import video

        return _converted(image, video.converter(colors, video.SRGB))


@dataclass(frozen=True)
class ClipSpace:
    """That of a clip's frames, told by the primaries and the transfer curve of its colors."""

    colors: Colors

    def color(self, rgb: tuple[int, int, int]) -> tuple[float, float, float]:
        """See Space."""
        import numpy as np

        red, green, blue = self.moving(np.array([[rgb]], np.uint8), _srgb())[0, 0].tolist()
        return red, green, blue

    def still(self, picture: Photo, like: Image) -> Image:
        """See Space."""
        from standout import images

        return self.moving(images.in_srgb(picture), _srgb())

    def moving(self, image: Image, colors: Colors) -> Image:
        """See Space."""
        from standout import video

        return _converted(image, video.converter(colors, self.colors))


SRGB = PhotoSpace()
"""That of pictures that do not say otherwise."""


def _converted(image: Image, convert: Callable[[Image], Image] | None) -> Image:
    return image if convert is None else convert(image)


def _srgb() -> Colors:
    from standout import video

    return video.SRGB
