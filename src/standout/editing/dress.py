"""What the people are dressed with: a shadow and an outline behind them, and light and color of what is behind.

To add something: a field, and its step in behind() or finish().
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal, Self

from standout.editing.part import EditPart
from standout.effects import SRGB, Effect, Setting, Space
from standout.errors import InputError
from standout.lengths import Length
from standout.types import Image, Mask, Picture

if TYPE_CHECKING:
    from standout.effects.compose import Finish
    from standout.effects.outline import Outline

WRAP = 0.009
"""How far light wraps the people's edge, as a share of their height."""


@dataclass(frozen=True)
class Dress(EditPart):
    """What the people are dressed with: nothing by default.

    A shadow's place and softness are in percent of the tallest person's height, so that near and far people have the
    same. Results that are transparent have shadow and outline in their transparency.
    """

    shadow: Annotated[
        Literal["none", "soft", "contact"],
        Setting("Shadow of the people: soft, or contact, which is on the floor beneath their feet.", metavar="KIND"),
    ] = "none"
    shadow_x: Annotated[
        float,
        Setting("How far to the right a soft shadow falls, in percent of the person's height.", metavar="N",
                least=-100, most=100),
    ] = 1.5  # fmt: skip
    shadow_y: Annotated[
        float,
        Setting("How far down a soft shadow falls, in percent of the person's height.", metavar="N",
                least=-100, most=100),
    ] = 2.0  # fmt: skip
    shadow_blur: Annotated[
        Length, Setting("How soft a soft shadow is, in pixels or percent of the person's height.", metavar="LENGTH")
    ] = Length(2.5, "%")
    shadow_opacity: Annotated[float, Setting("How dark the shadow is, from 0 to 1.", metavar="N", least=0, most=1)] = (
        0.5
    )
    shadow_color: Annotated[str, Setting("Color of the shadow.", metavar="COLOR")] = "black"
    outline: Annotated[
        Length,
        Setting("Width of a line about the people, in pixels or percent of the picture's shorter side.",
                metavar="LENGTH"),
    ] = Length(0)  # fmt: skip
    outline_color: Annotated[str, Setting("Color of the line about the people.", metavar="COLOR")] = "white"
    light_wrap: Annotated[
        float, Setting("How much light from behind spills over the people's edge, from 0 to 1.", metavar="N",
                       least=0, most=1)
    ] = 0.0  # fmt: skip
    match: Annotated[
        float, Setting("How far the people's colors go towards those behind them, from 0 to 1.", metavar="N",
                       least=0, most=1)
    ] = 0.0  # fmt: skip

    def __post_init__(self) -> None:
        """Raises InputError for a number out of range, and for what is no color."""
        limits = {"shadow_x": (-100, 100), "shadow_y": (-100, 100), "shadow_opacity": (0, 1), "light_wrap": (0, 1),
                  "match": (0, 1)}  # fmt: skip
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}; wanted {least} to {most}")
        for color in (self.shadow_color, self.outline_color):
            if color not in ("black", "white"):  # known without a look at the table of colors
                _rgb(color)

    @property
    def shows(self) -> bool:
        """Whether anything is drawn or changed at all."""
        return self._draws or self._lights

    @property
    def _draws(self) -> bool:
        return self.shadow != "none" or self.outline.value > 0

    @property
    def _lights(self) -> bool:
        return self.light_wrap > 0 or self.match > 0

    def check(self, effect: Effect) -> None:
        """Raises InputError where the effect leaves nothing that could be dressed so."""
        if self.shows and not effect.has_behind:
            raise InputError(
                f"the effect {effect.name} puts nothing behind the people, so they can have no shadow, outline, light "
                "wrap or match; leave those out, or choose an effect such as cut, blur, color or replace"
            )
        if self._lights and effect.is_transparent:
            raise InputError(
                f"light wrap and color match need a background, and that of {effect.name} is transparent; "
                "give it one, or choose an effect such as color or replace"
            )

    def scaled(self, factor: float) -> Self:
        """See EditPart."""
        return replace(self, shadow_blur=self.shadow_blur.scaled(factor), outline=self.outline.scaled(factor))

    def painted(
        self, effect: Effect, image: Image, mask: Mask, time: Fraction | int = 0, *, alpha: Mask | None = None,
        space: Space = SRGB,
    ) -> Picture:  # fmt: skip
        """The effect's picture of an image, with the people so dressed. See Effect."""
        if not self.shows:
            return effect(image, mask, time, alpha=alpha, space=space)
        self.check(effect)
        behind = effect.behind(image, mask, time, alpha=alpha, space=space)
        from standout.effects import layers, light
        from standout.effects.figures import tallest
        from standout.effects.outline import Outline

        steps: list[Finish] = []
        if self.match:
            steps += light.match(image, mask, behind, self.match)
        width = min(self.outline.pixels(min(mask.shape)), max(mask.shape))
        outline = Outline(mask, width) if width > 0 else None
        if self.shadow != "none":
            self._cast(behind, mask, outline, space.color(_rgb(self.shadow_color)))
        if self.light_wrap:  # in a shadow, less light comes from behind
            steps.append(light.wrap(mask, behind, self.light_wrap, WRAP * tallest(mask)))
        if outline is not None:
            layers.lay(behind, outline.bands(), space.color(_rgb(self.outline_color)))
        return effect.painted(image, mask, behind, alpha=alpha, finish=layers.in_turn(steps))

    def _cast(self, behind: Picture, mask: Mask, outline: Outline | None, rgb: tuple[float, float, float]) -> None:
        """Draws the shadow of the people, or of their outline where there is one."""
        from standout.effects import shadow
        from standout.effects.figures import figures
        from standout.effects.framing import SOFTEST
        from standout.effects.layers import lay
        from standout.masks.tiles import cell_for, cells, enlarged

        people = figures(mask)
        if not people:
            return
        tall = max(figure.height for figure in people)
        soft = self.shadow == "soft"
        softness = min(self.shadow_blur.pixels(tall), tall) if soft else shadow.CONTACT[0][1] * tall
        cell = cell_for(softness, SOFTEST)
        silhouette = cells(mask, cell) if outline is None else outline.silhouette(cell)
        if soft:
            dark = shadow.soft(
                silhouette, right=self.shadow_x / 100 * tall / cell, down=self.shadow_y / 100 * tall / cell,
                softness=softness / cell,
            )  # fmt: skip
        else:
            dark = shadow.contact(silhouette)
        dark *= self.shadow_opacity
        lay(behind, enlarged(dark, cell, *mask.shape), rgb)


def _rgb(color: str) -> tuple[int, int, int]:
    from standout.images import parse_color

    return parse_color(color)
