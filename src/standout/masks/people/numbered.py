"""A picture that shows who is who: each person tinted, their number on them, and a legend below.

image   uint8 or uint16 (H, W, 3)   RGB, the photo
"""

from __future__ import annotations

import cv2
import numpy as np

from standout.masks.people import shrink
from standout.masks.people.found import Group, Person
from standout.types import Bools, Bytes, Image

SHOWN_SIDE = 1400
"""The longest side of the picture, in pixels, without its legend."""

COLORS = (
    (230, 75, 60), (60, 140, 230), (70, 180, 90), (240, 170, 40), (150, 95, 220), (40, 185, 190), (235, 100, 170),
    (140, 120, 60),
)  # fmt: skip
"""Of the people by their index, over and over."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def numbered(image: Image, group: Group) -> Bytes:
    """The picture, RGB, at most SHOWN_SIDE pixels on its longer side and as much higher as its legend needs."""
    shown = shrink(image, SHOWN_SIDE)
    picture = np.array(shown // 257 if shown.dtype == np.uint16 else shown, np.uint8)
    labels = cv2.resize(group.labels, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    scale = max(0.5, max(picture.shape) / 900)
    for one in group.people:
        own = labels == one.index
        tint = np.array(_color(one), np.float32)
        picture[own] = np.round(0.6 * picture[own] + 0.4 * tint).astype(np.uint8)
        lines, _ = cv2.findContours(own.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, lines, -1, _color(one), max(1, round(2 * scale)), cv2.LINE_AA)
    for one in group.people:
        _badge(picture, _inmost(labels == one.index), one, scale)
    return np.vstack([picture, _legend(group, picture.shape[1], scale)])


def _color(one: Person) -> tuple[int, int, int]:
    return COLORS[(one.index - 1) % len(COLORS)]


def _inmost(own: Bools) -> tuple[int, int]:
    """The place (x, y) within somebody that is farthest from their outline, in their upper half where they are tall."""
    rows = np.flatnonzero(own.any(1))
    if not rows.size:
        return 0, 0
    upper = own.copy()
    upper[int(rows[0]) + max(1, int(0.6 * (rows[-1] - rows[0] + 1))) :] = False
    framed = cv2.copyMakeBorder(upper.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return int(x), int(y)


def _badge(picture: Bytes, place: tuple[int, int], one: Person, scale: float) -> None:
    """A disc in the person's color with their number in it."""
    text, radius = str(one.index), round(20 * scale)
    cv2.circle(picture, place, radius + max(1, round(2 * scale)), (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(picture, place, radius, _color(one), -1, cv2.LINE_AA)
    size, thick = 0.9 * scale / max(1, len(text) - 0.6), max(1, round(2 * scale))
    (width, height), _ = cv2.getTextSize(text, _FONT, size, thick)
    corner = place[0] - width // 2, place[1] + height // 2
    cv2.putText(picture, text, corner, _FONT, size, (255, 255, 255), thick, cv2.LINE_AA)


def _legend(group: Group, width: int, scale: float) -> Bytes:
    """White paper with a line for each person, in as many columns as fit."""
    size, row = 0.55 * scale, round(26 * scale)
    lines = [f"{one.index}: {100 * one.share:.1f} % of the picture, {100 * one.confidence:.0f} % sure"
             for one in group.people] or ["nobody was found"]  # fmt: skip
    widest = max(cv2.getTextSize(line, _FONT, size, max(1, round(scale)))[0][0] for line in lines) + round(50 * scale)
    columns = max(1, min(len(lines), width // widest))
    if widest > width:
        size *= width / widest
    paper = np.full((row * -(-len(lines) // columns) + round(12 * scale), width, 3), 255, np.uint8)
    for number, line in enumerate(lines):
        left, base = width // columns * (number % columns) + round(8 * scale), row * (number // columns) + row
        if group.people:
            corner = left + round(16 * scale), base - round(13 * scale)
            cv2.rectangle(paper, corner, (left, base), _color(group.people[number]), -1)
        start = left + round(24 * scale), base
        cv2.putText(paper, line, start, _FONT, size, (40, 40, 40), max(1, round(scale)), cv2.LINE_AA)
    return paper
