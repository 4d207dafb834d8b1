"""A photo and its mask -> an ID photo by a rule, as a picture, as a JPEG, and with the list of what was measured."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np

from standout import images
from standout.editing import Edit
from standout.editing.frame import View
from standout.effects import Color
from standout.errors import InputError
from standout.idphotos.checks import Check, checks
from standout.idphotos.measure import Measures, measured, upright
from standout.idphotos.rules import INCH, Rule
from standout.types import Bytes, Mask, Metadata, Photo

MOST_ENLARGED = 1.25
"""How much a photo is enlarged where nothing else is allowed: more would be seen."""
QUALITY = 95
"""Of the JPEG, where the file may be as large as that makes it."""
WORST = 30
"""The quality below which faces show blocks."""
LEAST_DPI = 300
"""Of a print, in which fewer dots are seen."""
ABOVE = 0.38
"""The share of the room beside the head that is above it, where a rule says nothing of eyes or crown."""


@dataclass(frozen=True)
class IdOptions:
    """How an ID photo is made.

    keep_background: the photo's own stays, for authorities that refuse edits. background: a color in place of the
    rule's. dpi: in place of the rule's. enlarge: the most by which the photo may be enlarged.
    """

    keep_background: bool = False
    background: str | None = None
    dpi: int | None = None
    enlarge: float = MOST_ENLARGED

    def __post_init__(self) -> None:
        """Raises InputError for values that make no sense."""
        if self.dpi is not None and not 100 <= self.dpi <= 1200:
            raise InputError(f"dpi is {self.dpi}; wanted 100 to 1200")
        if not self.enlarge >= 1:
            raise InputError(f"enlarge is {self.enlarge:g}; wanted 1 or more")
        if self.keep_background and self.background is not None:
            raise InputError("keep_background and a color for the background are both given; leave one out")


@dataclass(frozen=True)
class IdPhoto:
    """A finished photo.

    picture: uint8 (H, W, 3) in sRGB. data: the same as JPEG. lines: the rows of crown, eyes and chin in the picture.
    enlarged: by how much the photo was. replaced: whether its background was. checks: what was asked and measured.
    """

    rule: Rule
    picture: Bytes
    dpi: int
    lines: tuple[float, float, float]
    enlarged: float
    replaced: bool
    data: bytes = b""
    checks: tuple[Check, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that are not as asked."""
        return tuple(check for check in self.checks if check.result is False)

    def to_json(self) -> str:
        """Rule and checks, as JSON in one line."""
        height, width = self.picture.shape[:2]
        listed = [asdict(check) for check in self.checks]
        told = {"rule": self.rule.name, "source": self.rule.source, "read": self.rule.read, "note": self.rule.note}
        told |= {"width": width, "height": height, "dpi": self.dpi, "bytes": len(self.data)}  # type: ignore[dict-item]
        return json.dumps(told | {"checks": listed}, ensure_ascii=False)


def made(photo: Photo, mask: Mask, rule: Rule, options: IdOptions = IdOptions()) -> IdPhoto:
    """The ID photo of a photo in which these people (H, W) were found.

    Raises InputError where no face or several are found, where the photo is too small, and for a color that is none;
    MissingExtra where the face model is not installed.
    """
    turned = upright(images.in_srgb(photo), mask)
    head = measured(turned)
    dpi, size = _size(rule, options, head)
    view, enlarged = _view(rule, head, mask.shape, size)
    if enlarged > options.enlarge:
        raise InputError(
            f"the head is {head.chin - head.crown(rule.crown):.0f} pixels high, so for {size[0]} x {size[1]} pixels the"
            f" photo would be enlarged {enlarged:.2f} times, and at most {options.enlarge:g} is allowed; give a larger"
            " photo, fewer dots per inch, or allow more by enlarge"
        )
    shown = view.placed(turned.image, turned.mask)
    picture = shown.image
    if not options.keep_background:
        color = Color(options.background or rule.background)
        picture = Edit(color).painted(shown.image, shown.mask)
    scale = (view.to[2] - view.to[0]) / mask.shape[0]
    rows = (head.crown(rule.crown), head.eyes, head.chin)
    lines = (rows[0] * scale + view.to[0], rows[1] * scale + view.to[0], rows[2] * scale + view.to[0])
    done = IdPhoto(rule, np.asarray(picture, np.uint8), dpi, lines, enlarged, not options.keep_background)
    done = replace(done, data=_encoded(done))
    ends = _ends(shown.mask, view.shown(turned.there, cv2.BORDER_CONSTANT))
    return replace(done, checks=tuple(checks(done, shown.mask, ends, head)))


def _ends(mask: Mask, there: Mask) -> bool:
    """Whether the person ends where the photo does, inside the result, below or at a side."""
    near = max(3, round(0.01 * len(mask)))
    beyond = cv2.dilate((there < 0.5).astype(np.uint8), np.ones((2 * near + 1, 2 * near + 1), np.uint8)) > 0
    return int((beyond & (mask > 0.5)).sum()) > 4 * near * near


def _size(rule: Rule, options: IdOptions, head: Measures) -> tuple[int, tuple[int, int]]:
    """Dots per inch, and width and height in pixels: the rule's dpi, or the least for a photo that is small."""
    height = head.chin - head.crown(rule.crown)
    sides = zip(rule.pixels, (rule.width, rule.height), strict=True)
    least = max(LEAST_DPI, *(math.ceil(pixels / length * INCH) for pixels, length in sides))
    sharp = rule.head.middle / INCH * rule.dpi <= height * MOST_ENLARGED
    dpi = options.dpi or (rule.dpi if sharp else min(rule.dpi, least))
    return dpi, (round(rule.width / INCH * dpi), round(rule.height / INCH * dpi))


def _view(rule: Rule, head: Measures, shape: tuple[int, ...], size: tuple[int, int]) -> tuple[View, float]:
    """What the result shows, and by how much the photo is enlarged for it."""
    width, height = size
    millimeter = height / rule.height
    crown = head.crown(rule.crown)
    factor = rule.head.middle * millimeter / max(1.0, head.chin - crown)
    if rule.eyes is not None:
        top = height - rule.eyes.middle * millimeter - head.eyes * factor
    else:
        room = height - rule.head.middle * millimeter
        above = rule.above.middle * millimeter if rule.above else ABOVE * room
        if rule.below:
            above = min(above, room - rule.below * millimeter)
        # Where the hair is higher than the skull, the head moves down for it, as far as there is room.
        hair = (crown - head.hair) * factor + 0.5 * millimeter
        top = min(max(above, hair), 0.75 * room) - crown * factor
    left = width / 2 - head.middle * factor
    begin = round(top), round(left)
    end = begin[0] + max(1, round(shape[0] * factor)), begin[1] + max(1, round(shape[1] * factor))
    return View((0, 0, shape[0], shape[1]), (*begin, *end), height, width), factor


def _encoded(photo: IdPhoto) -> bytes:
    """The JPEG, of the best quality with which it is as small as the rule asks.

    Raises InputError where even the worst quality is larger.
    """
    meta, most = Metadata(dpi=(photo.dpi, photo.dpi)), photo.rule.kilobytes.most * 1000

    def jpeg(quality: int) -> bytes:
        return images.encode(photo.picture, ".jpg", meta=meta, quality=quality)

    best = jpeg(QUALITY)
    if len(best) <= most:
        return best
    small = bisect_right(range(WORST, QUALITY), most, key=lambda quality: len(jpeg(quality)))
    if not small:
        raise InputError(f"the file cannot be made as small as {most / 1000:g} kB; give fewer dots per inch")
    return jpeg(WORST + small - 1)
