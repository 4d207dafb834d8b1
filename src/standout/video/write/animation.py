"""Pictures -> .gif, .webp or a folder of PNGs: one after another, only one of them in memory.

    picture    uint8 (H, W, 1|3|4)
    time       Fraction    seconds from the first picture
    ready      the picture as it goes into the file

    .gif       256 colors a frame, see-through or not; times in 1/100 s, at least 2/100 apart, or players slow down
    .webp      millions of colors, soft transparency; times in 1/1000 s
    .frames    PNGs numbered from 000001.png, no times

To add one: a class with prepare, add, finish and abort, named in writer.ANIMATIONS and containers.CONTAINERS.
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
from standout.video.color import whole
from standout.video.formats import DEFAULT_QUALITY
from standout.video.write.palette import reduced

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

_GIF_TICKS, _GIF_APART = 100, 2
_WEBP_SIDE, _WEBP_BYTES, _WEBP_LONGEST = 16383, (1 << 32) - 10, (1 << 24) - 1


class Gif:
    """An animated GIF in the making at part, repeating for ever."""

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
        """The picture in 256 colors."""
        return av.VideoFrame.from_ndarray(reduced(picture), format="pal8")  # type: ignore[arg-type]

    def add(self, ready: VideoFrame, time: Fraction, duration: Fraction) -> None:
        """The frame in the file, unless the last one is too near."""
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
        """The file complete."""
        if self._skipped:
            self._notes.append(f"{self._skipped} frames left out: .gif shows at most 50 a second")
        self._output.mux(self._stream.encode(None))
        self._output.close()

    def abort(self) -> None:
        """The file let go."""
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):  # the first failure is on its way
            self._output.close()


class WebP:
    """An animated WebP in the making at part, repeating for ever.

    FFmpeg's own encoder for these keeps all frames until the end; this one writes each as it comes. The file is
    described at https://developers.google.com/speed/webp/docs/riff_container.
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
        encoder.options = {"quality": str(number), "compression_level": "1"}  # 4: half as fast, 15 % smaller
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
        """The picture's chunks: its colors, and before them its alpha, if any of it is see-through."""
        frame = whole(picture).reformat(format="bgra")
        frame.pts, self._count = self._count, self._count + 1
        return b"".join(_chunks(bytes(packet)) for packet in self._encoder.encode(frame))

    def add(self, ready: bytes, time: Fraction, duration: Fraction) -> None:
        """The frame in the file; it replaces the one before, also where it is see-through."""
        height, width = self._size
        shown = min(_WEBP_LONGEST, max(1, round((time + duration) * 1000) - round(time * 1000)))
        do_not_blend = 2
        head = bytes(6) + _three(width - 1) + _three(height - 1) + _three(shown) + bytes([do_not_blend])
        self._file.write(_chunk(b"ANMF", head + ready))
        if self._file.tell() > _WEBP_BYTES:
            raise OutputError("the result outgrows 4 GB, the most that .webp holds; use .webm or .mov")

    def finish(self) -> None:
        """The file complete."""
        size = self._file.tell() - 8
        self._file.seek(4)
        self._file.write(size.to_bytes(4, "little"))
        self._file.close()

    def abort(self) -> None:
        """The file let go."""
        with contextlib.suppress(OSError):  # a full disk says so a second time
            self._file.close()


class PngFolder:
    """PNGs in the folder part, numbered in the order they come."""

    def __init__(self, part: Path, size: tuple[int, int], quality: int | None, notes: list[str]) -> None:
        self._part = part
        self._count = 0

    def prepare(self, picture: NDArray[np.uint8]) -> bytes:
        """The picture as a PNG."""
        channels = picture.shape[2]
        order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
        turned = picture if channels == 1 else cv2.cvtColor(picture, order[channels])
        _, data = cv2.imencode(".png", turned, [cv2.IMWRITE_PNG_COMPRESSION, 1])  # 3: half as fast, 9 % smaller
        return data.tobytes()

    def add(self, ready: bytes, time: Fraction, duration: Fraction) -> None:
        """The PNG in the folder."""
        self.put(self.encode(ready, time, duration))

    def finish(self) -> None:
        """Nothing: all is in the folder."""

    def encode(self, ready: bytes, time: Fraction, duration: Fraction) -> list[Packet[Stream]]:
        """The PNG as a packet, for segments; its time does not matter."""
        packet = av.Packet(ready)
        packet.pts = packet.dts = packet.duration = 0
        return [packet]

    def flush(self) -> list[Packet[Stream]]:
        """Nothing: none is held back."""
        return []

    def put(self, packets: Iterable[Packet[Stream]]) -> None:
        """The packets' PNGs in the folder."""
        for packet in packets:
            self._count += 1
            (self._part / f"{self._count:06d}.png").write_bytes(bytes(packet))

    def close(self) -> None:
        """Nothing: all is in the folder."""

    def abort(self) -> None:
        """Nothing: no file is open."""


def _three(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a RIFF file, its length even."""
    return name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def _chunks(still: bytes) -> bytes:
    """What of a still WebP goes into a frame: ALPH, VP8 and VP8L, in that order."""
    found, at = b"", 12
    while at + 8 <= len(still):
        name, size = still[at : at + 4], int.from_bytes(still[at + 4 : at + 8], "little")
        whole = 8 + size + size % 2
        if name in (b"ALPH", b"VP8 ", b"VP8L"):
            found += still[at : at + whole]
        at += whole
    return found
