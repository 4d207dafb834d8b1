"""Finished chunks of a clip on disk, so that the work of hours can go on where it was stopped.

    .out.mp4.segments/   a hidden folder beside out.mp4, until out.mp4 is whole
        job.json         what the work is; another job is refused
        00000.packets    encoded pictures, end to end
        00000.npz        where each of them begins, when it is shown, and the state; it is written last, so a chunk is
                         finished when this file is there
    packets              Packet   times in ticks of the encoder's base
    state                {name: array}, what the work needs to go on after the chunk

How pictures become chunks, and chunks a file: see chunked.py.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, get_args

import av
import numpy as np
from av.packet import PacketSideData, PktSideDataT
from numpy.typing import NDArray

from standout.errors import OutputError
from standout.support import atomic
from standout.support.lock import locked

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream

State: TypeAlias = dict[str, NDArray[Any]]

_LONGEST_NAME = 240
"""Bytes of a file's name: the 255 of most file systems, less what is added to it."""

_ALPHA: PktSideDataT = "matroska_block_additional"
"""The kind of side data in which packets of VP9 carry their alpha channel."""

_PTS, _DTS = 2, 3
"""Two columns of an index, which are: bytes, bytes of side data, time shown, time decoded, duration, is a key frame."""

_NONE = np.iinfo(np.int64).min
"""Stands for a missing time in an index."""


class ChunkStore:
    """The chunks of the file at target, in a hidden folder beside it in which only this process works.

    job: what the work is, in words: everything that changes the result. threads: of the encoder; where the work was
    begun with another number, that number stays, as it changes the bytes. count: number of finished chunks. state: what
    was kept with the last of them; empty where there is none.

    Raises OutputError where the folder holds another job, is in use, or cannot be written.
    """

    def __init__(self, target: Path, job: Mapping[str, str], *, threads: int) -> None:
        self.folder = folder_of(target)
        self._lock: BinaryIO | None = None
        self._file: BinaryIO | None = None
        self._rows: list[tuple[int, ...]] = []
        self.state: State = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = locked(self.folder)
            self.threads = self._agreed(job, threads)
            self.count = self._finished()
            self._clean()
        except BaseException as error:
            own = self._lock is not None and not (self.folder / "job.json").exists()
            self.remove() if own else self.close()
            if isinstance(error, OSError | ValueError):
                raise atomic.refused(self.folder, 0, error) from error
            raise

    @property
    def last(self) -> int:
        """The last tick at which a picture of a finished chunk is shown; -1 where there is none."""
        return -1 if self.count == 0 else int(self._packed(self.count - 1)[:, _PTS].max())

    @property
    def early(self) -> int:
        """Number of pictures that are decoded before the first one is shown, as B-frames are stored out of order."""
        first = self._packed(0)
        return int(((first[:, _DTS] != _NONE) & (first[:, _DTS] < first[:, _PTS].min(initial=0))).sum())

    def write(self, packets: Iterable[Packet[Stream]]) -> None:
        """Adds the packets to the chunk that is being made."""
        for packet in packets:
            if self._file is None:
                self._file = self._path(self.count, "packets").open("wb")
            data = bytes(packet)
            alpha = bytes(packet.get_sidedata(_ALPHA)) if packet.has_sidedata(_ALPHA) else b""
            self._file.write(data + alpha)
            times = (_NONE if time is None else time for time in (packet.pts, packet.dts))
            self._rows.append((len(data), len(alpha), *times, packet.duration or 0, int(packet.is_keyframe)))

    def keep(self, state: State) -> None:
        """Finishes the chunk that is being made: it stays on the disk, with the state."""
        rows = self._packed(self.count)
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
        index = io.BytesIO()
        np.savez(index, packets=rows, **{f"state.{name}": value for name, value in state.items()})  # type: ignore[arg-type]
        atomic.write_atomic(self._path(self.count, "npz"), index.getvalue(), overwrite=True)
        self._file, self._rows = None, []
        self.count += 1
        self.state = state

    def packets(self) -> Iterator[Packet[Stream]]:
        """All packets in the order of the file, with those of the chunk that is being made."""
        for number in range(self.count + 1):
            yield from self._stored(number)

    def close(self) -> None:
        """Closes the files. The finished chunks stay, so that the work can go on later."""
        for file in (self._file, self._lock):
            if file is not None:
                with contextlib.suppress(OSError):  # a full disk refuses a second time
                    file.close()
        self._file = self._lock = None

    def remove(self) -> None:
        """Deletes the folder and everything in it."""
        self.close()
        atomic.discard(self.folder)

    def _path(self, number: int, kind: str) -> Path:
        """The file of a chunk. kind: "packets" or "npz"."""
        return self.folder / f"{number:05d}.{kind}"

    def _agreed(self, job: Mapping[str, str], threads: int) -> int:
        """The number of threads with which the work was begun. Raises OutputError where another job was begun."""
        path = self.folder / "job.json"
        if not path.exists():
            text = json.dumps({"job": dict(job), "threads": threads}, indent=1)
            atomic.write_atomic(path, text.encode(), overwrite=True)
            return threads
        cure = f"go on as it was begun, delete {self.folder}, or give another -o"
        try:
            begun = json.loads(path.read_bytes())
            before, threads = dict(begun["job"]), int(begun["threads"])
        except (ValueError, KeyError, TypeError):
            raise OutputError(f"{path} is damaged; {cure}") from None
        names = [name for name in {**before, **job} if before.get(name) != job.get(name)]
        if names:
            apart = ", ".join(f"{name} was {before.get(name, 'none')}, is {job.get(name, 'none')}" for name in names)
            raise OutputError(f"{self.folder} holds the beginning of another work: {apart}; {cure}")
        return threads

    def _finished(self) -> int:
        """The number of finished, whole chunks; sets state to that of the last one."""
        number = 0
        # the errors of a chunk that is not there, or cut off
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            while True:
                index = self._index(number)
                if self._path(number, "packets").stat().st_size != int(index["packets"][:, :2].sum()):
                    break
                self.state = {name.removeprefix("state."): index[name] for name in index if name != "packets"}
                number += 1
        return number

    def _clean(self) -> None:
        """Deletes everything from the folder but the finished chunks."""
        keep = {"job.json", "lock", *(f"{n:05d}.{kind}" for n in range(self.count) for kind in ("packets", "npz"))}
        for path in self.folder.iterdir():
            if path.name not in keep:
                atomic.discard(path)

    def _index(self, number: int) -> State:
        """What the .npz file of a finished chunk holds."""
        with self._path(number, "npz").open("rb") as file, np.load(file, allow_pickle=False) as index:
            return dict(index)

    def _packed(self, number: int) -> NDArray[np.int64]:
        """A row of six columns for each packet of the chunk, also where it is still being made."""
        if number < self.count:
            return self._index(number)["packets"]
        if self._file is not None:
            self._file.flush()
        return np.array(self._rows, np.int64).reshape(-1, 6)

    def _stored(self, number: int) -> Iterator[Packet[Stream]]:
        """The packets of the chunk."""
        rows = self._packed(number)
        if not len(rows):
            return
        with self._path(number, "packets").open("rb") as file:
            for size, alpha, pts, dts, duration, key in rows.tolist():
                packet = av.Packet(file.read(size))
                packet.pts, packet.dts = (None if time == _NONE else time for time in (pts, dts))
                packet.duration, packet.is_keyframe = duration, bool(key)
                if alpha:
                    packet.set_sidedata(_alpha_data(file.read(alpha)))
                yield packet


def folder_of(target: Path) -> Path:
    """The hidden folder that holds the target's chunks.

    >>> folder_of(Path("clips/out.mp4")).as_posix()
    'clips/.out.mp4.segments'
    """
    name = target.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{name[:40]}.{sha256(os.fsencode(name)).hexdigest()[:16]}"
    return target.parent / f".{name}.segments"


def _alpha_data(data: bytes) -> PacketSideData:
    """The alpha channel of a packet, as side data."""
    found: PacketSideData = PacketSideData(get_args(PktSideDataT).index(_ALPHA), len(data))  # type: ignore[call-arg]
    found.update(data)
    return found
