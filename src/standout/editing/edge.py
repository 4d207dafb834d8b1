"""What the people's outline is like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

from standout.editing.part import EditPart
from standout.effects import Setting
from standout.errors import InputError
from standout.types import Mask


@dataclass(frozen=True)
class Edge(EditPart):
    """What the people's outline is like.

    refine: it is drawn to the picture's own edges at full size; else the network's mask is merely enlarged. grow: the
    outline is moved outward by so many pixels, or inward where it is negative. feather: it is softened over about so
    many pixels to either side.
    """

    refine: Annotated[bool, Setting("Draw edges at the picture's full size.")] = True
    grow: Annotated[
        float, Setting("Move edges outward by PX pixels, or inward where it is negative.", metavar="PX")
    ] = 0.0
    feather: Annotated[float, Setting("Soften edges by PX pixels.", metavar="PX", least=0)] = 0.0

    def __post_init__(self) -> None:
        """Raises InputError for a negative feather."""
        if self.feather < 0:
            raise InputError(f"feather is {self.feather:g}; wanted 0 or more pixels")

    def scaled(self, factor: float) -> Self:
        """See EditPart."""
        return type(self)(self.refine, self.grow * factor, self.feather * factor)

    def drawn(self, mask: Mask) -> Mask:
        """The mask (H, W), grown and feathered."""
        from standout.masks.people import feather, grow

        return feather(grow(mask, self.grow), self.feather)
