"""Pictures -> film: .mp4 .mov .mkv .webm through FFmpeg, with the clip's other tracks.

    picture    uint8 (H, W, 1|3|4)   of the film's size
    time       Fraction              seconds from the film's first picture
    ready      VideoFrame            the picture in the encoder's pixel format

To add a codec or a container: see containers.py.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from standout.errors import OutputError
from standout.video import colours
from standout.video.containers import CODECS, Codec, Container
from standout.video.tracks import Tracks

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

    from standout.video.clip import Clip

_PRECISE = 10_000_000
"""Ticks a second; finer units of time than this do not fit into an .mp4 with hours in it."""


class Film:
    """A film file in the making at part; see Writer for what the arguments mean."""

    def __init__(
        self,
        part: Path,
        clip: Clip,
        *,
        target: Container,
        suffix: str,
        codec: str,
        size: tuple[int, int],
        alpha: bool,
        quality: int | None,
        rate: Fraction | None,
        start: Fraction,
        end: Fraction | None,
        sound: bool,
        threads: int,
        notes: list[str],
    ) -> None:
        self._codec = CODECS[codec]
        if min(size) < self._codec.least:  # below it, SVT-AV1 never comes back
            raise OutputError(
                f"{size[1]}x{size[0]} is too small for {codec} ({self._codec.least} a side); use h264 or vp9"
            )
        self._base = _time_base(clip, rate)
        settled = clip.colours.settled(clip.coded[0])
        limited = codec == "prores" or alpha  # neither knows a full range
        self._colours = replace(settled, range=colours.LIMITED) if limited else settled
        options = {"movflags": "+faststart"} if target.format in ("mp4", "mov") else {}
        self._output = av.open(f"file:{part}", mode="w", format=target.format, container_options=options)
        try:
            self._stream = self._add_stream(codec, size, alpha=alpha, rate=rate or clip.rate, threads=threads)
            self._describe(clip, codec, target, alpha=alpha)
            self._open(codec, quality, size, threads, notes)
            self._tracks = Tracks(
                clip, self._output, target=target, suffix=suffix, start=start, end=end, sound=sound, notes=notes
            )
        except BaseException:
            self.abort()
            raise
        self._lead = round(self._tracks.lead / self._base)
        self._last = -1
        self._durations: dict[int, int] = {}

    def prepare(self, picture: NDArray[np.uint8]) -> VideoFrame:
        """The picture as the encoder takes it."""
        assert self._stream.pix_fmt is not None
        return colours.to_frame(picture, self._stream.pix_fmt, self._colours)

    def add(self, ready: VideoFrame, time: Fraction, duration: Fraction) -> None:
        """The prepared picture in the film, on screen from time on."""
        ticks = max(self._last + 1, round(time / self._base))
        self._last = ticks
        ready.pts, ready.time_base = ticks + self._lead, self._base
        self._durations[ready.pts] = max(1, round((time + duration) / self._base) - ticks)
        self._mux(self._stream.encode(ready))

    def finish(self, end: Fraction | None) -> None:
        """The film complete. end: where the sound is cut, in seconds; None = it goes on as long as it is."""
        self._mux(self._stream.encode(None))
        self._tracks.finish(None if end is None else end + self._tracks.lead)
        self._output.close()

    def abort(self) -> None:
        """Files let go; what is in part is of no use."""
        if hasattr(self, "_tracks"):
            self._tracks.close()
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):  # the first failure is on its way
            self._output.close()

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        """The packets in the film, and before each the sound up to its time."""
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration or 0)
            ticks = packet.pts if packet.dts is None else packet.dts
            self._tracks.until((ticks or 0) * packet.time_base)
            self._output.mux(packet)

    def _add_stream(
        self, codec: str, size: tuple[int, int], *, alpha: bool, rate: Fraction, threads: int
    ) -> VideoStream:
        stream = self._output.add_stream(self._codec.encoder, rate=rate)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = size
        odd = self._codec.odd if size[0] % 2 or size[1] % 2 else None
        stream.pix_fmt = self._codec.alpha_pixels if alpha else odd or self._codec.pixels
        stream.time_base = self._base
        context = stream.codec_context
        context.time_base = self._base
        context.thread_type = "AUTO"  # av's own choice, slices, would cost x264 quality
        context.thread_count = threads
        return stream

    def _describe(self, clip: Clip, codec: str, target: Container, *, alpha: bool) -> None:
        """What players need to know: colours, the shape of a pixel, language, transparency."""
        context = self._stream.codec_context
        context.colorspace, context.color_range = self._colours.matrix, self._colours.range
        context.color_primaries, context.color_trc = self._colours.primaries, self._colours.transfer
        if holds_shapes(target, codec):
            context.sample_aspect_ratio = clip.pixel_aspect
        if codec == "hevc" and target.edits:
            context.codec_tag = "hvc1"  # Apple's players know no other
        if alpha and codec == "vp9":
            self._stream.metadata["alpha_mode"] = "1"

    def _open(self, codec: str, quality: int | None, size: tuple[int, int], threads: int, notes: list[str]) -> None:
        """The encoder opened: it says now, not after the first hour, if it cannot do this."""
        self._stream.codec_context.options = encoder_options(self._codec, codec, quality, threads)
        if codec == "av1":
            os.environ.setdefault("SVT_LOG", "1")  # it prints to standard error otherwise
        if self._codec.odd and self._stream.pix_fmt == self._codec.odd:
            notes.append(
                f"{size[1]}x{size[0]} is odd: written as {codec} 4:4:4, which Apple's players do not show; "
                "use .webm, or even sizes"
            )
        try:
            self._stream.codec_context.open()
        except (av.error.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"{size[1]}x{size[0]} cannot be written as {codec} ({reason}); use another codec"
            ) from error


def encoder_options(chosen: Codec, codec: str, quality: int | None, threads: int) -> dict[str, str]:
    """The encoder's options for this quality and this many threads (0: as many as there are processors)."""
    number = chosen.number(quality)
    options = dict(chosen.options)
    if codec == "prores":
        return options | {"flags": "+qscale", "global_quality": str(number * 118)}  # 118: FFmpeg's unit
    options["crf"] = str(number)
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
