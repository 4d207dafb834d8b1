"""`standout benchmark`: what models cost on this machine, in every runtime that is here."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from standout.cli.show import examples, fail, progress, say
from standout.errors import InputError, SetupError

if TYPE_CHECKING:
    from standout.benchmark.facts import Facts
    from standout.benchmark.report import Report
    from standout.benchmark.trials import Skipped, Trial

DEFAULT = "standout-mobile"
EPILOG = examples(
    ("standout benchmark", "the bundled model in every runtime that is here"),
    ("standout benchmark standout-mobile mine.onnx --threads 1", "two models beside each other"),
    ("standout benchmark --photo 12mp --video", "whole photos and frames, too"),
    ("standout benchmark --runtime onnx --json speed.json", "one runtime, and all figures in a file"),
)


def benchmark(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL", help="Bundled names or model files.", show_default=DEFAULT),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Of the network's photo; else what each model's card says.")
    ] = None,
    photo: Annotated[
        str | None, typer.Option(metavar="12mp|FILE", help="Cut out a drawn photo of that size, or this one, as well.")
    ] = None,
    video: Annotated[bool, typer.Option("--video", help="Blur frames kept in memory as well.")] = False,
    runtime: Annotated[str, typer.Option(metavar="LIST", help="Of these, with commas; else all that are here.")] = "",
    device: Annotated[str, typer.Option(metavar="LIST", help="On these, with commas; else all that are here.")] = "",
    threads: Annotated[str, typer.Option(metavar="LIST", help="Numbers, or all.")] = "1,all",
    rounds: Annotated[int, typer.Option(min=1, help="Turns that each gets, a fresh process every time.")] = 5,
    seconds: Annotated[float, typer.Option(min=0, help="No further round once these would be exceeded.")] = 45,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE.json", help="Write all figures as well.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace the file of --json.")] = False,
) -> int:
    """Measure what models cost here: size, milliseconds, start-up and memory, in every runtime in turn."""
    from standout.benchmark import facts, trials
    from standout.support.atomic import write_atomic
    from standout.support.system import cores

    if as_json is not None and as_json.exists() and not overwrite:
        raise InputError(f"{as_json} exists and is kept; use --overwrite to replace it")
    shape = None if size is None else _size(size)
    counts, used = _threads(threads, cores()), cores()
    kinds = ["network", *(["photo"] if photo else []), *(["video"] if video else [])]
    trials.check(_names(runtime), _names(device))
    found = [facts.look(model, size=shape) for model in dict.fromkeys(models or [DEFAULT])]
    todo, skipped = trials.spread(found, kinds=kinds, names=_names(runtime), devices=_names(device), threads=counts)
    report = _measured(found, todo, skipped=skipped, photo=photo, rounds=rounds, seconds=seconds, used=used)
    if as_json is not None:  # first, in case nobody reads standard output any more
        write_atomic(as_json, report.to_json().encode(), overwrite=overwrite)
        say(f"wrote {as_json}")
    print(report.to_markdown() if markdown else report.to_text())
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
) -> "Report":
    """The report. Raises SetupError where nothing could be measured."""
    from standout.benchmark import fresh, machine
    from standout.benchmark.photo import prepare
    from standout.benchmark.report import Report
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
    return Report(here, models, rows, [*skipped, *failed], rounds, said)


def _names(text: str) -> list[str]:
    """The names in a list with commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _size(text: str) -> tuple[int, int]:
    """(height, width). Raises InputError for what is no size that networks take."""
    found = re.fullmatch(r"(\d+)x(\d+)", text.strip().lower())
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(side and side % 32 == 0 for side in size):
        raise InputError(f"--size {text!r}: wanted height x width in multiples of 32, such as 320x256")
    return size


def _threads(text: str, cores: int) -> list[int]:
    """The numbers, each once, in order. Raises InputError for what is none."""
    counts = []
    for one in _names(text):
        if one != "all" and not (one.isdecimal() and int(one)):
            raise InputError(f"--threads {one!r}: wanted numbers from 1, or all")
        counts.append(cores if one == "all" else int(one))
    if not counts:
        raise InputError(f"--threads {text!r}: wanted numbers from 1, or all")
    return sorted(set(counts))
