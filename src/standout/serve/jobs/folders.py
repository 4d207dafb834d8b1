"""The state folder: the queue's file, and a folder for each job, which nobody else may look into.

    DIR/jobs.sqlite3     the queue, see store
    DIR/lock             held by the server that works here
    DIR/jobs/ID/         the files of a job, see order; ID: 32 hexadecimal digits

Nothing but folders called like a job is ever deleted.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_state_path

from standout.errors import OutputError, SetupError
from standout.support.lock import locked

QUEUE = "jobs.sqlite3"
OWN = frozenset({QUEUE, f"{QUEUE}-wal", f"{QUEUE}-shm", "lock", "jobs"})
"""What the state folder holds."""

_ID = re.compile(r"[0-9a-f]{32}")


def default() -> Path:
    """Where jobs are kept where no folder is given: the user's folder for the state of programs."""
    return user_state_path("standout", appauthor=False) / "serve"


def new_id() -> str:
    """A name for a job that cannot be guessed."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether the text can be the name of a job."""
    return _ID.fullmatch(text) is not None


class JobFolders:
    """The state folder, locked until it is closed.

    Raises SetupError where it cannot be written, holds files of others, or is in use by another server.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._jobs = root / "jobs"
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            strange = sorted(one.name for one in root.iterdir() if one.name not in OWN)
            if strange:
                raise SetupError(f"{root} holds other files, such as {strange[0]}; give --jobs-folder an empty folder")
            self._jobs.mkdir(mode=0o700, exist_ok=True)
            self._jobs.chmod(0o700)
            self._lock: BinaryIO = locked(root)
        except OutputError:
            raise SetupError(
                f"{root} is in use by another server; end it, or give this server its own --jobs-folder"
            ) from None
        except OSError as error:
            raise SetupError(
                f"{root} cannot hold the jobs ({error.strerror}); change its permissions, or give --jobs-folder DIR"
            ) from None

    def close(self) -> None:
        """Lets another server work here."""
        self._lock.close()

    def of(self, name: str) -> Path:
        """The folder of a job."""
        assert is_id(name), "names of jobs are checked before"
        return self._jobs / name

    def make(self, name: str) -> Path:
        """A new folder for a job. Raises OSError where it cannot be made."""
        folder = self.of(name)
        folder.mkdir(mode=0o700)
        for part in ("upload", "out"):
            (folder / part).mkdir()
        return folder

    def remove(self, name: str) -> None:
        """Deletes a job's folder, if there is one."""
        shutil.rmtree(self.of(name), ignore_errors=True)

    def keep_only(self, name: str, target: str) -> None:
        """Deletes everything in a job's folder but its result. target: its path within the folder."""
        folder, kept = self.of(name), Path(target)
        for place, stays in ((folder, kept.parts[0]), ((folder / kept).parent, kept.parts[-1])):
            with suppress(FileNotFoundError):  # the job was deleted meanwhile
                for path in list(place.iterdir()):
                    if path.name != stays:
                        _delete(path)

    def clean(self, known: Collection[str]) -> None:
        """Deletes the folders of jobs that are not known, such as those of uploads that an earlier server began."""
        for path in self._jobs.iterdir():
            if is_id(path.name) and path.name not in known:
                shutil.rmtree(path, ignore_errors=True)

    def used(self) -> int:
        """The bytes that all jobs take on the disk."""
        total = 0
        for place, _, files in os.walk(self._jobs):
            for file in files:
                with suppress(OSError):  # it was deleted meanwhile
                    total += Path(place, file).stat().st_size
        return total


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
