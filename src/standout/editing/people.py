"""Which of the people that were found an edit is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from standout.editing.part import EditPart
from standout.effects import Setting
from standout.types import Mask


@dataclass(frozen=True)
class People(EditPart):
    """Which of the people that were found: all of them, or only the largest."""

    which: Annotated[
        Literal["all", "largest"],
        Setting("Which people: all, or the largest only.", metavar="WHO", option="keep"),
    ] = "all"

    def chosen(self, mask: Mask) -> Mask:
        """The mask (H, W) of those people alone."""
        from standout.masks.people import keep_largest

        return keep_largest(mask) if self.which == "largest" else mask
