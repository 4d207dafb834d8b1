"""YUV <-> RGB, by what the clip says about its numbers.

    Colors   matrix, range, primaries, transfer   codes of ITU-T H.273; 2 (range: 0) = not said
    image     uint8 (H, W, 3)                      RGB
    picture   uint8 (H, W, 1|3|4)                  gray, RGB or RGBA

To add a matrix: its code in _SWSCALE, if FFmpeg's scaler knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

LIMITED, FULL = 1, 2
UNSAID = 2
_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
"""Matrix code of H.273 -> the scaler's own code."""

EXACT = (
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
"""Without the last three, a color edge is off by a pixel and white may read 253; they cost 3 ms a 1280x720 frame."""

_HDR = {16: "HDR (PQ)", 18: "HDR (HLG)"}


@dataclass(frozen=True)
class Colors:
    """What a stream says its numbers mean. range: 0 not said, 1 limited (16 to 235), 2 full (0 to 255)."""

    matrix: int = UNSAID
    range: int = 0
    primaries: int = UNSAID
    transfer: int = UNSAID

    @property
    def hdr(self) -> str | None:
        """The name of the HDR curve, if it is one."""
        return _HDR.get(self.transfer)

    def settled(self, height: int) -> Colors:
        """The same with matrix and range known: unsaid, players take BT.709 from 720 rows on, else BT.601, limited.

        >>> Colors().settled(720).matrix, Colors().settled(480).matrix, Colors().settled(480).range
        (1, 6, 1)
        """
        matrix = {10: 9}.get(self.matrix, self.matrix)  # constant luminance: nobody decodes it otherwise either
        if matrix not in _SWSCALE:
            matrix = 1 if height >= 720 else 6
        return replace(self, matrix=matrix, range=self.range or LIMITED)


def said(frame: VideoFrame) -> Colors:
    """What the frame itself says."""
    full = frame.format.name.startswith("yuvj")
    return Colors(
        int(frame.colorspace),
        FULL if full else int(frame.color_range),
        int(frame.color_primaries),
        int(frame.color_trc),
    )


def see_through(frame: VideoFrame) -> bool:
    """Whether the frame's pixels have transparency, or may have it (a palette)."""
    return frame.format.has_palette or any(one.is_alpha for one in frame.format.components)


def to_rgb(frame: VideoFrame, colors: Colors, size: tuple[int, int], *, alpha: bool = False) -> NDArray[np.uint8]:
    """The frame as RGB, or RGBA, scaled to size (height, width) where it has another. colors: settled."""
    if not frame.format.is_rgb:
        frame.colorspace, frame.color_range = colors.matrix, colors.range
    height, width = size
    rgb = frame.reformat(width=width, height=height, format="rgba" if alpha else "rgb24", interpolation=EXACT)
    return np.ascontiguousarray(rgb.to_ndarray()).astype(np.uint8, copy=False)


def to_frame(picture: NDArray[np.uint8], pixels: str, colors: Colors) -> VideoFrame:
    """The picture as a frame in the pixel format; gray goes straight into the brightness. colors: settled."""
    if picture.shape[2] == 1 and pixels in _PLAIN:
        frame = _gray(picture[..., 0], pixels, colors)
    else:
        frame = whole(picture).reformat(
            format=pixels,
            interpolation=EXACT,
            dst_colorspace=_SWSCALE[colors.matrix],
            dst_color_range=colors.range,
        )
    frame.colorspace, frame.color_range = colors.matrix, colors.range
    frame.color_primaries, frame.color_trc = colors.primaries, colors.transfer
    return frame


def whole(picture: NDArray[np.uint8]) -> VideoFrame:
    """The picture as a frame of RGB or RGBA, sharing its memory where it can."""
    width, channels = picture.shape[1:]
    if channels == 1:
        picture = np.repeat(picture, 3, 2)
    elif picture.strides != (width * channels, channels, 1):  # numpy calls a strided 1x1 contiguous, av does not
        picture = picture.copy()
    return av.VideoFrame.from_numpy_buffer(picture, "rgba" if channels == 4 else "rgb24")


_PLAIN = {"yuv420p", "yuv444p"}
_GRAY = {
    LIMITED: np.rint(16 + np.arange(256) * (219 / 255)).astype(np.uint8),
    FULL: np.arange(256, dtype=np.uint8),
}


def _gray(picture: NDArray[np.uint8], pixels: str, colors: Colors) -> VideoFrame:
    """A frame of gray without a tint: the scaler would round the color channels to 127 or 129 here and there."""
    height, width = picture.shape
    frame = av.VideoFrame(width, height, pixels)
    for number, plane in enumerate(frame.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        if number == 0:
            rows[:height, :width] = _GRAY[colors.range][picture]
        else:
            rows[:] = 128
    return frame
