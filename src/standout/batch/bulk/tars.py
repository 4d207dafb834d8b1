"""What lies in a tar file, without unpacking it: members are read in place, by where their bytes begin."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from standout.batch.bulk.storage import Storage
from standout.errors import InputError


@dataclass(frozen=True)
class Member:
    """A plain file in a tar file. start, length: of its bytes."""

    name: str
    start: int
    length: int


def members(storage: Storage, name: str) -> Iterator[Member]:
    """The plain files of the tar file, without hidden ones; a name that comes twice counts once, as the first.

    Raises InputError where it cannot be read, breaks off, or is compressed, so that no member can be read in place.
    """
    address = storage.address(name)
    seen: set[str] = set()
    with storage.opened(name) as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                while (one := tar.next()) is not None:
                    tar.members.clear()  # type: ignore[attr-defined]  # it would grow with the file
                    path = one.name.removeprefix("./").strip("/")
                    hidden = any(part.startswith(".") for part in path.split("/"))
                    if one.isreg() and not one.issparse() and not hidden and path not in seen:
                        seen.add(path)
                        yield Member(path, one.offset_data, one.size)
                file.seek(tar.offset)
                if any(bytes(file.read(tarfile.BLOCKSIZE)) or b"nothing, where the end is marked by zeros"):
                    raise tarfile.ReadError(f"it breaks off after {tar.offset} bytes")
        except tarfile.TarError as error:
            raise InputError(f"{address} is damaged, or no plain tar file ({error}); write it anew") from None
