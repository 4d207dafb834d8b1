"""A ZIP file -> its pictures and clips, by number, and what their names in it are.

What a ZIP file says of itself is not believed: bytes are counted as they are unpacked, and no name becomes a path.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from standout.errors import InputError
from standout.images import READABLE
from standout.serve.jobs import names
from standout.serve.jobs.order import GivenFile
from standout.serve.jobs.settings import JobSettings
from standout.video import READABLE as CLIPS

STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""How ZIP files begin; the second is an empty one."""

_PIECE = 2**20
_ENCRYPTED = 0x1
"""Bit of an entry's flags."""


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a ZIP file."""
    return head.startswith(STARTS)


def unpacked(given: GivenFile, folder: Path, limits: JobSettings) -> tuple[list[GivenFile], tuple[str, ...]]:
    """The photos and clips of a ZIP file, written into the folder by number, and the names of what was left out.

    Raises InputError for a file that is damaged, encrypted or too large, or that holds links or no pictures.
    """
    folder.mkdir(exist_ok=True)
    found: list[GivenFile] = []
    left_out: list[str] = []
    left = limits.most_bytes
    try:
        with zipfile.ZipFile(given.path) as archive:
            for entry in _entries(archive, given, limits):
                name = names.safe_path(entry.filename)
                if PurePosixPath(name).suffix.lower() not in READABLE | CLIPS:
                    left_out.append(name)
                    continue
                target = folder / str(len(found))
                left -= _written(archive, entry, target, left, limits)
                found.append(GivenFile(str(target), name))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(f"{given.name} is a damaged or unusual ZIP file ({error}); pack it again") from None
    if not found:
        holds = f"only {', '.join(left_out[:3])}" if left_out else "nothing"
        raise InputError(f"{given.name} holds {holds}; wanted photos or clips")
    return found, tuple(left_out)


def _entries(archive: zipfile.ZipFile, given: GivenFile, limits: JobSettings) -> Iterator[zipfile.ZipInfo]:
    """The files of the archive, without what macOS adds to each."""
    entries = [one for one in archive.infolist() if not one.is_dir()]
    if len(entries) > limits.most_files:
        raise InputError(
            f"{given.name} holds {len(entries):,} files, wanted at most {limits.most_files:,}; send several ZIP files"
        )
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        if "__MACOSX" in parts or not parts or parts[-1].startswith("."):
            continue
        shown = names.safe_path(entry.filename)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise InputError(f"{given.name} holds a link, {shown}; pack the file to which it leads")
        if entry.flag_bits & _ENCRYPTED:
            raise InputError(f"{given.name} is encrypted; pack it without a password")
        yield entry


def _written(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int, limits: JobSettings) -> int:
    """The number of bytes of the entry, which the target holds then. left: how many it may have."""
    size = 0
    with archive.open(entry) as source, target.open("xb") as file:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > left:
                raise InputError(
                    f"the ZIP file unpacks to more than {limits.most_bytes:,} bytes; send its photos in several jobs"
                )
            file.write(piece)
    return size
