"""The command line: `standout COMMAND ...`, and `standout photo.jpg` for `standout cut photo.jpg`.

    arguments   list[str]   as typed, without the program's name
    exit code   int         0 all good, 1 some files failed, or nobody reads standard output any more, 2 nothing begun:
                            usage or input wrong, 130 interrupted, 143 and 129 ended by SIGTERM and SIGHUP

To add an effect: see effects/__init__.py of the package. To add another command: a function in about.py, or a file of
its own, named below.
"""

import logging
import os
from pathlib import Path
from typing import Annotated, Protocol

import typer

from standout import __version__
from standout.cli import about, data, effects, signals, webcam
from standout.cli import benchmark as benchmarking
from standout.cli import evaluate as evaluating
from standout.cli import export as exporting
from standout.cli import train as training
from standout.cli.options import Photos
from standout.cli.show import examples, fail
from standout.errors import InputError, StandoutError, nearest


class _Command(Protocol):
    """The options of a command as a dataclass, which carries them out."""

    def run(self) -> int:
        """Carries the command out and returns its exit code."""


def _finish(command: Photos | _Command | int | None, version: bool = False) -> None:
    """Carries out a command that came as a dataclass; a command that is a function is done already."""
    if isinstance(command, Photos):
        from standout.cli.photos import run

        command = run(command)
    elif command is not None and not isinstance(command, int):
        command = command.run()
    raise typer.Exit(command or 0)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"standout {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="standout",
    help="Find the people in photos: cut them out, blur, color or replace what is behind. Offline, on a plain CPU.",
    epilog=examples(
        ("standout photo.jpg", "cut the people out, to photo-cut.png"),
        ("standout blur holiday/ -o blurred/", "a whole folder"),
        ("standout cut - < a.jpg > a.png", "from a pipe to a pipe"),
        ("standout cut --help", "what else cut can do"),
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    result_callback=_finish,
)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


for _name, _effect, _epilog in effects.commands():
    app.command(_name, epilog=_epilog, rich_help_panel="Photos")(_effect)
app.command("webcam", epilog=webcam.EPILOG, rich_help_panel="Photos")(webcam.command())
app.command("train", epilog=training.EPILOG, rich_help_panel="Your own model")(training.TrainCommand)
app.command("evaluate", epilog=evaluating.EPILOG, rich_help_panel="Your own model")(evaluating.EvaluateCommand)
app.command("benchmark", epilog=benchmarking.EPILOG, rich_help_panel="Your own model")(benchmarking.BenchmarkCommand)
app.command("export", epilog=exporting.EPILOG, rich_help_panel="Your own model")(exporting.ExportCommand)
app.add_typer(data.app, name="data", rich_help_panel="Your own model")
for _command in about.COMMANDS:
    app.command(_command.__name__, rich_help_panel="More")(_command)


def main(arguments: list[str]) -> int:
    """Does what the arguments say and returns the exit code; errors go to standard error as one line each.

    STANDOUT_DEBUG=1 in the environment shows where an error came from.
    """
    debug = os.environ.get("STANDOUT_DEBUG", "") not in ("", "0")
    if debug:
        logging.basicConfig()
        logging.getLogger("standout").setLevel(logging.DEBUG)
    try:
        with signals.answered():
            app(_with_command(arguments), prog_name="standout")
    except SystemExit as end:
        return signals.exit_code(end.code if isinstance(end.code, int) else 1)
    except StandoutError as error:
        if debug:
            raise
        fail(str(error))
        return 2
    except OSError as error:  # a folder that may not be looked into, a full disk under standard output, ...
        if debug:
            raise
        fail(f"{error.filename or 'input or output'}: {error.strerror or error}")
        return 2
    return 0


def _with_command(arguments: list[str]) -> list[str]:
    """The arguments with `cut` before them where they name a photo in a command's place.

    Raises InputError when that is neither, but looks like a mistyped command.
    """
    first = arguments[0] if arguments else "--help"
    names = [str(command.name) for command in app.registered_commands] + ["data"]
    if first in names or (first.startswith("-") and first != "-"):
        return arguments
    near = nearest(first, names)
    if near and not Path(first).exists():
        raise InputError(f"{first!r} is neither a command nor a file; did you mean `standout {near}`?")
    return ["cut", *arguments]
