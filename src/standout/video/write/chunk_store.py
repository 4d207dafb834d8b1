"""Finished segments of a film on disk, so that a work of hours goes on where it was stopped.

    .out.mp4.segments/   beside out.mp4, hidden, until out.mp4 is whole
        job.json         what the work is; another one is refused
        00000.packets    encoded pictures, end to end
        00000.npz        where each begins and when it is shown, and what the work needs to go on; made last, so that
                         a segment is finished when this is there
    packets              Packet   times in ticks of the encoder's base
    state                {name: array}, whatever the work wants to find again

How pictures become these, and these a film: segmented.py.
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

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream

State: TypeAlias = dict[str, NDArray[Any]]

_LONGEST_NAME = 240
"""Bytes of a name, most file systems' 255 less what is put around it."""

_ALPHA: PktSideDataT = "matroska_block_additional"
"""Where VP9's transparency travels: beside the packet."""

_PTS, _DTS = 2, 3
"""Columns of an index: bytes, bytes beside them, shown at, decoded at, duration, key."""

_NONE = np.iinfo(np.int64).min


class ChunkStore:
    """The segments of the film at target, in a hidden folder beside it that this process alone works in.

    job: what the work is, in words: whatever changes the result. threads: of the encoder; as when the work was begun,
    since others would give other bytes. count: finished segments. state: saved with the last of them; empty = none is.

    Raises OutputError: the folder holds another job, is in use, or cannot be written.
    """

    def __init__(self, target: Path, job: Mapping[str, str], *, threads: int) -> None:
        self.folder = folder_of(target)
        self._lock: BinaryIO | None = None
        self._file: BinaryIO | None = None
        self._rows: list[tuple[int, ...]] = []
        self.state: State = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.folder)
            self.threads = self._agreed(job, threads)
            self.count = self._finished()
            self._clean()
        except BaseException as error:
            mine = self._lock is not None and not (self.folder / "job.json").exists()
            self.remove() if mine else self.close()
            if isinstance(error, OSError | ValueError):
                raise atomic.refused(self.folder, 0, error) from error
            raise

    @property
    def last(self) -> int:
        """The last tick at which a finished picture is shown; -1 = there is none."""
        return -1 if self.count == 0 else int(self._packed(self.count - 1)[:, _PTS].max())

    @property
    def early(self) -> int:
        """How many pictures the encoder decodes before the first one is shown, to show them in another order."""
        first = self._packed(0)
        return int(((first[:, _DTS] != _NONE) & (first[:, _DTS] < first[:, _PTS].min(initial=0))).sum())

    def write(self, packets: Iterable[Packet[Stream]]) -> None:
        """The packets in the segment that is being made."""
        for packet in packets:
            if self._file is None:
                self._file = self._path(self.count, "packets").open("wb")
            data = bytes(packet)
            beside = bytes(packet.get_sidedata(_ALPHA)) if packet.has_sidedata(_ALPHA) else b""
            self._file.write(data + beside)
            times = (_NONE if time is None else time for time in (packet.pts, packet.dts))
            self._rows.append((len(data), len(beside), *times, packet.duration or 0, int(packet.is_keyframe)))

    def keep(self, state: State) -> None:
        """The segment that is being made is finished: on the disk, to stay, and the state with it."""
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
        """All packets in the order of the film, those of the segment that is being made too."""
        for number in range(self.count + 1):
            yield from self._stored(number)

    def close(self) -> None:
        """Files let go; the finished segments stay, to go on from."""
        for file in (self._file, self._lock):
            if file is not None:
                with contextlib.suppress(OSError):  # a full disk says so a second time
                    file.close()
        self._file = self._lock = None

    def remove(self) -> None:
        """The folder and all that is in it are gone."""
        self.close()
        atomic.discard(self.folder)

    def _path(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:05d}.{kind}"

    def _agreed(self, job: Mapping[str, str], threads: int) -> int:
        """How many threads the work was begun with. Raises OutputError when it is another one."""
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
        """How many segments are finished and whole; learns the last one's state."""
        number = 0
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # not there, or cut off
            while True:
                index = self._index(number)
                if self._path(number, "packets").stat().st_size != int(index["packets"][:, :2].sum()):
                    break
                self.state = {name.removeprefix("state."): index[name] for name in index if name != "packets"}
                number += 1
        return number

    def _clean(self) -> None:
        """Nothing in the folder but finished segments."""
        keep = {"job.json", "lock", *(f"{n:05d}.{kind}" for n in range(self.count) for kind in ("packets", "npz"))}
        for path in self.folder.iterdir():
            if path.name not in keep:
                atomic.discard(path)

    def _index(self, number: int) -> State:
        with self._path(number, "npz").open("rb") as file, np.load(file, allow_pickle=False) as index:
            return dict(index)

    def _packed(self, number: int) -> NDArray[np.int64]:
        """A row for each packet of the segment, of six columns; of the one that is being made, too."""
        if number < self.count:
            return self._index(number)["packets"]
        if self._file is not None:
            self._file.flush()
        return np.array(self._rows, np.int64).reshape(-1, 6)

    def _stored(self, number: int) -> Iterator[Packet[Stream]]:
        rows = self._packed(number)
        if not len(rows):
            return
        with self._path(number, "packets").open("rb") as file:
            for size, beside, pts, dts, duration, key in rows.tolist():
                packet = av.Packet(file.read(size))
                packet.pts, packet.dts = (None if time == _NONE else time for time in (pts, dts))
                packet.duration, packet.is_keyframe = duration, bool(key)
                if beside:
                    packet.set_sidedata(_beside(file.read(beside)))
                yield packet


def folder_of(target: Path) -> Path:
    """The hidden folder of the target's segments.

    >>> folder_of(Path("clips/out.mp4")).as_posix()
    'clips/.out.mp4.segments'
    """
    name = target.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{name[:40]}.{sha256(os.fsencode(name)).hexdigest()[:16]}"
    return target.parent / f".{name}.segments"


def _locked(folder: Path) -> BinaryIO:
    """A file that is locked until it is closed, or its process ends, however that ends."""
    file = (folder / "lock").open("ab")
    try:
        try:
            import fcntl
        except ModuleNotFoundError:  # Windows
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.close()
        raise OutputError(f"{folder} is being worked in by another process; wait for it, or end it") from None
    except OSError:  # some network drives know no locks
        pass
    return file


def _beside(data: bytes) -> PacketSideData:
    found: PacketSideData = PacketSideData(get_args(PktSideDataT).index(_ALPHA), len(data))  # type: ignore[call-arg]
    found.update(data)
    return found
