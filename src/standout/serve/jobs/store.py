"""The queue: a SQLite file with a row for each job, which outlives the server.

    JobRecord   a row
    owner       str     a name for the caller, see keys; "" where there are no keys
    times       float   seconds since 1970

The store is used in the event loop's thread alone; its writes are few and small. The steps of a job in work are not
written, since its process finds out anew how far it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from standout.errors import SetupError

VERSION = 1
"""Of the table, as SQLite's user_version."""

ENDED = ("done", "failed", "canceled")
STATES = ("queued", "running", *ENDED)


@dataclass(frozen=True)
class JobRecord:
    """A job. status: one of STATES.

    name, media_type: of the result. total: steps, see JobPlan.total. target: the result's path within the job's folder.
    starts: how many processes have begun it since it last went on. expires: when it is deleted; None while it has not
    ended.
    """

    id: str
    owner: str
    status: str
    created: float
    name: str
    media_type: str
    total: int
    target: str
    starts: int = 0
    done: int = 0
    message: str = ""
    error: str | None = None
    expires: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED


_COLUMNS = ", ".join(one.name for one in fields(JobRecord))
_TABLE = f"""
CREATE TABLE jobs (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL, status TEXT NOT NULL,
    created REAL NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL, total INTEGER NOT NULL, target TEXT NOT NULL,
    starts INTEGER NOT NULL, done INTEGER NOT NULL, message TEXT NOT NULL, error TEXT, expires REAL);
CREATE INDEX jobs_by_status ON jobs (status);
CREATE INDEX jobs_by_owner ON jobs (owner);
PRAGMA user_version = {VERSION};
"""


class JobStore:
    """The jobs of a SQLite file, which is made where there is none. Raises SetupError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        with ExitStack() as on_error:
            try:
                path.touch(0o600)
                self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                on_error.callback(self._base.close)
                self._base.execute("PRAGMA journal_mode = WAL")
                self._base.execute("PRAGMA synchronous = FULL")
                version = self._base.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    self._base.executescript(f"BEGIN; {_TABLE} COMMIT;")
                elif version != VERSION:
                    raise SetupError(f"{path} is of another version of standout ({version}); move it away")
                on_error.pop_all()
            except (sqlite3.Error, OSError) as error:
                raise SetupError(f"{path} cannot hold the queue of jobs ({error}); move it away") from None

    def close(self) -> None:
        """Closes the file."""
        self._base.close()

    def add(self, job: JobRecord) -> None:
        """Adds a job; it is on the disk when this returns."""
        places = ", ".join("?" for _ in fields(JobRecord))
        self._base.execute(f"INSERT INTO jobs ({_COLUMNS}) VALUES ({places})", astuple(job))

    def find(self, name: str) -> JobRecord | None:
        """The job of that id."""
        return next(self._select("WHERE id = ?", name), None)

    def all(self, owner: str | None = None) -> list[JobRecord]:
        """The jobs of the owner, or of all, the latest first."""
        if owner is None:
            return list(self._select("ORDER BY number DESC"))
        return list(self._select("WHERE owner = ? ORDER BY number DESC", owner))

    def before(self, job: JobRecord) -> int:
        """How many jobs have not ended that were added before this one."""
        waiting = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running') AND number <"
        number = "(SELECT number FROM jobs WHERE id = ?)"
        return int(self._base.execute(f"{waiting} {number}", (job.id,)).fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Status -> how many jobs have it."""
        found = dict(self._base.execute("SELECT status, count(*) FROM jobs GROUP BY status").fetchall())
        return {status: found.get(status, 0) for status in STATES}

    def claim(self) -> JobRecord | None:
        """The job that has waited longest, which is running from now on; None where none waits."""
        job = next(self._select("WHERE status = 'queued' ORDER BY number LIMIT 1"), None)
        if job is None:
            return None
        self._base.execute("UPDATE jobs SET status = 'running', starts = starts + 1 WHERE id = ?", (job.id,))
        return self.find(job.id)

    def went_on(self, name: str) -> None:
        """Forgets how often the job was begun, since it gets on."""
        self._base.execute("UPDATE jobs SET starts = 1 WHERE id = ?", (name,))

    def requeue(self, name: str, *, blameless: bool = False) -> None:
        """Lets a running job wait again. blameless: its process ended for another reason than the job."""
        less = 1 if blameless else 0
        change = "UPDATE jobs SET status = 'queued', starts = max(0, starts - ?) WHERE id = ? AND status = 'running'"
        self._base.execute(change, (less, name))

    def recover(self) -> None:
        """Lets all jobs wait again that were running when an earlier server ended."""
        self._base.execute("UPDATE jobs SET status = 'queued' WHERE status = 'running'")

    def end(self, name: str, status: str, *, expires: float, message: str = "", error: str | None = None) -> None:
        """Ends a job that has not ended yet."""
        done = "CASE WHEN ? = 'done' THEN total ELSE done END"
        change = f"UPDATE jobs SET status = ?, expires = ?, message = ?, error = ?, done = {done} WHERE id = ?"
        unended = "AND status IN ('queued', 'running')"
        self._base.execute(f"{change} {unended}", (status, expires, message, error, status, name))

    def expired(self, now: float) -> list[str]:
        """The ids of jobs whose time is over."""
        return [one.id for one in self._select("WHERE expires <= ?", now)]

    def remove(self, name: str) -> None:
        """Forgets a job."""
        self._base.execute("DELETE FROM jobs WHERE id = ?", (name,))

    def _select(self, rest: str, *values: object) -> Iterator[JobRecord]:
        for row in self._base.execute(f"SELECT {_COLUMNS} FROM jobs {rest}", values):
            yield JobRecord(*row)
