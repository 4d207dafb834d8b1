"""Folders that files come into: which of them are whole and still to be done.

path    Path         a photo or a clip, by its suffix
stamp   (int, int)   its size in bytes, and when it was changed, in nanoseconds
task    Task         what is done with it, as plan gives it

The folders are listed again and again, since file systems do not report changes on network drives and in folders that
other machines write to. A listing reads names alone; the system is asked about a file only until it is done.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from standout.batch.find import real
from standout.batch.ledger import Result
from standout.batch.naming import UNREADABLE, is_clip
from standout.images import READABLE
from standout.support.atomic import write_atomic
from standout.video import READABLE as CLIPS

STEADY = 2.0
"""Seconds for which a file must not change before it is taken for whole."""

PATIENCE = 15.0
"""Seconds for which a file that failed must not change before it is tried again, as its copying may have paused."""

EVERY, SELDOM, SHARE = 1.0, 30.0, 0.02
"""Seconds between two listings: at least EVERY; more where a listing takes more than that SHARE of the time, up to
SELDOM."""

MEMORY = ".standout-watch.json"
"""The file in the folder of results that remembers which files failed."""

_PASSED_OVER = ("@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found")
"""Folders in which network drives and systems keep their own files."""

Stamp: TypeAlias = tuple[int, int]


def names(roots: Iterable[Path], *, recursive: bool, avoid: Iterable[Path]) -> Iterator[Path]:
    """The photos and clips in the folders, by their suffix, each folder sorted.

    Hidden files are left out, and those that begin with a tilde: programs that copy and synchronize files call them so
    until they are whole. recursive: folders inside the folders too. avoid: folders that are not looked into.

    Raises OSError where a folder of roots cannot be listed.
    """
    left_out = {real(one) for one in avoid}

    def fail(error: OSError) -> None:
        if Path(error.filename or "") in roots:
            raise error

    roots = list(roots)
    for root in roots:
        for place, inside, files in os.walk(root, onerror=fail):
            kept = (one for one in inside if one[0] != "." and one not in _PASSED_OVER) if recursive else ()
            inside[:] = sorted(one for one in kept if real(Path(place, one)) not in left_out)
            yield from (Path(place, one) for one in sorted(files) if _is_wanted(one))


def _is_wanted(name: str) -> bool:
    """Whether a file of that name is one to work on, or one that the user must be told about.

    >>> [_is_wanted(name) for name in ("a.JPG", "a.mp4", "a.dng", ".a.jpg", "~a.jpg", "a.jpg.part", "a.jpg~", "a.txt")]
    [True, True, True, False, False, False, False, False]
    """
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 (faster than Path, for thousands of names a second)
    return name[0] not in ".~" and (suffix in READABLE or suffix in CLIPS or suffix in UNREADABLE)


def stamp_of(path: Path) -> Stamp | None:
    """The file's stamp; None where it is gone or cannot be looked at."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


class Failures:
    """The files that failed, with the stamps that they had, in a small file, so that a restart does not try them again.

    path: the file; it is made when the first file fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Stamp] = {}
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # without it, files are tried again
            read = json.loads(path.read_text("utf-8"))["failed"]
            self._known = {name: (int(size), int(changed)) for name, (size, changed) in read.items()}

    def __contains__(self, seen: tuple[Path, Stamp]) -> bool:
        """Whether the file failed while it had that stamp."""
        path, stamp = seen
        return self._known.get(str(path.absolute())) == stamp

    def add(self, path: Path, stamp: Stamp) -> None:
        """Remembers that the file failed. Raises OutputError where that cannot be written."""
        self._known = {name: one for name, one in self._known.items() if os.path.lexists(name)}
        self._known[str(path.absolute())] = stamp
        text = json.dumps({"failed": self._known}, indent=1)
        write_atomic(self.path, text.encode(), overwrite=True)


@dataclass
class _Seen:
    """A file since it last changed: its stamp then, the time of the clock, and whether it has failed since."""

    stamp: Stamp
    since: float
    has_failed: bool = False


@dataclass
class Watched:
    """The files that come, and what became of them. It is used by one thread.

    look: lists the files, as names does. failures: of earlier runs and of this one. changes: whether files that are
    done are looked at again, and done anew when they have changed. most: photos that are handed out at once. clock,
    stamp: time.monotonic and stamp_of, or what tests put in their place.
    """

    look: Callable[[], Iterable[Path]]
    failures: Failures
    changes: bool = False
    most: int = 16
    clock: Callable[[], float] = time.monotonic
    stamp: Callable[[Path], Stamp | None] = stamp_of
    trouble: str = ""
    """Why the folders cannot be listed at the moment; empty where they can."""
    _seen: dict[Path, _Seen] = field(default_factory=dict)
    _ended: dict[Path, Stamp] = field(default_factory=dict)
    _given: dict[Path, Stamp] = field(default_factory=dict)

    def ready(self) -> list[Path]:
        """The files that are whole and to be done now, the earliest first: several photos, or a single clip.

        Photos go first, since each takes a moment and a clip may take an hour.
        """
        try:
            found = list(self.look())
        except OSError as error:
            self.trouble = f"{error.filename} cannot be listed ({error.strerror})"
            return []
        self.trouble = ""
        there = set(found)
        self._seen = {path: one for path, one in self._seen.items() if path in there}
        self._ended = {path: one for path, one in self._ended.items() if path in there}
        now = self.clock()
        whole = {path: stamp for path in found if (stamp := self._whole(path, now)) is not None}
        ordered = sorted(whole, key=lambda path: (whole[path][1], path))
        photos = [path for path in ordered if not is_clip(path)][: self.most]
        chosen = photos or ordered[:1]
        self._given = {path: whole[path] for path in chosen}
        return chosen

    def _whole(self, path: Path, now: float) -> Stamp | None:
        """The stamp of a file that is to be done, and has not changed for long enough; None for any other."""
        ended = self._ended.get(path)
        if ended is not None and not self.changes:
            return None
        stamp = self.stamp(path)
        if stamp is None or stamp == ended or (path, stamp) in self.failures:
            return None
        seen = self._seen.get(path)
        if seen is None or seen.stamp != stamp:
            self._seen[path] = _Seen(stamp, now)
            return None
        if stamp[0] == 0 or now - seen.since < (PATIENCE if seen.has_failed else STEADY):
            return None
        return stamp

    def has_changed(self, path: Path) -> bool:
        """Whether the file was done, or passed over, before it came to be as it is now."""
        return path in self._ended

    def end(self, path: Path) -> None:
        """The file, which ready gave, is done or passed over: it is not given again until it changes."""
        self._ended[path] = self._given[path]
        self._seen.pop(path, None)

    def fail(self, path: Path) -> bool:
        """The file, which ready gave, has failed. False where it is tried once more before that counts.

        Raises OutputError where the failure cannot be written down.
        """
        seen = self._seen.get(path)
        if seen is not None and not seen.has_failed:
            self._seen[path] = _Seen(seen.stamp, self.clock(), has_failed=True)
            return False
        self._seen.pop(path, None)
        self.failures.add(path, self._given[path])
        return True

    def tell(self, result: Result, *, stopped: bool) -> bool:
        """Remembers a result; whether it is to be reported, which a first failure is not.

        stopped: whether the run was asked to end, which leaves a clip in work undone.
        """
        if result.status != "failed":
            self.end(result.source)
            return True
        if stopped and is_clip(result.source):
            return False
        return self.fail(result.source)


def pause(spent: float) -> float:
    """Seconds until the next listing, after one that took so many.

    >>> pause(0.001), pause(0.1), pause(3.0)
    (1.0, 5.0, 30.0)
    """
    return min(SELDOM, max(EVERY, spent / SHARE))


def newer(source: Path, targets: Sequence[Path]) -> bool:
    """Whether the file was changed after every one of the targets, or one of these is not there."""
    stamp, made = stamp_of(source), [stamp_of(target) for target in targets]
    return stamp is not None and all(one is None or one[1] < stamp[1] for one in made)
