"""Plain command lines are read without Typer's parser, and come out as Typer reads them."""

import os
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
import typer

from standout.cli import direct, effects, main
from standout.cli.options import Photos
from standout.effects import EFFECTS

PLAIN = [
    "cut a.jpg",
    "cut - -o -",
    "cut a.jpg b.jpg -o out --overwrite -q -r",
    "cut --output=out.png --grow 1.5 --feather 2 --crop a.jpg",
    "cut a.jpg --model other.onnx --threads 2 --jobs 3 --max-pixels 0 --no-tta --quality 90 -f webp",
    "cut a.jpg --report lines.jsonl --mask-from masks --metadata strip --json --strict --refine",
    "blur a.jpg --strength 0.7 --shadow soft --shadow-blur 3% --no-refine",
    "color a.jpg --color white",
    "replace a.jpg -b beach.png",
    "anonymize a.jpg",
    "mask pics --at-time 3 --end 5.5",
]
LEFT_TO_TYPER = [
    "cut",
    "cut --help",
    "cut a.jpg -h",
    "cut a.jpg -rq",
    "cut a.jpg -oout.png",
    "cut -- -a.jpg",
    "cut a.jpg --grow -2",
    "cut a.jpg --grow 1e3",
    "cut a.jpg --quality 101",
    "cut a.jpg --quality 0",
    "cut a.jpg --quality many",
    "cut a.jpg --overwrite=yes",
    "cut a.jpg --metadata some",
    "cut a.jpg -o",
    "cut a.jpg -o=odd",
    "replace a.jpg",
    "cut a.jpg -o x -o y",
    "cut a.jpg --tta --no-tta",
    "cut a.jpg --unknown 3",
    "cut a.jpg --shadow none --where 1,2",
]


def by_typer(arguments: list[str]) -> Photos:
    """The options as Typer reads them."""
    made: list[Photos] = []
    kind, _ = effects.command(EFFECTS[arguments[0]])
    app = typer.Typer(result_callback=made.append)
    app.callback()(lambda: None)
    app.command(arguments[0])(kind)
    app(arguments, standalone_mode=False)
    return made[0]


def directly(arguments: list[str]) -> Photos | None:
    return direct.read(effects.command(EFFECTS[arguments[0]])[0], arguments[1:])


def values(options: Photos) -> dict[str, object]:
    return {one.name: getattr(options, one.name) for one in fields(options)}


@pytest.mark.parametrize("line", PLAIN)
def test_plain_lines_are_read_as_typer_reads_them(line: str) -> None:
    arguments = line.split()
    found = directly(arguments)
    assert found is not None, "left to Typer"
    wanted = by_typer(arguments)
    assert values(found) == values(wanted)
    assert {name: type(one) for name, one in values(found).items()} == {
        name: type(one) for name, one in values(wanted).items()
    }


@pytest.mark.parametrize("line", LEFT_TO_TYPER)
def test_what_is_less_than_plain_is_left_to_typer(line: str) -> None:
    assert directly(line.split()) is None


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_option_of_every_effect_is_read_as_typer_reads_it(effect: str) -> None:
    """All values at once, then all switches on, and all off: a parser for each option would take a minute."""
    kind, _ = effects.command(EFFECTS[effect])
    lines: dict[str, list[str]] = {"values": [], "on": [], "off": []}
    samples = {int: "17", float: "0.5", Path: "some/file", str: "text"}
    for one in fields(kind):
        of, told, *_ = get_args(one.type)
        kinds = {of, *get_args(of)}
        declared = [text for text in (told.default, *(told.param_decls or ())) if isinstance(text, str)]
        if not declared:
            continue
        on, _, off = declared[0].partition("/")
        if bool in kinds:
            lines["on"].append(on)
            lines["off"] += [off] if off else []
        elif text := next((samples[one] for one in samples if one in kinds), None):
            least = getattr(told, "min", None)
            lines["values"] += [on, text if least is None else f"{max(0, least):g}"]
    if effect == "replace":
        lines["on"] += ["-b", "x.png"]
        lines["off"] += ["-b", "x.png"]
    for options in lines.values():
        arguments = [effect, "a.jpg", *options]
        found = directly(arguments)
        assert found is not None, arguments
        assert values(found) == values(by_typer(arguments))
    assert len(lines["values"]) > 40 and len(lines["on"]) > 9, "the options are found"


def test_commands_are_read_directly_and_errors_by_typer(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[Photos] = []
    monkeypatch.setattr("standout.cli.photos.run", lambda options: seen.append(options) or 7)
    assert main(["cut", "photo.jpg", "--grow", "2"]) == 7
    assert seen[0].inputs == ["photo.jpg"]
    assert main(["cut", "photo.jpg", "--grow", "much"]) == 2
    assert len(seen) == 1 and "--grow" in capfd.readouterr().err


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 1)])
def test_interruptions_end_as_typer_ends_them(
    raised: type[BaseException], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(options: Photos) -> int:
        raise raised

    monkeypatch.setattr("standout.cli.photos.run", run)
    assert main(["cut", "photo.jpg"]) == main(["cut", "photo.jpg", "-rq"]) == code


@pytest.mark.parametrize("before", [None, "3"])
def test_openblas_begins_no_threads_unless_asked_to(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if before is None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")  # so that it is put back afterwards
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    else:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", before)
    seen: list[str | None] = []
    monkeypatch.setattr("standout.cli.photos.run", lambda options: seen.append(os.environ["OPENBLAS_NUM_THREADS"]) or 0)
    assert main(["cut", "photo.jpg"]) == main(["cut", "photo.jpg", "-rq"]) == 0
    assert seen == [before or "1"] * 2
