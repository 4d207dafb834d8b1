"""The processor: how many of its cores this process may use, and how its threads are scheduled.

    cores()             int     at least 1: the smallest of the limits of the operating system, the process's affinity,
                                and its control groups (a container's CPU quota, Linux cgroup v1 and v2)
    process_age()       float   seconds for which this process has been there
    scheduling_kept()         a context for libraries that give threads real-time priority
    release_memory()          gives what this process has freed back to the operating system
    keep_little_memory()      from now on, gives large arrays back as soon as they are freed

To respect another limit: write a function like _quotas, and call it in cores.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def cores(root: Path = Path("/")) -> int:
    """How many processor cores this process may use, at least 1.

    A quota of one and a half cores counts as two, so that none of it stays unused. root: the folder of proc/ and sys/.
    """
    allowed = [_allowed(), *(math.ceil(share) for share in _quotas(root))]
    return max(1, min(allowed))


@contextmanager
def scheduling_kept() -> Iterator[None]:
    """Resets threads that get real-time priority inside to the scheduling that they, or the calling thread, had before.

    A busy real-time thread lets no other thread run on its core, so that a few of them can stop the whole machine.
    """
    before = _policies()
    try:
        yield
    finally:
        mine = before.get(threading.get_native_id())
        for thread, policy in _policies().items():
            wanted = before.get(thread, mine)
            if wanted is not None and policy != wanted:
                with suppress(OSError):  # the thread has ended meanwhile
                    os.sched_setscheduler(thread, *wanted)


def _policies() -> dict[int, tuple[int, os.sched_param]]:
    """How each thread of this process is scheduled; empty on systems other than Linux, which do not say."""
    found = {}
    with suppress(OSError):
        for thread in (int(entry.name) for entry in Path("/proc/self/task").iterdir()):
            with suppress(OSError):  # the thread has ended meanwhile
                found[thread] = os.sched_getscheduler(thread), os.sched_getparam(thread)
    return found


def _allowed() -> int:
    """The cores of the process's affinity; all cores where the system knows no affinity."""
    count = getattr(os, "process_cpu_count", None)  # since Python 3.13; it also respects PYTHON_CPU_COUNT
    if count is not None:
        return count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """The CPU quotas, in cores, of this process's control groups and of all the groups above them."""
    mounts = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        parts = [part for part in group.split("/") if part not in ("", "..")]
        if not controllers:  # version 2
            for folder in _upwards(mounts, parts):
                quota, _, period = _text(folder / "cpu.max").partition(" ")
                yield from _share(quota, period)
        elif "cpu" in controllers.split(","):
            for name in dict.fromkeys((controllers, "cpu", "cpu,cpuacct")):
                for folder in _upwards(mounts / name, parts):
                    yield from _share(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _upwards(mount: Path, parts: list[str]) -> Iterator[Path]:
    """The group's folder and the folders above it, up to the mount, which in a container is often the group's own."""
    for count in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:count])


def _share(quota: str, period: str) -> Iterator[float]:
    """The quota of microseconds in each period as a number of cores; empty where there is no limit ("max", "-1")."""
    try:
        allowed, every = int(quota), int(period)
    except ValueError:
        return
    if allowed > 0 and every > 0:
        yield allowed / every


def _text(path: Path) -> str:
    """The text of the file without surrounding white space; "" where the file cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def release_memory() -> None:
    """Gives memory that this process has freed back to the operating system, where glibc would keep it for later."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # musl has no such function and keeps nothing
            ctypes.CDLL(None).malloc_trim(0)


def keep_little_memory() -> None:
    """From now on, arrays of two megabytes and more go back to the operating system as they are freed.

    glibc would keep what is as small as anything that was freed before, up to 32 MB, for later.
    """
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # musl gives them back by itself
            for parameter, size in ((_MMAP_THRESHOLD, 1 << 21), (_TRIM_THRESHOLD, 1 << 22)):
                ctypes.CDLL(None).mallopt(parameter, size)


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""What glibc's malloc.h calls these parameters."""


def process_age() -> float:
    """The seconds since this process began; 0 on systems other than Linux, which do not say it as easily.

    On a busy machine many seconds pass before the first line of a program runs.
    """
    with suppress(OSError, ValueError, IndexError, AttributeError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        ticks = int(
            fields[19]
        )  # the 22nd field of the file; the second, a name that may hold spaces, is cut off before
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    return 0.0
