"""First frame and headers of a clip -> what the clip is: its size, rate, length, colors, transparency and clock.

    ClipFacts   height, width, rate, duration, count, pixel_aspect, colors, alpha, sound, timeline, warnings

To add a fact: an attribute of ClipFacts, set in its __init__.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from numpy.typing import NDArray

from standout.video.color import Colors, colors_of, has_alpha, to_rgb
from standout.video.timeline import Timeline
from standout.video.turn import Turn

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_HDR_METADATA = {
    "MASTERING_DISPLAY_METADATA",
    "CONTENT_LIGHT_LEVEL",
    "DYNAMIC_HDR_PLUS",
    "DOVI_METADATA",
    "DOVI_RPU_BUFFER",
}
"""FFmpeg's names of HDR metadata that goes beyond the transfer curve."""

_FASTEST = 1000
"""Frames a second. A higher rate is a unit of time that a damaged file holds in the wrong field."""


class ClipFacts:
    """What a clip's file says about its pictures.

    path: of the file. index: the video track's number in it. coded: (height, width) as stored; turn makes frames
    upright. height, width: of the upright picture, in pixels. pixel_aspect: a pixel's width over its height, upright.
    rate: mean frames a second. duration: in seconds, or None where it is unknown. count: number of frames, estimated
    where the file does not state it, or None. alpha: frames may be transparent. is_yuv: their pixels are
    brightness and two color differences. sound: there is a sound track.

    colors: as the file states them; colors.settled(height) fills the gaps. timeline: how the file's times are meant.
    time_base: seconds in one tick of the file's clock. zero: the first frame's time on that clock, in seconds. begins:
    the same moment on the clock of sound and subtitles. warnings: grows while frames are read.
    """

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream, first: VideoFrame) -> None:
        self.path = path
        self.warnings: list[str] = []
        self.index = stream.index
        self.time_base = stream.time_base or Fraction(1, 90000)
        self.turn = Turn.of(first)
        high, wide = first.height, first.width
        self.coded = (high, wide)
        self.height, self.width = (wide, high) if self.turn.swaps else (high, wide)
        self._first_decoded = first.dts
        self.zero = self.begins = (first.pts or 0) * self.time_base
        self.rate = _rate(stream)
        self.duration = _duration(container, stream, self.zero)
        self.count = stream.frames or (round(self.duration * self.rate) if self.duration else None)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        self.pixel_aspect = 1 / aspect if self.turn.swaps else aspect
        self.sound = bool(container.streams.audio)
        self.alpha = has_alpha(first)
        self.is_yuv = not first.format.is_rgb and len(first.format.components) >= 3
        if self.alpha and stream.codec_context.name == "rawvideo" and not _opacity(first).any():
            self.alpha = False
            self.warnings.append("begins with a wholly transparent frame, so its alpha channel is taken for unused")
        self.colors: Colors = colors_of(first)
        self.warnings += _doubts(first, self.colors)
        self.timeline = Timeline()

    def adopt(self, timeline: Timeline) -> None:
        """Takes over what a pass through the whole file found out about its clock, length and number of frames."""
        self.timeline = timeline
        if timeline.disordered:
            self.zero = (self._first_decoded or 0) * self.time_base
        self.begins = self.zero if timeline.begins is None else timeline.begins
        self.warnings += timeline.warnings
        if timeline.end is not None and (timeline.joined or self.duration is None):
            self.duration = timeline.end - self.zero
        if timeline.count is not None and self.duration is None:
            self.duration = timeline.count / self.rate
        if timeline.count is not None and (timeline.joined or not self.count):
            self.count = timeline.count


def _doubts(first: VideoFrame, colors: Colors) -> list[str]:
    """Warnings about what a result of this clip will not show as it should be shown."""
    side_data: Any = first.side_data  # PyAV's stub declares a dict, but it iterates over the entries
    kinds = {entry.type.name for entry in side_data}
    warnings = []
    if colors.hdr:
        warnings.append(f"is {colors.hdr}: people are looked for in its levels as they are, reduced to 8 bits")
    if "ICC_PROFILE" in kinds:
        warnings.append("has an ICC profile, which is ignored: its colors may look different")
    if kinds & _HDR_METADATA:
        warnings.append("has HDR metadata beyond its transfer curve (mastering, Dolby Vision), which is left out")
    if first.interlaced_frame:
        warnings.append("is interlaced: moving edges look like combs; deinterlace it first")
    return warnings


def _opacity(frame: VideoFrame) -> NDArray[np.uint8]:
    """The frame's alpha channel, (H, W), 255 = opaque."""
    pixels = to_rgb(frame, colors_of(frame).settled(frame.height), (frame.height, frame.width), alpha=True)
    return np.ascontiguousarray(pixels[..., 3])


def _rate(stream: VideoStream) -> Fraction:
    """Mean frames a second; 25 where the file states no sensible rate."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0 < rate <= _FASTEST:
            return rate
    return Fraction(25)


def _duration(container: InputContainer, stream: VideoStream, zero: Fraction) -> Fraction | None:
    """Seconds from the first frame to the end of the pictures; None where the file does not say."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    tag = {key.upper(): value for key, value in stream.metadata.items()}.get("DURATION", "")  # Matroska
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = tag.split(":")
        return max(Fraction(0), int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds) - zero)
    if container.duration:
        return Fraction(container.duration, av.time_base)
    return None
