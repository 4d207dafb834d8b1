"""Every field of an edit's parts is an option of the commands by itself."""

from collections import Counter
from dataclasses import dataclass, fields, make_dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from standout.cli import effects, settings
from standout.cli.options import Photos
from standout.editing import PARTS, Edit, EditPart
from standout.editing.plain import plain
from standout.effects import EFFECTS, Setting
from standout.errors import InputError
from standout.lengths import Length, Point


@dataclass(frozen=True)
class Shelf(EditPart):
    """A part with a field of each kind that the real ones may have."""

    at: Annotated[tuple[Point, ...], Setting("Places.", metavar="X,Y", option="where")] = ()
    margin: Annotated[Length, Setting("A length.")] = Length(2, "%")
    near: Annotated[Length | None, Setting("A length, or none.", clips=False)] = None
    sure: Annotated[bool, Setting("A switch.", off="doubtful")] = True


def typed(*arguments: str) -> Shelf:
    """The part that a command with those arguments makes."""
    made: list[Shelf] = []

    @dataclass(frozen=True, kw_only=True)
    class Base:
        def run(self) -> None:
            made.append(settings.part_of(self, Shelf))

    made_of = [one.field() for one in settings.options(Shelf)]
    kind = make_dataclass("Typed", made_of, bases=(Base,), frozen=True, kw_only=True)
    app = typer.Typer(result_callback=lambda one: one.run())
    app.callback()(lambda: None)
    app.command("typed")(kind)
    result = CliRunner().invoke(app, ["typed", *arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return made[0]


def test_text_and_repeated_options_become_values() -> None:
    assert typed() == Shelf()
    given = typed("--where", "40%,30", "--where", "1,2", "--margin", "5", "--near", "1%", "--doubtful")
    assert given == Shelf((Point.of("40%,30"), Point.of("1,2")), Length(5), Length(1, "%"), False)


def test_what_is_wrong_names_the_option() -> None:
    with pytest.raises(InputError, match="--where: '40' is no point; wanted X,Y"):
        typed("--where", "40")


def test_json_holds_text_and_lists() -> None:
    assert plain(Shelf((Point.of("1,2%"),))) == {"at": ["1px,2%"], "margin": "2%", "near": None, "sure": True}


def test_what_clips_cannot_have_is_known_by_its_setting() -> None:
    assert [*Shelf(near=Length(1)).for_photos_alone()] == ["near"] and not [*Shelf().for_photos_alone()]


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
def test_no_two_options_have_one_name(effect: type) -> None:
    command, _ = effects.command(effect)
    shared = [option for _, option in settings.of_parts()]
    names = [
        *(one.spelled for one in (*settings.options(effect), *shared)),
        *(f"--{one.name}" for one in fields(Photos)),
    ]
    assert not [name for name, count in Counter(names).items() if count > 1]
    own = {one.name for one in settings.options(effect)} | {one.name for one in fields(Photos)}
    earlier = {one.setting.earlier for one in shared} - {""}
    assert {one.name for one in fields(command)} == own | {one.name for one in shared} | earlier


def test_every_part_is_a_field_of_an_edit_and_has_a_panel() -> None:
    assert [one.name for one in fields(Edit)] == ["effect", *PARTS]
    assert PARTS.keys() == settings.PANELS.keys()
