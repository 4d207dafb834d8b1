"""Lists of photos: a text file with a path or a URL in each line, or a Parquet file with a column of them.

    text   str   "a.jpg" (beside the list), "/data/a.jpg", "s3://bucket/a.jpg"

To add a kind of list: a row in READERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from standout.batch.bulk.storage import Storage, normal, parted
from standout.errors import InputError, MissingExtra

COLUMNS = ("path", "url")
"""Names of the column of a Parquet file that holds the paths; the first that is there is taken."""

ROWS = 8192
"""Rows that are in memory at a time."""


def texts(storage: Storage, name: str) -> Iterator[str]:
    """The lines of the list, in its order, without empty ones. Raises InputError where it cannot be read."""
    yield from READERS[Path(name).suffix.lower()](storage, name)


def resolved(text: str, home: Storage) -> tuple[str, Storage, str]:
    """(key, storage, name) of what a line names. home: the folder of the list.

    >>> resolved("b/../a.jpg", Storage("s3://bucket/pics"))
    ('a.jpg', Storage(root='s3://bucket/pics', options=''), 'a.jpg')
    >>> resolved("s3://other/x/a.jpg", Storage("."))
    ('other/x/a.jpg', Storage(root='s3://other', options=''), 'x/a.jpg')
    """
    if "://" in text:
        storage, name = parted(text)
        if storage.is_local:
            return resolved(str(storage.path(name)), home)
        scheme, _, rest = storage.address(name).partition("://")
        bucket, _, name = rest.partition("/")
        options = storage.options or (home.options if home.root.startswith(f"{scheme}://") else "")
        return rest, Storage(f"{scheme}://{bucket}", options), name
    path = Path(text)
    name = normal(text)
    if not path.is_absolute() and name.partition("/")[0] != "..":
        return name, home, name
    if not home.is_local:
        raise InputError(f"{text!r} in a list in {home.root} leads out of there; write its whole URL")
    whole = Path(normal(str(path if path.is_absolute() else home.path().absolute() / path)))
    below = whole.relative_to(whole.anchor).as_posix()
    drive = whole.drive.replace(":", "")
    return f"{drive}/{below}" if drive else below, Storage(whole.anchor.rstrip("/") or "/"), below


def _lines(storage: Storage, name: str) -> Iterator[str]:
    with storage.opened(name) as file:
        rest = b""
        while chunk := file.read(1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from filter(None, (_text(line) for line in lines))
        if last := _text(rest):
            yield last


def _text(line: bytes) -> str:
    """A line without its end; bytes that are no UTF-8 stay, as they do in file names."""
    return line.removesuffix(b"\r").decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _rows(storage: Storage, name: str) -> Iterator[str]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtra(f"the list {storage.address(name)}", "batch") from None
    with storage.opened(name) as file:
        try:
            table = parquet.ParquetFile(file if storage.is_local else pyarrow.PythonFile(file, mode="r"))
            column = next((one for one in COLUMNS if one in table.schema_arrow.names), None)
            if column is None:
                has = ", ".join(table.schema_arrow.names)
                raise InputError(f"{storage.address(name)} has the columns {has}; wanted {' or '.join(COLUMNS)}")
            for batch in table.iter_batches(ROWS, columns=[column]):
                yield from (str(one) for one in batch.column(0).to_pylist() if one)
        except pyarrow.ArrowException as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{storage.address(name)} is no Parquet file ({reason}); write the list anew") from None


READERS: dict[str, Callable[[Storage, str], Iterator[str]]] = {".txt": _lines, ".parquet": _rows}
"""Suffix of a list -> what reads it."""
