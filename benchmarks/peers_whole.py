"""Whole programs file to file, each as its users run it, on the same photos and the same clip in one run.

    python benchmarks/peers_whole.py                                   # everything: about 12 minutes, then the table
    python benchmarks/peers_whole.py --part clip                       # one part; the others stay as they were
    python benchmarks/peers_whole.py --only standout-mobile,mediapipe --rounds 1 --out /tmp/w.json      # a trial
    python benchmarks/peers_whole.py --checkout ../before --out /tmp/before.json      # another version of standout

Each program is installed by itself into .cache/peers/whole and runs in processes of its own, with the threads that it
takes by default, on the first --cores cores. A photo is cut out to a transparent PNG. The background of a clip is
blurred, but rembg writes frames as transparent PNGs, for it has no clips. Programs take turns, and the best round
counts, start-up included. Memory is the most that one process of the program had. A program that cannot be had is left
out, with the reason.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from meeting import ways
from peers import Failed, left_out, machine, prepare, tell
from peers_get import GetError, command, environment
from peers_list import Peer, others
from peers_whole_list import ABSENT, CLIP, Command, Program, programs
from peers_whole_show import table
from speed import SAMPLE, cost, large_photo

import video
from standout.support.atomic import write_atomic

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(__file__).parent / "peers_run"
PHOTO = 1600, 1200
"""Width and height of the photos of the folder, and of the smaller photo."""
PARTS = ("cold", "folder", "clip")


@dataclass(frozen=True)
class Installed:
    """A program that can be run. bin: where its commands are. home: where it looks for its model. size: in bytes."""

    program: Program
    bin: Path
    model: Path
    home: Path
    size: int

    def words(self, template: Command, source: Path, target: Path) -> list[str]:
        """The command that reads source and writes target."""
        places = {"bin": self.bin, "scripts": SCRIPTS, "model": self.model, "source": source, "target": target}
        return [word.format(**places, stem=target.with_suffix("")) for word in template]


@dataclass(frozen=True)
class Job:
    """What programs are timed at. way: the field of Program with the command. sources: by Program.frames."""

    name: str
    way: str
    sources: dict[int, Path]
    target: Path


def installed(program: Program, cache: Path) -> Installed:
    """The program, installed into the cache. Raises GetError when it cannot be had."""
    folder, model, home = cache / "whole" / program.env, Path(), cache / "whole" / "home" / program.name
    python = folder / "bin" / "python"
    if program.packages:
        python = environment(folder, list(program.packages), [])
    if program.weights:
        model = prepare(_weights()[program.weights], cache).model
    if program.kept:
        (home / program.kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model, home / program.kept)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and _counts(file))
    return Installed(program, python.parent, model, home, size + (model.stat().st_size if program.weights else 0))


def _weights() -> dict[str, Peer]:
    """Whose model files can be had: the peers of photos and of meetings."""
    return {peer.name: peer for peer in [*others(), *(way.peer for way in ways() if way.peer)]}


def _counts(file: Path) -> bool:
    """Whether a file counts as installed: not pip and setuptools, which are always there, nor bytecode, nor links.

    >>> base = Path("env/lib/python3.11/site-packages")
    >>> [_counts(base / name) for name in ("pip/main.py", "cv2/cv2.so", "cv2/__pycache__/a.pyc")]
    [False, True, False]
    """
    _, found, inside = file.as_posix().partition("site-packages/")
    tools = inside.startswith(("pip", "setuptools", "_distutils_hack", "pkg_resources"))
    return not tools and file.suffix != ".pyc" and not file.is_symlink() and bool(found)


def install_standout(cache: Path, checkout: Path) -> None:
    """Installs standout from the checkout as it is now, not editable. Raises GetError when pip fails."""
    folder = cache / "whole" / "standout"
    if not (folder / "bin" / "python").exists():
        command([sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command([*pip, str(checkout)])
    command([*pip, "--no-deps", "--force-reinstall", str(checkout)])


def photos(folder: Path, count: int) -> None:
    """Writes photos of PHOTO as JPEG, each another crop of the sample photo, enlarged, with a sensor's noise."""
    folder.mkdir()
    large = cv2.resize(np.asarray(cv2.imread(str(SAMPLE))), (2000, 2000), interpolation=cv2.INTER_CUBIC)
    rng, (width, height) = np.random.default_rng(0), PHOTO
    for number in range(count):
        top, left = int(rng.integers(2000 - height)), int(rng.integers(2000 - width))
        noisy = large[top : top + height, left : left + width] + rng.normal(0, 3, (height, width, 3))
        levels = np.clip(noisy, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:03}.jpg"), levels, [cv2.IMWRITE_JPEG_QUALITY, 92])


def spent(one: Installed, template: Command, source: Path, target: Path, cores: int) -> tuple[float, float]:
    """Seconds and peak memory in MB of one run.

    The folder of target is emptied before, so nothing else may lie there. Raises GetError when the program fails or
    when its result is incomplete.
    """
    shutil.rmtree(target.parent, ignore_errors=True)
    target.parent.mkdir()
    os.environ["REMBG_HOME"] = str(one.home)
    words = one.words(template, source, target)
    try:
        found = cost(words, cores=cores, rounds=1)
    except subprocess.CalledProcessError as error:
        raise GetError(f"{words[0]} cannot be run: {error.stderr[-300:]}") from None
    except SystemExit as error:
        raise GetError(str(error.code)[-400:]) from None
    wanted, made = pictures(source), pictures(target if target.exists() else target.with_suffix(""))
    if made < wanted:
        raise GetError(f"it made {made} pictures of {wanted}")
    return found.seconds, found.peak


def pictures(path: Path) -> int:
    """How many pictures there are: files of a folder, frames of a clip, 1 for a photo, 0 for nothing."""
    if path.is_dir():
        return sum(1 for file in path.iterdir() if file.suffix in (".jpg", ".png"))
    if not path.exists() or path.suffix != ".mp4":
        return int(path.exists())
    with av.open(str(path)) as file:
        return sum(1 for packet in file.demux(video=0) if packet.size)


def jobs(part: str, every: list[Installed], temp: Path, options: argparse.Namespace) -> list[Job]:
    """What the part measures; the photos and clips are written into temp."""
    if part == "cold":
        photos(temp / "one", 1)
        large_photo(temp / "large.jpg")
        sources = {"photo": temp / "one" / "000.jpg", "large": temp / "large.jpg"}
        return [Job(name, "photo", {0: source}, temp / "made" / "out.png") for name, source in sources.items()]
    if part == "folder":
        photos(temp / "many", options.photos)
        return [Job("folder", "folder", {0: temp / "many"}, temp / "made" / "out")]
    clips = {one.program.frames: temp / f"clip-{one.program.frames}.mp4" for one in every}
    for frames, path in clips.items():
        video.make(path, CLIP, (frames or options.frames) / 30)
    return [Job("clip", "clip", clips, temp / "made" / "out.mp4")]


def measure(part: str, every: list[Installed], options: argparse.Namespace, results: dict[str, Any]) -> None:
    """Adds a part: the least seconds and the most MB of each program over rounds in turn."""
    failed: Failed = results["failed"]
    with tempfile.TemporaryDirectory() as folder:
        temp = Path(folder)
        todo = jobs(part, every, temp, options)
        photos(temp / "first", 1)
        for one in every:  # what a program compiles or keeps at its first run does not count
            if one.program.photo:
                with left_out(one.program.name, failed):
                    spent(one, one.program.photo, temp / "first" / "000.jpg", temp / "made" / "out.png", options.cores)
        for turn in range(options.rounds):
            for one in every:
                for job in [job for job in todo if getattr(one.program, job.way) and one.program.name not in failed]:
                    source = job.sources.get(one.program.frames, job.sources[min(job.sources)])
                    with left_out(one.program.name, failed):
                        seconds, peak = spent(one, getattr(one.program, job.way), source, job.target, options.cores)
                        rows = results["programs"][one.program.name]
                        before = rows[job.name] if turn else {"seconds": seconds, "peak": peak}
                        rows[job.name] = {
                            "seconds": round(min(seconds, before["seconds"]), 3),
                            "peak": round(max(peak, before["peak"])),
                            "pictures": pictures(source),
                        }
                        tell(f"round {turn + 1} of {options.rounds}: {one.program.name}, {job.name}: {seconds:.2f} s")
    results["timing"] = machine() | {"date": datetime.date.today().isoformat(), "rounds": options.rounds}
    results["timing"] |= {"used": options.cores}


def begun(path: Path) -> dict[str, Any]:
    """The results so far."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return {"programs": {}} | results | {"failed": {}, "absent": ABSENT}


def main() -> int:
    """Measures, writes the results, and prints the table."""
    known = {program.name: program for program in programs()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, help="all of them by default")
    parser.add_argument("--only", help=f"some, with commas between them, of {', '.join(known)}")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--photos", type=int, default=20, help="in the folder")
    parser.add_argument("--frames", type=int, default=150, help="of the clip; slow programs get its beginning alone")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the checkout whose standout is measured")
    parser.add_argument("--prepare", action="store_true", help="install the programs, and measure nothing")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "peers")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "peers_whole.json")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no program is called {', '.join(unknown)}; there are {', '.join(known)}")
    results, every = begun(options.out), list[Installed]()
    for name in names:
        with left_out(name, results["failed"]):
            if not known[name].packages and not any(not one.program.packages for one in every):
                install_standout(options.cache, options.checkout)
            every.append(installed(known[name], options.cache))
            facts = {"title": known[name].title, "ours": not known[name].packages, "bytes": every[-1].size}
            results["programs"][name] = results["programs"].get(name, {}) | facts
    if options.prepare:
        return 1 if results["failed"] else 0
    for part in [options.part] if options.part else PARTS:
        measure(part, every, options, results)
    measured = [name for name in known if name in results["programs"] and name not in results["failed"]]
    results["programs"] = {name: results["programs"][name] for name in measured}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(options.out, (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    print(table(results))
    for name, reason in (results["failed"] | ABSENT).items():
        tell(f"left out: {name}: {reason}")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
