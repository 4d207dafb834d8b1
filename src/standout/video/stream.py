"""Live stream -> its frames, as they arrive.

    url      str               rtsp://, http://, udp://, ...: an address that FFmpeg opens
    frames   Iterator[Image]   uint8 (H, W, 3), upright RGB

To add a protocol: its name in SCHEMES.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import av

from standout.errors import InputError, UnreadableVideo
from standout.types import Image
from standout.video import color, decode
from standout.video.gamut import SRGB, converter
from standout.video.turn import Turn

SCHEMES = ("rtsp", "rtsps", "http", "https", "tcp", "udp", "rtp", "srt", "rtmp", "rtmps")
"""Schemes of addresses that may be opened. Schemes that name files or lists of further addresses are not among them, on
purpose."""

_CARRIERS = ("tls", "crypto", "httpproxy")
"""Protocols that carry those. FFmpeg opens no others, so a playlist from the net cannot name files of this machine."""

OPEN_WITHIN, READ_WITHIN = 10.0, 10.0
"""Seconds after which a stream that does not answer is given up."""


class Stream:
    """A stream that was opened; use it in a with statement.

    Raises UnreadableVideo where the scheme is not allowed, nothing answers, or the stream holds no pictures.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        scheme = url.partition("://")[0].lower()
        if scheme not in SCHEMES:
            raise UnreadableVideo(f"{url}: {scheme}:// is not opened; give one of {', '.join(SCHEMES)}, or a file")
        # FFmpeg's buffers would only add latency here
        options = {"fflags": "nobuffer", "flags": "low_delay", "protocol_whitelist": ",".join((*SCHEMES, *_CARRIERS))}
        try:
            self._container = av.open(url, mode="r", options=options, timeout=(OPEN_WITHIN, READ_WITHIN))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UnreadableVideo(
                f"{url} cannot be opened ({reason}); check the address, and that the stream is running"
            ) from error
        if not self._container.streams.video:
            self._container.close()
            raise UnreadableVideo(f"{url} holds no pictures; give the stream of a camera")

    def frames(self) -> Iterator[Image]:
        """The frames until the stream ends, without the damaged ones. Raises InputError where the stream breaks off."""
        stream = self._container.streams.video[0]
        stream.thread_type = "SLICE"  # decoding several frames at once would delay each of them
        lost = decode.Lost()
        try:
            for frame in decode.decoded(self._container.demux(stream), lost):
                if not frame.is_corrupt:
                    settled = color.colors_of(frame).settled(frame.height)
                    image: Image = Turn.of(frame)(color.to_rgb(frame, settled, (frame.height, frame.width)))
                    convert = converter(settled, SRGB)
                    yield image if convert is None else convert(image)
        except decode.BrokenStream as error:
            raise InputError(f"{self.url} broke off ({error}); check the network and start again") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(av.error.FFmpegError):
            self._container.close()
