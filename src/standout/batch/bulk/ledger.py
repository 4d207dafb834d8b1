"""The ledger: what became of every item, in a folder of Parquet files that any number of machines write at once.

    LEDGER/_work.json                 what the work is; another work is refused
    LEDGER/part-TIME-RANDOM.parquet   a table of BulkRow, written whole or not at all; nothing is ever changed in it

An item may have several rows: the one that was written last counts. Any program that reads Parquet reads the folder.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from standout.batch.bulk.shards import Shards, digest
from standout.batch.bulk.storage import Storage
from standout.errors import InputError, MissingExtra, OutputError, OutputExists

if TYPE_CHECKING:
    import pyarrow

JOB = "_work.json"
"""Programs that read a folder of Parquet files pass over what begins with "_" or "."."""

AT_ONCE = 16
"""Parts that are read at the same time."""


@cache
def worker_name() -> str:
    """This process, as rows name it."""
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True)
class BulkRow:
    """What became of an item.

    status: "done"; "kept", as its result was there already; "skipped", as such files cannot be read; or "failed".
    error: why it was skipped or failed. seconds: of work. width, height, person_share, frames, warnings: as
    batch.photo.Outcome has them. attempt: counted from 1. when: in UTC. worker: the machine and its process.
    """

    key: str
    target: str | None
    status: Literal["done", "kept", "skipped", "failed"]
    error: str | None = None
    seconds: float = 0.0
    width: int | None = None
    height: int | None = None
    person_share: float | None = None
    frames: int | None = None
    warnings: tuple[str, ...] = ()
    attempt: int = 1
    when: datetime | None = None
    worker: str = ""


@cache
def schema() -> pyarrow.Schema:
    """The columns of a part."""
    pa = arrow()
    kinds = {
        "seconds": pa.float64(), "width": pa.int32(), "height": pa.int32(), "person_share": pa.float32(),
        "frames": pa.int64(), "warnings": pa.list_(pa.string()), "attempt": pa.int32(),
        "when": pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    return pa.schema([(one.name, kinds.get(one.name, pa.string())) for one in fields(BulkRow)])


def table(rows: Iterable[BulkRow]) -> pyarrow.Table:
    """The rows as a table of that schema."""
    return arrow().Table.from_pylist([_plain(row) for row in rows], schema=schema())


def _plain(row: BulkRow) -> dict[str, Any]:
    """The row as Parquet holds it. Bytes of a name that are no UTF-8 are written as escapes."""
    values = asdict(row) | {"warnings": [_proper(one) for one in row.warnings], "when": row.when or datetime.now(UTC)}
    values["worker"] = row.worker or worker_name()
    for name in ("key", "target", "error"):
        values[name] = values[name] and _proper(values[name])
    return values


def _proper(text: str) -> str:
    r"""The text with escapes for bytes that are no UTF-8.

    >>> _proper("a\udcff.jpg")
    'a\\xff.jpg'
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def arrow() -> Any:
    """The module pyarrow. Raises MissingExtra where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("the ledger of a batch", "batch") from None
    return pyarrow


@dataclass(frozen=True)
class Done:
    """What a ledger says is done. digests: of the keys, sorted, 16 bytes each. failed: digest -> attempts so far."""

    digests: np.ndarray[Any, Any]
    failed: Mapping[bytes, int]

    def has(self, key: str) -> bool:
        """Whether the item is done, kept or skipped."""
        mine = _digest(key)
        at = int(np.searchsorted(self.digests, np.bytes_(mine)))
        return at < len(self.digests) and bool(self.digests[at] == mine)

    def attempts(self, key: str) -> int:
        """How often the item has failed."""
        return self.failed.get(_digest(key), 0)


def _digest(key: str) -> bytes:
    """The key's digest as NumPy gives it back: without zeros at its end."""
    return digest(_proper(key)).rstrip(b"\0")


@dataclass(frozen=True)
class BulkLedger:
    """See the module. place: its folder, which need not exist."""

    place: Storage

    def begin(self, work: Mapping[str, str]) -> None:
        """Says what the work is, in words: everything that changes the results.

        Raises OutputError where the ledger is of another work, or cannot be written.
        """
        arrow()
        try:
            self.place.write(JOB, json.dumps(work, indent=1).encode())
            return
        except OutputExists:
            pass
        try:
            before = json.loads(self.place.read(JOB))
        except ValueError:
            before = None
        if not isinstance(before, dict):
            raise OutputError(f"{self.place.address(JOB)} is no file of a ledger; give --ledger another folder")
        differ = [name for name in {**before, **work} if before.get(name) != work.get(name)]
        if differ:
            name = differ[0]
            raise OutputError(
                f"ledger {self.place.root} is that of another batch, whose {name} is {before.get(name)!r}, "
                f"not {work.get(name)!r}; give --ledger another folder, or the same options as before"
            )

    def add(self, rows: Iterable[BulkRow]) -> None:
        """Writes the rows, if there are any, as a new part. Raises OutputError where it cannot be written."""
        made = table(rows)
        if made.num_rows:
            out = io.BytesIO()
            arrow().parquet.write_table(made, out, compression="zstd")
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
            self.place.write(f"part-{now}-{secrets.token_hex(4)}.parquet", out.getvalue())

    def parts(self) -> list[str]:
        """The names of the parts, in the order in which they were written."""
        if self.place.is_local:
            return sorted(path.name for path in self.place.path().glob("part-*.parquet"))
        names = (one.name for one in self.place.names())
        return sorted(name for name in names if name.startswith("part-") and name.endswith(".parquet"))

    def tables(self, columns: list[str] | None = None) -> Iterator[pyarrow.Table]:
        """The parts, in their order; at no time more than some of them are in memory.

        Raises InputError where one cannot be read.
        """
        pa = arrow()

        def read(name: str) -> pyarrow.Table:
            try:
                return pa.parquet.read_table(io.BytesIO(self.place.read(name)), columns=columns)
            except pa.ArrowException as error:
                raise InputError(
                    f"{self.place.address(name)} is no part of a ledger ({str(error).splitlines()[0]}); "
                    "take it out of there"
                ) from None

        names = self.parts()
        with ThreadPoolExecutor(AT_ONCE, "standout-ledger") as pool:
            for start in range(0, len(names), AT_ONCE):
                yield from pool.map(read, names[start : start + AT_ONCE])

    def done(self, shards: Shards = Shards()) -> Done:  # noqa: B008 - a frozen value
        """What is done of that part of the work, which takes 29 bytes for each row."""
        digests: list[np.ndarray[Any, Any]] = []
        whens: list[np.ndarray[Any, Any]] = []
        attempts: list[np.ndarray[Any, Any]] = []
        for one in self.tables(["key", "status", "attempt", "when"]):
            keys = one.column("key").to_pylist()
            mine = np.array([shards.have(key) for key in keys], bool)
            failed = np.array([status == "failed" for status in one.column("status").to_pylist()], bool)
            count = one.column("attempt").to_numpy().astype(np.int32)
            digests.append(np.array([_digest(key) for key in keys], "S16")[mine])
            whens.append(one.column("when").to_numpy().astype("datetime64[us]").astype(np.int64)[mine])
            attempts.append(np.where(failed, count, 0)[mine])
        if not any(map(len, digests)):
            return Done(np.array([], "S16"), {})
        every, when, tried = np.concatenate(digests), np.concatenate(whens), np.concatenate(attempts)
        order = np.lexsort((when, every))
        every, tried = every[order], tried[order]
        last = np.append(every[1:] != every[:-1], True)
        every, tried = every[last], tried[last]
        return Done(every[tried == 0], dict(zip(every[tried > 0].tolist(), tried[tried > 0].tolist(), strict=True)))
