"""Options of an effect -> what is done with each clip."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from threading import Event
from typing import TYPE_CHECKING, TypeAlias

from standout.batch.photo import Outcome
from standout.batch.plan import Task
from standout.cli.options import Photos
from standout.editing import Edit
from standout.errors import InputError
from standout.support.system import cores

if TYPE_CHECKING:
    from standout.batch.clip import ClipOptions


def clips_of(
    options: Photos, edit: Edit, *, progress: Callable[[int, int | None], None], stop: Event
) -> Callable[[Task], Outcome]:
    """What is done with each clip; the model is loaded when the first is begun.

    Raises InputError for times and rates that are none.
    """
    part = _part(options)

    @cache
    def job() -> Callable[[Task], Outcome]:
        import cv2

        from standout.batch.clip import ClipJob
        from standout.segmenter import Segmenter

        cv2.setNumThreads(1)  # the steps run at the same time, each on a core
        segmenter = Segmenter(
            options.model,
            runtime=options.runtime,
            device=options.device,
            threads=options.threads or 1,  # the steps beside it take the other cores
            tta=options.uses_tta(default=False),
            trim=True,
        )
        seen_by = {
            "model": f"{options.model} {segmenter.card.sha256}",
            "tta": str(segmenter.tta),
            "runtime": f"{segmenter.runtime} {segmenter.device}",
        }
        chosen = _chosen(options, part, resume=options.resume, measure=options.report is not None)
        return ClipJob(segmenter, edit, chosen, seen_by, progress, stop)

    return lambda task: job()(task)


def clip_options(options: Photos) -> ClipOptions:
    """How a batch reads and writes clips: in chunks, so that another process can go on with them.

    Raises InputError for times and rates that are none.
    """
    return _chosen(options, _part(options), resume=True, measure=False)


_Part: TypeAlias = tuple[Fraction, Fraction | None, Fraction | None]


def _part(options: Photos) -> _Part:
    """(start, end, rate) that the options ask for. Raises InputError for what is none."""
    start, end = _time(options.start, "--start") or Fraction(0), _time(options.end, "--end")
    if end is not None and end <= start:
        raise InputError(f"--end {options.end} is not after --start {options.start or 0}; give a later time")
    return start, end, _rate(options.fps)


def _chosen(options: Photos, part: _Part, *, resume: bool, measure: bool) -> ClipOptions:
    from standout.batch.clip import ClipOptions
    from standout.batch.clip_pictures import Excerpt
    from standout.masks.temporal import HALF_LIFE

    return ClipOptions(
        excerpt=Excerpt(*part, options.max_side),
        half_life=HALF_LIFE if options.steady is None else options.steady,
        every_frame=options.every_frame,
        codec=options.codec,
        quality=options.quality,
        sound=options.sound,
        overwrite=options.overwrite,
        resume=resume,
        measure=measure,
        workers=options.jobs or max(1, cores() - 1),
    )


def _time(text: str | None, option: str) -> Fraction | None:
    """Seconds. Raises InputError for what is no time.

    >>> _time("1:02.5", "--start"), _time("90", "--start"), _time(None, "--start")
    (Fraction(125, 2), Fraction(90, 1), None)
    """
    if text is None:
        return None
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text):
        raise InputError(f"{option} {text!r} is no time; wanted seconds, minutes:seconds or hours:minutes:seconds")
    seconds = Fraction(0)
    for part in text.split(":"):
        seconds = 60 * seconds + Fraction(part)
    return seconds


def _rate(text: str | None) -> Fraction | None:
    """Frames a second. Raises InputError for what is none.

    >>> _rate("30000/1001"), _rate("12.5")
    (Fraction(30000, 1001), Fraction(25, 2))
    """
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 240:
        raise InputError(f"--fps {text!r} is no rate; wanted a number up to 240, such as 25 or 30000/1001")
    return rate
