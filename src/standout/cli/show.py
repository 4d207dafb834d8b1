"""What the terminal shows: progress, a summary, errors; all on standard error, so that standard output stays clean.

To change how a run is summed up: summary().
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from standout.errors import MissingExtra

if TYPE_CHECKING:
    from standout.batch.ledger import Result
    from standout.batch.plan import Task
    from standout.batch.run import Summary

LIST_AT_MOST = 20
"""Failed files named on the terminal; the ledger names all."""


def examples(*rows: tuple[str, str]) -> str:
    """Commands and what they do, as the last part of a command's help; side by side where 80 columns hold them."""
    width = max(len(command) for command, _ in rows)
    if width + max(len(what) for _, what in rows) > 75:
        lines = [f"[dim]# {what}[/]\n[bold cyan]{command}[/]" for command, what in rows]
    else:
        lines = [f"[bold cyan]{command}[/]{' ' * (width - len(command))}   [dim]{what}[/]" for command, what in rows]
    return "\n".join(["[bold]Examples[/]", *lines])


def say(text: str, *, style: str = "") -> None:
    """One line on standard error, in a style ("31" is red) where that is a terminal which shows styles."""
    with suppress(OSError):  # that nobody reads it stops no work
        styled = style and sys.stderr.isatty() and "NO_COLOR" not in os.environ
        print(f"\033[{style}m{text}\033[0m" if styled else text, file=sys.stderr, flush=True)


def tell(text: str) -> None:
    """One line on standard output; a file name that is no proper text leaves as the bytes it came as."""
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(text) + b"\n")
    sys.stdout.buffer.flush()


def fail(text: str) -> None:
    """The error line."""
    say(f"error: {text}", style="31")


@contextmanager
def progress(total: int, *, wanted: bool, unit: str = "photos") -> Iterator[Callable[[], None]]:
    """A function to call after each photo; it moves a bar, where several photos are done before a terminal."""
    if not (wanted and total > 1 and sys.stderr.isatty()):
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
    from rich.progress import Task as Row
    from rich.text import Text

    class Rate(ProgressColumn):
        """Photos, or whatever unit says, a second."""

        def render(self, task: Row) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:.1f} {unit}/s", style="cyan")

    columns = (BarColumn(None), MofNCompleteColumn(), Rate(), TimeRemainingColumn(compact=True))
    # not redirected: lines of JSON must reach standard output, not the bar's console
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        row = bar.add_task("", total=total)
        yield lambda: bar.advance(row)


@dataclass(frozen=True)
class Bars:
    """What moves as a run goes on: done as a file is done, frames as so many of a clip's are.

    frames' second argument: about how many there are; None where the clip does not say.
    """

    done: Callable[[], None]
    frames: Callable[[int, int | None], None]


@contextmanager
def bars(total: int, *, wanted: bool, clips: bool) -> Iterator[Bars]:
    """A bar for the files, and one for the frames of the clip in work; none where no terminal shows them."""
    if not (clips and wanted and sys.stderr.isatty()):
        with progress(total, wanted=wanted, unit="files" if clips else "photos") as advance:
            yield Bars(advance, lambda done, total: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    counts = TextColumn("{task.completed:.0f}/{task.fields[of]} {task.fields[unit]}")
    speed = TextColumn("[cyan]{task.fields[speed]}[/]")
    columns = (BarColumn(None), counts, speed, TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as shown:
        files = shown.add_task("", total=total, of=total, unit="files", speed="", visible=total > 1)
        row = shown.add_task("", total=None, of="?", unit="frames", speed="", visible=False)

        def frames(done: int, of: int | None) -> None:
            before = shown.tasks[row]
            if not before.visible or done <= before.completed:  # another clip; perhaps gone on with, not at 1
                shown.reset(row, total=of, completed=done - 1, of=of or "?", visible=True)
            rate = shown.tasks[row].speed
            shown.update(row, completed=done, total=of and max(of, done), speed=f"{rate:.1f} fps" if rate else "")

        yield Bars(lambda: shown.advance(files), frames)


@contextmanager
def needs_extra(what: str = "training", extra: str = "train") -> Iterator[None]:
    """Imports inside the block raise MissingExtra, which names the extra, where a package is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("standout"):
            raise
        raise MissingExtra(what, extra) from None


def summary(result: Summary, tasks: list[Task], *, quiet: bool) -> None:
    """What became of a run: counts, where the results are, and every failure with its reason."""
    from standout.batch.find import named

    tasks = [task for task in tasks if task.can_be_done]
    if not quiet and len(tasks) > 1:
        counts = [f"{result.done} done"]
        counts += [f"{result.kept} kept (there already; --overwrite makes them anew)"] if result.kept else []
        counts += [f"{len(result.skipped)} skipped"] if result.skipped else []
        counts += [f"{len(result.failed)} failed"] if result.failed else []
        counts += [f"{result.left} left"] if result.left else []
        rate = f" ({result.done / result.seconds:.1f} photos/s)" if result.done and result.seconds else ""
        say(f"{', '.join(counts)} in {result.seconds:.1f} s{rate}; results in {_folder(tasks)}")
    elif not quiet and result.kept:
        say(f"{tasks[0].target} is there already and is kept; --overwrite makes it anew")
    if not quiet:
        if result.skipped:
            say(f"skipped {named([one.source for one in result.skipped])}")
        _warnings(result.warned)
    for one in sorted(result.failed, key=lambda one: one.source)[:LIST_AT_MOST]:
        name = str(one.source)
        reason = one.error or "unknown"
        fail(reason if name in reason else f"{name}: {reason}")
    if len(result.failed) > LIST_AT_MOST:
        fail(f"... and {len(result.failed) - LIST_AT_MOST} more; --report FILE lists them all")


def _warnings(warned: list[Result]) -> None:
    """The warnings, one line each kind."""
    kinds: dict[str, list[str]] = {}
    for result in warned:
        for warning in result.warnings:
            kinds.setdefault(warning, []).append(str(result.source))
    for warning, names in kinds.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        say(f"warning: {warning}: {', '.join(names[:3])}{more}", style="33")


def _folder(tasks: list[Task]) -> str:
    """The folder that holds all results."""
    try:
        common = Path(os.path.commonpath([task.target.parent.absolute() for task in tasks]))
    except ValueError:
        return "several drives"
    here = Path.cwd()
    return f"{common.relative_to(here) if common.is_relative_to(here) else common}{os.sep}"
