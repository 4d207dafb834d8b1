"""A folder in which only one process works at a time.

folder   Path       it exists; the file `lock` in it carries the lock
lock     BinaryIO   holds the lock until it is closed or the process ends, however it ends
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from standout.errors import OutputError


def locked(folder: Path) -> BinaryIO:
    """A file in the folder, locked until it is closed or this process ends.

    Raises OutputError where another process holds the lock.
    """
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
        raise OutputError(f"{folder} is in use by another process; wait for it, or end it") from None
    except OSError:  # some network drives have no locks
        pass
    return file
