"""A folder, or a prefix of an object store: what lies there, bytes in and bytes out.

    text      str       "pics/", "file:///data/pics", "s3://bucket/pics", "gs://bucket/pics",
                        "abfs://container@account.dfs.core.windows.net/pics"
    name      str       a file's place below it, with "/" between folders: "2024/a.jpg"
    Listed     what a listing says of a file
    Storage   frozen, small and picklable; connections are opened on first use, once for each process

To add a kind of store: see buckets.py.
"""

from __future__ import annotations

import os
import posixpath
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import parse_qsl, unquote, urlsplit

from standout.batch.bulk import buckets, local_files
from standout.errors import InputError, MissingExtra, OutputError, OutputExists, SetupError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PAGE = 1000
"""Names of a page, which is the most that object stores give at once."""

BUFFER = 1 << 18
"""Bytes that a file is read ahead where it is read piece by piece."""

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.I)


@dataclass(frozen=True)
class Listed:
    """A file of a listing. size: in bytes. fault: why it cannot be read, where that is known without opening it."""

    name: str
    size: int = 0
    fault: str = ""


@dataclass(frozen=True)
class Storage:
    """See the module. root: the folder, or the URL without its options. options: of the URL, as text."""

    root: str
    options: str = ""

    @classmethod
    def of(cls, text: str) -> Storage:
        """The storage that the text names. It need not exist. Raises InputError for a URL that is none of ours."""
        if not text:
            raise InputError("an empty text names no place; wanted a folder, or a URL such as s3://bucket/pics")
        match = _URL.match(text)
        if match is None:
            return cls(text.rstrip("/" + os.sep) or text[:1])
        scheme, address, options = match[1].lower(), text, ""
        if scheme == "file":
            return cls(unquote(urlsplit(text).path).rstrip("/") or "/")
        if scheme not in buckets.STORES:
            known = ", ".join(f"{name}://" for name in buckets.STORES)
            raise InputError(f"{text} begins with {scheme}://, which is not known; wanted a folder, file://, {known}")
        before, _, after = text.rpartition("?")
        if before and all(name in buckets.OPTIONS for name, _ in parse_qsl(after, keep_blank_values=True)):
            address, options = before, after
        if not address[match.end() :].strip("/"):
            raise InputError(f"{text} names no bucket; write it as {scheme}://BUCKET/FOLDER")
        return cls(f"{scheme}://{address[match.end() :].strip('/')}", options)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return _URL.match(self.root) is None

    @property
    def name(self) -> str:
        """The folder or URL in words that do not depend on the working folder."""
        return os.path.realpath(self.root) if self.is_local else self.root

    def address(self, name: str = "") -> str:
        """The path or the URL of a file, for people to read.

        >>> Storage("s3://bucket/pics").address("2024/a.jpg"), Storage("/").address("a.jpg")
        ('s3://bucket/pics/2024/a.jpg', '/a.jpg')
        """
        if not name or self.root == ".":
            return name or self.root
        return f"{self.root.rstrip('/')}/{name}"

    def path(self, name: str = "") -> Path:
        """The path of a file, of a folder of this machine."""
        assert self.is_local, "object stores have no paths"
        return Path(self.root, name) if name else Path(self.root)

    def below(self, name: str) -> Storage:
        """The folder of that name in it."""
        return Storage(self.address(name), self.options)

    def is_within(self, other: Storage) -> bool:
        """Whether it is the other one, or lies in it."""
        if self.is_local != other.is_local:
            return False
        if self.is_local:
            return Path(os.path.realpath(self.root)).is_relative_to(os.path.realpath(other.root))
        return self.options == other.options and f"{self.root}/".startswith(f"{other.root}/")

    def names(self, *, leave_out: tuple[Storage, ...] = ()) -> Iterator[Listed]:
        """All files, page by page, in no particular order; without hidden ones and those of folders to be left out.

        Raises InputError where it cannot be listed.
        """
        if self.is_local:
            yield from (Listed(*found) for found in local_files.walk(self.path(), [one.root for one in leave_out]))
            return
        without = tuple(f"{one.root}/" for one in leave_out if one.is_within(self))
        with self._reading("") as store:
            for page in store.list(chunk_size=PAGE):
                for one in page:
                    name = one["path"]
                    hidden = name.startswith(".") or "/." in name
                    if not hidden and not (without and f"{self.root}/{name}".startswith(without)):
                        yield Listed(name, one["size"])

    def exists(self, name: str) -> bool:
        """Whether there is such a file. Raises InputError where that cannot be found out."""
        if self.is_local:
            return os.path.exists(self.path(name))  # noqa: PTH110 (that of Path raises for impossible names)
        with self._reading(name) as store:
            try:
                store.head(name)
            except FileNotFoundError:
                return False
            return True

    def modified(self, name: str) -> float:
        """When the file was last written, in seconds since 1970. Raises InputError where there is none."""
        if self.is_local:
            with self._reading(name):
                return self.path(name).stat().st_mtime
        with self._reading(name) as store:
            return float(store.head(name)["last_modified"].timestamp())

    def read(self, name: str, *, start: int = 0, length: int | None = None) -> bytes:
        """The bytes of the file from start on, so many of them, or all. Raises InputError where it cannot be read."""
        with self._reading(name) as store:
            if self.is_local:
                with self.path(name).open("rb") as file:
                    file.seek(start)
                    return file.read(-1 if length is None else length)
            if length is not None:
                return b"" if length == 0 else bytes(store.get_range(name, start=start, length=length))
            return bytes(store.get(name).bytes())

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """The file, to be read piece by piece at any place. Raises InputError where it cannot be read."""
        with self._reading(name) as store:
            if self.is_local:
                with self.path(name).open("rb") as file:
                    yield file
            else:
                import obstore

                yield BufferedReader(buckets.Pieces(obstore.open_reader(store, name, buffer_size=BUFFER)))

    def write(self, name: str, data: bytes | Path, *, overwrite: bool = False) -> None:
        """Writes the file, whole or not at all. data: its bytes, or a file with them, which may be moved there.

        Raises OutputExists where there is one and overwrite is not set, OutputError where it cannot be written.
        """
        if self.is_local:
            local_files.write(self.path(name), data, root=self.path(), overwrite=overwrite)
            return
        address = self.address(name)
        try:
            self._store().put(name, data, mode="overwrite" if overwrite else "create")
        except Exception as error:
            if type(error).__name__ == "AlreadyExistsError":
                raise OutputExists(f"{address} exists and is kept; use --overwrite to replace it") from None
            raise OutputError(f"{address} cannot be written ({_reason(error)}); {_CURE}") from error

    def probe(self) -> None:
        """Raises OutputError where nothing can be written, by writing an empty file, which is deleted if it may be."""
        name = f"{local_files.UNFINISHED}/probe-{secrets.token_hex(4)}"
        self.write(name, b"")
        if self.is_local:
            self.path(name).unlink(missing_ok=True)
            return
        with suppress(Exception):  # who may write need not be allowed to delete
            self._store().delete(name)

    def check(self) -> None:
        """Raises SetupError where the package that reaches it is not installed, InputError for a URL it refuses."""
        if not self.is_local:
            self._store()

    def _store(self) -> ObjectStore:
        try:
            return buckets.opened(self.root, self.options)
        except ImportError:
            raise MissingExtra(f"reading and writing {self.root}", "batch") from None
        except SetupError:
            raise
        except Exception as error:
            raise InputError(f"{self.root} cannot be opened ({_reason(error)}); {_CURE}") from error

    @contextmanager
    def _reading(self, name: str) -> Iterator[Any]:
        """The store; whatever goes wrong while it is read becomes an InputError that names the file."""
        store = None if self.is_local else self._store()
        try:
            yield store
        except InputError:
            raise
        except FileNotFoundError:
            raise InputError(f"{self.address(name)} does not exist; check the name") from None
        except Exception as error:
            if isinstance(error, OSError) or type(error).__module__.startswith("obstore"):
                raise InputError(f"{self.address(name)} cannot be read ({_reason(error)}); {_CURE}") from error
            raise


_CURE = "check the name, the permissions or credentials, and the network"


def parted(text: str) -> tuple[Storage, str]:
    """The place and the name of one file, of its path or URL.

    >>> parted("s3://bucket/pics/a.jpg"), parted("list.txt")
    ((Storage(root='s3://bucket/pics', options=''), 'a.jpg'), (Storage(root='.', options=''), 'list.txt'))
    """
    whole = Storage.of(text)
    folder, _, name = whole.root.rpartition("/")
    if whole.is_local:
        path = Path(whole.root)
        return Storage(str(path.parent)), path.name
    if folder.endswith("/"):
        raise InputError(f"{text} names a bucket alone; wanted a file in it")
    return Storage(folder, whole.options), name


def normal(name: str) -> str:
    """The name without "." and "..", which must not lead out of the folder that it is in.

    >>> normal("a/./b/../c.jpg"), normal("../c.jpg")
    ('a/c.jpg', '../c.jpg')
    """
    return posixpath.normpath(name)


def _reason(error: Exception) -> str:
    """The first line of what an error says; obstore's go on with a page for its developers."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0].strip()
