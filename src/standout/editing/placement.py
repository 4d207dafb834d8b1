"""Where the people stand in the result, and which part of the frame it shows."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Self

from standout.editing.part import EditPart
from standout.editing.presets import PRESETS
from standout.effects import Setting
from standout.errors import InputError, unknown
from standout.lengths import Box, Length, Point, Sides, Size
from standout.types import Image, Mask

if TYPE_CHECKING:
    from standout.editing.frame import View

MARGIN = 0.02
"""Room left around the people by a crop where no margin is given, as a share of the longer side of their box."""

MOST_PIXELS = 50_000_000
"""Of a canvas: memory for more is not taken by a few letters of an option."""
MOST_MARGIN = {"px": 500, "%": 50}
"""Of a side of a crop's margin."""


@dataclass(frozen=True)
class Placement(EditPart):
    """Where the people stand, and in which frame. Everything is measured on the people that were chosen.

    Percents of roi are of the photo, those of crop_margin of the people's height and width, those of scale, head and
    eyes of the result. Raises InputError for values that make no sense.
    """

    preset: Annotated[
        str | None,
        Setting(f"A placement by name: {', '.join(PRESETS)}; other options change it.", metavar="NAME", clips=False),
    ] = None
    roi: Annotated[
        Box | None,
        Setting("Where people count: 'LEFT TOP RIGHT BOTTOM', each in px or %.", metavar="BOX"),
    ] = None
    crop: Annotated[bool, Setting("Crop to the people.", clips=False)] = False
    crop_margin: Annotated[
        Sides | None,
        Setting("Left about the people by --crop: 1, 2 or 4 lengths, such as 30px or 10%.", metavar="M", clips=False),
    ] = None
    scale: Annotated[
        Length | None,
        Setting(
            "The people are to fill so much of the result's height or width: 10% to 100%.", metavar="%", clips=False
        ),
    ] = None
    position: Annotated[
        Point | None,
        Setting(
            "Where the people stand: 0%,0% in the upper left corner, 50%,100% at the foot.", metavar="X,Y", clips=False
        ),
    ] = None
    canvas: Annotated[Size | None, Setting("The result's size in pixels, such as 800x1000.", metavar="WxH")] = None
    head: Annotated[
        Length | None,
        Setting(
            "Height of the head in the result, from crown to chin: px, or % of its height.", metavar="H", clips=False
        ),
    ] = None
    eyes: Annotated[
        Length | None,
        Setting(
            "Distance of the eyes from the upper edge: px, or % of the height. With --head.", metavar="H", clips=False
        ),
    ] = None

    def __post_init__(self) -> None:
        """See the class."""
        if self.preset is not None and self.preset not in PRESETS:
            raise InputError(unknown("preset", self.preset, PRESETS))
        scale = self.scale
        if scale is not None and (scale.unit != "%" or not 10 <= scale.value <= 100):
            raise InputError(f"scale is {scale}; wanted 10% to 100%")
        self.check_size(MOST_PIXELS)
        margin = self.crop_margin or Sides.of(0)
        for side in (margin.top, margin.right, margin.bottom, margin.left):
            if side.value > MOST_MARGIN[side.unit]:
                raise InputError(f"crop_margin has {side}; wanted at most 500px or 50% on each side")
        for name, least in (("crop_margin", "crop"), ("eyes", "head")):
            if getattr(self, name) is not None and not self._has(least):
                raise InputError(f"{name} is for a result with {least}; give {least}, too, or leave {name} out")
        if self._has("head"):
            if self.head is not None and self.head.value == 0:
                raise InputError("head is 0; wanted more, such as 40%")
            if wrong := [name for name in ("crop", "scale", "position") if getattr(self, name)]:
                raise InputError(f"head and {wrong[0]} both say how large the people are; give one of them")

    def _has(self, name: str) -> bool:
        """Whether the option is given, by itself or by the preset."""
        return bool(getattr(self, name)) or name in PRESETS.get(self.preset or "", {})

    @property
    def full(self) -> Self:
        """The placement with what its preset says, where nothing else is said."""
        if self.preset is None:
            return self
        default = {one.name: one.default for one in fields(self)}
        filled = {name: value for name, value in PRESETS[self.preset].items() if getattr(self, name) == default[name]}
        return replace(self, preset=None, **filled)  # type: ignore[arg-type]

    def check_size(self, most: int) -> None:
        """Raises InputError for a canvas of more than so many pixels."""
        canvas = self.full.canvas
        if canvas is not None and canvas.width * canvas.height > most:
            raise InputError(f"canvas is {canvas}; wanted at most {most / 1e6:g} megapixels")

    def scaled(self, factor: float) -> Self:
        """See EditPart."""
        lengths = ("roi", "crop_margin", "position", "canvas", "head", "eyes")
        full: Any = self.full
        return replace(full, **{name: getattr(full, name).scaled(factor) for name in lengths if getattr(full, name)})  # type: ignore[no-any-return]

    def within(self, mask: Mask) -> Mask:
        """The mask (H, W) of those people who count. Raises InputError for a region that is not in the picture."""
        if self.roi is None:
            return mask
        from standout.editing import frame

        height, width = mask.shape
        return frame.within(mask, frame.region(self.roi, width=width, height=height))

    def view(self, image: Image, mask: Mask) -> View | None:
        """What the result shows of an image with that mask of the people; None where it is the image as it is.

        Where nobody is, the image as it is, or the middle of it that covers the canvas.
        """
        full = self.full
        if not (full.crop or full.scale or full.position or full.canvas or full.head):
            return None
        from standout.editing import frame
        from standout.masks.people import bounds

        box = bounds(mask)
        if box is None:
            return None if full.canvas is None else frame.covering(mask.shape, full.canvas)
        if full.head is not None:
            return full._of_head(image, mask, full.head)
        if full.crop and not (full.crop_margin or full.scale or full.position or full.canvas):
            return frame.cropped(mask.shape, box, MARGIN)
        margin = (full.crop_margin or Sides.of(f"{100 * MARGIN:g}%")) if full.crop else None
        scale = None if full.scale is None else full.scale.value
        return frame.standing(mask.shape, box, margin=margin, scale=scale, position=full.position, canvas=full.canvas)

    def _of_head(self, image: Image, mask: Mask, head: Length) -> View:
        """The view in which the head has its height, and the eyes are where they are to be."""
        from standout.editing.heads import find, view

        height, width = (self.canvas.height, self.canvas.width) if self.canvas else mask.shape
        eyes = self.eyes.pixels(height) if self.eyes else 0.4 * height
        return view(find(image, mask), mask.shape, (height, width), height=head.pixels(height), eyes=eyes)

    def size(self, width: int, height: int) -> Size:
        """The size of a clip's pictures, of frames that would have that size without a canvas."""
        return self.canvas or Size(width, height)

    def of_frames(self, before: Size, now: Size) -> Self:
        """The placement for the frames of a clip that were `before`, and are `now` at the size of its pictures."""
        if self.roi is None:
            return replace(self, canvas=None)
        from standout.editing import frame

        view = frame.covering((before.height, before.width), now)
        scale = (view.to[2] - view.to[0]) / before.height
        top, left, bottom, right = frame.region(self.roi, width=before.width, height=before.height)
        across = (min(now.width, max(0, round(column * scale + view.to[1]))) for column in (left, right))
        down = (min(now.height, max(0, round(row * scale + view.to[0]))) for row in (top, bottom))
        (left, right), (top, bottom) = across, down
        if left == right or top == bottom:
            raise InputError(
                f"roi {self.roi} is beyond what a canvas of {now} shows of {before}; leave one of them out"
            )
        return replace(self, canvas=None, roi=Box(Length(left), Length(top), Length(right), Length(bottom)))
