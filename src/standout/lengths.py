"""Lengths, points and boxes that users type, in pixels or in percent of the picture.

    Length   30px, 30 (pixels as well), 10%
    Point    X,Y: two lengths, from the left and from the top
    Size     WIDTHxHEIGHT, in pixels
    Sides    1, 2 or 4 lengths with spaces between them, as in CSS: all; top and bottom, left and right; or top, right,
             bottom, left
    Box      LEFT TOP RIGHT BOTTOM: four lengths with spaces between them

Each is read by of(), which raises InputError for anything else, and written by str() so that of() reads it again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self

from standout.errors import InputError

_LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(px|%)?")
_SIZE = re.compile(r"(\d{1,5})\s*[xX]\s*(\d{1,5})")


@dataclass(frozen=True)
class Length:
    """A length in pixels, or in percent of a whole that depends on where it is used. It is never negative.

    >>> str(Length.of("10%")), str(Length.of(" 30 "))
    ('10%', '30px')
    """

    value: float
    unit: Literal["px", "%"] = "px"

    @classmethod
    def of(cls, text: str | float) -> Self:
        """The length in the text. A number counts pixels. Raises InputError for what is no length."""
        found = _LENGTH.fullmatch(str(text).strip())
        if found is None:
            raise InputError(f"{str(text)[:100]!r} is no length; wanted pixels or percent, such as 30px or 10%")
        return cls(float(found[1]), "%" if found[2] == "%" else "px")

    def pixels(self, whole: float) -> float:
        """The length in pixels. whole: what 100 % is, in pixels.

        >>> Length(10, "%").pixels(250), Length(10).pixels(250)
        (25.0, 10)
        """
        return self.value * whole / 100 if self.unit == "%" else self.value

    def scaled(self, factor: float) -> Self:
        """The same length in a picture that is so many times as large."""
        return type(self)(self.value * factor) if self.unit == "px" else self

    def __str__(self) -> str:
        """See the module."""
        return f"{_plain(self.value)}{self.unit}"


@dataclass(frozen=True)
class Point:
    """A place in a picture.

    >>> Point.of("40%,30").pixels(200, 100), str(Point.of("40%, 30"))
    ((80.0, 30.0), '40%,30px')
    """

    x: Length
    y: Length

    @classmethod
    def of(cls, text: str) -> Self:
        """The point in the text. Raises InputError for what is no point."""
        parts = str(text).split(",")
        try:
            x, y = (Length.of(part) for part in parts)
        except (ValueError, InputError):
            raise InputError(
                f"{str(text)[:100]!r} is no point; wanted X,Y in pixels or percent, such as 640,360 or 50%,30%"
            ) from None
        return cls(x, y)

    def pixels(self, width: int, height: int) -> tuple[float, float]:
        """The distance from the left and from the top of a picture of that size, in pixels."""
        return self.x.pixels(width), self.y.pixels(height)

    def scaled(self, factor: float) -> Self:
        """The same point in a picture that is so many times as large."""
        return type(self)(self.x.scaled(factor), self.y.scaled(factor))

    def __str__(self) -> str:
        """See the module."""
        return f"{self.x},{self.y}"


@dataclass(frozen=True)
class Size:
    """The size of a picture in pixels.

    >>> Size.of("800x1000"), str(Size(4, 3))
    (Size(width=800, height=1000), '4x3')
    """

    width: int
    height: int

    @classmethod
    def of(cls, text: str) -> Self:
        """The size in the text. Raises InputError for what is no size, and for sides of no pixels."""
        found = _SIZE.fullmatch(str(text).strip())
        if found is None or "0" in (found[1].lstrip("0") or "0", found[2].lstrip("0") or "0"):
            raise InputError(f"{str(text)[:100]!r} is no size; wanted WIDTHxHEIGHT in pixels, such as 800x1000")
        return cls(int(found[1]), int(found[2]))

    def scaled(self, factor: float) -> Self:
        """The same size for a picture that is so many times as large; at least a pixel each way."""
        return type(self)(max(1, round(self.width * factor)), max(1, round(self.height * factor)))

    def __str__(self) -> str:
        """See the module."""
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Sides:
    """A length for each side of a box.

    >>> str(Sides.of("10%")), str(Sides.of("10 5%"))
    ('10%', '10px 5% 10px 5%')
    """

    top: Length
    right: Length
    bottom: Length
    left: Length

    @classmethod
    def of(cls, text: str | float) -> Self:
        """The lengths in the text. Raises InputError for anything but 1, 2 or 4 of them."""
        parts = str(text).replace(",", " ").split()
        try:
            lengths = [Length.of(part) for part in parts]
        except InputError:
            lengths = []
        if len(lengths) not in (1, 2, 4):
            raise InputError(f"{str(text)[:100]!r}: wanted 1, 2 or 4 lengths, such as 30px, 10% or '10% 0 5% 0'")
        return cls(*(lengths if len(lengths) == 4 else (lengths * 4)[:4]))

    def scaled(self, factor: float) -> Self:
        """The same lengths in a picture that is so many times as large."""
        return type(self)(*(one.scaled(factor) for one in (self.top, self.right, self.bottom, self.left)))

    def __str__(self) -> str:
        """See the module."""
        told = [str(one) for one in (self.top, self.right, self.bottom, self.left)]
        return told[0] if len(set(told)) == 1 else " ".join(told)


@dataclass(frozen=True)
class Box:
    """A part of a picture.

    >>> Box.of("10% 0% 90% 300px").pixels(200, 400)
    (20.0, 0.0, 180.0, 300.0)
    """

    left: Length
    top: Length
    right: Length
    bottom: Length

    @classmethod
    def of(cls, text: str) -> Self:
        """The box in the text. Raises InputError for anything but four lengths."""
        parts = str(text).replace(",", " ").split()
        try:
            left, top, right, bottom = (Length.of(part) for part in parts)
        except (ValueError, InputError):
            raise InputError(
                f"{str(text)[:100]!r} is no box; wanted left, top, right and bottom, such as '10% 0% 90% 300px'"
            ) from None
        return cls(left, top, right, bottom)

    def pixels(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in a picture of that size, in pixels."""
        (left, top), (right, bottom) = (
            (x.pixels(width), y.pixels(height)) for x, y in ((self.left, self.top), (self.right, self.bottom))
        )
        return left, top, right, bottom

    def scaled(self, factor: float) -> Self:
        """The same box in a picture that is so many times as large."""
        return type(self)(*(one.scaled(factor) for one in (self.left, self.top, self.right, self.bottom)))

    def __str__(self) -> str:
        """See the module."""
        return " ".join(str(one) for one in (self.left, self.top, self.right, self.bottom))


def _plain(value: float) -> str:
    """The number without a needless fraction, as of() reads it.

    >>> _plain(10.0), _plain(2.5)
    ('10', '2.5')
    """
    return f"{value:.6f}".rstrip("0").rstrip(".")
