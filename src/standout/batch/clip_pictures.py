"""The frames of a clip job, and the picture that each of them becomes: in YUV where that will do, else in RGB.

    size     (height, width)    of frames and pictures
    coarse   float32 (h, w)     the network's mask of a frame, filtered over time
    frame    Frame              what the network sees is frame.image

Pictures may be made in several threads at once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from standout import video
from standout.editing import Edit
from standout.editing.frame import View, covering
from standout.effects import ClipSpace
from standout.effects.compose import before_white
from standout.lengths import Size
from standout.masks.letterbox import resize
from standout.types import Frame, Mask, Picture, PlanarFrame, Planes

WHITENED = "is transparent, which became white: use .mov, .webm, .webp, .gif or .frames to keep it"


@dataclass(frozen=True)
class Excerpt:
    """Which part of a clip, and how.

    start, end: in seconds; end None = to the end. rate: constant frames a second instead of the clip's own times.
    max_side: frames are scaled down to it; None = as they are.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    rate: Fraction | None = None
    max_side: int | None = None


WHOLE = Excerpt()
"""All of a clip, as it is."""


class Pictures(Protocol):
    """Makes the pictures of a clip."""

    def frames(self, *, onward: Fraction, seek: bool) -> Generator[Frame, None, None]:
        """The frames from onward on, in seconds from the excerpt's start; see Clip.frames."""

    def finished(self, edit: Edit, frame: Frame, coarse: Mask) -> tuple[Picture | Planes, float]:
        """The picture of a frame, and the share of it that is person, 0..1."""


def pictures(
    clip: video.Clip, edit: Edit, part: Excerpt, wanted: video.PlanarSize, *, clear: bool, takes_planes: bool
) -> Pictures:
    """What makes the pictures of an edit.

    clear: the clip's own transparency goes into them. takes_planes: the writer does.
    """
    size = wanted.size
    fits = edit.takes_planes and edit.placement.canvas is None and video.has_planes(clip, size)
    if fits and (takes_planes or edit.effect.is_mask):
        return InYuv(clip, part, wanted)
    return InRgb(clip, part, size, cover=edit.placement.canvas is not None, clear=clear)


@dataclass(frozen=True)
class InYuv:
    """Pictures that are made of the frames' planes."""

    clip: video.Clip
    part: Excerpt
    wanted: video.PlanarSize

    def frames(self, *, onward: Fraction, seek: bool) -> Generator[Frame, None, None]:
        """See Pictures."""
        part = self.part
        yield from self.clip.planar_frames(
            self.wanted, start=part.start, end=part.end, rate=part.rate, onward=onward, seek=seek
        )  # fmt: skip

    def finished(self, edit: Edit, frame: Frame, coarse: Mask) -> tuple[Picture | Planes, float]:
        """See Pictures."""
        assert isinstance(frame, PlanarFrame), "frames gives no others"
        mask = edit.mask_of_planes(coarse, frame)
        return edit.effect.on_planes(frame, mask, space=ClipSpace(self.clip.colors)), float(mask.mean())


@dataclass(frozen=True)
class InRgb:
    """Pictures that are made of the frames in RGB. cover: frames keep their shape and fill the size.

    clear: the clip's own transparency goes into them.
    """

    clip: video.Clip
    part: Excerpt
    size: tuple[int, int]
    cover: bool
    clear: bool

    def frames(self, *, onward: Fraction, seek: bool) -> Generator[Frame, None, None]:
        """See Pictures."""
        part = self.part
        read = self.clip.frames(start=part.start, end=part.end, rate=part.rate, onward=onward, seek=seek)
        yield from _scaled(read, self.size, cover=self.cover)

    def finished(self, edit: Edit, frame: Frame, coarse: Mask) -> tuple[Picture | Planes, float]:
        """See Pictures."""
        mask = edit.mask(coarse, frame.image)
        share = float(mask.mean())
        alpha = frame.alpha
        if alpha is not None:
            mask = np.minimum(mask, alpha)
        elif self.clear:  # every picture of the result is RGBA
            alpha = np.ones_like(mask)
        picture = edit.painted(frame.image, mask, frame.time, alpha=alpha, space=ClipSpace(self.clip.colors))
        if picture.shape[2] == 4 and not (edit.effect.is_transparent or self.clear):
            picture = before_white(picture)
            if alpha is not None and alpha.min() < 1 and WHITENED not in self.clip.warnings:
                self.clip.warnings.append(WHITENED)
        return picture, share


def _scaled(frames: Iterator[Frame], size: tuple[int, int], *, cover: bool) -> Iterator[Frame]:
    """The frames at height and width `size`. cover: they fill it and keep their shape, and an edge is cut off."""
    for frame in frames:
        if frame.image.shape[:2] == size:
            yield frame
            continue
        view = covering(frame.image.shape, Size(size[1], size[0]))

        def shown(image: Any, view: View = view) -> Any:
            return view.shown(image) if cover else resize(image, *size)

        yield Frame(shown(frame.image), frame.time, None if frame.alpha is None else shown(frame.alpha))
