"""A plan -> the result, by the journey of the command line, in a process of its own.

    JobOrder, JobPlan   what is to be made, in the working folder
    Step                what the server is told meanwhile
    Made                what there is to say at the end

What an earlier process finished is kept: photos that are written, and the finished chunks of a clip.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2

from standout.batch.clip import ClipJob, ClipOptions
from standout.batch.ledger import Result
from standout.batch.naming import is_clip
from standout.batch.photo import PhotoJob, PhotoOptions, by_model
from standout.batch.plan import Task
from standout.batch.run import by_kind, in_turn, run, threads
from standout.errors import InputError, OutputError, TooLarge
from standout.segmenter import Segmenter
from standout.serve.jobs.check import edit_of
from standout.serve.jobs.order import JobOrder, JobPlan
from standout.serve.jobs.settings import JobSettings
from standout.support.atomic import discard, part_for, publish, write_atomic
from standout.support.system import cores
from standout.support.version import __version__

EVERY = 0.25
"""Seconds between two reports."""


@dataclass(frozen=True)
class Step:
    """How far the job is.

    done, total: frames of a single clip, or files. share: of all the work, 0..1. kept: grows with whatever is on the
    disk to stay.
    """

    done: int
    total: int
    share: float
    kept: int


@dataclass(frozen=True)
class Made:
    """What became of the files. failures: client's name -> why."""

    done: int
    failures: dict[str, str]


class Steps:
    """Adds up what is done of all files, and reports it every so often.

    room: bytes that the job's results may take. Calls come from several threads.
    """

    def __init__(self, plan: JobPlan, limits: JobSettings, tell: Callable[[Step], None], room: int) -> None:
        self._plan, self._limits, self._tell, self._room = plan, limits, tell, room
        self._weights = {one.source: one.frames for one in plan.files}
        self._files, self._weight, self._frames, self._expected = 0, 0, 0, 0
        self._lock, self._told = Lock(), 0.0

    def frame(self, done: int, total: int | None) -> None:
        """Counts the frames of the clip in work. Raises TooLarge or OutputError where it outgrows its limits."""
        if done > self._limits.most_frames:
            raise TooLarge(f"there are more than {self._limits.most_frames:,} frames; cut the clip into parts")
        with self._lock:
            self._frames, self._expected = done, max(done, total or 0)
            self._report()

    def file(self, result: Result) -> None:
        """Counts a file that is done, or has failed."""
        with self._lock:
            self._files += 1
            self._weight += self._weights[str(result.source)]
            if is_clip(result.source):
                self._frames = 0
            self._report(now=True)

    def _report(self, *, now: bool = False) -> None:
        if not now and time.monotonic() < self._told + EVERY:
            return
        self._told = time.monotonic()
        if (size := _size(Path("out"))) > self._room:
            raise OutputError(f"its results take {size:,} bytes so far, and the server has no room for more")
        share = min(1.0, (self._weight + self._frames) / sum(self._weights.values()))
        kept = self._files + self._frames // self._limits.chunk
        done, total = self._files, len(self._plan.files)
        if self._plan.is_single and not done:
            done, total = self._frames, max(self._expected, 1)
        elif self._plan.is_single:
            done = total = self._plan.total
        self._tell(Step(done, total, share, kept))


def made(order: JobOrder, plan: JobPlan, tell: Callable[[Step], None], *, room: int) -> Made:
    """Makes the plan's target. room: bytes that the results may take while they are made.

    Raises InputError where no result could be made, with the reason of the first file.
    """
    edit = edit_of(order, plan.background)
    tasks = [Task(Path(one.source), Path(one.target), Path(one.name), Path(one.target).suffix) for one in plan.files]
    alone, workers = len(tasks) == 1, min(cores(), len(tasks))
    has_clips, has_photos = any(task.is_clip for task in tasks), not all(task.is_clip for task in tasks)
    share = 1 if has_clips else max(1, cores() // workers)
    cv2.setNumThreads(share)
    steps = Steps(plan, order.limits, tell, room)
    clips = _finder(order, 1, tta=False) if has_clips else None
    photos = _finder(order, share, tta=True) if has_photos else None
    seen_by = [_seen_by(order, finder) for finder in (clips, photos) if finder is not None]
    _clean({"standout": __version__} | seen_by[0])
    options = PhotoOptions(max_pixels=order.most_pixels)
    photo_job = None
    if photos:
        model = _seen_by(order, photos)["model"]
        photo_job = PhotoJob(by_model(edit.finder(photos), refine=edit.refined), edit, options, model)
    in_chunks = ClipOptions(resume=True, chunk=order.limits.chunk, workers=max(1, cores() - 1))
    clip_job = ClipJob(clips, edit, in_chunks, seen_by[0], steps.frame) if clips else None
    summary = run(
        tasks,
        by_kind(photo_job, clip_job),
        report=Path("ledger.jsonl"),
        on_result=steps.file,
        engine=in_turn if alone else threads(workers),
    )
    names = {Path(one.source): one.name for one in plan.files}
    failures = {names[one.source]: one.error or "" for one in summary.failed}
    if summary.failed and len(summary.failed) == len(tasks):
        raise InputError(next(iter(failures.values())))
    if not plan.is_single:
        _pack(plan, failures)
    return Made(len(tasks) - len(summary.failed), failures)


def _finder(order: JobOrder, threads: int, *, tta: bool) -> Segmenter:
    return Segmenter(order.model, runtime=order.runtime, device=order.device, threads=threads, tta=tta, trim=not tta)


def _seen_by(order: JobOrder, finder: Segmenter) -> dict[str, str]:
    """Which model finds the people, in words."""
    return {"model": f"{order.model} {finder.card.sha256}", "runtime": f"{finder.runtime} {finder.device}"}


def _pack(plan: JobPlan, failures: dict[str, str]) -> None:
    """Writes the ZIP file of all results; those that failed are named in a text file in it."""
    target = Path(plan.target)
    part = part_for(target, overwrite=True)
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for one in plan.files:
            if Path(one.target).exists():
                archive.write(one.target, one.result)
        if failures:
            archive.writestr("errors.txt", "".join(f"{name}: {reason}\n" for name, reason in failures.items()))
    publish(part, target, overwrite=True)


def _clean(made_by: dict[str, str]) -> None:
    """Removes what a process that was killed left half-written, and all results of another version or model."""
    mark, out = Path("made-by.json"), Path("out")
    words = json.dumps(made_by).encode()
    if mark.exists() and mark.read_bytes() != words:
        discard(out)
    out.mkdir(exist_ok=True)
    write_atomic(mark, words, overwrite=True)
    for path in (*out.glob(".*"), *Path().glob(".*.part")):
        if not path.name.endswith(".segments"):
            discard(path)


def _size(folder: Path) -> int:
    """The bytes of all files in the folder and below it; a file may vanish meanwhile."""
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            with suppress(OSError):
                total += Path(place, file).stat().st_size
    return total
