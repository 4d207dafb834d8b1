"""What the parts of an edit have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Self, get_args, get_type_hints

from standout.effects import Setting


@dataclass(frozen=True)
class EditPart:
    """A part of an Edit. Each field is an option of the command line, of the server and of JSON by itself.

    Its annotation says what users see: name: Annotated[type, Setting("One sentence.")] = default. The type is bool,
    int, float, str, a Literal, one of standout.lengths, a tuple of any number of those, or one of these and None.
    """

    def scaled(self, factor: float) -> Self:
        """The same for a picture that is so many times as large: lengths in pixels are multiplied."""
        return self

    def for_photos_alone(self) -> Iterator[str]:
        """The names of the fields that are not at their default and that clips cannot have."""
        hints = get_type_hints(type(self), include_extras=True)
        for one in fields(self):
            setting = get_args(hints[one.name])[1]
            assert isinstance(setting, Setting) and one.default is not MISSING, f"{one.name} lacks its Setting"
            if not setting.clips and getattr(self, one.name) != one.default:
                yield one.name
