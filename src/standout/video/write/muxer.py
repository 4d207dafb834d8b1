"""Pictures -> film: .mp4 .mov .mkv .webm through FFmpeg, with the clip's other tracks.

    picture    uint8 (H, W, 1|3|4)   of the film's size
    time       Fraction              seconds from the film's first picture
    ready      VideoFrame            the picture in the encoder's pixel format
    packets    Packet                encoded pictures, as encoder.VideoEncoder gives them

To add a codec or a container: see containers.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from standout.video.write.encoder import Encoding, VideoEncoder
from standout.video.write.tracks import Tracks

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

    from standout.video.clip import Clip


class Muxer:
    """A film file in the making at part; see Writer for what the arguments mean."""

    def __init__(
        self,
        part: Path,
        clip: Clip,
        how: Encoding,
        *,
        suffix: str,
        start: Fraction,
        end: Fraction | None,
        sound: bool,
        notes: list[str],
    ) -> None:
        # Matroska would give each file a random number; the same work makes the same file
        options = {"movflags": "+faststart"} if how.target.edits else {"fflags": "+bitexact"}
        self._output = av.open(f"file:{part}", mode="w", format=how.target.format, container_options=options)
        try:
            stream = self._output.add_stream(how.row.encoder, rate=how.rate or clip.rate)
            assert isinstance(stream, VideoStream)
            self._stream = stream
            self._encoder = VideoEncoder(clip, how, context=stream.codec_context)
            stream.time_base = self._encoder.base
            if how.alpha and how.codec == "vp9":
                stream.metadata["alpha_mode"] = "1"
            if how.odd:
                notes.append(
                    f"{how.size[1]}x{how.size[0]} is odd: written as {how.codec} 4:4:4, which Apple's players do not "
                    "show; use .webm, or even sizes"
                )
            self._tracks = Tracks(
                clip, self._output, target=how.target, suffix=suffix, start=start, end=end, sound=sound, notes=notes
            )
        except BaseException:
            self.abort()
            raise
        self._lead = round(self._tracks.lead / self._encoder.base)

    def prepare(self, picture: NDArray[np.uint8]) -> VideoFrame:
        """The picture as the encoder takes it."""
        return self._encoder.prepare(picture)

    def add(self, ready: VideoFrame, time: Fraction, duration: Fraction) -> None:
        """The prepared picture in the film, on screen from time on."""
        self.put(self._encoder.encode(ready, time, duration))

    def finish(self) -> None:
        """The film complete."""
        self.put(self._encoder.flush())
        self.close()

    def put(self, packets: Iterable[Packet[Stream]]) -> None:
        """The packets in the film, and before each the sound up to its time."""
        for packet in packets:
            packet.stream, packet.time_base = self._stream, self._encoder.base
            packet.pts = None if packet.pts is None else packet.pts + self._lead
            packet.dts = None if packet.dts is None else packet.dts + self._lead
            ticks = packet.pts if packet.dts is None else packet.dts
            self._tracks.until((ticks or 0) * packet.time_base)
            self._output.mux(packet)

    def close(self) -> None:
        """The film complete, once all packets were put; for those that come from an encoder of their own."""
        self._tracks.finish()
        self._output.close()

    def abort(self) -> None:
        """Files let go; what is in part is of no use."""
        if hasattr(self, "_tracks"):
            self._tracks.close()
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):  # the first failure is on its way
            self._output.close()
