"""Pictures -> film, in segments that are kept on disk as they are finished; at the end they become one file.

    picture, ready, time   as in film.py and animation.py
    state                  {name: array}   what the work wants to find again when it goes on

Each segment has an encoder of its own, so that a film made at one go and one that was stopped and gone on with are the
same, bit for bit. Nothing is encoded twice: their packets go into the file as they are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from standout.video.write.chunk_store import ChunkStore, State

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream


class Encodes(Protocol):
    """What makes packets of pictures, as writer.VideoFile makes a file of them."""

    def prepare(self, picture: NDArray[np.uint8]) -> Any:
        """The picture as encode takes it."""

    def encode(self, ready: Any, time: Fraction, duration: Fraction) -> list[Packet[Stream]]:
        """What is ready once this picture is in."""

    def flush(self) -> list[Packet[Stream]]:
        """What was still on its way."""


class Whole(Protocol):
    """A file in the making of packets."""

    def put(self, packets: Iterable[Packet[Stream]]) -> None:
        """The packets in the file."""

    def close(self) -> None:
        """The file complete."""

    def abort(self) -> None:
        """The file let go."""


class ChunkedFile:
    """A file in the making, in segments.

    begin: makes the encoder of a segment, told the last tick that is taken. whole: opens the file that all go into.
    """

    def __init__(self, segments: ChunkStore, begin: Callable[[int], Encodes], whole: Callable[[], Whole]) -> None:
        self._segments, self._begin, self._whole = segments, begin, whole
        self._encoder = begin(segments.last)
        self._file: Whole | None = None

    def prepare(self, picture: NDArray[np.uint8]) -> Any:
        """The picture as the encoder takes it."""
        return self._encoder.prepare(picture)

    def add(self, ready: Any, time: Fraction, duration: Fraction) -> None:
        """The prepared picture in the segment."""
        self._segments.write(self._encoder.encode(ready, time, duration))

    def keep(self, state: State) -> None:
        """The segment finished, and the next begun."""
        self._segments.write(self._encoder.flush())
        self._segments.keep(state)
        self._encoder = self._begin(self._segments.last)

    def finish(self) -> None:
        """The file complete."""
        self._segments.write(self._encoder.flush())
        self._file = self._whole()
        self._file.put(_in_order(self._segments.packets(), self._segments.early))
        self._file.close()

    def abort(self) -> None:
        """The file let go."""
        if self._file is not None:
            self._file.abort()


def _in_order(packets: Iterable[Packet[Stream]], early: int) -> Iterator[Packet[Stream]]:
    """The segments' packets with times of decoding that fit together.

    Each encoder begins to decode some pictures before its first one is shown; at a seam, earlier ones are still to be
    decoded then. So a picture is decoded when the one `early` places before it, in the order of showing, is shown.
    """
    waiting: list[int] = []
    for packet in packets:
        heapq.heappush(waiting, packet.pts or 0)
        if len(waiting) > early:
            packet.dts = heapq.heappop(waiting)
        yield packet
