"""Lengths that users type are read, measured and written as they say."""

import pytest

from standout.errors import InputError
from standout.lengths import Box, Length, Point, Sides, Size


@pytest.mark.parametrize(
    ("kind", "text", "written"),
    [
        (Length, "30", "30px"),
        (Length, " 2.50% ", "2.5%"),
        (Point, "40%, 30", "40%,30px"),
        (Size, "800 X 1000", "800x1000"),
        (Sides, "10%", "10%"),
        (Sides, "10px 5%", "10px 5% 10px 5%"),
        (Sides, "1,2,3,4", "1px 2px 3px 4px"),
        (Box, "10% 0 90% 300px", "10% 0px 90% 300px"),
    ],
)
def test_what_is_written_is_read_again(kind: type, text: str, written: str) -> None:
    one = kind.of(text)
    assert str(one) == written and kind.of(written) == one


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        (Length, "-3", "pixels or percent, such as 30px"),
        (Length, "3em", "pixels or percent"),
        (Point, "3", "X,Y in pixels or percent"),
        (Point, "3,4,5", "X,Y in pixels or percent"),
        (Point, "3,left", "X,Y in pixels or percent"),
        (Size, "800", "WIDTHxHEIGHT"),
        (Size, "0x10", "WIDTHxHEIGHT"),
        (Sides, "1 2 3", "1, 2 or 4 lengths"),
        (Box, "1 2 3", "left, top, right and bottom"),
    ],
)
def test_what_is_none_is_refused(kind: type, text: str, wanted: str) -> None:
    with pytest.raises(InputError, match=wanted):
        kind.of(text)


def test_pixels_grow_with_the_picture_and_percent_stays() -> None:
    assert Length.of("10").scaled(0.5) == Length(5) and Length.of("10%").scaled(0.5) == Length(10, "%")
    assert Point.of("10,20%").scaled(2).pixels(100, 200) == (20, 40)
    assert Size.of("9x1").scaled(0.1) == Size(1, 1)
    assert str(Sides.of("2 1%").scaled(3)) == "6px 1% 6px 1%"
    assert Box.of("1 2 50% 4").scaled(2).pixels(10, 10) == (2, 4, 5, 8)
