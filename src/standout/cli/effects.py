"""The effects as commands: each is made of its effect's class, whose docstring is the command's help.

    Photos   what the user asked for; a class for each effect, with the settings of the effect and of the edit's other
             parts as options

To add an effect: see effects/__init__.py. To add an option to every effect: see editing/__init__.py.
"""

from dataclasses import make_dataclass

from standout.cli import settings
from standout.cli.options import Photos
from standout.cli.show import examples
from standout.effects import Effect


def command(effect: type[Effect], base: type[Photos] = Photos) -> tuple[type[Photos], str]:
    """The effect's command as a class of options, and the examples under its help. base: has the shared options."""
    own = [one.field() for one in settings.options(effect)]
    shared = settings.fields_of_parts()
    made = make_dataclass(
        effect.__name__, [*own, *shared], bases=(base,), frozen=True, kw_only=True,
        namespace={"kind": effect, "__doc__": effect.__doc__},
    )  # fmt: skip
    return made, examples(*effect.examples) if effect.examples else ""
