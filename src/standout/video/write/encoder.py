"""Pictures -> packets: the video encoder by itself, without a file.

    picture    uint8 (H, W, 1|3|4)   of the written size
    ready      VideoFrame            the picture in the encoder's pixel format
    time       Fraction              seconds from the first picture
    packets    Packet                in the order of the file; times in units of base, from the first picture

To add a codec: see formats.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from standout.errors import OutputError
from standout.support.system import scheduling_kept
from standout.types import Planes
from standout.video import color, planes
from standout.video.formats import CODECS, Codec, Container

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

    from standout.video.clip import Clip

_FINEST = 10_000_000
"""Ticks a second. With a finer unit of time, an .mp4 cannot hold hours."""

_AVX512 = 256
"""OpenCV's number of the processor feature AVX-512."""

_UP_TO_AVX2 = ":asm=MMX2,SSE2Fast,SSSE3,SSE4.2,AVX,FMA3,BMI2,AVX2"
"""x264's option for all vector instructions but AVX-512.

With AVX-512, x264 now and then encodes the same pictures into different bytes, and a resumed clip would no longer be
the same file as one that was made in one go.
"""

_GLOBAL_HEADER = 1 << 22
"""FFmpeg's flag for parameters that stand once, before the track, as all containers here want them."""


@dataclass(frozen=True)
class Encoding:
    """How pictures are encoded; WriteOptions explains what the fields mean. size: (height, width)."""

    container: Container
    codec: str
    size: tuple[int, int]
    alpha: bool
    quality: int | None
    rate: Fraction | None
    threads: int
    gray: bool = False

    @property
    def row(self) -> Codec:
        """The codec's row in CODECS."""
        return CODECS[self.codec]

    @property
    def odd(self) -> bool:
        """Whether a side is odd, so that the codec needs its other pixel format."""
        return not self.alpha and self.row.odd is not None and any(side % 2 for side in self.size)


class VideoEncoder:
    """Encodes pictures into packets. base: seconds in one tick of the packets' times.

    context: the codec context of a file's track; None makes one that belongs to no file. after: the last tick that is
    taken already; the first picture comes later.

    Raises OutputError, at once and not after the first hour, where the codec cannot encode such pictures.
    """

    def __init__(
        self, clip: Clip, how: Encoding, *, context: av.VideoCodecContext | None = None, after: int = -1
    ) -> None:
        if min(how.size) < how.row.least:  # with smaller pictures, SVT-AV1 never returns
            raise OutputError(
                f"{how.size[1]}x{how.size[0]} is too small for {how.codec} ({how.row.least} a side); use h264 or vp9"
            )
        settled = colors_of_file(clip, how)
        self._colors = settled
        self.base = _time_base(clip, how.rate)
        self._context = _alone(clip, how) if context is None else context
        self._describe(clip, how)
        self._open(how)
        self._last = after
        self._durations: dict[int, int] = {}

    def prepare(self, picture: NDArray[np.uint8] | Planes) -> VideoFrame:
        """The picture in the encoder's pixel format."""
        assert self._context.pix_fmt is not None
        if isinstance(picture, Planes):
            return planes.to_frame(picture, self._context.pix_fmt, self._colors)
        return color.to_frame(picture, self._context.pix_fmt, self._colors)

    def encode(self, ready: VideoFrame, time: Fraction, duration: Fraction) -> list[Packet[Stream]]:
        """The packets that are ready after this picture; they may hold earlier pictures, or there may be none."""
        ticks = max(self._last + 1, round(time / self.base))
        self._last = ticks
        ready.pts, ready.time_base = ticks, self.base
        self._durations[ticks] = max(1, round((time + duration) / self.base) - ticks)
        return self._timed(self._context.encode(ready))

    def flush(self) -> list[Packet[Stream]]:
        """The packets that the encoder still held back. No picture may follow."""
        return self._timed(self._context.encode(None))

    def _timed(self, packets: list[Packet[Stream]]) -> list[Packet[Stream]]:
        """The packets with their durations, which encoders do not pass on."""
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration or 0)
        return packets

    def _describe(self, clip: Clip, how: Encoding) -> None:
        """Tells the encoder, and so the players, size, pixel format, time base, colors and the shape of a pixel."""
        context = self._context
        context.height, context.width = how.size
        context.pix_fmt = how.row.alpha_pixels if how.alpha else (how.odd and how.row.odd) or how.row.pixels
        context.time_base = self.base
        context.thread_type = "AUTO"  # PyAV's default, slices, would cost x264 quality
        context.thread_count = how.threads
        context.colorspace, context.color_range = self._colors.matrix, self._colors.range
        context.color_primaries, context.color_trc = self._colors.primaries, self._colors.transfer
        if how.container.keeps_pixel_shape(how.codec):
            context.sample_aspect_ratio = clip.pixel_aspect
        if how.codec == "hevc" and how.container.edits:
            context.codec_tag = "hvc1"  # the only tag that Apple's players accept

    def _open(self, how: Encoding) -> None:
        """Opens the encoder. Raises OutputError where it refuses."""
        self._context.options = encoder_options(how.row, how.codec, how.quality, how.threads)
        if how.codec == "av1":
            os.environ.setdefault("SVT_LOG", "1")  # otherwise it prints to standard error
        try:
            with scheduling_kept():  # as root, SVT-AV1 gives its threads, and this one, real-time priority
                self._context.open()
        except (av.error.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"{how.size[1]}x{how.size[0]} cannot be written as {how.codec} ({reason}); use another codec"
            ) from error


def colors_of_file(clip: Clip, how: Encoding) -> color.Colors:
    """The colors that the file states: the clip's own, without gaps, as far as the codec can hold them."""
    settled = clip.colors.settled(clip.coded[0])
    limited = how.codec == "prores" or how.alpha  # neither can hold the full range
    settled = replace(settled, range=color.LIMITED) if limited else settled
    if how.gray:  # the levels of a mask are shares, not light
        settled = replace(settled, primaries=color.UNSPECIFIED, transfer=color.UNSPECIFIED)
    return settled


def _alone(clip: Clip, how: Encoding) -> av.VideoCodecContext:
    """A codec context that belongs to no file, set up as PyAV sets up one for a file."""
    context = av.CodecContext.create(how.row.encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.bit_rate, context.bit_rate_tolerance = 0, 128_000
    context.framerate = how.rate or clip.rate
    context.flags |= _GLOBAL_HEADER
    return context


def encoder_options(chosen: Codec, codec: str, quality: int | None, threads: int) -> dict[str, str]:
    """The encoder's options. quality: 1 to 100, or None. threads: 0 is one for each core."""
    number = chosen.number(quality)
    options = dict(chosen.options)
    if codec == "prores":
        return options | {"flags": "+qscale", "global_quality": str(number * 118)}  # FFmpeg's unit, FF_QP2LAMBDA
    options["crf"] = str(number)
    if codec == "h264" and cv2.checkHardwareSupport(_AVX512):
        options["x264-params"] += _UP_TO_AVX2
    if codec == "hevc":
        # with B-frames, x265 invents decoding times for a clip that is shorter than a group of them
        options["x265-params"] = "log-level=none:bframes=0" + (f":pools={threads}" if threads else "")
    if codec == "av1" and threads:
        options["svtav1-params"] = f"lp={threads}"
    return options


def _time_base(clip: Clip, rate: Fraction | None) -> Fraction:
    """Seconds in a tick: the clip's own, so that its times stay exact, or one frame of a constant rate."""
    if rate is not None:
        return 1 / rate
    return clip.time_base if clip.time_base.denominator <= _FINEST else Fraction(1, 90000)
