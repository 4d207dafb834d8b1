"""Whole files or no files: what is written appears at its place complete, or not at all.

    path   Path    where the result goes; missing parent folders are made
    data   bytes   the whole content

To add a way to publish on a file system that knows neither hard links nor renames: write it beside _publish.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sys
from pathlib import Path

from standout.errors import OutputError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NAME_SHARE = 40
"""Characters of the name in the temporary file's, so that a long one does not outgrow the file system's limit."""


def write_atomic(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """A file at path with exactly data; whatever goes wrong, no half file and no temporary file stays.

    The bytes go to a hidden file beside path, reach the disk (fsync), and only then take the name. Without overwrite
    a file that appears there meanwhile is kept too: the name is taken by a hard link, which never replaces anything.

    Raises OutputError: the file exists, it is a folder, no permission, no space left.
    """
    part = path.parent / f".{path.name[:_NAME_SHARE]}.{os.getpid()}-{secrets.token_hex(4)}.part"
    try:
        _check_target(path, overwrite=overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _publish(part, path, overwrite=overwrite)
    except (OSError, ValueError) as error:
        raise _refused(path, len(data), error) from error
    finally:
        _remove(part)


def write_folder_atomic(path: Path, source: Path, *, overwrite: bool = False) -> None:
    """A folder at path with what the folder source holds, for formats that are folders; whole or not at all.

    Raises OutputError: something is at path (with overwrite: that is no folder), no permission, no space left.
    """
    mark = f"{os.getpid()}-{secrets.token_hex(4)}"
    part, old = (path.parent / f".{path.name[:_NAME_SHARE]}.{mark}.{kind}" for kind in ("part", "old"))
    if os.path.lexists(path) and not (overwrite and path.is_dir()):
        raise _exists(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, part)
        if path.exists():
            path.rename(old)
        part.rename(path)
    except OSError as error:
        if old.exists():
            old.rename(path)
        raise _refused(path, sum(file.stat().st_size for file in source.rglob("*")), error) from error
    finally:
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)


def _check_target(path: Path, *, overwrite: bool) -> None:
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is a device or a pipe, not a file; give the name of a file")
    if not overwrite and os.path.lexists(path):
        raise _exists(path)


def _publish(part: Path, path: Path, *, overwrite: bool) -> None:
    """Part renamed to path, replacing what is there only with overwrite."""
    if overwrite:
        part.replace(path)
    elif sys.platform == "win32":  # a rename there never replaces
        part.rename(path)
    else:
        try:
            path.hardlink_to(part)
        except FileExistsError:
            raise
        except OSError:  # FAT, some network drives: no hard links, so take the name with an empty file first
            _publish_by_reservation(part, path)


def _publish_by_reservation(part: Path, path: Path) -> None:
    """Part renamed to path, which was free: an empty file holds the name until then."""
    path.open("xb").close()
    try:
        part.replace(path)
    except BaseException:
        _remove(path)
        raise


def _remove(path: Path) -> None:
    """No file at path, whether there was one or not."""
    with contextlib.suppress(OSError, ValueError):  # never made, or already renamed
        path.unlink()


def _exists(path: Path) -> OutputError:
    return OutputError(f"{path} exists and is kept; use --overwrite (overwrite=True) to replace it")


def _refused(path: Path, size: int, error: OSError | ValueError) -> OutputError:
    """The error that tells what the operating system said about path, and the cure."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, FileExistsError) and os.path.lexists(path):
        return _exists(path)
    if number in _NO_ROOM:
        return OutputError(f"{path}: no space left for {size} bytes; free some, or write to another disk")
    if number in _NOT_ALLOWED:
        return OutputError(f"{path}: no permission to write in {path.parent}; choose another output folder")
    if isinstance(error, FileExistsError | NotADirectoryError):
        return OutputError(f"{path}: a part of {path.parent} is a file, not a folder; choose another output folder")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return OutputError(f"{path} cannot be written ({reason}); choose another name or folder")
