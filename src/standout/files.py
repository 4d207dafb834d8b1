"""Whole files or no files: what is written appears at its place complete, or not at all.

    path   Path    where the result goes; missing parent folders are made
    data   bytes   the whole content
    part   Path    a hidden name beside path, for those who write piece by piece: part_for, then publish or discard

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
    part = _hidden(path, "part")
    try:
        _check_target(path, overwrite=overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _publish(part, path, overwrite=overwrite)
    except (OSError, ValueError) as error:
        raise refused(path, len(data), error) from error
    finally:
        _remove(part)


def part_for(path: Path, *, folder: bool = False, overwrite: bool = False, within: Path | None = None) -> Path:
    """An empty hidden file (or folder) beside path, to be written piece by piece; give it to publish or discard.

    within: a folder on the same disk that it lies in instead; made where there is none.

    Raises OutputError: what write_atomic and write_folder_atomic would say about path.
    """
    part = _hidden(path if within is None else within / path.name, "part")
    try:
        if not folder:
            _check_target(path, overwrite=overwrite)
        elif os.path.lexists(path) and not (overwrite and path.is_dir()):
            raise _exists(path)
        part.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if folder:
            part.mkdir()
        else:
            part.open("xb").close()
    except (OSError, ValueError) as error:
        raise refused(path, 0, error) from error
    return part


def publish(part: Path, path: Path, *, overwrite: bool = False) -> None:
    """Part, from part_for and now complete, takes the name path; part is gone afterwards, whatever goes wrong.

    Raises OutputError, as write_atomic does.
    """
    size = 0
    try:
        if part.is_dir():
            if not overwrite and os.path.lexists(path):
                raise _exists(path)
            _take_folder_name(part, path)
            return
        size = part.stat().st_size
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        _publish(part, path, overwrite=overwrite)
    except (OSError, ValueError) as error:
        raise refused(path, size, error) from error
    finally:
        discard(part)


def discard(part: Path) -> None:
    """No file and no folder at part, whether there was one or not."""
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part, ignore_errors=True)
    else:
        _remove(part)


def write_folder_atomic(path: Path, source: Path, *, overwrite: bool = False) -> None:
    """A folder at path with what the folder source holds, for formats that are folders; whole or not at all.

    Raises OutputError: something is at path (with overwrite: that is no folder), no permission, no space left.
    """
    part = part_for(path, folder=True, overwrite=overwrite)
    try:
        shutil.copytree(source, part / "whole")
        _take_folder_name(part / "whole", path)
    except OSError as error:
        raise refused(path, sum(file.stat().st_size for file in source.rglob("*")), error) from error
    finally:
        discard(part)


def _take_folder_name(part: Path, path: Path) -> None:
    """Part renamed to path; a folder that is there makes room, and comes back when that fails."""
    old = _hidden(path, "old")
    try:
        if path.exists():
            path.rename(old)
        part.rename(path)
    except BaseException:
        if old.exists():
            old.rename(path)
        raise
    discard(old)


def _hidden(path: Path, kind: str) -> Path:
    """A name beside path that nobody has."""
    return path.parent / f".{path.name[:_NAME_SHARE]}.{os.getpid()}-{secrets.token_hex(4)}.{kind}"


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


def refused(path: Path, size: int, error: OSError | ValueError) -> OutputError:
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
