"""Where the people stand in the result, and which part of the frame it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from standout.editing.part import EditPart
from standout.effects import Setting
from standout.types import Mask, Picture

MARGIN = 0.02
"""Room left around the people by a crop, as a share of the longer side of their box."""


@dataclass(frozen=True)
class Placement(EditPart):
    """Which part of the frame the result shows. crop: that with the people, and a small margin about them."""

    crop: Annotated[bool, Setting("Crop to the people.", clips=False)] = False

    def placed(self, picture: Picture, mask: Mask) -> Picture:
        """The part of the picture; the whole picture where nobody is."""
        from standout.masks.people import bounds

        box = bounds(mask) if self.crop else None
        if box is None:
            return picture
        top, left, bottom, right = box
        margin = max(1, round(MARGIN * max(bottom - top, right - left)))
        return picture[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]
