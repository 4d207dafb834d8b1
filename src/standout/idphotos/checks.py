"""What a rule asks, and what was measured in the finished photo: a plain list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from standout.errors import InputError
from standout.idphotos.measure import SIDEWAYS, Measures, Upright, measured
from standout.idphotos.rules import Rule
from standout.types import Bytes, Mask

if TYPE_CHECKING:
    from standout.idphotos.make import IdPhoto

PLAIN = 8.0
"""A background whose lightness (CIE L*, 0..100) has a larger standard deviation is not plain."""

UNMEASURED = (
    ("expression", "neutral, mouth closed"),
    ("eyes", "open, not hidden by hair, glasses or glare"),
    ("light", "even, without shadows on the face or behind it"),
    ("likeness", "recent, and not retouched"),
)
"""What rules ask alike, and what is not measured."""


@dataclass(frozen=True)
class Check:
    """A line of the list. result: whether it is as asked; None where it cannot be measured."""

    what: str
    asked: str
    got: str
    result: bool | None

    @property
    def word(self) -> Literal["pass", "FAIL", "not measured"]:
        """The result in a word."""
        return "not measured" if self.result is None else "pass" if self.result else "FAIL"

    def __str__(self) -> str:
        """One line of text."""
        return f"{self.word:<13}{self.what}: {self.got} (asked: {self.asked})"


def checks(photo: IdPhoto, mask: Mask, ends: bool, original: Measures) -> list[Check]:
    """The list. mask: of the person in the result. original: in the photo as it was.

    ends: whether the photo ends inside the result, and the person with it.
    """
    rule, picture, size = photo.rule, photo.picture, len(photo.data)
    height, width = picture.shape[:2]
    least = rule.pixels
    listed = [
        Check(
            "picture size", f"{rule.size}{f', at least {least[0]} x {least[1]} pixels' if any(least) else ''}",
            f"{width} x {height} pixels at {photo.dpi} dpi", width >= least[0] and height >= least[1],
        ),
        Check(
            "file size", f"{rule.kilobytes} kB", f"{size / 1000:.0f} kB",
            rule.kilobytes.least * 1000 <= size <= rule.kilobytes.most * 1000,
        ),
    ]  # fmt: skip
    try:
        found: Measures | None = measured(Upright(picture, mask, 0.0, np.ones_like(mask)))
    except InputError:
        found = None
    listed += _head(rule, found, height / rule.height, height)
    tilt = f"turned by {abs(original.turned):.1f} degrees to be upright" if original.turned else "upright as it was"
    listed.append(Check("head upright", "not tilted", tilt, abs(original.turned) <= 15))
    away = abs(original.sideways)
    listed.append(
        Check("facing the camera", "not turned away", f"nose {100 * away:.0f} % of the eyes' distance off their middle",
              away <= SIDEWAYS)
    )  # fmt: skip
    listed.append(Check("whole head", "not cut off", "cut off above" if original.cut else "whole", not original.cut))
    around = "cut off by the photo's edge" if ends else "within the photo"
    listed.append(Check("shoulders", "not cut off inside the picture", around, not ends))
    listed.append(Check("sharpness", "not enlarged", f"{photo.enlarged:.2f} times its size", photo.enlarged <= 1.05))
    listed += _background(photo, mask)
    return [*listed, *(Check(what, asked, "look yourself", None) for what, asked in UNMEASURED)]


def _head(rule: Rule, found: Measures | None, scale: float, height: int) -> list[Check]:
    """The checks of the head's size and place. scale: pixels a millimeter."""
    if found is None:
        return [Check("head height", f"{rule.head} mm", "no face was found in the result", False)]
    crown = found.crown(rule.crown)
    head = (found.chin - crown) / scale
    named = "top of the hair" if rule.crown == "hair" else "crown, estimated under the hair"
    listed = [Check("head height", f"{rule.head} mm", f"{head:.1f} mm, chin to {named}", head in rule.head)]
    if rule.eyes is not None:
        eyes = (height - found.eyes) / scale
        listed.append(Check("eye line", f"{rule.eyes} mm from the lower edge", f"{eyes:.1f} mm", eyes in rule.eyes))
    if rule.above is not None:
        above = crown / scale
        listed.append(Check("room above", f"{rule.above} mm", f"{above:.1f} mm", above in rule.above))
    if rule.below:
        below = (height - found.chin) / scale
        listed.append(Check("room below", f"at least {rule.below:g} mm", f"{below:.1f} mm", below >= rule.below))
    return listed


def _background(photo: IdPhoto, mask: Mask) -> list[Check]:
    """The checks of what is behind the person."""
    behind = _lightness(photo.picture)[mask < 0.01]
    if not behind.size:
        return [Check("background", "plain and light", "none is seen", None)]
    mean, spread = float(behind.mean()), float(behind.std())
    told = f"lightness {mean:.0f} of 100, spread {spread:.1f}"
    listed = [Check("background", "plain and light", told, spread <= PLAIN and mean >= 75)]
    if photo.replaced and not photo.rule.edits:
        listed.append(
            Check("not edited", "no edited photos", "the background was replaced (--keep-background leaves it)", False)
        )
    return listed


def _lightness(picture: Bytes) -> Bytes:
    """CIE L* of each pixel, 0..100."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    return np.asarray(lab[..., 0])
