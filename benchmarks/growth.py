"""Measures how time and memory grow with megapixels, frames, files and cores.

    python benchmarks/growth.py [pixels frames files cores] [--minutes 5] [--anew]

Whole commands run, each in a process of its own. A run of this script ends after so many minutes and keeps what it
found in benchmarks/results/growth.json; the next one goes on from there, so that many short runs measure everything. It
prints the tables and draws docs/images/growth-time.svg and growth-memory.svg (growth_show.py).

Photos and clips are made of the sample photo. For counts of frames and files, pictures are 64 pixels a side, and the
model is one that averages colors: what a network costs for a photo does not change with their number, and hides what
does. The first result is the first file in the folder of results.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import av
import cv2
import growth_show
import numpy as np

from standout.models.card import CARD_KEY, ModelCard
from standout.support.atomic import write_atomic

ROOT = Path(__file__).parents[1]
MEMORY = Path("/dev/shm")
"""A folder in memory: how long a disk takes to confirm each file says more about the disk."""

RESULTS = Path(__file__).parent / "results" / "growth.json"
SAMPLE = ROOT / "examples" / "astronaut.jpg"
STANDOUT = [sys.executable, "-m", "standout"]
SIDE = 64
"""Of the pictures that are counted, in pixels."""

PLAIN = ("mask", "--steady", "0", "--no-refine")
"""What does the least with each frame, so that many frames take minutes."""

MEGAPIXELS = (0.1, 0.3, 1, 3, 6, 12, 25, 50, 100, 200)
FRAMES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
FILES = (1, 10, 100, 1000, 3000, 10_000, 30_000, 100_000)
CORES = (1, 2)

TIMER = """
import json, os, sys, time
began = time.monotonic()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, code, began]))
"""
"""A small parent process, since Linux adds the memory of the parent at the start of its child to the child's peak."""


@dataclass(frozen=True)
class Point:
    """What one command took.

    n: in the unit of its part. seconds: of the clock; processor: of the processor. peak: MB. first: seconds until the
    first result, where that is looked for.
    """

    part: str
    way: str
    n: float
    seconds: float
    processor: float
    peak: float
    first: float = 0.0


@dataclass(frozen=True)
class Step:
    """One point to be measured.

    make: prepares a folder and returns the command in it. rounds: of which the fastest counts.
    """

    part: str
    way: str
    n: float
    make: Callable[[Path], list[str]]
    rounds: int = 1
    cores: int = 2


def steps() -> Iterator[Step]:
    """All points, by part, small ones first."""
    for millions in MEGAPIXELS:
        rounds = 3 if millions <= 12 else 1
        for effect in ("cut", "blur"):
            yield Step("pixels", effect, millions, partial(photo, millions=millions, effect=effect), rounds)
    for count in FRAMES:
        rounds = 3 if count <= 300 else 1
        if count <= 30_000:
            yield Step("frames", "blur", count, partial(clip, count=count, effect=["blur"]), rounds)
        yield Step("frames", "mask, plain", count, partial(clip, count=count, effect=PLAIN), rounds)
    for count in FILES:
        rounds = 3 if count <= 100 else 1
        if count <= 30_000:
            yield Step("files", "batch", count, partial(bulk, count=count), rounds)
        yield Step("files", "cut", count, partial(folder, count=count), rounds)
        yield Step("files", "cut, all kept", count, partial(kept, count=count), rounds)
    for count in CORES:
        for way, make in (("photos", photos), ("clip", large_clip)):
            yield Step("cores", way, count, make, 3, cores=count)


def measured(step: Step) -> Point:
    """The point of that step."""
    with tempfile.TemporaryDirectory(prefix="growth-", dir=MEMORY if MEMORY.is_dir() else None) as temp:
        home = Path(temp)
        command = step.make(home)
        keeps = "kept" in step.way
        found = []
        for _ in range(step.rounds):
            if not keeps:
                shutil.rmtree(home / "out", ignore_errors=True)
                shutil.rmtree(home / "ledger", ignore_errors=True)
                (home / "out").mkdir()
            found.append(once(command, home / "out", step))
        return min(found, key=lambda one: one.seconds)


def once(command: list[str], out: Path, step: Step) -> Point:
    """What one run of the command took."""
    allowed = ",".join(map(str, sorted(os.sched_getaffinity(0))[: step.cores]))
    timer = ["taskset", "-c", allowed, sys.executable, "-I", "-S", "-c", TIMER, *command]
    with subprocess.Popen(timer, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        first = 0.0
        while run.poll() is None:
            if not first and any(not entry.name.startswith(".") for entry in os.scandir(out)):
                first = time.monotonic()
            time.sleep(0.005 if not first else 0.05)
        assert run.stdout is not None
        seconds, processor, peak, code, began = json.loads(run.stdout.read().splitlines()[-1])
    if code:
        sys.exit(f"{' '.join(command)} ended with {code}; nothing is published")
    waited = max(0.0, first - began) if first and "kept" not in step.way else 0.0
    return Point(step.part, step.way, step.n, seconds, processor, peak, waited)


def photo(home: Path, *, millions: float, effect: str) -> list[str]:
    """A photo of so many megapixels, with a sensor's noise, as JPEG."""
    side = round((millions * 1e6) ** 0.5)
    large = cv2.resize(np.asarray(cv2.imread(str(SAMPLE))), (side, side), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).integers(-5, 6, (512, 512, 3), np.int16)
    for top in range(0, side, 512):
        for left in range(0, side, 512):
            part = large[top : top + 512, left : left + 512]
            part[:] = np.clip(part + noise[: part.shape[0], : part.shape[1]], 0, 255)
    cv2.imwrite(str(home / "photo.jpg"), large, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return [*STANDOUT, effect, str(home / "photo.jpg"), "-o", f"{home / 'out'}/", "--overwrite", "--max-pixels", "0"]


def clip(home: Path, *, count: int, effect: Sequence[str]) -> list[str]:
    """A small clip of so many frames, and the light model."""
    _write_clip(home / "clip.mp4", count, SIDE, SIDE)
    where = ["-o", str(home / "out" / "done.mp4"), "--overwrite"]
    return [*STANDOUT, effect[0], str(home / "clip.mp4"), *effect[1:], *where, "--model", str(light_model(home))]


def _write_clip(path: Path, count: int, width: int, height: int) -> None:
    whole = cv2.resize(np.asarray(cv2.imread(str(SAMPLE))), (width + 32, height + 32), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "23", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            left, top = (abs(number // speed % 64 - 32) for speed in (1, 3))
            part = np.ascontiguousarray(whole[top : top + height, left : left + width])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(part.astype(np.uint8), format="bgr24")))
        out.mux(stream.encode(None))


def _write_photos(home: Path, count: int, side: int) -> None:
    """So many photos, a hundred different ones in turn; a thousand files in each folder."""
    whole = cv2.resize(np.asarray(cv2.imread(str(SAMPLE))), (side + 20, side + 20), interpolation=cv2.INTER_AREA)
    several = [cv2.imencode(".jpg", whole[n % 10 * 2 :, n // 10 * 2 :][:side, :side])[1].tobytes() for n in range(100)]
    for number in range(count):
        path = home / "in" / f"{number // 1000:03}" / f"{number:06}.jpg"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(several[number % 100])


def folder(home: Path, *, count: int) -> list[str]:
    """So many small photos, with a report of them, by `standout cut`."""
    _write_photos(home, count, SIDE)
    to = ["-o", str(home / "out"), "--recursive", "--report", str(home / "out" / ".report.jsonl"), "--quiet"]
    return [*STANDOUT, "cut", str(home / "in"), *to, "--model", str(light_model(home))]


def kept(home: Path, *, count: int) -> list[str]:
    """The same command where all results are there already: it lists, plans and looks."""
    command = folder(home, count=count)
    for photo in sorted((home / "in").rglob("*.jpg")):
        done = home / "out" / photo.relative_to(home / "in").with_suffix(".png")
        done.parent.mkdir(parents=True, exist_ok=True)
        done.touch()
    return command


def bulk(home: Path, *, count: int) -> list[str]:
    """So many small photos by `standout batch`, with its ledger."""
    _write_photos(home, count, SIDE)
    places = [str(home / "in"), str(home / "out"), "cut", "--ledger", str(home / "ledger")]
    return [*STANDOUT, "batch", *places, "--quiet", "--model", str(light_model(home))]


def photos(home: Path) -> list[str]:
    """Photos of 1.6 megapixels, for one core and for two, with the bundled model."""
    _write_photos(home, 60, 1280)
    return [*STANDOUT, "cut", str(home / "in"), "-o", str(home / "out"), "--recursive", "--quiet"]


def large_clip(home: Path) -> list[str]:
    """Five seconds at 720p, for one core and for two, with the bundled model."""
    _write_clip(home / "clip.mp4", 150, 1280, 720)
    return [*STANDOUT, "blur", str(home / "clip.mp4"), "-o", str(home / "out" / "done.mp4"), "--overwrite"]


@cache
def _light() -> bytes:
    """A model, as the bytes of an ONNX file, that calls bright pixels a person."""
    import onnx
    from onnx import TensorProto, helper

    node = helper.make_node("ReduceMean", ["image"], ["mask"], axes=[1], keepdims=1)
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    gives = helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n", 1, "h", "w"])
    model = helper.make_model(
        helper.make_graph([node], "light", [given], [gives]), opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    card = ModelCard("light", "1", "none", (SIDE, SIDE), second_look=1.0)
    helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def light_model(home: Path) -> Path:
    """That model as a file."""
    path = home / "light.onnx"
    path.write_bytes(_light())
    return path


def main() -> None:
    """Measures for some minutes, and prints the tables once all is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="pixels, frames, files, cores; all where none is named"
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="after which no further point is begun")
    parser.add_argument("--most", type=float, default=float("inf"), help="points up to this many of their unit alone")
    parser.add_argument("--anew", action="store_true", help="forget what was measured of these parts")
    given = parser.parse_args()
    ends = time.monotonic() + 60 * given.minutes
    done = [Point(**one) for one in json.loads(RESULTS.read_text())] if RESULTS.is_file() else []
    if given.anew:
        done = [one for one in done if given.parts and one.part not in given.parts]
    known, left = {(one.part, one.way, one.n) for one in done}, 0
    for step in steps():
        wanted = (not given.parts or step.part in given.parts) and step.n <= given.most
        if not wanted or (step.part, step.way, step.n) in known:
            continue
        if time.monotonic() > ends:
            left += 1
            continue
        done.append(measured(step))
        print(done[-1], file=sys.stderr, flush=True)
        write_atomic(RESULTS, json.dumps([asdict(one) for one in done], indent=1).encode(), overwrite=True)
    if left:
        print(f"{left} points are left; the same command goes on", file=sys.stderr)
    print(growth_show.tables([asdict(one) for one in done]))
    growth_show.draw([asdict(one) for one in done], ROOT / "docs" / "images")


if __name__ == "__main__":
    main()
