"""Image and mask -> picture: what the people are put before, or what they are put on.

    base         Effect and Setting: what an effect is, and how users see its fields
    cut blur color replace pixelate gradient checker lens anonymize matte    an effect each
    background   a picture or a clip that Replace puts behind, opened, converted and closed
    space        what an image's numbers mean
    compose      the pixel work: people painted over a picture; framing, foreground
    rounding     colors that run softly, brought to whole levels without bands
    hiding       the pixel work of anonymize: people painted over

To add an effect: a file like blur.py, and a row in EFFECTS. Other packages add theirs by an entry point of the group
"standout.effects", whose name is the effect's and whose value is its class.
"""

from standout.effects.anonymize import Anonymize, How
from standout.effects.base import Effect, Setting
from standout.effects.blur import Blur
from standout.effects.checker import Checker
from standout.effects.color import Color
from standout.effects.cut import Cut
from standout.effects.gradient import Gradient
from standout.effects.lens import Lens
from standout.effects.matte import Matte
from standout.effects.pixelate import Pixelate
from standout.effects.replace import Replace
from standout.effects.space import SRGB, ClipSpace, PhotoSpace, Space
from standout.errors import InputError, SetupError, unknown
from standout.support import plugins

EFFECTS: dict[str, type[Effect]] = {
    "cut": Cut,
    "blur": Blur,
    "color": Color,
    "replace": Replace,
    "pixelate": Pixelate,
    "lens": Lens,
    "gradient": Gradient,
    "checker": Checker,
    "anonymize": Anonymize,
    "mask": Matte,
}
"""Name -> effect, in the order in which users see them."""

__all__ = [
    "EFFECTS",
    "SRGB",
    "Anonymize",
    "Blur",
    "Checker",
    "ClipSpace",
    "Color",
    "Cut",
    "Effect",
    "Gradient",
    "How",
    "Lens",
    "Matte",
    "PhotoSpace",
    "Pixelate",
    "Replace",
    "Setting",
    "Space",
    "find",
    "known",
]


def known() -> dict[str, type[Effect]]:
    """Every effect by its name: those of EFFECTS, and those that installed packages bring.

    Raises SetupError where a package brings something else than an effect.
    """
    brought: dict[str, type[Effect]] = {}
    for name, kind in plugins.found("standout.effects", ours=EFFECTS).items():
        if not (isinstance(kind, type) and issubclass(kind, Effect) and kind.name == name):
            raise SetupError(
                f"the entry point {name!r} of standout.effects leads to {kind!r}; wanted an Effect so named"
            )
        brought[name] = kind
    return EFFECTS | brought


def find(name: str) -> type[Effect]:
    """The effect of that name. Raises InputError where there is none."""
    if name in EFFECTS:  # without a look at what other packages bring
        return EFFECTS[name]
    every = known()
    if name not in every:
        raise InputError(unknown("effect", str(name), every))
    return every[name]
