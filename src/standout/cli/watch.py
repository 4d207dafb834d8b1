"""`--watch`: photos and clips are done as they come into a folder, until Ctrl-C.

Photos   options   what the user asked for
int      exit code
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from threading import Event

from standout.batch.find import real
from standout.batch.ledger import Ledger, Result
from standout.batch.naming import Naming
from standout.batch.plan import Task, plan, results_of
from standout.batch.run import Engine, Job, Summary, by_kind, threads
from standout.batch.run import run as run_tasks
from standout.batch.watch import MEMORY, Failures, Watched, names, newer, pause
from standout.cli import show, unused
from standout.cli.clips import clips_of
from standout.cli.options import Photos
from standout.cli.signals import stoppable
from standout.editing import Edit
from standout.errors import InputError, OutputError, StandoutError
from standout.support.atomic import is_folder
from standout.support.system import cores


def run(options: Photos) -> int:
    """Watches until a signal comes. Raises StandoutError for what is wrong before the first file is begun."""
    from standout.cli.photos import photo_job, shares, try_background

    edit = options.edit()
    roots, places = _folders(options, edit)
    workers, each = shares(options, options.jobs or cores())
    photos = photo_job(options, edit, each, needed=True)
    try_background(options, edit)
    avoid = [*places, *([options.mask_from] if options.mask_from else [])]
    watched = Watched(
        lambda: names(roots, recursive=options.recursive, avoid=avoid),
        Failures(places[0] / MEMORY),
        changes=options.overwrite,
        most=8 * workers,
    )
    if not options.quiet:
        where = ", ".join(map(str, roots))
        show.say(f"watching {where}; results go to {', '.join(map(str, places))}; Ctrl-C ends it")
    with (
        Ledger(options.report) if options.report else nullcontext() as ledger,
        stoppable(wanted=True) as stop,
    ):
        job = by_kind(photos, clips_of(options, edit, progress=lambda done, total: None, stop=stop))
        watching = Watching(options, edit, watched, ledger, stop)
        watching.until_stopped(job, threads(workers))
    if not options.quiet:
        counts = watching.summary
        show.say(f"ended; {counts.done} done, {len(counts.failed)} failed; the same command goes on from here")
    return 0


class Watching:
    """The loop: list, plan what is whole, do it, tell, wait."""

    def __init__(self, options: Photos, edit: Edit, watched: Watched, ledger: Ledger | None, stop: Event) -> None:
        self.summary = Summary()
        self._options, self._edit, self._watched = options, edit, watched
        self._ledger, self._stop = ledger, stop
        self._said = ""

    def until_stopped(self, job: Job, engine: Engine) -> None:
        """Does what comes until stop is set. Errors of a file, a folder or a plan stop nothing."""
        while not self._stop.is_set():
            began = time.monotonic()
            ready = self._watched.ready()
            self._trouble(self._watched.trouble)
            if not ready:
                self._stop.wait(pause(time.monotonic() - began))
                continue
            tasks = self._tasks(ready)
            if tasks:
                run_tasks(
                    tasks, job, overwrite=self._options.overwrite, on_result=self._tell, stop=self._stop, engine=engine
                )

    def _tasks(self, ready: list[Path]) -> list[Task]:
        """What is to be done with these files; those that are no inputs after all are passed over."""
        options = self._options
        try:
            planned = plan(
                options.inputs,
                options.output,
                naming=Naming.of(self._edit.effect, format=options.format),
                recursive=options.recursive,
                overwrite=options.overwrite,
                avoid=[options.mask_from] if options.mask_from else [],
            )
            known = {task.source: task for task in planned}
            tasks = [known[path] for path in ready if path in known]
            unused.protect(options, [task for task in tasks if task.can_be_done])
        except StandoutError as error:
            self._trouble(str(error))
            self._stop.wait(pause(1.0))
            return []
        for path in ready:
            if path not in known or self._is_current(known[path]):
                self._watched.end(path)
        return [task for task in tasks if not self._is_current(task)]

    def _is_current(self, task: Task) -> bool:
        """Whether --overwrite leaves the result as it is, since the file is no newer, and has not changed meanwhile."""
        if not (self._options.overwrite and task.is_done()) or self._watched.has_changed(task.source):
            return False
        return not newer(task.source, [task.target])

    def _tell(self, result: Result) -> None:
        """Reports one result, unless it is a first failure."""
        try:
            if not self._watched.tell(result, stopped=self._stop.is_set()):
                return
        except OutputError as error:
            self._trouble(str(error))
        self.summary.add(result)
        if self._ledger:
            self._ledger.add(result)
        if self._options.as_json:
            show.tell(result.to_json())
        elif result.status == "done" and not self._options.quiet:
            show.tell(str(result.target))
        if result.status == "failed":
            reason = result.error or "unknown"
            show.fail(reason if str(result.source) in reason else f"{result.source}: {reason}")
        elif not self._options.quiet:
            for note in (*result.warnings, *([result.error] if result.error else [])):
                show.say(f"warning: {result.source}: {note}", style="33")

    def _trouble(self, text: str) -> None:
        """Says what is in the way of everything, once, and when it is over."""
        if text and text != self._said:
            show.fail(f"{text}; trying again until it works")
        elif self._said and not text and not self._options.quiet:
            show.say("it works again")
        self._said = text


def _folders(options: Photos, edit: Edit) -> tuple[list[Path], list[Path]]:
    """The folders to watch, and those of the results. Raises InputError and OutputError for what cannot be watched."""
    if options.review is not None:
        raise InputError("--review is written at the end of a run, and --watch has none; use --report instead")
    for text in options.inputs:
        if not is_folder(Path(text)):
            raise InputError(f"--watch watches folders, and {text} is none; name a folder that exists")
    roots = [Path(text) for text in options.inputs]
    if options.output is None:
        places = results_of(options.inputs, Naming.of(edit.effect, format=options.format))
    else:
        places = [Path(options.output)]
    for place in places:
        if options.output == "-" or place.suffix or (place.exists() and not is_folder(place)):
            raise OutputError(f"--watch writes many files, and {place} is no folder; give a folder to -o")
        for root in roots:
            if real(place) == real(root):
                raise OutputError(
                    f"{place} is the input folder itself: results would be taken for photos; give another -o"
                )
    return roots, places
