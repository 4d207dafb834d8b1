"""Which part of a photo a result shows, and how large: the pixel work of Placement.

    Box       (top, left, bottom, right) in pixels; bottom and right are the first row and column beyond it
    View      a box of the photo, and the box of the canvas, the result's frame, in which it comes to lie
    Placed    what the canvas shows of an image, of the people's mask, and of the photo's own transparency

Beyond the photo its edge is repeated. Nobody is there, so that only what has no background of its own shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from standout.errors import InputError
from standout.lengths import Box as Region
from standout.lengths import Length, Point, Sides, Size
from standout.masks.letterbox import resize
from standout.types import Image, Mask

Box: TypeAlias = tuple[int, int, int, int]

MIDDLE = Point(Length(50, "%"), Length(50, "%"))

BEYOND = 2
"""Pixels of the photo beyond the canvas that are scaled along, so that its edge pixels are as they would be inside."""


class Placed(NamedTuple):
    """What a canvas shows."""

    image: Image
    mask: Mask
    alpha: Mask | None = None


@dataclass(frozen=True)
class View:
    """The box of the photo comes to lie in the box `to` of a canvas of height x width, and all about it follows."""

    box: Box
    to: Box
    height: int
    width: int

    def part(self, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
        """The rows and columns of a photo of that shape that are the whole canvas; None where it is anything else."""
        top, left = self.box[0] - self.to[0], self.box[1] - self.to[1]
        inside = 0 <= top <= shape[0] - self.height and 0 <= left <= shape[1] - self.width
        if not inside or (self.box[2] - self.to[2], self.box[3] - self.to[3]) != (top, left):
            return None
        return slice(top, top + self.height), slice(left, left + self.width)

    def placed(self, image: Image, mask: Mask, alpha: Mask | None = None) -> Placed:
        """What the canvas shows."""
        return Placed(
            self.shown(image),
            self.shown(mask, cv2.BORDER_CONSTANT),
            None if alpha is None else self.shown(alpha),
        )

    def shown(self, image: NDArray[Any], border: int = cv2.BORDER_REPLICATE) -> NDArray[Any]:
        """What the canvas shows of the image. border: what is beyond the image, as OpenCV names it."""
        top, above, tall = _seen(image.shape[0], (self.box[0], self.box[2]), (self.to[0], self.to[2]), self.height)
        left, before, wide = _seen(image.shape[1], (self.box[1], self.box[3]), (self.to[1], self.to[3]), self.width)
        part = resize(image[top, left], tall, wide)[max(0, -above) :, max(0, -before) :]
        part = part[: self.height - max(0, above), : self.width - max(0, before)]
        room = self.height - max(0, above) - part.shape[0], self.width - max(0, before) - part.shape[1]
        edges = max(0, above), room[0], max(0, before), room[1]
        return np.asarray(cv2.copyMakeBorder(part, *edges, border, value=0))


def _seen(side: int, box: tuple[int, int], to: tuple[int, int], canvas: int) -> tuple[slice, int, int]:
    """Along one side of an image: what the canvas shows of it, where that begins on the canvas, and how long it is."""
    scale = (to[1] - to[0]) / (box[1] - box[0])
    first = int(np.clip(np.floor(box[0] - to[0] / scale) - BEYOND, 0, side - 1))
    last = int(np.clip(np.ceil(box[0] + (canvas - to[0]) / scale) + BEYOND, first + 1, side))
    begins = to[0] - round((box[0] - first) * scale)
    # Where nothing of the image is shown, its nearest pixel stands for it, at the canvas's edge.
    length = max(1, round((last - first) * scale))
    return slice(first, last), min(max(begins, 1 - length), canvas - 1), length


def region(roi: Region, *, width: int, height: int) -> Box:
    """The box of a region of interest. Raises InputError for an empty one, and for one that exceeds the picture."""
    left, top, right, bottom = (round(value) for value in roi.pixels(width, height))
    told = f"roi is {left} {top} {right} {bottom} in pixels, the picture {width}x{height}"
    if right > width or bottom > height:
        raise InputError(f"{told}; give a region within the picture")
    if right <= left or bottom <= top:
        raise InputError(f"{told}; give left, top, right and bottom, each pair in that order")
    return top, left, bottom, right


def within(mask: Mask, box: Box) -> Mask:
    """The mask of the people in the box alone.

    >>> within(np.ones((2, 3), np.float32), (0, 1, 2, 2)).tolist()
    [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    """
    kept = np.zeros_like(mask)
    inside = slice(box[0], box[2]), slice(box[1], box[3])
    kept[inside] = mask[inside]
    return kept


def cropped(shape: tuple[int, ...], box: Box, margin: float) -> View:
    """A crop to the box, with a margin about it as a share of its longer side, as far as the photo has it."""
    more = max(1, round(margin * max(box[2] - box[0], box[3] - box[1])))
    top, left = max(0, box[0] - more), max(0, box[1] - more)
    height, width = min(shape[0], box[2] + more) - top, min(shape[1], box[3] + more) - left
    return View((top, left, top + height, left + width), (0, 0, height, width), height, width)


def standing(
    shape: tuple[int, ...],
    box: Box,
    *,
    margin: Sides | None = None,
    scale: float | None = None,
    position: Point | None = None,
    canvas: Size | None = None,
) -> View:
    """The people, whose box in a photo of that shape is given, where they are to stand.

    margin: the frame is cropped to them and so much more, of which percents are of their height and width; None = the
    frame is the photo's. scale: of the frame's height or width that they are to fill, in percent; None = as the frame
    is scaled. position: of them in the frame, where 0 % touches the left or upper edge, and 100 % the other one; None =
    where they are, in the middle once they are scaled. canvas: the frame's size; a crop fits into it, and a photo
    covers it, moved so that they are as near the middle as the photo allows.
    """
    tall, wide = box[2] - box[0], box[3] - box[1]
    if margin is None:
        height, width, at = shape[0], shape[1], (box[0], box[1])
    else:
        lengths = (margin.top, tall), (margin.right, wide), (margin.bottom, tall), (margin.left, wide)
        above, after, below, before = (round(length.pixels(whole)) for length, whole in lengths)
        height, width, at = tall + above + below, wide + before + after, (above, before)
    factor = 1.0
    if canvas is not None:
        sides = canvas.height / height, canvas.width / width
        factor = max(sides) if margin is None else min(sides)
        at = (
            _moved(at[0] * factor, tall * factor, height * factor, canvas.height),
            _moved(at[1] * factor, wide * factor, width * factor, canvas.width),
        )
        height, width = canvas.height, canvas.width
    if scale is not None:
        factor = scale / 100 * min(height / tall, width / wide)
        position = position or MIDDLE
    size = max(1, round(tall * factor)), max(1, round(wide * factor))
    if position is not None:
        at = round(position.y.pixels(height - size[0])), round(position.x.pixels(width - size[1]))
    return View(box, (*at, at[0] + size[0], at[1] + size[1]), height, width)


def _moved(at: float, people: float, frame: float, canvas: int) -> int:
    """Where people begin along one side of the canvas, of a scaled frame in which they begin at `at`."""
    room = canvas - frame
    if room >= 0:  # the frame fits, and stands in the middle
        return round(at + room / 2)
    return round(at + min(0.0, max(room, canvas / 2 - (at + people / 2))))


def covering(shape: tuple[int, ...], canvas: Size) -> View:
    """The middle of a frame of that shape, scaled so that it just covers the canvas."""
    return standing(shape, (0, 0, shape[0], shape[1]), canvas=canvas)
