"""Pictures -> packets: the encoder of a film, by itself.

    picture    uint8 (H, W, 1|3|4)   of the film's size
    ready      VideoFrame            the picture in the encoder's pixel format
    time       Fraction              seconds from the film's first picture
    packets    Packet                in the order of the file; times in units of base, from the film's first picture

To add a codec: see containers.py.
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
from standout.video import color
from standout.video.formats import CODECS, Codec, Container

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

    from standout.video.clip import Clip

_PRECISE = 10_000_000
"""Ticks a second; finer units of time than this do not fit into an .mp4 with hours in it."""

_AVX512, _UP_TO_AVX2 = 256, ":asm=MMX2,SSE2Fast,SSSE3,SSE4.2,AVX,FMA3,BMI2,AVX2"
"""OpenCV's number of it, and x264 without it: with it, x264 makes now and then other bytes of the same pictures."""

_GLOBAL_HEADER = 1 << 22
"""FFmpeg's flag: what holds for the whole track goes before it, as all our containers want it."""


@dataclass(frozen=True)
class Encoding:
    """How pictures are encoded; see Writer for what the fields mean. size: (height, width)."""

    target: Container
    codec: str
    size: tuple[int, int]
    alpha: bool
    quality: int | None
    rate: Fraction | None
    threads: int
    gray: bool = False

    @property
    def row(self) -> Codec:
        """The codec's row in the table."""
        return CODECS[self.codec]

    @property
    def odd(self) -> bool:
        """Whether the size asks for the codec's other pixel format."""
        return not self.alpha and self.row.odd is not None and any(side % 2 for side in self.size)


class VideoEncoder:
    """The encoder of a film's pictures. base: its unit of time, in seconds.

    context: the one of a film's own track; None = one that belongs to no file. after: the last tick that is taken.

    Raises OutputError for what the codec cannot do: now, not after the first hour.
    """

    def __init__(
        self, clip: Clip, how: Encoding, *, context: av.VideoCodecContext | None = None, after: int = -1
    ) -> None:
        if min(how.size) < how.row.least:  # below it, SVT-AV1 never comes back
            raise OutputError(
                f"{how.size[1]}x{how.size[0]} is too small for {how.codec} ({how.row.least} a side); use h264 or vp9"
            )
        settled = clip.colors.settled(clip.coded[0])
        limited = how.codec == "prores" or how.alpha  # neither knows a full range
        settled = replace(settled, range=color.LIMITED) if limited else settled
        if how.gray:  # a mask is no picture of light
            settled = replace(settled, primaries=color.UNSAID, transfer=color.UNSAID)
        self._colors = settled
        self.base = _time_base(clip, how.rate)
        self._context = _alone(clip, how) if context is None else context
        self._describe(clip, how)
        self._open(how)
        self._last = after
        self._durations: dict[int, int] = {}

    def prepare(self, picture: NDArray[np.uint8]) -> VideoFrame:
        """The picture as the encoder takes it."""
        assert self._context.pix_fmt is not None
        return color.to_frame(picture, self._context.pix_fmt, self._colors)

    def encode(self, ready: VideoFrame, time: Fraction, duration: Fraction) -> list[Packet[Stream]]:
        """What is ready once this picture is in; it may be of earlier ones, or nothing."""
        ticks = max(self._last + 1, round(time / self.base))
        self._last = ticks
        ready.pts, ready.time_base = ticks, self.base
        self._durations[ticks] = max(1, round((time + duration) / self.base) - ticks)
        return self._timed(self._context.encode(ready))

    def flush(self) -> list[Packet[Stream]]:
        """What was still in the encoder; no picture may follow."""
        return self._timed(self._context.encode(None))

    def _timed(self, packets: list[Packet[Stream]]) -> list[Packet[Stream]]:
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration or 0)
        return packets

    def _describe(self, clip: Clip, how: Encoding) -> None:
        """What the encoder, and players, need to know: size, pixels, time, colors, the shape of a pixel."""
        context = self._context
        context.height, context.width = how.size
        context.pix_fmt = how.row.alpha_pixels if how.alpha else (how.odd and how.row.odd) or how.row.pixels
        context.time_base = self.base
        context.thread_type = "AUTO"  # av's own choice, slices, would cost x264 quality
        context.thread_count = how.threads
        context.colorspace, context.color_range = self._colors.matrix, self._colors.range
        context.color_primaries, context.color_trc = self._colors.primaries, self._colors.transfer
        if holds_shapes(how.target, how.codec):
            context.sample_aspect_ratio = clip.pixel_aspect
        if how.codec == "hevc" and how.target.edits:
            context.codec_tag = "hvc1"  # Apple's players know no other

    def _open(self, how: Encoding) -> None:
        self._context.options = encoder_options(how.row, how.codec, how.quality, how.threads)
        if how.codec == "av1":
            os.environ.setdefault("SVT_LOG", "1")  # it prints to standard error otherwise
        try:
            with scheduling_kept():  # run by the administrator, SVT-AV1 makes its threads, and this one, real-time ones
                self._context.open()
        except (av.error.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"{how.size[1]}x{how.size[0]} cannot be written as {how.codec} ({reason}); use another codec"
            ) from error


def _alone(clip: Clip, how: Encoding) -> av.VideoCodecContext:
    """An encoder that belongs to no file, otherwise as av makes one for a file."""
    context = av.CodecContext.create(how.row.encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.bit_rate, context.bit_rate_tolerance = 0, 128_000
    context.framerate = how.rate or clip.rate
    context.flags |= _GLOBAL_HEADER
    return context


def encoder_options(chosen: Codec, codec: str, quality: int | None, threads: int) -> dict[str, str]:
    """The encoder's options for this quality and this many threads (0: as many as there are processors)."""
    number = chosen.number(quality)
    options = dict(chosen.options)
    if codec == "prores":
        return options | {"flags": "+qscale", "global_quality": str(number * 118)}  # 118: FFmpeg's unit
    options["crf"] = str(number)
    if codec == "h264" and cv2.checkHardwareSupport(_AVX512):
        options["x264-params"] += _UP_TO_AVX2
    if codec == "hevc":
        # x265 gives the packets of a clip shorter than its B-frames decoding times out of thin air
        options["x265-params"] = "log-level=none:bframes=0" + (f":pools={threads}" if threads else "")
    if codec == "av1" and threads:
        options["svtav1-params"] = f"lp={threads}"
    return options


def holds_shapes(target: Container, codec: str) -> bool:
    """Whether the shape of a pixel can be told, by the container or by the stream."""
    return target.shapes or (codec in CODECS and CODECS[codec].shapes)


def _time_base(clip: Clip, rate: Fraction | None) -> Fraction:
    """The film's unit of time: the clip's own, so that its times stay exact, or one frame of a constant rate."""
    if rate is not None:
        return 1 / rate
    return clip.time_base if clip.time_base.denominator <= _PRECISE else Fraction(1, 90000)
