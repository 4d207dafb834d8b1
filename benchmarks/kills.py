"""Kills runs of `standout batch` with SIGKILL at random moments, runs them again, and prints what came of the photos.

    python benchmarks/kills.py [--times 7] [--photos 120] [--seed N] [worker driver shard ...]

    worker   a process that works for a run on Ray, which continues without it
    driver   the run on Ray itself; the same command is run again
    shard    one of two shards that run at the same time; its command is run again
    process  the process that does the work of a run on one machine, which continues with another one

After each, every photo must have its result, the same to the byte as that of a run that nobody killed. Results that
were there when the process was killed must not have been written again. The ledger must have rows for each photo, no
more than one of which says "done". No unfinished file and no process may be left. The script ends with an error at the
first that is otherwise, and leaves its folder.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from standout import images
from standout.batch.bulk.ledger import BulkLedger
from standout.batch.bulk.storage import Storage

SAMPLE = Path(__file__).parent.parent / "examples" / "astronaut.jpg"
MODEL = "standout-tiny"
SIDE = 160
LIMIT = 600.0
"""Seconds after which what has not happened will not happen."""


class Failed(Exception):
    """What should hold after a kill does not."""


class _TooLate(Exception):
    """All photos were done, and nothing was left to kill."""


@dataclass(frozen=True)
class Kill:
    """One kill. results: how many there were at that moment. kept: those that were found to be done, but had no row."""

    kind: str
    results: int
    kept: int
    seconds: float


@dataclass(frozen=True)
class Ground:
    """Where kills happen. source: the photos. wanted: what each result must be, by its name."""

    home: Path
    source: Path
    wanted: dict[str, bytes]

    def command(self, *options: str) -> list[str]:
        """The run that is killed."""
        standout = [sys.executable, "-m", "standout", "batch", str(self.source), str(self.target), "cut"]
        return [*standout, "--ledger", str(self.ledger), "--model", MODEL, "--quiet", *options]

    @property
    def target(self) -> Path:
        """The folder of the results."""
        return self.home / "out"

    @property
    def ledger(self) -> Path:
        """The ledger's folder."""
        return self.home / "ledger"

    def results(self) -> dict[str, tuple[int, int]]:
        """The results so far, by name: inode and time of writing."""
        with os.scandir(self.target) if self.target.exists() else _nothing() as entries:
            return {
                entry.name: (entry.stat().st_ino, entry.stat().st_mtime_ns)
                for entry in entries
                if not entry.name.startswith(".")
            }


class _nothing:
    """An empty folder, as os.scandir gives it."""

    def __enter__(self) -> Iterator[os.DirEntry[str]]:
        return iter(())

    def __exit__(self, *_: object) -> None:
        pass


def ground(home: Path, photos: int) -> Ground:
    """So many small photos, each another part of the sample photo, and the results of a run that nobody kills."""
    source = home / "in"
    source.mkdir(parents=True)
    whole = images.read(SAMPLE).image
    for number in range(photos):
        top = number * (whole.shape[0] - 2 * SIDE) // photos
        part = cv2.resize(whole[top : top + 2 * SIDE, : 2 * SIDE], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        (source / f"{number:04}.jpg").write_bytes(images.encode(np.asarray(part, np.uint8), ".jpg"))
    place = Ground(home, source, {})
    subprocess.run(place.command(), check=True, timeout=LIMIT)
    wanted = {path.name: path.read_bytes() for path in place.target.iterdir()}
    if len(wanted) != photos:
        raise Failed(f"the run that nobody killed has {len(wanted)} results for {photos} photos")
    return Ground(home, source, wanted)


def once(place: Ground, kind: str, chance: random.Random) -> Kill:
    """One kill of that kind at a random moment, and what came of it. Raises Failed where it is not as it should be."""
    began, before = time.monotonic(), None
    while before is None:
        for folder in (place.target, place.ledger):
            shutil.rmtree(folder, ignore_errors=True)
        with suppress(_TooLate):
            before = KINDS[kind](place, chance)
    check(place, before)
    kept = statuses(place)["kept"]
    return Kill(kind, len(before), kept, time.monotonic() - began)


def check(place: Ground, before: dict[str, tuple[int, int]]) -> None:
    """Raises Failed where something was lost, half-written or done again. before: the results at the kill."""
    after = place.results()
    if set(after) != set(place.wanted):
        raise Failed(
            f"{len(set(place.wanted) - set(after))} results are lost, {len(set(after) - set(place.wanted))} odd"
        )
    for name, data in place.wanted.items():
        if (place.target / name).read_bytes() != data:
            raise Failed(f"{place.target / name} is not what a run gives that nobody kills")
    again = [name for name, status in before.items() if after[name] != status]
    if again:
        raise Failed(f"{len(again)} results were there and have been written again, such as {again[0]}")
    left = [path for folder in (place.target, place.ledger) for path in folder.rglob(".*")]
    if left:
        raise Failed(f"{left[0]} and {len(left) - 1} more were left behind")
    rows = statuses(place)
    if rows["failed"] or rows["skipped"] or rows["keys"] != len(place.wanted) or rows["done twice"]:
        raise Failed(f"the ledger says {dict(rows)}")


def statuses(place: Ground) -> Counter[str]:
    """How many rows of the ledger have each status; keys, and keys with more than one row that says done."""
    done, found = Counter[str](), Counter[str]()
    keys = set[str]()
    for table in BulkLedger(Storage.of(str(place.ledger))).tables(["key", "status"]):
        for row in table.to_pylist():
            found[row["status"]] += 1
            keys.add(row["key"])
            done[row["key"]] += row["status"] == "done"
    found["keys"] = len(keys)
    found["done twice"] = sum(count > 1 for count in done.values())
    return found


def worker(place: Ground, chance: random.Random) -> dict[str, tuple[int, int]]:
    """See the module."""
    return _inside(place, chance, "ray::MapWorker", "--ray", "local")


def process(place: Ground, chance: random.Random) -> dict[str, tuple[int, int]]:
    """See the module."""
    return _inside(place, chance, "standout.batch.bulk.child")


def _inside(place: Ground, chance: random.Random, what: str, *options: str) -> dict[str, tuple[int, int]]:
    """Kills a process of that name which the run has started."""
    with _running(place.command(*options)) as run:
        _moment(place, chance, run)
        victims = [pid for pid, command in descendants(run.pid) if what in command]
        before = place.results()
        if not victims and len(before) < len(place.wanted) and run.poll() is None:
            raise Failed(f"no process {what} is at work with {len(before)} of {len(place.wanted)} photos done")
        killed = bool(victims) and _killed(chance.choice(victims))
        _whole(run)
    if not killed:
        raise _TooLate
    return before


def _killed(pid: int) -> bool:
    """Kills the process. False: it had ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _kill(run: subprocess.Popen[bytes]) -> None:
    """Kills the run, and waits until the processes that it has started have ended by themselves."""
    started = [pid for pid, _ in descendants(run.pid)]
    run.kill()
    run.wait()
    _until(lambda: not [pid for pid in started if alive(pid)], "the processes that a killed run has started end")


def driver(place: Ground, chance: random.Random) -> dict[str, tuple[int, int]]:
    """See the module."""
    command = place.command("--ray", "local")
    with _running(command) as run:
        _moment(place, chance, run, from_start=True)
        _kill(run)
    before = place.results()
    with _running(command) as run:
        _whole(run)
    return before


def shard(place: Ground, chance: random.Random) -> dict[str, tuple[int, int]]:
    """See the module."""
    commands = [place.command("--shards", f"{number}/2", "--jobs", "1") for number in (1, 2)]
    number = chance.randrange(2)
    with _running(commands[number]) as killed, _running(commands[1 - number]) as other:
        _moment(place, chance, killed, from_start=True)
        _kill(killed)
        before = place.results()
        with _running(commands[number]) as again:
            _whole(again)
        _whole(other)
    return before


KINDS: dict[str, Callable[[Ground, random.Random], dict[str, tuple[int, int]]]] = {
    "worker": worker,
    "driver": driver,
    "shard": shard,
    "process": process,
}
"""Name -> what kills and brings to an end, and returns the results that were there at the kill."""


def _running(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _moment(place: Ground, chance: random.Random, run: subprocess.Popen[bytes], *, from_start: bool = False) -> None:
    """Waits for a random moment: some results are there, and a little more has passed. from_start: or none yet."""
    wanted = chance.randrange(0 if from_start else 1, len(place.wanted) - 1)
    _until(lambda: len(place.results()) >= wanted or run.poll() is not None, f"{wanted} results are there")
    time.sleep(chance.uniform(0, 0.3))


def _whole(run: subprocess.Popen[bytes]) -> None:
    """Waits until the run has ended well."""
    _, said = run.communicate(timeout=LIMIT)
    if run.returncode:
        raise Failed(f"{' '.join(map(str, run.args))} ended with {run.returncode}: {said.decode()}")  # type: ignore[arg-type]


def _until(condition: Callable[[], object], what: str) -> None:
    ends = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > ends:
            raise Failed(f"waited {LIMIT:g} s in vain until {what}")
        time.sleep(0.005)


def descendants(pid: int) -> list[tuple[int, str]]:
    """The processes that the process has started, and those that they have started: number and command. Linux alone."""
    children, commands = dict[int, list[int]](), dict[int, str]()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                commands[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except (OSError, UnicodeDecodeError):  # it has ended
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, queue = list[tuple[int, str]](), [pid]
    for one in queue:  # which grows while it is gone through
        queue += children.get(one, [])
        found += [(child, commands[child]) for child in children.get(one, [])]
    return found


def alive(pid: int) -> bool:
    """Whether the process is at work: it has neither ended nor been left to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", default=["worker", "driver", "shard"], help=", ".join(KINDS))
    parser.add_argument("--times", type=int, default=7, help="kills of each kind")
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    chance, home = random.Random(given.seed), Path(tempfile.mkdtemp(prefix="kills-"))
    place = ground(home, given.photos)
    kills = list[Kill]()
    for number in range(given.times):
        for kind in given.kinds:
            kills.append(once(place, kind, chance))
            print(number, kills[-1], file=sys.stderr, flush=True)
    print(
        "| killed | times | results at that moment | lost, half-written or written twice | found done without a row |"
    )
    print("|---|---|---|---|---|")
    for kind in given.kinds:
        mine = [kill for kill in kills if kill.kind == kind]
        there, kept = [kill.results for kill in mine], [kill.kept for kill in mine]
        spans = [f"{min(there)} to {max(there)} of {given.photos}", "0", f"{np.mean(kept):.1f}, at most {max(kept)}"]
        print(f"| {kind} | {len(mine)} | {' | '.join(spans)} |")
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
