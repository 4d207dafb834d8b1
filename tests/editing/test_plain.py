"""Plain values become an edit's dataclasses only where each is of its field's type."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from standout.editing.plain import made, plain
from standout.errors import InputError
from standout.lengths import Length, Point


@dataclass(frozen=True)
class Cupboard:
    """A field of each kind."""

    count: int = 1
    share: float = 0.5
    shut: bool = False
    kind: Literal["oak", "pine"] = "oak"
    key: Path | None = None
    height: Length | None = None
    holes: tuple[Point, ...] = ()
    size: tuple[int, int] = (1, 2)
    color: str | tuple[int, int, int] = "red"


FULL = Cupboard(2, 1.0, True, "pine", Path("a/b"), Length(3), (Point.of("1,2%"),), (3, 4), (5, 6, 7))


def test_what_json_holds_is_read_again() -> None:
    values = json.loads(json.dumps(plain(FULL)))
    assert values["holes"] == ["1px,2%"] and values["key"] == "a/b"
    assert made(Cupboard, values, "cupboard") == FULL
    assert made(Cupboard, {}, "cupboard") == Cupboard()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("count", 1.5, "cupboard.count is 1.5; wanted a whole number"),
        ("count", True, "cupboard.count is true; wanted a whole number"),
        ("share", "1", 'cupboard.share is "1"; wanted a number'),
        ("shut", 1, "cupboard.shut is 1; wanted true or false"),
        ("kind", "elm", "cupboard.kind is \"elm\"; wanted 'oak' or 'pine'"),
        ("height", "tall", "cupboard.height: 'tall' is no length"),
        ("height", 3, "cupboard.height is 3; wanted text or null"),
        ("holes", "1,2", 'cupboard.holes is "1,2"; wanted a list of text'),
        ("holes", ["1"], "cupboard.holes: '1' is no point"),
        ("size", [1], r"cupboard.size is \[1\]; wanted 2 of a whole number"),
        ("color", [1, 2], r"cupboard.color is \[1, 2\]; wanted text or 3 of a whole number"),
    ],
)
def test_what_is_of_another_type_is_named(name: str, value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        made(Cupboard, {name: value}, "cupboard")


def test_a_field_of_another_name_is_named() -> None:
    with pytest.raises(InputError, match="field of cupboard 'hight' is not known; did you mean 'height'"):
        made(Cupboard, {"hight": "1"}, "cupboard")
