"""Options of an effect -> photos planned, worked on and reported; the way from the command line to batch.run.

Photos   options   what the user asked for
int      exit code
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from standout.batch.hand_masks import by_hand
from standout.batch.ledger import Result
from standout.batch.naming import Naming
from standout.batch.photo import MaskSource, PhotoJob, PhotoOptions, by_model, by_model_once, read_photo
from standout.batch.plan import STREAM, Task, plan
from standout.batch.run import Summary, by_kind, in_turn, threads
from standout.batch.run import run as run_tasks
from standout.cli import settings, show, unused
from standout.cli.clips import clips_of
from standout.cli.options import Photos
from standout.cli.signals import INTERRUPTED, stoppable
from standout.editing import Edit
from standout.errors import InputError
from standout.support.pipeline import soon
from standout.support.system import cores
from standout.types import Photo


def run(options: Photos) -> int:
    """Carries the options out. Raises StandoutError for what is wrong before the first photo is begun."""
    if options.watch:
        from standout.cli import watch

        return watch.run(options)
    edit = options.edit()
    if options.review:
        from standout.batch import review

        review.check(options.review)
    tasks = plan(
        options.inputs,
        options.output,
        naming=Naming.of(edit.effect, format=options.format),
        recursive=options.recursive,
        overwrite=options.overwrite,
        avoid=[options.mask_from] if options.mask_from else [],
    )
    todo = [task for task in tasks if task.can_be_done]
    _check(options, edit, todo)
    unused.protect(options, todo)
    for line in unused.check(options, todo):
        if not options.quiet:
            show.say(f"warning: {line}", style="33")
    pending = [task for task in todo if options.overwrite or not task.is_done()]
    workers, threads = shares(options, len(pending))
    clips = [task for task in todo if task.is_clip]
    needed = any(not task.is_clip for task in pending)
    once = pending[0] if len(tasks) == 1 and needed else None
    photos = photo_job(options, edit, threads, needed=needed, once=once) if len(clips) < len(todo) else None
    if todo:
        try_background(options, edit)
    made: list[Result] = []
    try:
        summary, stopped = _run(options, edit, tasks, photos, workers, made if options.review else None)
    except KeyboardInterrupt:
        show.say(f"interrupted; {_left(options, clip=bool(clips))}")
        return INTERRUPTED
    if options.review:
        review.write(options.review, made, max_pixels=options.limit())
        if not options.quiet:
            show.say(f"look at {options.review}")
    show.summary(summary, tasks, quiet=options.quiet)
    if stopped:
        show.say("interrupted; the same command goes on from here")
        return INTERRUPTED
    return 1 if summary.failed or (options.strict and summary.warned) else 0


def _left(options: Photos, *, clip: bool) -> str:
    """What an interruption leaves of the one photo or clip in work."""
    if not clip:
        return "no half file is left"
    if options.resume:
        return "the same command goes on from the last minute that was finished"
    return "nothing is left of the clip; with --resume, the same command would go on"


def try_background(options: Photos, edit: Edit) -> None:
    """Opens what is behind the people once, so that what is wrong with it is known before anything else is opened."""
    with edit.effect.begun() as tried:
        notes = tried.open(max_pixels=options.limit())
    for note in () if options.quiet else notes:
        show.say(note)


def photo_job(options: Photos, edit: Edit, threads: int, *, needed: bool, once: Task | None = None) -> PhotoJob:
    """What is done with each photo.

    needed: whether one is at hand, so that the model is loaded now. once: the only one, which is read meanwhile.
    """
    read = None
    if once is not None and once.source != STREAM:
        early = soon(partial(read_photo, once, max_pixels=options.limit()))

        def read(task: Task) -> Photo:
            return early()

    masks = _masks(options, edit, threads, needed=needed, once=once is not None)
    model = ""
    if edit.effect.hides_people and needed:
        from standout.models.registry import fingerprint

        model = f"masks in {options.mask_from}" if options.mask_from else fingerprint(options.model)
    return PhotoJob(
        masks, edit,
        PhotoOptions(
            quality=options.quality, metadata=options.metadata, max_pixels=options.limit(), overwrite=options.overwrite
        ),
        model, read,
    )  # fmt: skip


def _run(
    options: Photos, edit: Edit, tasks: list[Task], photos: PhotoJob | None, workers: int, made: list[Result] | None
) -> tuple[Summary, bool]:
    """What became of the tasks, and whether Ctrl-C stopped them. made: gets all results, where it is given."""
    alone = len(tasks) == 1

    def tell(result: Result) -> None:
        if made is not None:
            made.append(result)
        if options.as_json:
            show.tell(result.to_json())
        elif alone and not options.quiet and result.status in ("done", "kept") and result.target != STREAM:
            show.tell(str(result.target))
        bars.done()

    clips = any(task.is_clip for task in tasks)
    with (
        show.bars(len(tasks), wanted=not options.quiet, clips=clips) as bars,
        stoppable(wanted=not alone) as stop,
    ):
        summary = run_tasks(
            tasks,
            by_kind(photos, clips_of(options, edit, progress=bars.frames, stop=stop)),
            overwrite=options.overwrite,
            report=options.report,
            on_result=tell,
            stop=stop,
            engine=in_turn if alone else threads(workers),
        )
    return summary, stop.is_set()


def _check(options: Photos, edit: Edit, tasks: list[Task]) -> None:
    """Raises InputError for options that do not go together, SetupError where faces cannot be looked for."""
    if options.strict and edit.effect.hides_people:
        from standout.batch.audit import check_faces

        check_faces()
    clip = next((task.source for task in tasks if task.is_clip), None)
    spelled = {one.name: one.spelled for _, one in settings.of_parts()}
    names = [*(["--mask-from"] if options.mask_from else []), *(spelled[one] for one in edit.for_photos_alone())]
    if names and clip is not None:
        raise InputError(f"{clip} is a clip, and {names[0]} is for photos; leave it out, or name photos alone")
    if any(task.target == STREAM for task in tasks):
        if options.as_json:
            raise InputError("--json and the picture would both go to standard output; name a file: -o out.png")
        if options.review:
            raise InputError("--review shows files, and the picture goes to standard output; name a file: -o out.png")
        if sys.__stdout__ is None:
            raise InputError("standard output is closed, so the picture has nowhere to go; name a file: -o out.png")
        if sys.stdout.isatty():
            raise InputError("a terminal shows no pictures; redirect it (> out.png), or name a file: -o out.png")


def shares(options: Photos, photos: int) -> tuple[int, int]:
    """(photos at once, threads each): together as many as there are cores, where nothing else is asked for."""
    import cv2

    workers = max(1, min(options.jobs or cores(), photos))
    threads = options.threads or max(1, cores() // workers)
    cv2.setNumThreads(threads)
    return workers, threads


def _masks(options: Photos, edit: Edit, threads: int, *, needed: bool, once: bool) -> MaskSource:
    """Where masks come from; the model is loaded only when a photo needs it. See photo_job."""
    tta = options.uses_tta(default=True)
    if options.device != "auto":  # a device that is not here is an error even where nothing is left to do
        from standout import runtimes
        from standout.models import registry

        path = registry.find(options.model)
        runtimes.check(path.suffix.lower(), runtime=options.runtime, device=options.device, where=str(path))
    if options.mask_from:
        return by_hand(Path(options.mask_from), max_pixels=options.limit())

    def load() -> MaskSource:
        from standout.segmenter import Segmenter

        segmenter = Segmenter(
            options.model,
            runtime=options.runtime,
            device=options.device,
            threads=threads,
            tta=tta,
        )
        source = by_model_once if once else by_model
        return source(edit.finder(segmenter), refine=edit.refined)

    return load() if needed else lambda task, photo: load()(task, photo)
