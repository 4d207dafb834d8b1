"""The types that travel between the parts of the package.

Image    uint8 or uint16  (H, W, 3)       RGB, the photo's own size; 0..255 or 0..65535
Mask     float32          (H, W)          share of each pixel that is person, 0..1
Picture  uint8 or uint16  (H, W, 1|3|4)   a result: gray, RGB or RGBA with straight (not premultiplied) alpha
Photo    an Image, and what else its file held
Frame    an Image of a clip, and the time at which it is shown
Planes   a picture of a clip as decoders and encoders hold it
Pixels   Planes, or an Image of uint8
Judged  the Mask of an image's people, and how far it can be trusted
Runner   a model that is ready to run: float32 (N, 3, h, w) in 0..1 -> float32 (N, 1, h, w) in 0..1

Bools, Bytes (uint8), Floats (float32) and Doubles (float64) are arrays of that type and of any shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

    Image: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
    Mask: TypeAlias = NDArray[np.float32]
    Picture: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
    Runner: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]
    Bools: TypeAlias = NDArray[np.bool_]
    Bytes: TypeAlias = NDArray[np.uint8]
    Floats: TypeAlias = NDArray[np.float32]
    Doubles: TypeAlias = NDArray[np.float64]
    Pixels: TypeAlias = "Planes | Image"
else:  # only the names, so that NumPy is not loaded before something is computed
    Image = Mask = Picture = Bools = Bytes = Floats = Doubles = Pixels = Any
    Runner = Callable


@dataclass(frozen=True)
class Metadata:
    """What a picture file says about its pixels.

    format: of the file that the picture came from: "JPEG", "PNG", ... icc: the color profile, as stored. exif: the
    TIFF-structured block without its lead "Exif\\0\\0"; its orientation is already applied to the pixels and set to 1.
    dpi: dots per inch, horizontal and vertical. bits: 8 or 16, per channel.
    """

    format: str = ""
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    bits: int = 8


@dataclass(frozen=True)
class Photo:
    """A picture as it was read: upright RGB pixels, the transparency of the file if it has any, and its metadata."""

    image: Image
    alpha: Mask | None = None
    meta: Metadata = field(default_factory=Metadata)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frame:
    """A picture of a clip: upright RGB pixels in uint8, and the transparency of the clip if it has any.

    time: seconds from the start of the clip.
    """

    image: Image
    time: Fraction
    alpha: Mask | None = None


@dataclass(frozen=True)
class Planes:
    """A picture as decoders and encoders hold it: YUV 4:2:0 in 8 bits. Height and width are even.

    y: brightness, uint8 (H, W). u, v: color differences, uint8 (H/2, W/2); each belongs to 2x2 pixels. to_rgb: float32
    (3, 4); RGB in 0..255 is to_rgb @ (y, u, v, 1), cut off at 0 and 255. alpha: transparency, uint8 (H, W), or None.
    """

    y: Bytes
    u: Bytes
    v: Bytes
    to_rgb: Floats
    alpha: Bytes | None = None


@dataclass(frozen=True, kw_only=True)
class PlanarFrame(Frame):
    """A frame with its pixels at full size, in YUV or in RGB. image: a small picture of it, for what only looks."""

    planes: Pixels


@dataclass(frozen=True)
class Judged:
    """The people found in an image, and how far that can be trusted.

    mask: float32 (h, w), 0..1. confidence: the Dice to be expected between the mask and a correct one, 0..1. nobody:
    the probability that the image shows nobody, 0..1. Both are None where the finder cannot tell them.
    """

    mask: Mask
    confidence: float | None = None
    nobody: float | None = None


class PersonFinder(Protocol):
    """What finds the people in an image: a Segmenter, or a fake of three lines."""

    def probability(self, image: Image) -> Mask:
        """The network's own mask of the whole image, which is small: float32 (h, w), 0..1."""


@runtime_checkable
class HidingFinder(PersonFinder, Protocol):
    """What can find people so that as few as possible are missed, such as a Segmenter."""

    def for_hiding(self) -> PersonFinder:
        """The same finder in that way: it takes longer, and takes more for people who are none."""


@runtime_checkable
class BatchFinder(PersonFinder, Protocol):
    """What finds the people in several images at once, such as a Segmenter. batch: most images in one call."""

    batch: int

    def probabilities(self, images: Sequence[Image]) -> list[Mask]:
        """What probability gives for each image, in their order."""


@runtime_checkable
class PreparingFinder(BatchFinder, Protocol):
    """A BatchFinder that lets other threads do its work on each image before the network runs, such as a Segmenter."""

    def prepared(self, image: Image) -> Any:
        """The image as the network is shown it, which probabilities takes in its place."""


@runtime_checkable
class JudgingFinder(PersonFinder, Protocol):
    """What also tells how far its masks can be trusted, such as a Segmenter."""

    def judge(self, mask: Mask) -> Judged:
        """A mask that probability gave, and how far it can be trusted."""
