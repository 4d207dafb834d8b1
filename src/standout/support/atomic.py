"""Files and folders that are written whole or not at all.

    path   Path    where the result goes; missing parent folders are made
    data   bytes   the whole content
    part   Path    a hidden file beside path, to be written piece by piece: call part_for, then publish or discard

With overwrite, a link at path stays a link, and the file that it leads to is replaced. A file that is replaced keeps
its mode and, where the system allows it, its owner. New files and folders follow the umask.

To add a way to publish on a file system that has neither hard links nor renames: write it beside _publish.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
from pathlib import Path

from standout.errors import OutputError, OutputExists

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NAME_SHARE = 40
"""Characters of a name that its temporary file repeats, so that long names stay within the file system's limit."""

_unfinished: set[Path] = set()
"""The hidden files and folders that this process is writing to."""


def write_atomic(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Writes a file at path that holds exactly data. Whatever goes wrong, no half file and no temporary file stays.

    The bytes go to a hidden file beside path and reach the disk (fsync) before they take the name. Without overwrite, a
    file that appears there meanwhile is kept as well: the name is taken by a hard link, which never replaces anything.

    Raises OutputExists where the file exists, and OutputError where path is a folder, permission is missing, or the
    disk is full.
    """
    part = None
    try:
        _check_target(path, overwrite=overwrite)
        place = _place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = _begun(place)
        with part.open("r+b") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _publish(part, place, overwrite=overwrite)
    except (OSError, ValueError) as error:
        raise refused(path, len(data), error) from error
    finally:
        if part is not None:
            discard(part)


def part_for(path: Path, *, folder: bool = False, overwrite: bool = False, within: Path | None = None) -> Path:
    """An empty hidden file (or folder) beside path, to be written piece by piece; give it to publish or to discard.

    within: a folder on the same disk in which the part lies instead; it is made where it does not exist. Where path is
    a link, the part lies beside the file that the link leads to, which may be on another disk.

    Raises what write_atomic and write_folder_atomic raise about path.
    """
    try:
        if not folder:
            _check_target(path, overwrite=overwrite)
        elif os.path.lexists(path) and not (overwrite and path.is_dir()):
            raise _exists(path)
        place = _place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if within is None or place != path:
            return _begun(place, folder=folder)
        within.mkdir(parents=True, exist_ok=True)
        return _begun(within / path.name, folder=folder, like=place)
    except (OSError, ValueError) as error:
        raise refused(path, 0, error) from error


def publish(part: Path, path: Path, *, overwrite: bool = False) -> None:
    """Gives the name path to part, which comes from part_for and is complete; part is gone afterwards in any case.

    Raises OutputExists and OutputError, as write_atomic does.
    """
    size = 0
    try:
        if part.is_dir():
            _take_folder_name(part, path, overwrite=overwrite)
            return
        size = part.stat().st_size
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        _publish(part, _place(path), overwrite=overwrite)
    except (OSError, ValueError) as error:
        raise refused(path, size, error) from error
    finally:
        discard(part)


def discard(part: Path) -> None:
    """Removes the file or folder at part, if there is one."""
    if is_folder(part) and not os.path.islink(part):  # noqa: PTH114
        shutil.rmtree(part, ignore_errors=True)
    else:
        with contextlib.suppress(OSError, ValueError):  # never made, or already renamed
            part.unlink()
    _unfinished.discard(part)


def discard_unfinished() -> None:
    """Removes every hidden file and folder that this process has begun, where the process must end at once."""
    for part in list(_unfinished):
        discard(part)


def write_folder_atomic(path: Path, source: Path, *, overwrite: bool = False) -> None:
    """Writes a folder at path that holds what the folder source holds, for formats that are folders.

    Raises OutputExists where something is at path (with overwrite: something that is no folder), and OutputError where
    permission is missing or the disk is full.
    """
    part = part_for(path, folder=True, overwrite=overwrite)
    try:
        mode = part.stat().st_mode
        whole = part / "whole"
        shutil.copytree(source, whole, False, None, shutil.copyfile)
        for folder in (whole, *(inside for inside in whole.rglob("*") if inside.is_dir())):
            folder.chmod(stat.S_IMODE(mode))  # the source may be a temporary folder, which others may not enter
        _take_folder_name(whole, path, overwrite=overwrite)
    except OSError as error:
        raise refused(path, sum(file.stat().st_size for file in source.rglob("*")), error) from error
    finally:
        discard(part)


def _take_folder_name(part: Path, path: Path, *, overwrite: bool) -> None:
    """Renames part to path. With overwrite, a folder at path is moved aside first, and comes back where that fails."""
    if not overwrite:
        if os.path.lexists(path):
            raise _exists(path)
        try:
            part.rename(path)
        except OSError as error:  # a folder that appeared meanwhile is never replaced, unless it is empty
            raise _exists(path) if error.errno in (errno.EEXIST, errno.ENOTEMPTY) else error from None
        return
    place = _place(path)
    old = _hidden(place, "old")
    try:
        if place.exists():
            _adopt(part, place)
            place.rename(old)
        part.rename(place)
    except BaseException:
        if old.exists():
            old.rename(place)
        raise
    discard(old)


def _place(path: Path) -> Path:
    """The file that is really written: path itself, or where a link there leads, through all links."""
    if not path.is_symlink():
        return path
    place = Path(os.path.realpath(path))
    if place.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not place.parent.is_dir():
        raise OutputError(
            f"{path} is a link to {place}, whose folder does not exist; make that folder, or remove the link"
        )
    return place


def _begun(place: Path, *, folder: bool = False, like: Path | None = None) -> Path:
    """A new, empty hidden file or folder beside place. like: the file whose mode it gets; None: the one at place."""
    part = _hidden(place, "part")
    _unfinished.add(part)
    try:
        if folder:
            part.mkdir()
        else:
            before = _status(like or place)
            mode = 0o666 if before is None else 0o600 | stat.S_IMODE(before.st_mode)
            part.touch(mode, exist_ok=False)  # what replaces a private file is private from the beginning
    except BaseException:
        discard(part)
        raise
    return part


def is_file(path: Path) -> bool:
    """Whether a file is there; False also for a name that the system refuses, where Path.is_file raises."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False also for a name that the system refuses, where Path.is_dir raises."""
    return os.path.isdir(path)  # noqa: PTH112


def _hidden(path: Path, kind: str) -> Path:
    """A name beside path that no file has."""
    return path.parent / f".{path.name[:_NAME_SHARE]}.{os.getpid()}-{secrets.token_hex(4)}.{kind}"


def _check_target(path: Path, *, overwrite: bool) -> None:
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is a device or a pipe, not a file; give the name of a file")
    if not overwrite and os.path.lexists(path):
        raise _exists(path)


def _publish(part: Path, place: Path, *, overwrite: bool) -> None:
    """Renames part to place, where something is replaced only with overwrite."""
    if overwrite:
        _adopt(part, place)
        part.replace(place)
    elif sys.platform == "win32":  # a rename there never replaces
        part.rename(place)
    else:
        try:
            place.hardlink_to(part)
        except FileExistsError:
            raise
        except OSError:  # FAT, some network drives: no hard links, so take the name with an empty file first
            _publish_by_reservation(part, place)


def _publish_by_reservation(part: Path, place: Path) -> None:
    """Renames part to place, which was free; an empty file holds the name until then."""
    place.open("xb").close()
    try:
        part.replace(place)
    except BaseException:
        discard(place)
        raise


def _adopt(part: Path, place: Path) -> None:
    """Gives part the mode of the file or folder at place, and its owner and group where the system allows it."""
    before = _status(place)
    if before is None:
        return
    now = part.stat()
    if hasattr(os, "chown") and (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        for owner in (before.st_uid, -1):  # only an administrator may change the owner, but others may set the group
            with contextlib.suppress(OSError):
                os.chown(part, owner, before.st_gid)
                break
    with contextlib.suppress(OSError):  # file systems without modes
        part.chmod(stat.S_IMODE(before.st_mode) & (0o7777 if stat.S_ISDIR(before.st_mode) else 0o777))


def _status(path: Path) -> os.stat_result | None:
    """The status of the file; None where there is no file."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _exists(path: Path) -> OutputError:
    if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114 (those of Path raise)
        return OutputError(
            f"{path} is a link that leads nowhere; remove it, or use --overwrite to write where it leads"
        )
    return OutputExists(f"{path} exists and is kept; use --overwrite (overwrite=True) to replace it")


def refused(path: Path, size: int, error: OSError | ValueError) -> OutputError:
    """The error that says what the operating system refused about path, and the cure."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, FileExistsError) and os.path.lexists(path):
        return _exists(path)
    if number in _NO_ROOM:
        return OutputError(f"{path}: no space left for {size} bytes; free some, or write to another disk")
    if number in _NOT_ALLOWED:
        return OutputError(f"{path}: no permission to write in {path.parent}; choose another output folder")
    if number == errno.ENAMETOOLONG:
        length = max(len(os.fsencode(name)) for name in path.parts)
        return OutputError(
            f"{path} cannot be written: a name of {length} bytes is too long for the file system; choose another (-o)"
        )
    if isinstance(error, FileExistsError | NotADirectoryError):
        return OutputError(f"{path}: a part of {path.parent} is a file, not a folder; choose another output folder")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return OutputError(f"{path} cannot be written ({reason}); choose another name or folder")
