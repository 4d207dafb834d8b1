"""Quality and speed of standout against what users would pick instead: same photos, same measure, one thread each.

    .venv/bin/python benchmarks/peers.py                            # everything, about an hour, then a table
    .venv/bin/python benchmarks/peers.py --photos 5 --out /tmp/p.json --plot /tmp/p.svg    # a trial
    .venv/bin/python benchmarks/peers.py --skip-timing              # scores first, the machine may be busy
    .venv/bin/python benchmarks/peers.py --timing-only              # then times, on a quiet machine
    .venv/bin/python benchmarks/peers.py --only standout-mobile,selfie --model runs/mine/model.onnx

Each peer is installed from its registry into an environment of its own under .cache/peers, at run time only, and runs
as a process of its own (peers_run/). It yields a mask of each photo's own size, its own way; the mask is scored here
with the function `standout evaluate` uses, at threshold 0.5 (standout: its card's). Times come from rounds in which
all peers take turns on one core, as medians of the rounds' medians: read the ratios. A peer that cannot be had is left
out, with the reason, and the exit code is 1. Scores of peers are kept in the cache; times are always of one run, so a
run that times some peers drops the others' times.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from peers_get import GetError, environment, npm_model, packed
from peers_list import Peer, others, ours
from peers_show import GROUPS, chart, table

from standout.data import Pair, find_splits, fingerprint, read_pair
from standout.errors import StandoutError
from standout.evaluate.intervals import mean
from standout.evaluate.photos import score
from standout.evaluate.report import compare
from standout.metrics.boundary import TOLERANCE
from standout.models.registry import DEFAULT, find, sha256
from standout.support.atomic import write_atomic

ROOT = Path(__file__).parents[1]
RUN = Path(__file__).parent / "peers_run"
Rows = list[dict[str, Any]]
Failed = dict[str, str]


@dataclass(frozen=True)
class Ready:
    """An installed peer: its Python and the file of its model."""

    peer: Peer
    python: Path
    model: Path

    def kept(self, pairs: list[Pair], cache: Path) -> Path:
        """The file in which its scores are kept, named by all that they depend on except standout's own code."""
        code = (RUN / f"{self.peer.module}.py").read_text() + (RUN / "runner.py").read_text()
        parts = [sha256(self.model), fingerprint(pairs), *self.peer.packages, *self.peer.bare, code]
        key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        return cache / "scores" / f"{self.peer.name}-{key}.json"


def prepare(peer: Peer, cache: Path) -> Ready:
    """The peer, installed into the cache. Raises GetError when it cannot be installed or when its model is missing."""
    if not peer.packages:
        return Ready(peer, Path(sys.executable), Path(peer.model))
    here = not peer.npm and Path(peer.model).is_absolute()
    if here and not Path(peer.model).is_file():
        raise GetError(f"{peer.model} does not exist, and no registry has this model; put the file there to measure it")
    python = environment(cache / (peer.bare or (peer.name,))[0], list(peer.packages), list(peer.bare))
    if peer.npm:
        return Ready(peer, python, npm_model(cache / "npm", peer.npm, peer.model))
    return Ready(peer, python, Path(peer.model) if here else packed(python, peer.model))


def run(
    ready: Ready, photos: list[Path], *, masks: str | None = None, core: int | None = None, seconds: float = 0.0
) -> dict[str, Any]:
    """The report of the peer's runner.

    masks: the folder for the masks; None means that none are written. core: the core to run on; None means any.
    seconds: how long photos are timed. Raises GetError, with the last line that it printed, when the runner fails.
    """
    names = [word.split("==")[0] for word in (*ready.peer.packages, *ready.peer.bare)]
    names = names or ["onnxruntime", "openvino", "numpy", "opencv-python-headless"]
    with tempfile.TemporaryDirectory() as temp:
        report, said = Path(temp) / "report.json", Path(temp) / "said.txt"
        settings = {"model": str(ready.model)} | ready.peer.settings
        job: dict[str, Any] = {"masks": masks, "core": core, "seconds": seconds, "module": ready.peer.module}
        job |= {"settings": settings, "photos": [str(p) for p in photos], "packages": names, "report": str(report)}
        (Path(temp) / "job.json").write_text(json.dumps(job))
        one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        with said.open("w") as log:
            command = [str(ready.python), str(RUN / "runner.py"), str(Path(temp) / "job.json")]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | one)
            assert process.stdout is not None
            for line in process.stdout:
                tell(f"  {ready.peer.name}: {line.strip()}")
        if process.wait() or not report.is_file():
            last = (said.read_text().strip().splitlines() or [f"it ended with {process.returncode}"])[-1]
            raise GetError(f"its runner failed: {last[:400]}")
        found: dict[str, Any] = json.loads(report.read_text())
    return found


def scores(ready: Ready, pairs: list[Pair], cache: Path) -> tuple[Rows, dict[str, str]]:
    """The scores of each photo, and the versions of the packages that made the masks; from the cache if they are there.

    Raises GetError when the runner fails, or leaves out the mask of a photo.
    """
    kept = ready.kept(pairs, cache)
    if ready.peer.packages and kept.is_file():
        found = json.loads(kept.read_text())
        return found["rows"], found["versions"]
    rows = []
    with tempfile.TemporaryDirectory() as masks:
        report = run(ready, [pair.image for pair in pairs], masks=masks)
        for pair in pairs:
            _, label = read_pair(pair)
            levels = cv2.imread(str(Path(masks) / f"{pair.name}.png"), cv2.IMREAD_GRAYSCALE)
            if levels is None or levels.shape != label.shape:
                raise GetError(f"it made no mask of {pair.name} at the photo's size")
            mask, threshold = np.asarray(levels, np.float32) / np.float32(255), ready.peer.threshold
            one = score(mask, label, threshold=threshold, tolerance=TOLERANCE, name=pair.name, source=pair.source)
            rows.append(one.row())
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(kept, json.dumps({"rows": rows, "versions": report["versions"]}).encode(), overwrite=True)
    return rows, report["versions"]


def quality(rows: Rows, reference: Rows | None) -> dict[str, Any]:
    """Means with intervals by source and by group, and the differences to standout's scores on the same photos."""
    people = [row for row in rows if row["share"] > 0]
    nobody = [row["area"] for row in rows if row["share"] == 0]
    kinds = {source: (source,) for source in sorted({row["source"] for row in people})} | GROUPS
    found: dict[str, Any] = {"nobody": mean(nobody).row() if nobody else None, "means": {}}
    for kind, sources in kinds.items():
        own = [row for row in people if row["source"] in sources]
        if not own:
            continue
        found["means"][kind] = {key: mean([row[key] for row in own]).row() for key in ("dice", "boundary_f")}
        if reference:
            apart = compare(reference, own)
            found.setdefault("less_ours", {})[kind] = {
                key: one.row() for key, one in (("dice", apart.dice), ("boundary_f", apart.boundary_f)) if one
            }
    return found


def timing(peers: list[Ready], photos: list[Path], failed: Failed, rounds: int, seconds: float) -> dict[str, Any]:
    """The milliseconds of each peer, as medians over rounds in which all peers take turns.

    failed: peers that fail are added to it, with the reason.
    """
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    rows: dict[str, dict[str, list[float]]] = {one.peer.name: {"network_ms": [], "photo_ms": []} for one in peers}
    for turn in range(rounds):
        for one in [one for one in peers if one.peer.name not in failed]:
            name = one.peer.name
            with left_out(name, failed):
                report = run(one, photos, core=core, seconds=seconds)
                report["network_ms"] = _each_photo(report["network_ms"], len(report["photo_ms"]))
                for key, values in rows[name].items():
                    values.append(round(median(report[key]), 3))
                tell(f"round {turn + 1} of {rounds}: {name} {rows[name]['photo_ms'][-1]:.1f} ms")
    return {
        name: {key: median(values) for key, values in own.items()} | {"rounds": own}
        for name, own in rows.items()
        if name not in failed
    }


def _each_photo(calls: list[float], photos: int) -> list[float]:
    """Milliseconds of all the network's calls for each photo: some models use TTA.

    >>> _each_photo([1.0, 2.0, 1.5, 2.5], 2)
    [3.0, 4.0]
    """
    each = len(calls) // photos
    return [sum(calls[start : start + each]) for start in range(0, len(calls), each)]


@contextmanager
def left_out(name: str, failed: Failed) -> Iterator[None]:
    """Continues without a peer that fails, and adds the reason to failed."""
    try:
        yield
    except (GetError, StandoutError, OSError) as error:
        failed[name] = str(error)
        tell(f"{name} is left out: {error}")


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """The machine that measures. bfloat16: whether its processor computes in bfloat16, which OpenVINO then uses."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    lines = [line.partition(":") for line in info.splitlines()]
    rows = {name.strip(): value.strip() for name, _, value in lines}
    return {
        "cpu": rows.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "bfloat16": any(flag in rows.get("flags", "").split() for flag in ("amx_bf16", "avx512_bf16")),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def begin(path: Path, pairs: list[Pair]) -> dict[str, Any]:
    """The results so far; empty results if those in the file are of other photos."""
    data = {"fingerprint": fingerprint(pairs), "sources": dict(Counter(pair.source for pair in pairs))}
    results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    if results.get("photos", data) != data:
        tell(f"{path} holds results for other photos, which are dropped")
        results = {}
    return {"peers": {}, "failed": {}} | results | {"photos": data, "date": datetime.date.today().isoformat()}


def describe(ready: Ready, before: dict[str, Any]) -> dict[str, Any]:
    """The peer's facts, with what was measured before of the same model file."""
    peer, digest = ready.peer, sha256(ready.model)
    facts = {"title": peer.title, "license": peer.license, "finds": peer.finds, "ours": not peer.packages}
    facts |= {"megabytes": round(ready.model.stat().st_size / 1e6, 2), "sha256": digest, "threshold": peer.threshold}
    return (before if before.get("sha256") == digest else {}) | facts


def measure(peers: list[Peer], pairs: list[Pair], results: dict[str, Any], options: argparse.Namespace) -> None:
    """Adds the peers to the results, or the reasons why they are left out."""
    rows, failed, ready = results["peers"], results["failed"], []
    for peer in peers:
        failed.pop(peer.name, None)
        tell(f"{peer.name}: getting it ready")
        with left_out(peer.name, failed):
            one = prepare(peer, options.cache)
            rows[peer.name] = describe(one, rows.get(peer.name, {}))
            ready.append(one)
    kept = Ready(ours([])[0], Path(sys.executable), find(DEFAULT)).kept(pairs, options.cache)
    reference: Rows | None = json.loads(kept.read_text())["rows"] if kept.is_file() else None
    for one in ready if not options.timing_only else []:
        with left_out(one.peer.name, failed):
            photos, versions = scores(one, pairs, options.cache)
            before = rows[one.peer.name].get("quality")
            found = quality(photos, None if one.peer.name == DEFAULT else reference)
            rows[one.peer.name] |= {"quality": found, "versions": versions}
            if one.peer.name == DEFAULT:
                reference = photos
                if found != before:  # differences to earlier scores are no longer right
                    for row in rows.values():
                        row.get("quality", {}).pop("less_ours", None)
    if not options.skip_timing:
        first = [next(own).image for _, own in groupby(pairs, lambda pair: pair.source)]
        well = [one for one in ready if one.peer.name not in failed]
        speed = timing(well, first, failed, options.rounds, options.seconds)
        for name, row in rows.items():
            row.pop("speed", None)
            row |= {"speed": speed[name]} if name in speed else {}
        results["timing"] = machine() | {"rounds": options.rounds, "photos": len(first), "date": results["date"]}
    for name in failed:
        rows.pop(name, None)


def main() -> int:
    """Measures, writes the results and the chart, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--photos", type=int, help="so many of each source at most; all by default")
    parser.add_argument("--only", help="names of peers, with commas between them")
    parser.add_argument("--model", action="append", default=[], help="a further standout model; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each peer in each round, at least six photos")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--skip-timing", action="store_true")
    part.add_argument("--timing-only", action="store_true")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "peers")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "peers.json")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs" / "images" / "peers.svg")
    options = parser.parse_args()
    try:
        every = [*ours(options.model), *others()]
    except StandoutError as error:
        parser.error(str(error))
    known = {peer.name: peer for peer in every}
    if len(known) < len(every):
        parser.error("two models have the same name; rename a file (or the folder, where the file is model.onnx)")
    names = options.only.split(",") if options.only else list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no peer is called {', '.join(unknown)}; there are {', '.join(known)}")
    validation = sorted(find_splits(options.data)[1], key=lambda pair: (pair.source, pair.name))
    pairs = [pair for _, own in groupby(validation, lambda pair: pair.source) for pair in islice(own, options.photos)]
    results = begin(options.out, pairs)
    measure([known[name] for name in known if name in names], pairs, results, options)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(options.out, (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    chart(results, options.plot)
    print(table(results), table(results, details=True), sep="\n\n")
    left = {name: results["failed"][name] for name in names if name in results["failed"]}
    for name, reason in left.items():
        tell(f"left out: {name}: {reason}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
