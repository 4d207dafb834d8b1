"""Whom a user means by a word or by numbers: all, largest, center, left, right, or 1,3 from left to right."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from standout.errors import InputError

if TYPE_CHECKING:
    from standout.masks.people.found import Person

WORDS = ("all", "largest", "center", "left", "right")

_NUMBERS = re.compile(r"[1-9]\d{0,3}(,[1-9]\d{0,3})*")


@dataclass(frozen=True)
class Who:
    """Some of the people of a picture: by one of WORDS, or by their indexes from left to right, beginning with 1."""

    word: str = "all"
    indexes: tuple[int, ...] = ()

    @classmethod
    def of(cls, text: str | int) -> Self:
        """Whom the text means. Raises InputError for what means nobody.

        >>> Who.of("largest"), Who.of("3, 1")
        (Who(word='largest', indexes=()), Who(word='', indexes=(1, 3)))
        """
        word = re.sub(r"\s", "", str(text).lower())
        if word in WORDS:
            return cls(word)
        if _NUMBERS.fullmatch(word) is None:
            raise InputError(
                f"{str(text)[:100]!r} names nobody; wanted {', '.join(WORDS[:-1])} or {WORDS[-1]}, or numbers "
                "from left to right, such as 2 or 1,3, which `standout people` lists"
            )
        return cls("", tuple(sorted({int(one) for one in word.split(",")})))

    def among(self, people: Sequence[Person], width: int) -> tuple[int, ...]:
        """Their indexes; none where nobody is there. width: of the picture, in pixels.

        Raises InputError for an index of which there is nobody.
        """
        if self.indexes:
            known = {one.index for one in people}
            missing = [index for index in self.indexes if index not in known]
            if missing:
                raise InputError(f"there is no person {missing[0]}; {who_is_there(people)}")
            return self.indexes
        if self.word == "all" or not people:
            return tuple(one.index for one in people)

        def middle(one: Person) -> float:
            return (one.box[0] + one.box[2]) / 2

        best = {
            "largest": lambda one: one.share,
            "center": lambda one: -abs(middle(one) - width / 2),
            "left": lambda one: -middle(one),
            "right": middle,
        }[self.word]
        return (max(people, key=best).index,)

    def __str__(self) -> str:
        """What of() reads again."""
        return self.word or ",".join(map(str, self.indexes))


def who_is_there(people: Collection[Person]) -> str:
    """Who was found, for errors."""
    if not people:
        return "nobody was found"
    named = "; ".join(map(str, list(people)[:9])) + ("; ..." if len(people) > 9 else "")
    return f"{len(people)} people were found: {named}" if len(people) > 1 else f"one person was found: {named}"
