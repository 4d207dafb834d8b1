"""Folders of this machine: listed in flat memory, written to so that a killed process leaves nothing half-written.

    TARGET/.standout-unfinished/HOST-PID-RANDOM/   where a process writes what is not whole yet; it holds the lock there

A process that is killed leaves its folder behind. The next one that works on the same target removes it.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import socket
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from standout.errors import InputError, OutputError
from standout.support import atomic
from standout.support.lock import locked

UNFINISHED = ".standout-unfinished"
"""The folder for what is not whole yet, in the folder of results and in that of the ledger."""

_mine: dict[tuple[Path, int], tuple[Path, BinaryIO]] = {}
_changing = Lock()


def walk(root: Path, leave_out: Iterable[str]) -> Iterator[tuple[str, int, str]]:
    """(name, bytes, fault) of each file below the folder, without hidden ones; "" where it has no fault.

    At no time more than a folder's subfolders are held in memory. Links to folders are not followed.

    Raises InputError where the folder itself cannot be listed.
    """
    without = {os.path.realpath(each) for each in leave_out}
    folders = [""]
    while folders:
        inside = folders.pop()
        try:
            entries = os.scandir(root / inside)
        except OSError as error:
            why = f"{root / inside} cannot be listed ({error.strerror}); check the name and its permissions"
            if not inside:
                raise InputError(why) from None
            yield inside, 0, why
            continue
        with entries:
            for entry in entries:
                name = f"{inside}/{entry.name}" if inside else entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if os.path.realpath(entry.path) not in without:
                        folders.append(name)
                else:
                    yield name, *_told(entry)


def _told(entry: os.DirEntry[str]) -> tuple[int, str]:
    """The bytes of a file, and why it is not to be opened."""
    try:
        status = entry.stat()
    except OSError:  # who reads it says more
        return 0, ""
    if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):  # a link to a folder is no photo
        return status.st_size, ""
    return 0, f"{entry.path} is a pipe, a socket or a device, no file, and was not opened; take it out of there"


def write(path: Path, data: bytes | Path, *, root: Path, overwrite: bool) -> None:
    """Writes the file at path, below root, whole or not at all. data: its bytes, or a file that is moved there.

    Raises what atomic.write_atomic raises.
    """
    within = _own_folder(root)
    part = atomic.part_for(path, overwrite=overwrite, within=within)
    try:
        if isinstance(data, Path):
            shutil.copyfile(data, part)
        else:
            part.write_bytes(data)
        atomic.publish(part, path, overwrite=overwrite)
    except OSError as error:
        raise atomic.refused(path, 0, error) from error
    finally:
        atomic.discard(part)


def _own_folder(root: Path) -> Path:
    """The folder in which this process writes what is not whole yet, locked until the process ends."""
    key = (root.absolute(), os.getpid())
    with _changing:
        if key not in _mine or not _mine[key][0].is_dir():
            folder = root / UNFINISHED / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
            try:
                with suppress(FileNotFoundError):  # another process has just removed the empty folder around it
                    folder.mkdir(parents=True)
                folder.mkdir(parents=True, exist_ok=True)
                _mine[key] = folder, locked(folder)
            except OSError as error:
                raise atomic.refused(folder, 0, error) from error
        return _mine[key][0]


def leave(root: Path) -> None:
    """Removes what this process left unfinished below root, and its folder, which is made anew when it writes again."""
    key = (root.absolute(), os.getpid())
    with _changing:
        folder, lock = _mine.pop(key, (None, None))
        if lock is not None and folder is not None:
            lock.close()
            shutil.rmtree(folder, ignore_errors=True)


def tidy(root: Path) -> None:
    """Removes what this process, and processes of this machine that have ended, left unfinished below root."""
    leave(root)
    place = root / UNFINISHED
    with suppress(OSError):
        for left in [one for one in place.iterdir() if one.name.startswith(f"{socket.gethostname()}-")]:
            with suppress(OutputError, OSError):  # its process is still at work
                locked(left).close()
                shutil.rmtree(left, ignore_errors=True)
        place.rmdir()  # where no other process is at work


@atexit.register
def _leave_all() -> None:
    """Removes this process's own folders, where nobody has called tidy."""
    for (_, process), (folder, lock) in list(_mine.items()):
        if process == os.getpid():
            lock.close()
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                folder.parent.rmdir()
