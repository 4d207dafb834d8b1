"""Pictures -> file, in chunks that stay on the disk as they are finished; at the end they become one file.

    picture, ready, time   as in muxer.py and animation.py
    state                  {name: array}   what the work needs to go on after the chunk

Each chunk has an encoder of its own, so a file that was made in one go and one that was stopped and resumed are the
same, bit for bit. Nothing is encoded twice: the packets of the chunks go into the file as they are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

from standout.video.write.chunk_store import ChunkStore, State

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream


class PacketSource(Protocol):
    """Makes packets of pictures, as VideoEncoder and PngFolder do."""

    def prepare(self, picture: Any) -> Any:
        """The picture in the form that encode takes."""

    def encode(self, ready: Any, time: Fraction, duration: Fraction) -> list[Packet[Stream]]:
        """The packets that are ready after this picture. time, duration: in seconds."""

    def flush(self) -> list[Packet[Stream]]:
        """The packets that were held back."""


class PacketFile(Protocol):
    """A file that is made of packets, as Muxer and PngFolder are."""

    def put(self, packets: Iterable[Packet[Stream]]) -> None:
        """Writes the packets."""

    def close(self) -> None:
        """Writes what is left, and closes the file."""

    def abort(self) -> None:
        """Closes the file, whose content is of no use."""


class ChunkedFile:
    """A file that is written in chunks.

    begin: makes the encoder of a chunk; it takes the last tick that is taken already. whole: opens the file into which
    all chunks go at the end.
    """

    def __init__(
        self, store: ChunkStore, begin: Callable[[int], PacketSource], whole: Callable[[], PacketFile]
    ) -> None:
        self._store, self._begin, self._whole = store, begin, whole
        self._encoder = begin(store.last)
        self._file: PacketFile | None = None

    def prepare(self, picture: Any) -> Any:
        """The picture in the form that the encoder takes."""
        return self._encoder.prepare(picture)

    def add(self, ready: Any, time: Fraction, duration: Fraction) -> None:
        """Encodes the prepared picture into the chunk. time, duration: in seconds."""
        self._store.write(self._encoder.encode(ready, time, duration))

    def keep(self, state: State) -> None:
        """Finishes the chunk, keeps the state with it, and begins the next chunk."""
        self._store.write(self._encoder.flush())
        self._store.keep(state)
        self._encoder = self._begin(self._store.last)

    def finish(self) -> None:
        """Puts all chunks into the file, and closes it."""
        self._store.write(self._encoder.flush())
        self._file = self._whole()
        self._file.put(_in_order(self._store.packets(), self._store.early))
        self._file.close()

    def abort(self) -> None:
        """Closes the file, whose content is of no use; the finished chunks stay."""
        if self._file is not None:
            self._file.abort()


def _in_order(packets: Iterable[Packet[Stream]], early: int) -> Iterator[Packet[Stream]]:
    """The chunks' packets, with decoding times that fit together.

    Each encoder wants its first pictures decoded before any of them is shown, but at a seam the last pictures of the
    chunk before are still to be decoded at that time. So each picture is decoded at the time at which the picture
    `early` places before it, in the order of showing, is shown.
    """
    waiting: list[int] = []
    for packet in packets:
        heapq.heappush(waiting, packet.pts or 0)
        if len(waiting) > early:
            packet.dts = heapq.heappop(waiting)
        yield packet
