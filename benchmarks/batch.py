"""Prints how fast `standout batch` is on Ray, what a million photos cost, and what it takes to list many.

    python benchmarks/batch.py [--photos 2000] [--turns 1] [--width 1280] [--names 100000]

Rates: the same photos, variants of the sample photo as JPEG, are cut out by `standout cut FOLDER` and by
`standout batch --ray local`, in turn, with all cores and from start to end, so that whatever else runs on the machine
slows both down. CPU is that of the command and of all processes that it starts, looked up every half second.

Memory: what a process that lists so many names of a bucket holds at most, beside one that lists 1,000; the server runs
on this machine.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from kills import descendants

from standout import images
from standout.support.system import cores

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "examples" / "astronaut.jpg"
STANDOUT = [sys.executable, "-m", "standout"]
TICKS = os.sysconf("SC_CLK_TCK")
MILLION = 1_000_000

PRICE = 0.05
"""An example of what a core costs for an hour, in dollars. It is no offer of anybody's."""

SIZES = (2, 16, 64, 256, 1024)
"""Cores of the clusters in the table."""

WAYS: dict[str, Callable[[Path, str], list[str]]] = {
    "`standout cut`": lambda home, source: ["cut", str(home / source), "-o", str(home / "out")],
    "`standout batch --ray local`": lambda home, source: [
        "batch", str(home / source), str(home / "out"), "cut", "--ledger", str(home / "ledger"), "--ray", "local",
    ],
}  # fmt: skip
"""Each way -> its arguments, for a folder of photos in the home folder."""

PLAIN, RAY = WAYS


@dataclass(frozen=True)
class Turn:
    """One run: all its seconds, those before the first result, seconds of CPU, and the machine's load at its end."""

    seconds: float
    first: float
    cpu: float
    load: float


def photos(folder: Path, count: int, width: int) -> int:
    """Writes so many variants of the sample photo: moved, mirrored, in other light. Returns the mean of their bytes."""
    folder.mkdir(parents=True)
    whole = cv2.resize(images.read(SAMPLE).image, (width, width), interpolation=cv2.INTER_CUBIC)
    chance, size = np.random.default_rng(0), 0
    for number in range(count):
        top, left = chance.integers(0, width // 4), chance.integers(-width // 20, width // 20)
        part = np.roll(whole, left, axis=1)[top : top + width * 3 // 4, :: chance.choice((-1, 1))]
        lit = np.clip(part * chance.uniform(0.7, 1.15), 0, 255).astype(np.uint8)
        data = images.encode(lit, ".jpg")
        size += len(data)
        (folder / f"{number:06}.jpg").write_bytes(data)
    return size // count


def turn(home: Path, way: str, source: str) -> Turn:
    """One run of that way over a folder of photos."""
    count = len(os.listdir(home / source))  # noqa: PTH208
    for name in ("out", "ledger"):
        shutil.rmtree(home / name, ignore_errors=True)
    began, first, used = time.monotonic(), 0.0, dict[int, float]()
    command = [*STANDOUT, *WAYS[way](home, source), "--quiet"]
    # Linux shares a busy processor among sessions, and Ray's processes are one of their own.
    with subprocess.Popen(command, start_new_session=True) as run:
        while run.poll() is None:
            for pid in (run.pid, *(pid for pid, _ in descendants(run.pid))):
                used[pid] = max(used.get(pid, 0.0), cpu(pid))
            first = first or (time.monotonic() - began if results(home) else 0.0)
            time.sleep(0.5)
    seconds = time.monotonic() - began
    if run.returncode or results(home) != count:
        sys.exit(f"{way} ended with {run.returncode} and {results(home)} of {count} results; nothing is published")
    return Turn(seconds, first, sum(used.values()), os.getloadavg()[0])


def cpu(pid: int) -> float:
    """The seconds of CPU that the process has used; 0 where it has ended."""
    try:
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(values[11]) + int(values[12])) / TICKS


def results(home: Path) -> int:
    """How many results there are."""
    try:
        return sum(not name.startswith(".") for name in os.listdir(home / "out"))  # noqa: PTH208
    except OSError:
        return 0


def rates(home: Path, turns: int) -> dict[str, list[Turn]]:
    """All turns of each way. The plain command does one half before Ray's turn over all, and the other half after it.

    So what gets busier or calmer on the machine meanwhile falls to both alike.
    """
    found: dict[str, list[Turn]] = {way: [] for way in WAYS}
    for _ in range(turns):
        for way, source in ((PLAIN, "first"), (RAY, "in"), (PLAIN, "last")):
            found[way].append(turn(home, way, source))
            print(way, source, found[way][-1], file=sys.stderr, flush=True)
    return found


def halves(home: Path) -> None:
    """The photos of the folder `in` also as two folders, `first` and `last`."""
    names = sorted(os.listdir(home / "in"))  # noqa: PTH208
    for folder, half in (("first", names[: len(names) // 2]), ("last", names[len(names) // 2 :])):
        (home / folder).mkdir()
        for name in half:
            (home / folder / name).hardlink_to(home / "in" / name)


def rates_table(found: dict[str, list[Turn]], count: int) -> str:
    """A row a way, with the ratio of its rate to that of the plain command.

    The ratio by CPU is that of the rates on a machine that has nothing else to do, as far as it keeps all cores busy.
    """
    lines = [
        "| way | photos a second | ratio | until the first result | CPU a photo | ratio by CPU |",
        "|---|---|---|---|---|---|",
    ]
    plain = found[PLAIN]
    for way, turns in found.items():
        seconds, first = total(turns), statistics.median(one.first for one in turns)
        cells = [f"{count / seconds:.2f}", f"{total(plain) / seconds:.2f}", f"{first:.1f} s"]
        cells += [f"{1000 * each(turns, count):.0f} ms", f"{each(plain, count) / each(turns, count):.2f}"]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def total(turns: list[Turn]) -> float:
    """The seconds of all turns."""
    return sum(one.seconds for one in turns)


def each(turns: list[Turn], count: int) -> float:
    """Seconds of CPU for a photo."""
    return sum(one.cpu for one in turns) / count


def cost_table(turns: list[Turn], count: int) -> str:
    """Clusters, the hours that they take for a million photos, and what that costs at PRICE."""
    hours = each(turns, count) * MILLION / 3600
    lines = ["| cores | hours | photos a second | dollars |", "|---|---|---|---|"]
    for size in SIZES:
        lines.append(f"| {size:,} | {hours / size:.2g} | {size / each(turns, count):,.0f} | {hours * PRICE:,.2f} |")
    return "\n".join(lines)


def listing(names: int) -> str:
    """A sentence: what lists so many names holds, beside what lists 1,000."""
    sys.path.insert(0, str(ROOT))
    s3 = importlib.import_module("tests.s3_server")
    held, seconds = dict[int, float](), 0.0
    for count in (1000, names):
        with s3.server("photos", count) as found:
            began = time.monotonic()
            said = subprocess.run(
                [sys.executable, "-c", s3.LISTING, found.url("photos/many")],
                env=os.environ | s3.CREDENTIALS, stdout=subprocess.PIPE, text=True, check=True,
            ).stdout  # fmt: skip
            seconds = time.monotonic() - began
        listed, kilobytes = map(int, said.split())
        if listed != count:
            sys.exit(f"{listed} of {count} names were listed; nothing is published")
        held[count] = kilobytes / 1024
    return (
        f"Listing {names:,} names of a bucket held {held[names]:.1f} MB at most, and listing 1,000 names "
        f"{held[1000]:.1f} MB (Python and all libraries); it took {seconds:.0f} s, most of them the test server's own."
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--names", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="batch-") as folder:
        home = Path(folder)
        size = photos(home / "in", given.photos, given.width)
        halves(home)
        found = rates(home, given.turns)
    count = given.photos * given.turns
    print(rates_table(found, count))
    kind = f"{given.width}x{given.width * 3 // 4} JPEG of {size / 1000:.0f} kB"
    loads = [one.load for turns in found.values() for one in turns]
    print(
        f"\n{given.photos:,} photos ({kind}) on {cores()} cores, from start to end; ratios are to the plain command. "
        f"The machine's load was {min(loads):.0f} to {max(loads):.0f}, and these runs alone make it {cores()}.\n"
    )
    print(cost_table(found[RAY], count))
    print(f"\n{listing(given.names)}")


if __name__ == "__main__":
    main()
