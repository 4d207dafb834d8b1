"""Decoded frame -> Planes -> frame to encode, without a detour by RGB.

wanted   PlanarSize         the size of planes and of small pictures
planes   Planes             upright; Y, U and V as the clip has them, in 8 bits and 4:2:0
small    uint8 (h, w, 3)    RGB, of the same picture

Bringing a frame into RGB at full size and back takes longer than looking for the people in a small picture of it, and
rounds twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import av
import cv2
import numpy as np

from standout.masks.letterbox import shrunk
from standout.types import Bytes, Floats, Image, Planes
from standout.video.color import EXACT, FULL, Colors

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from standout.video.facts import ClipFacts
    from standout.video.turn import Turn

_RED_BLUE = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Matrix code of H.273 -> the shares of red and of blue in brightness."""

_AS_THEY_ARE = {"yuv420p", "yuvj420p"}
"""Pixel formats whose planes are taken from the decoder without a copy."""


class PlanarSize(NamedTuple):
    """What is wanted of a clip. size: (height, width) of planes, both even. side: the longest of small pictures."""

    size: tuple[int, int]
    side: int


def has_planes(clip: ClipFacts, size: tuple[int, int]) -> bool:
    """Whether the clip's frames can be had as planes of that (height, width)."""
    return clip.is_yuv and not clip.alpha and not any(side % 2 for side in size)


def planes_of(frame: VideoFrame, colors: Colors, size: tuple[int, int], turn: Turn) -> Planes:
    """The planes of a decoded frame. Nobody may write into them: the decoder still looks at them.

    colors: settled. size: (height, width) of the upright picture, both even; a frame of another size is scaled to it.
    """
    height, width = reversed(size) if turn.swaps else size
    if frame.format.name not in _AS_THEY_ARE or (frame.height, frame.width) != (height, width):
        frame.colorspace, frame.color_range = colors.matrix, colors.range
        frame = frame.reformat(
            width=width, height=height, format="yuv420p", interpolation=EXACT, dst_color_range=colors.range
        )
    y, u, v = (turn(_view(frame, number)) for number in range(3))
    return Planes(y, u, v, to_rgb(colors))


def small_picture(planes: Planes, side: int) -> Image:
    """The planes as a picture of at most `side` pixels on its longer side, or as large as they are."""
    height, width = planes.y.shape
    scale = min(1.0, side / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    parts = [shrunk(plane, *size) for plane in (planes.y, planes.u, planes.v)]
    return np.asarray(cv2.transform(cv2.merge(parts), planes.to_rgb), np.uint8)


def to_frame(planes: Planes, pixels: str, colors: Colors) -> VideoFrame:
    """The planes as a frame in FFmpeg's pixel format `pixels`. colors: settled, of planes and frame alike."""
    height, width = planes.y.shape
    own = "yuv420p" if planes.alpha is None else "yuva420p"
    frame = av.VideoFrame(width, height, own)
    for number, plane in enumerate((planes.y, planes.u, planes.v, planes.alpha)):
        if plane is not None:
            _view(frame, number)[:] = plane
    frame.colorspace, frame.color_range = colors.matrix, colors.range
    if pixels != own:
        frame = frame.reformat(format=pixels, interpolation=EXACT, dst_color_range=colors.range)
        frame.colorspace, frame.color_range = colors.matrix, colors.range
    frame.color_primaries, frame.color_trc = colors.primaries, colors.transfer
    return frame


def to_rgb(colors: Colors) -> Floats:
    """float32 (3, 4): what makes RGB in 0..255 of (y, u, v, 1). colors: settled.

    >>> [round(float(share), 3) for share in to_rgb(Colors(1, FULL))[0]]
    [1.0, 0.0, 1.575, -201.574]
    """
    red, blue = _RED_BLUE[colors.matrix]
    green = 1 - red - blue
    by = np.array(
        [
            [1, 0, 2 * (1 - red)],
            [1, -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
            [1, 2 * (1 - blue), 0],
        ]
    )
    black, gain = (0, [1, 1, 1]) if colors.range == FULL else (16, [255 / 219, 255 / 224, 255 / 224])
    by *= gain
    return np.column_stack([by, -by @ [black, 128, 128]]).astype(np.float32)


def _view(frame: VideoFrame, number: int) -> Bytes:
    """A plane of the frame, uint8 (h, w), in the frame's own memory."""
    plane = frame.planes[number]
    rows: Any = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    view: Bytes = rows[: plane.height, : plane.width]
    return view
