"""Prints how many photos a second a GPU does, file to file and by the network alone, and where the time goes.

    python benchmarks/gpu.py [--device cuda] [--out gpu.json] [--seconds 1.5]

Folders are worked on as the commands of effects work on them: by threads that read, wait for the network together,
refine, apply the effect, encode and write. The bundled models' weights run in PyTorch; a row on the CPU alone, by ONNX
Runtime, shows what the GPU brings. A row's photos are those that came out within so many seconds, from the moment when
each thread had ended its first. Of these seconds the tables tell

    network     the share in which the network ran, from its first kernel to its last (CUDA events; on a CPU the clock)
    its calls   the share in which a call was under way: the network, and the photos' way there and the masks' way back
    between     the share that went into making batches before those calls, and masks after them
    milliseconds of a thread for each photo, by step; "network, waiting" includes "prepare", its letterboxing, and the
                wait for other photos' calls

The network alone gets a batch of one portrait that is on the device already. "One graph" replays all its kernels by one
call (CUDA graphs) with batch norms folded into convolutions; "from memory" is a call as the product makes it, from an
array in memory to one in memory. At the end stand the two networks of docs/research/original.md with random weights.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np
import torch
from gpu_network import alone, now, original
from numpy.typing import NDArray
from throughput import SAMPLE, STEPS, Busy, Clock, job
from torch import Tensor, nn

from standout import effects, images
from standout.batch.ledger import Result
from standout.batch.naming import Naming
from standout.batch.plan import plan
from standout.batch.run import run, threads
from standout.editing import Edit
from standout.models.registry import find_checkpoint
from standout.net import checkpoint
from standout.net.unet import Probability
from standout.runtimes import GPU_BATCH, pytorch
from standout.segmenter import Prepared, Segmenter
from standout.support.system import cores
from standout.types import Image, Mask

SMALL, LARGE = (480, 640), (1536, 2048)
"""Heights and widths of the photos of a folder."""
TIMED = (*STEPS[:2], "prepare", *STEPS[2:])
SHARES = ("network", "its calls", "between")


@dataclass(frozen=True)
class Folder:
    """One way to work on a folder of photos. batch: the most in one call; None = as many as the runtime asks for.

    times: threads for each core. prepared: each thread prepares its own photo, as in the product; else the thread that
    calls the network does so for all of its batch. on_gpu: by PyTorch on the device; else by ONNX Runtime on the CPU.
    """

    effect: str
    size: tuple[int, int]
    batch: int | None = None
    times: int = 1
    prepared: bool = True
    model: str = "standout-mobile"
    on_gpu: bool = True


FOLDERS = (
    Folder("cut", SMALL, on_gpu=False),
    *(Folder("cut", SMALL, batch, times) for batch, times in ((1, 1), (8, 1), (32, 1), (32, 2), (32, 4), (128, 8))),
    *(Folder("mask", SMALL, batch, times) for batch, times in ((1, 1), (32, 1), (32, 4), (128, 8))),
    Folder("cut", SMALL, 32, 2, prepared=False),
    Folder("mask", SMALL, 32, 4, prepared=False),
    Folder("blur", SMALL, 32, 2),
    Folder("cut", SMALL, model="standout-quality"),
    Folder("cut", LARGE, on_gpu=False),
    *(Folder("cut", LARGE, batch, times) for batch, times in ((1, 1), (32, 1), (32, 2))),
    *(Folder("mask", LARGE, batch, times) for batch, times in ((1, 1), (32, 1), (32, 2))),
)


class Timed(nn.Module):
    """The network, which keeps how long each call of it took; on a GPU by events, so that nothing waits for it."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.spans: list[tuple[Any, Any]] = []

    def forward(self, image: Tensor) -> Tensor:
        """What the network gives."""
        began = now(image.device.type)
        found: Tensor = self.net(image)
        self.spans.append((began, now(image.device.type)))
        return found

    def seconds(self, first: int, last: int) -> float:
        """In which at least one of the calls of these numbers ran, the last not counted; all have ended."""
        spans = self.spans[first:last]
        if spans and not isinstance(spans[0][0], float):
            origin = spans[0][0]
            spans = [tuple(origin.elapsed_time(one) / 1000 for one in span) for span in spans]
        total, until = 0.0, 0.0
        for begin, end in sorted(spans):
            total += max(0.0, end - max(begin, until))
            until = max(until, end)
        return total


@dataclass
class Watched:
    """A segmenter (see BatchFinder) that counts its photos and calls, and the seconds of both kinds of calls."""

    segmenter: Segmenter
    batch: int
    clock: Clock
    net: Timed | None = None
    calls: int = 0
    photos: int = 0

    def probability(self, image: Image) -> Mask:
        """See Segmenter."""
        return self.probabilities([image])[0]

    def probabilities(self, photos: Sequence[Image | Prepared]) -> list[Mask]:
        """See Segmenter."""
        self.calls += 1
        self.photos += len(photos)
        with self.clock.of("batches"):
            return self.segmenter.probabilities(photos)


class Moment:
    """What had been done and used at this moment. steps: the clock's."""

    def __init__(self, done: int, finder: Watched, steps: dict[str, float]) -> None:
        self.when, self.cpu, self.done, self.steps = time.perf_counter(), time.process_time(), done, steps
        self.calls, self.photos = finder.calls, finder.photos
        self.runs = len(finder.net.spans) if finder.net else 0


@dataclass
class Preparing(Watched):
    """A Watched whose threads prepare their own photos (see PreparingFinder)."""

    def prepared(self, image: Image) -> Prepared:
        """See Segmenter."""
        with self.clock.of("prepare"):
            return self.segmenter.prepared(image)


@dataclass
class FolderTimes:
    """What a folder's row says; see the module. shares are of the seconds, steps milliseconds for each photo."""

    folder: Folder
    workers: int
    photos: int
    seconds: float
    rate: float
    cores_busy: float
    photos_a_call: float | None = None
    shares: dict[str, float] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    nvidia_smi: float | None = None


def watched(one: Folder, device: str, clock: Clock) -> Watched:
    """The model of a folder's row, ready to run, with all that it does timed."""
    if not one.on_gpu:
        segmenter = Segmenter(one.model, threads=1)
        return Watched(segmenter, segmenter.batch, clock)
    net, card = checkpoint.load_any(find_checkpoint(one.model))
    timed = Timed(Probability(net).eval())
    session = pytorch.session(timed, card, device=device, threads=1)

    def call(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with clock.of("calls"):
            return session.run(batch)

    batch = one.batch or session.batch
    segmenter = Segmenter(replace(session, run=call, batch=batch))
    return (Preparing if one.prepared else Watched)(segmenter, batch, clock, timed)


def worked(one: Folder, source: Path, device: str, seconds: float) -> FolderTimes:
    """A folder's row. seconds: to count photos for."""
    clock, workers, stop = Clock(), one.times * cores(), Event()
    finder, edit = watched(one, device, clock), Edit(effects.find(one.effect)())
    done, moments = 0, list[Moment]()

    def count(result: Result) -> None:
        nonlocal done
        if result.status != "done":
            raise RuntimeError(f"{result.source}: {result.error}")
        done += 1
        ended = done == len(tasks) or (len(moments) == 1 and time.perf_counter() - moments[0].when >= seconds)
        if done == workers or (len(moments) == 1 and ended):
            moments.append(Moment(done, finder, dict(clock.seconds)))
            if len(moments) == 2:
                stop.set()

    target = source.parent / "out"
    tasks = plan([str(source)], str(target), naming=Naming.of(edit.effect))
    with Busy() as busy:
        run(tasks, job(finder, clock, edit), on_result=count, stop=stop, engine=threads(workers))
    shutil.rmtree(target)
    if len(moments) < 2:
        raise RuntimeError(f"{source} holds too few photos for {workers} threads; raise --photos")
    first, last = moments
    spent, made = last.when - first.when, last.done - first.done
    clocked = {step: value - first.steps.get(step, 0.0) for step, value in last.steps.items()}
    found = FolderTimes(one, workers, made, spent, made / spent, (last.cpu - first.cpu) / spent, nvidia_smi=busy.share)
    found.steps = {step: 1000 * clocked.get(step, 0.0) / made for step in TIMED}
    if finder.net:
        found.photos_a_call = (last.photos - first.photos) / (last.calls - first.calls)
        found.shares = {
            "network": finder.net.seconds(first.runs, last.runs) / spent,
            "its calls": clocked["calls"] / spent,
            "between": (clocked["batches"] - clocked["calls"]) / spent,
        }
    return found


def photos(folder: Path, size: tuple[int, int], count: int) -> None:
    """Writes variants of the sample photo, moved and in other light; beyond the first 32, further names of those."""
    folder.mkdir(parents=True)
    height, width = size
    whole = cv2.resize(images.read(SAMPLE).image, (width, width), interpolation=cv2.INTER_CUBIC)

    def write(number: int) -> None:
        chance = np.random.default_rng(number)
        top, left = int(chance.integers(width - height)), int(chance.integers(-width // 20, width // 20))
        part = np.roll(whole, left, axis=1)[top : top + height, :: chance.choice((-1, 1))]
        lit = np.clip(part * chance.uniform(0.7, 1.15), 0, 255).astype(np.uint8)
        (folder / f"{number:05}.jpg").write_bytes(images.encode(lit, ".jpg"))

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(write, range(32)))
    for number in range(32, count):
        (folder / f"{number:05}.jpg").hardlink_to(folder / f"{number % 32:05}.jpg")


def folder_row(one: FolderTimes) -> list[str]:
    """The cells of a folder's row."""
    height, width = one.folder.size
    cells = [one.folder.model, one.folder.effect, f"{width}x{height}", "GPU" if one.folder.on_gpu else "CPU alone"]
    batch = f"{one.folder.batch or GPU_BATCH}{'' if one.folder.prepared else ', not prepared'}"
    cells += ["" if one.photos_a_call is None else batch, str(one.workers)]
    cells += [f"{one.rate:.0f}", "" if one.photos_a_call is None else f"{one.photos_a_call:.1f}"]
    cells += [f"{100 * one.shares[share]:.0f} %" if one.shares else "" for share in SHARES]
    cells += ["" if one.nvidia_smi is None else f"{one.nvidia_smi:.0f} %", f"{one.cores_busy:.1f}"]
    return cells + [f"{one.steps[step]:.1f}" for step in TIMED]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [" | ".join(cells) for cells in (head, ["---"] * len(head), *rows)]
    return "".join(f"| {line} |\n" for line in lines)


def machine(device: str) -> dict[str, Any]:
    """What it was measured on."""
    name = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    return {"device": name, "cores": cores(), "torch": torch.__version__, "python": platform.python_version()}


def folders(given: argparse.Namespace, tell: Callable[[FolderTimes], None]) -> None:
    """The rows of folders, each told as it is known. One that fails says so, and stops no other."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="gpu-") as temp:
        for size in (SMALL, LARGE):
            photos(Path(temp, f"{size[1]}", "in"), size, given.photos)
        for one in [FOLDERS[int(text)] for text in given.rows.split(",") if text] or FOLDERS:
            try:
                tell(worked(one, Path(temp, f"{one.size[1]}", "in"), given.device, given.seconds))
            except Exception as error:
                print(f"{one}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)


def networks(given: argparse.Namespace, told: dict[str, Any]) -> None:
    """The tables of the networks alone, printed and told."""
    told["original"] = original(given.device, given.calls)
    ways = list(next(iter(told["original"].values())))
    rows = [[name, *(f"{took[way]:.2f}" for way in ways)] for name, took in told["original"].items()]
    print("\n" + table(["milliseconds a photo, 320x256", *ways], rows), flush=True)
    batches = [int(text) for text in given.batches.split(",")]
    told["network"] = alone("standout-mobile", given.device, batches, max(3, given.calls // 5))
    ways = [way for way in told["network"][-1] if way != "batch"]
    rows = [[f"{one['batch']:.0f}", *(f"{one[way]:.0f}" for way in ways)] for one in told["network"]]
    print(table(["photos/s, by batch", *ways], rows), flush=True)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--out", type=Path, help="a file for all figures as JSON")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each folder's row")
    parser.add_argument("--photos", type=int, default=4000, help="names in each folder, more than a row can take")
    parser.add_argument(
        "--calls", type=int, default=100, help="of networks with random weights, of others a fifth; 0 for none"
    )
    parser.add_argument("--batches", default="1,8,32,128,512", help="of the network alone")
    parser.add_argument("--rows", default="", help="of folders, by their numbers, such as 3,7; all by default")
    given = parser.parse_args()
    told: dict[str, Any] = {"machine": machine(given.device), "original": {}, "network": [], "folders": []}

    def keep() -> None:
        if given.out:
            given.out.write_text(json.dumps(told, indent=1))

    def tell(found: FolderTimes) -> None:
        told["folders"].append(asdict(found))
        keep()
        print(f"| {' | '.join(folder_row(found))} |", flush=True)

    print(", ".join(f"{name} {value}" for name, value in told["machine"].items()), flush=True)
    head = ["model", "effect", "photo", "by", "batch", "threads", "photos/s", "photos a call", *SHARES, "nvidia-smi"]
    head += ["cores busy", *(f"{step}, ms" for step in TIMED)]
    print("\n" + table(head, []), end="", flush=True)
    folders(given, tell)
    if given.calls:
        networks(given, told)
        keep()


if __name__ == "__main__":
    main()
