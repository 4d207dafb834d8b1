"""Pictures -> .gif, .webp or a folder of PNGs, with only one picture in memory at a time.

    picture    uint8 (H, W, 1|3|4)
    time       Fraction    seconds from the first picture
    ready      the picture in the form in which it goes into the file

    .gif       256 colors a frame, each pixel opaque or transparent; times in 1/100 s, at least 2/100 s apart, as
               players slow down otherwise
    .webp      millions of colors, soft transparency; times in 1/1000 s
    .frames    PNGs that are numbered from 000001.png, without times

To add a format: a class with prepare, add, finish and abort, named in writer.ANIMATIONS, formats.ANIMATED and
formats.CONTAINERS.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from standout.errors import OutputError
from standout.video.color import rgb_frame
from standout.video.formats import DEFAULT_QUALITY
from standout.video.write.palette import reduced

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

_GIF_TICKS, _GIF_APART = 100, 2
"""Ticks a second, and the fewest ticks between two frames."""

_WEBP_SIDE, _WEBP_BYTES, _WEBP_LONGEST = 16383, (1 << 32) - 10, (1 << 24) - 1
"""Limits of the format: pixels a side, bytes of the file, milliseconds of a frame."""


class Gif:
    """An animated GIF that is written to part and repeats for ever. size: (height, width)."""

    def __init__(self, part: Path, size: tuple[int, int], quality: int | None, notes: list[str]) -> None:
        self._notes = notes
        if quality is not None:
            notes.append("quality has no effect on .gif")
        self._output = av.open(f"file:{part}", mode="w", format="gif", container_options={"loop": "0"})
        try:
            stream = self._output.add_stream("gif", rate=Fraction(_GIF_TICKS, 4))
            assert isinstance(stream, VideoStream)
            stream.height, stream.width = size
            stream.pix_fmt = "pal8"
            stream.codec_context.time_base = Fraction(1, _GIF_TICKS)
        except BaseException:
            self.abort()
            raise
        self._stream = stream
        self._last: int | None = None
        self._skipped = 0

    def prepare(self, picture: NDArray[np.uint8]) -> VideoFrame:
        """The picture, reduced to 256 colors."""
        return av.VideoFrame.from_ndarray(reduced(picture), format="pal8")  # type: ignore[arg-type]

    def add(self, ready: VideoFrame, time: Fraction, duration: Fraction) -> None:
        """Writes the frame, unless it follows the last one too soon."""
        ticks = round(time * _GIF_TICKS)
        if self._last is not None and ticks - self._last < _GIF_APART:
            self._skipped += 1
            return
        self._last = ticks
        ready.pts, ready.time_base = ticks, Fraction(1, _GIF_TICKS)
        for packet in self._stream.encode(ready):
            packet.duration = max(_GIF_APART, round((time + duration) * _GIF_TICKS) - ticks)
            self._output.mux(packet)

    def finish(self) -> None:
        """Writes what the encoder held back, and closes the file."""
        if self._skipped:
            self._notes.append(f"{self._skipped} frames left out: .gif shows at most 50 a second")
        self._output.mux(self._stream.encode(None))
        self._output.close()

    def abort(self) -> None:
        """Closes the file, whose content is of no use."""
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):  # the first error is raised already
            self._output.close()


class WebP:
    """An animated WebP that is written to part and repeats for ever. size: (height, width).

    FFmpeg's own encoder of animations keeps all frames until the end; this class writes each frame as it comes. The
    format is described at https://developers.google.com/speed/webp/docs/riff_container.
    """

    def __init__(self, part: Path, size: tuple[int, int], quality: int | None, notes: list[str]) -> None:
        height, width = size
        if max(size) > _WEBP_SIDE:
            raise OutputError(f"{width}x{height} is too large for .webp ({_WEBP_SIDE} a side); use .webm or .mov")
        self._size = size
        encoder = av.CodecContext.create("libwebp", "w")
        assert isinstance(encoder, av.VideoCodecContext)
        encoder.height, encoder.width = size
        encoder.pix_fmt = "bgra"
        encoder.time_base = Fraction(1, 1000)
        number = DEFAULT_QUALITY if quality is None else quality
        encoder.options = {
            "quality": str(number),
            "compression_level": "1",
        }  # level 4 is half as fast for files 15 % smaller
        self._encoder = encoder
        self._count = 0
        self._file: BinaryIO = part.open("r+b")
        alpha_and_animation = 0x12
        head = bytes([alpha_and_animation, 0, 0, 0]) + _three(width - 1) + _three(height - 1)
        try:
            self._file.write(b"RIFF\0\0\0\0WEBP" + _chunk(b"VP8X", head) + _chunk(b"ANIM", bytes(6)))
        except BaseException:
            self.abort()
            raise

    def prepare(self, picture: NDArray[np.uint8]) -> bytes:
        """The RIFF chunks of the picture: its alpha, where any pixel is transparent, and its colors."""
        frame = rgb_frame(picture).reformat(format="bgra")
        frame.pts, self._count = self._count, self._count + 1
        return b"".join(_chunks(bytes(packet)) for packet in self._encoder.encode(frame))

    def add(self, ready: bytes, time: Fraction, duration: Fraction) -> None:
        """Writes the frame, which replaces the one before it, where it is transparent too."""
        height, width = self._size
        shown = min(_WEBP_LONGEST, max(1, round((time + duration) * 1000) - round(time * 1000)))
        do_not_blend = 2
        head = bytes(6) + _three(width - 1) + _three(height - 1) + _three(shown) + bytes([do_not_blend])
        self._file.write(_chunk(b"ANMF", head + ready))
        if self._file.tell() > _WEBP_BYTES:
            raise OutputError("the result outgrows 4 GB, the most that .webp holds; use .webm or .mov")

    def finish(self) -> None:
        """Writes the file's size into its header, and closes it."""
        size = self._file.tell() - 8
        self._file.seek(4)
        self._file.write(size.to_bytes(4, "little"))
        self._file.close()

    def abort(self) -> None:
        """Closes the file, whose content is of no use."""
        with contextlib.suppress(OSError):  # a full disk refuses a second time
            self._file.close()


class PngFolder:
    """PNGs in the folder part, numbered in the order in which they come; quality has no effect on them."""

    def __init__(self, part: Path, size: tuple[int, int], quality: int | None, notes: list[str]) -> None:
        self._part = part
        self._count = 0

    def prepare(self, picture: NDArray[np.uint8]) -> bytes:
        """The picture as a PNG."""
        channels = picture.shape[2]
        order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
        turned = picture if channels == 1 else cv2.cvtColor(picture, order[channels])
        # level 3 is half as fast for files 9 % smaller
        _, data = cv2.imencode(".png", turned, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        return data.tobytes()

    def add(self, ready: bytes, time: Fraction, duration: Fraction) -> None:
        """Writes the PNG into the folder; time and duration are not kept."""
        self.put(self.encode(ready, time, duration))

    def finish(self) -> None:
        """Does nothing, as every picture is in the folder already."""

    def encode(self, ready: bytes, time: Fraction, duration: Fraction) -> list[Packet[Stream]]:
        """The PNG as a packet, as chunks hold it; its time does not matter."""
        packet = av.Packet(ready)
        packet.pts = packet.dts = packet.duration = 0
        return [packet]

    def flush(self) -> list[Packet[Stream]]:
        """No packets, as none is held back."""
        return []

    def put(self, packets: Iterable[Packet[Stream]]) -> None:
        """Writes the packets' PNGs into the folder."""
        for packet in packets:
            self._count += 1
            (self._part / f"{self._count:06d}.png").write_bytes(bytes(packet))

    def close(self) -> None:
        """Does nothing, as every picture is in the folder already."""

    def abort(self) -> None:
        """Does nothing, as no file is open."""


def _three(value: int) -> bytes:
    """The number in three bytes, the lowest first."""
    return value.to_bytes(3, "little")


def _chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a RIFF file, padded to an even length."""
    return name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def _chunks(still: bytes) -> bytes:
    """The chunks of a still WebP that go into a frame of an animation: ALPH, VP8 and VP8L, in their order."""
    found, at = b"", 12
    while at + 8 <= len(still):
        name, size = still[at : at + 4], int.from_bytes(still[at + 4 : at + 8], "little")
        whole = 8 + size + size % 2
        if name in (b"ALPH", b"VP8 ", b"VP8L"):
            found += still[at : at + whole]
        at += whole
    return found
