"""YUV <-> RGB, by the matrix and range that the clip states.

    Colors    matrix, range, primaries, transfer   codes of ITU-T H.273; 2 (for range: 0) = unspecified
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
"""FFmpeg's codes of the two ranges: levels 16 to 235, and levels 0 to 255."""

UNSPECIFIED = 2
"""The code of H.273 for a matrix, primaries or transfer curve that is unspecified."""

_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
"""Matrix code of H.273 -> the code of FFmpeg's scaler."""

EXACT = (
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
"""Without the last three flags, color edges are off by a pixel and white may become 253. They cost 3 ms a frame of
1280x720."""

_HDR = {16: "HDR (PQ)", 18: "HDR (HLG)"}


@dataclass(frozen=True)
class Colors:
    """What a stream says about the meaning of its levels.

    range: 0 unspecified, 1 limited (16 to 235), 2 full (0 to 255).
    """

    matrix: int = UNSPECIFIED
    range: int = 0
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED

    @property
    def hdr(self) -> str | None:
        """The name of the transfer curve if it is an HDR curve, else None."""
        return _HDR.get(self.transfer)

    def settled(self, height: int) -> Colors:
        """These colors with matrix and range known; what the stream does not state is filled in as players do.

        A picture of at least 720 rows (height) gets BT.709, a smaller one BT.601; both get the limited range.

        >>> Colors().settled(720).matrix, Colors().settled(480).matrix, Colors().settled(480).range
        (1, 6, 1)
        """
        matrix = 9 if self.matrix == 10 else self.matrix  # decoders read constant luminance (10) as BT.2020 (9)
        if matrix not in _SWSCALE:
            matrix = 1 if height >= 720 else 6
        return replace(self, matrix=matrix, range=self.range or LIMITED)


def colors_of(frame: VideoFrame) -> Colors:
    """What the frame itself says about its colors."""
    full = frame.format.name.startswith("yuvj")
    return Colors(
        int(frame.colorspace),
        FULL if full else int(frame.color_range),
        int(frame.color_primaries),
        int(frame.color_trc),
    )


def has_alpha(frame: VideoFrame) -> bool:
    """Whether the frame's pixel format holds an alpha channel, or a palette, which may hold one."""
    return frame.format.has_palette or any(component.is_alpha for component in frame.format.components)


def to_rgb(frame: VideoFrame, colors: Colors, size: tuple[int, int], *, alpha: bool = False) -> NDArray[np.uint8]:
    """The frame as uint8 RGB (H, W, 3), or as RGBA (H, W, 4) where alpha is wanted.

    colors: settled. size: (height, width); a frame of another size is scaled to it.
    """
    if not frame.format.is_rgb:
        frame.colorspace, frame.color_range = colors.matrix, colors.range
    height, width = size
    rgb = frame.reformat(width=width, height=height, format="rgba" if alpha else "rgb24", interpolation=EXACT)
    return np.ascontiguousarray(rgb.to_ndarray()).astype(np.uint8, copy=False)


def to_frame(picture: NDArray[np.uint8], pixels: str, colors: Colors) -> VideoFrame:
    """The picture as a frame in FFmpeg's pixel format `pixels`. colors: settled, for that frame."""
    if picture.shape[2] == 1 and pixels in _PLAIN:
        frame = _gray(picture[..., 0], pixels, colors)
    else:
        frame = rgb_frame(picture).reformat(
            format=pixels,
            interpolation=EXACT,
            dst_colorspace=_SWSCALE[colors.matrix],
            dst_color_range=colors.range,
        )
    frame.colorspace, frame.color_range = colors.matrix, colors.range
    frame.color_primaries, frame.color_trc = colors.primaries, colors.transfer
    return frame


def rgb_frame(picture: NDArray[np.uint8]) -> VideoFrame:
    """The picture as a frame of RGB or RGBA. It shares the picture's memory where the layout allows it."""
    width, channels = picture.shape[1:]
    if channels == 1:
        picture = np.repeat(picture, 3, 2)
    elif picture.strides != (width * channels, channels, 1):  # PyAV refuses strides that numpy calls contiguous
        picture = picture.copy()
    return av.VideoFrame.from_numpy_buffer(picture, "rgba" if channels == 4 else "rgb24")


_PLAIN = {"yuv420p", "yuv444p"}
"""Pixel formats into which a gray picture is written without the scaler."""

_LUMA = {
    LIMITED: np.rint(16 + np.arange(256) * (219 / 255)).astype(np.uint8),
    FULL: np.arange(256, dtype=np.uint8),
}
"""Range -> luma level of each gray level."""


def _gray(picture: NDArray[np.uint8], pixels: str, colors: Colors) -> VideoFrame:
    """A gray frame without a tint; the scaler would round some chroma samples to 127 or 129."""
    height, width = picture.shape
    frame = av.VideoFrame(width, height, pixels)
    for number, plane in enumerate(frame.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        if number == 0:
            rows[:height, :width] = _LUMA[colors.range][picture]
        else:
            rows[:] = 128
    return frame
