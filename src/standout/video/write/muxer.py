"""Pictures -> .mp4, .mov, .mkv or .webm: FFmpeg's muxer puts them into one file with the clip's other tracks.

    picture    uint8 (H, W, 1|3|4)   of the written size
    ready      VideoFrame            the picture in the encoder's pixel format
    time       Fraction              seconds from the first picture
    packets    Packet                encoded pictures, as VideoEncoder gives them

To add a codec or a container: see formats.py.
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

from standout.types import Planes
from standout.video.write.encoder import Encoding, VideoEncoder
from standout.video.write.options import WriteOptions
from standout.video.write.tracks import Tracks

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

    from standout.video.clip import Clip


class Muxer:
    """A file that is being written at part. notes: gets what the file cannot keep."""

    def __init__(
        self, part: Path, clip: Clip, how: Encoding, options: WriteOptions, *, suffix: str, notes: list[str]
    ) -> None:
        # without bitexact, Matroska gets a random number, and the same work would not make the same file
        flags = {"movflags": "+faststart"} if how.container.edits else {"fflags": "+bitexact"}
        self._output = av.open(f"file:{part}", mode="w", format=how.container.format, container_options=flags)
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
                    "show; use .webm, or an even width and height"
                )
            self._tracks = Tracks(clip, self._output, options, container=how.container, suffix=suffix, notes=notes)
        except BaseException:
            self.abort()
            raise
        self._lead = round(self._tracks.lead / self._encoder.base)

    def prepare(self, picture: NDArray[np.uint8] | Planes) -> VideoFrame:
        """The picture in the encoder's pixel format."""
        return self._encoder.prepare(picture)

    def add(self, ready: VideoFrame, time: Fraction, duration: Fraction) -> None:
        """Encodes the prepared picture, which is shown from time on for duration, both in seconds."""
        self.put(self._encoder.encode(ready, time, duration))

    def finish(self) -> None:
        """Writes the packets that the encoder held back, then all that is left, and closes the file."""
        self.put(self._encoder.flush())
        self.close()

    def put(self, packets: Iterable[Packet[Stream]]) -> None:
        """Writes encoded pictures, and before each one the other tracks up to its time."""
        for packet in packets:
            packet.stream, packet.time_base = self._stream, self._encoder.base
            packet.pts = None if packet.pts is None else packet.pts + self._lead
            packet.dts = None if packet.dts is None else packet.dts + self._lead
            ticks = packet.pts if packet.dts is None else packet.dts
            self._tracks.until((ticks or 0) * packet.time_base)
            self._output.mux(packet)

    def close(self) -> None:
        """Writes what is left of the other tracks and closes the file, once all pictures were put."""
        self._tracks.finish()
        self._output.close()

    def abort(self) -> None:
        """Closes the files; what was written so far is of no use."""
        if hasattr(self, "_tracks"):
            self._tracks.close()
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):  # the first error is raised already
            self._output.close()
