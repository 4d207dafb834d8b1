"""The command line: `standout COMMAND ...`, and `standout photo.jpg` for `standout cut photo.jpg`.

    arguments   list[str]   as typed, without the program's name
    exit code   int         0 all good, 1 some files failed, or nobody reads standard output any more, 2 nothing begun:
                            usage or input wrong, 130 interrupted, 143 and 129 ended by SIGTERM and SIGHUP

To add an effect: see effects/__init__.py of the package. To add another command: a function in about.py, or a file
of its own, and a row in COMMANDS.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Protocol

import typer

from standout.cli import signals
from standout.cli.options import Photos
from standout.cli.show import examples, fail
from standout.effects import EFFECTS, Effect, known
from standout.errors import InputError, StandoutError, nearest
from standout.support.version import __version__

PHOTOS, OWN_MODEL, MORE = "Photos", "Your own model", "More"
"""The panels of the help."""


class _Command(Protocol):
    """The options of a command as a dataclass, which carries them out."""

    def run(self) -> int:
        """Carries the command out and returns its exit code."""


def _finish(command: Photos | _Command | int | None, version: bool = False) -> None:
    """Carries out a command that came as a dataclass; a command that is a function is done already."""
    if isinstance(command, Photos):
        command = _run(command)
    elif command is not None and not isinstance(command, int):
        command = command.run()
    raise typer.Exit(command or 0)


def _run(options: Photos) -> int:
    """Carries the command of an effect out and returns its exit code."""
    # OpenBLAS, which NumPy and OpenCV bring, would begin a thread for each core, and wait for it, as it is loaded.
    # Nothing here multiplies matrices large enough for that.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from standout.cli.photos import run

    return run(options)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"standout {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


def application(command: str | None = None) -> typer.Typer:
    """The command line with that command alone, which is quick, or with every command."""
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
    app.callback()(_root)
    if command in EFFECTS:
        _add_effect(app, EFFECTS[command])
    elif command in COMMANDS:
        COMMANDS[command](app)
    else:
        for effect in known().values():
            _add_effect(app, effect)
        for add in COMMANDS.values():
            add(app)
    return app


def _add_effect(app: typer.Typer, effect: type[Effect]) -> None:
    from standout.cli import effects

    made, epilog = effects.command(effect)
    app.command(effect.name, epilog=epilog, rich_help_panel=PHOTOS)(made)


def _add_batch(app: typer.Typer) -> None:
    from standout.cli import batch

    app.add_typer(batch.application(), name="batch", rich_help_panel=PHOTOS)


def _add_people(app: typer.Typer) -> None:
    from standout.cli import people

    app.command("people", epilog=people.EPILOG, rich_help_panel=PHOTOS)(people.PeopleCommand)


def _add_webcam(app: typer.Typer) -> None:
    from standout.cli import webcam

    app.command("webcam", epilog=webcam.EPILOG, rich_help_panel=PHOTOS)(webcam.command())


def _add_idphoto(app: typer.Typer) -> None:
    from standout.cli import idphoto

    app.command("idphoto", epilog=idphoto.EPILOG, rich_help_panel=PHOTOS)(idphoto.IdPhotoCommand)


def _add_serve(app: typer.Typer) -> None:
    from standout.cli import serve

    app.command("serve", epilog=serve.EPILOG, rich_help_panel=PHOTOS)(serve.ServeCommand)


def _add_train(app: typer.Typer) -> None:
    from standout.cli import train

    app.command("train", epilog=train.EPILOG, rich_help_panel=OWN_MODEL)(train.TrainCommand)


def _add_plan(app: typer.Typer) -> None:
    from standout.cli import plan

    app.command("plan", epilog=plan.EPILOG, rich_help_panel=OWN_MODEL)(plan.PlanCommand)


def _add_improve(app: typer.Typer) -> None:
    from standout.cli import improve

    app.command("improve", epilog=improve.EPILOG, rich_help_panel=OWN_MODEL)(improve.ImproveCommand)


def _add_evaluate(app: typer.Typer) -> None:
    from standout.cli import evaluate

    app.command("evaluate", epilog=evaluate.EPILOG, rich_help_panel=OWN_MODEL)(evaluate.EvaluateCommand)


def _add_benchmark(app: typer.Typer) -> None:
    from standout.cli import benchmark

    app.command("benchmark", epilog=benchmark.EPILOG, rich_help_panel=OWN_MODEL)(benchmark.BenchmarkCommand)


def _add_export(app: typer.Typer) -> None:
    from standout.cli import export

    app.command("export", epilog=export.EPILOG, rich_help_panel=OWN_MODEL)(export.ExportCommand)


def _add_data(app: typer.Typer) -> None:
    from standout.cli import data

    app.add_typer(data.app, name="data", rich_help_panel=OWN_MODEL)


def _add_models(app: typer.Typer) -> None:
    from standout.cli import about

    app.command("models", rich_help_panel=MORE)(about.models)


def _add_doctor(app: typer.Typer) -> None:
    from standout.cli import about

    app.command("doctor", rich_help_panel=MORE)(about.doctor)


COMMANDS: dict[str, Callable[[typer.Typer], None]] = {
    "people": _add_people,
    "batch": _add_batch,
    "webcam": _add_webcam,
    "idphoto": _add_idphoto,
    "serve": _add_serve,
    "plan": _add_plan,
    "train": _add_train,
    "improve": _add_improve,
    "evaluate": _add_evaluate,
    "benchmark": _add_benchmark,
    "export": _add_export,
    "data": _add_data,
    "models": _add_models,
    "doctor": _add_doctor,
}
"""Name -> what adds the command to the command line; the effects' commands come beside them."""


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
            given = _with_command(arguments)
            if options := _plain(given):
                return signals.exit_code(_run(options))
            application(given[0] if given else None)(given, prog_name="standout")
    except KeyboardInterrupt:
        return signals.exit_code(signals.INTERRUPTED)
    except BrokenPipeError:  # nobody reads standard output any more
        return 1
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


def _plain(given: list[str]) -> Photos | None:
    """The options of an effect's command that is written plainly, or None where Typer is to read it."""
    if given[0] not in EFFECTS:
        return None
    from standout.cli import direct, effects

    kind, _ = effects.command(EFFECTS[given[0]])
    return direct.read(kind, given[1:])


def _with_command(arguments: list[str]) -> list[str]:
    """The arguments with `cut` before them where they name a photo in a command's place.

    Raises InputError when that is neither, but looks like a mistyped command.
    """
    first = arguments[0] if arguments else "--help"
    if first in EFFECTS or first in COMMANDS or (first.startswith("-") and first != "-"):
        return arguments
    if not Path(first).exists():
        names = [*known(), *COMMANDS]
        if first in names:
            return arguments
        if near := nearest(first, names):
            raise InputError(f"{first!r} is neither a command nor a file; did you mean `standout {near}`?")
    return ["cut", *arguments]
