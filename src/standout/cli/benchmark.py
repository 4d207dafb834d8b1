"""`standout benchmark`: measures what models cost on this machine, in every installed runtime."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from standout.cli.show import examples, fail, progress, say
from standout.errors import InputError, SetupError

if TYPE_CHECKING:
    from standout.benchmark.facts import Facts
    from standout.benchmark.report import BenchmarkReport
    from standout.benchmark.trials import Skipped, Trial

DEFAULT = "standout-mobile"
EPILOG = examples(
    ("standout benchmark", "measure the bundled model in every installed runtime"),
    ("standout benchmark standout-mobile mine.onnx --threads 1", "compare two models"),
    ("standout benchmark --photo 12mp --video", "measure whole photos and frames as well"),
    ("standout benchmark --runtime onnx --json speed.json", "measure one runtime, and write all figures"),
)


@dataclass(frozen=True, kw_only=True)
class BenchmarkCommand:
    """Measure what models cost here: size, milliseconds, start-up and memory, in every runtime in turn."""

    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL", help="Names of bundled models, or model files.", show_default=DEFAULT),
    ] = None
    size: Annotated[
        str | None,
        typer.Option(metavar="HxW", help="Size of the network's input; default: the card's."),
    ] = None
    photo: Annotated[
        str | None, typer.Option(metavar="12mp|FILE", help="Also cut out a drawn photo of that size, or this photo.")
    ] = None
    video: Annotated[bool, typer.Option("--video", help="Also blur video frames that are kept in memory.")] = False
    runtime: Annotated[
        str, typer.Option(metavar="LIST", help="Runtimes, separated by commas; default: all that are installed.")
    ] = ""
    device: Annotated[
        str, typer.Option(metavar="LIST", help="Devices, separated by commas; default: all that are available.")
    ] = ""
    threads: Annotated[
        str, typer.Option(metavar="LIST", help="Numbers of threads, separated by commas; all: one for each core.")
    ] = "1,all"
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured, every time in a new process.")] = 5
    seconds: Annotated[float, typer.Option(min=0, help="No further round begins if it would end later than this.")] = 45
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE.json", help="Also write all figures to a file.")
    ] = None
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False
    overwrite: Annotated[bool, typer.Option(help="Replace the file of --json.")] = False

    def run(self) -> int:
        """Carries the command out and returns its exit code."""
        from standout.benchmark import facts, trials
        from standout.support.atomic import write_atomic
        from standout.support.system import cores

        if self.as_json is not None and self.as_json.exists() and not self.overwrite:
            raise InputError(f"{self.as_json} exists and is kept; use --overwrite to replace it")
        shape = None if self.size is None else _size(self.size)
        counts, used = _threads(self.threads, cores()), cores()
        kinds = ["network", *(["photo"] if self.photo else []), *(["video"] if self.video else [])]
        trials.check(_names(self.runtime), _names(self.device))
        found = [facts.look(model, size=shape) for model in dict.fromkeys(self.models or [DEFAULT])]
        todo, skipped = trials.spread(
            found, kinds=kinds, names=_names(self.runtime), devices=_names(self.device), threads=counts
        )
        report = _measured(
            found, todo, skipped=skipped, photo=self.photo, rounds=self.rounds, seconds=self.seconds, used=used
        )
        if self.as_json is not None:  # the file comes first, in case standard output is closed
            write_atomic(self.as_json, report.to_json().encode(), overwrite=self.overwrite)
            say(f"wrote {self.as_json}")
        print(report.to_markdown() if self.markdown else report.to_text())
        for line in trials.reasons(one for one in report.skipped if one.broken):
            fail(line)
        return 1 if report.broken else 0


def _measured(
    models: "list[Facts]",
    todo: "list[Trial]",
    *,
    skipped: "list[Skipped]",
    photo: str | None,
    rounds: int,
    seconds: float,
    used: int,
) -> "BenchmarkReport":
    """The report of what was measured. Raises SetupError where nothing could be measured."""
    from standout.benchmark import fresh, machine
    from standout.benchmark.photo import prepare
    from standout.benchmark.report import BenchmarkReport
    from standout.benchmark.rounds import measure
    from standout.benchmark.trials import reasons

    here = machine.look(used=used)
    with tempfile.TemporaryDirectory(prefix="standout-") as folder:
        path, said = prepare(photo, Path(folder)) if photo else (None, "")
        with (
            fresh.runner(path) as run,
            progress(rounds * len(todo), wanted=True, unit="measurements") as tick,
        ):
            rows, failed = measure(todo, run, rounds=rounds, seconds=seconds, tick=tick)
    if not rows:
        raise SetupError(f"nothing could be measured: {'; '.join(reasons([*failed, *skipped]))}")
    return BenchmarkReport(here, models, rows, [*skipped, *failed], rounds, said)


def _names(text: str) -> list[str]:
    """The names in a list separated by commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _size(text: str) -> tuple[int, int]:
    """(height, width). Raises InputError when it is not a size that networks take."""
    found = re.fullmatch(r"(\d+)x(\d+)", text.strip().lower())
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(side and side % 32 == 0 for side in size):
        raise InputError(f"--size {text!r}: wanted height x width in multiples of 32, such as 320x256")
    return size


def _threads(text: str, cores: int) -> list[int]:
    """The numbers of threads in a list, sorted and without repetition. Raises InputError when it is not such a list.

    cores: what "all" means.
    """
    counts = []
    for one in _names(text):
        if one != "all" and not (one.isdecimal() and int(one)):
            raise InputError(f"--threads {one!r}: wanted numbers from 1, or all, such as 1,4,all")
        counts.append(cores if one == "all" else int(one))
    if not counts:
        raise InputError(f"--threads {text!r}: wanted numbers from 1, or all, such as 1,4,all")
    return sorted(set(counts))
