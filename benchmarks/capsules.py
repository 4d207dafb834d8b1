"""People drawn from capsules: limbs, trunks and heads, whose coverage of each pixel is known.

plane   float32  (HEIGHT, WIDTH, 4)   RGB in 0..255 times alpha, then alpha: a layer of the picture
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 360, 640
"""The size of a clip's frames."""

Floats = NDArray[np.float32]
Point = tuple[float, float]
Color = tuple[float, float, float]

SUIT, SKIN = (235.0, 90.0, 50.0), (224.0, 172.0, 144.0)


@dataclass(frozen=True)
class Capsule:
    """A line from a to b (x, y), drawn with a round pen of that radius: a limb, a trunk or, where a is b, a head."""

    a: Point
    b: Point
    radius: float
    color: Color


def drawn(parts: list[Capsule]) -> Floats:
    """The capsules as a plane, the last one in front; the coverage of pixels at an edge is exact to a few percent."""
    plane = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    for part in parts:
        (ax, ay), (bx, by), radius = part.a, part.b, part.radius
        rows = slice(max(0, int(min(ay, by) - radius - 1)), max(0, int(max(ay, by) + radius + 2)))
        columns = slice(max(0, int(min(ax, bx) - radius - 1)), max(0, int(max(ax, bx) + radius + 2)))
        there = plane[rows, columns]
        y, x = np.mgrid[rows.start : rows.start + there.shape[0], columns.start : columns.start + there.shape[1]]
        along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / max(1e-6, (bx - ax) ** 2 + (by - ay) ** 2)
        along = np.clip(along, 0, 1)
        distance = np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))
        alpha = np.clip(radius + 0.5 - distance, 0, 1)[..., None]
        shade = 1 - 0.35 * (distance / radius)[..., None] ** 2
        paint = np.dstack([np.array(part.color) * shade, np.ones_like(distance)])
        there[:] = there * (1 - alpha) + paint * alpha
    return plane


def arm(shoulder: Point, angle: float) -> list[Capsule]:
    """An arm in the astronaut's suit with an open hand, at that angle (0: to the right, negative: up)."""
    to = _polar(shoulder, angle, 105)
    wrist, palm = _polar(shoulder, angle, 118), _polar(shoulder, angle, 132)
    fingers = [Capsule(palm, _polar(palm, angle + turn, 24), 4.2, SKIN) for turn in (-0.75, -0.25, 0.0, 0.25)]
    return [Capsule(shoulder, to, 21, SUIT), Capsule(to, wrist, 12, SKIN), *fingers, Capsule(palm, palm, 14, SKIN)]


def walker(x: float, ground: float, size: float, time: float, kind: int) -> list[Capsule]:
    """A person drawn from capsules, in mid-step."""
    swing = 0.5 * np.sin(2 * np.pi * 1.1 * time + kind)
    hip, neck, head = (x, ground - 105 * size), (x, ground - 190 * size), (x + 3 * size, ground - 222 * size)
    coat, trousers, hair = (
        ((70, 110, 170), (60, 60, 70), (60, 40, 25)) if kind else ((180, 60, 70), (50, 60, 110), (30, 25, 20))
    )
    parts: list[Capsule] = []
    for side in (1, -1):
        knee = _polar(hip, np.pi / 2 + side * swing, 52 * size)
        foot = _polar(knee, np.pi / 2 + side * swing + 0.3, 52 * size)
        parts += [Capsule(hip, knee, 15 * size, trousers), Capsule(knee, foot, 11 * size, trousers)]
    arms = []
    for side in (1, -1):
        elbow = _polar(neck, np.pi / 2 - side * swing, 45 * size)
        hand = _polar(elbow, np.pi / 2 - side * swing - 0.5, 40 * size)
        arms.append([Capsule(neck, elbow, 10 * size, coat), Capsule(elbow, hand, 8 * size, SKIN)])
    trunk = [Capsule(neck, hip, 24 * size, coat), Capsule(neck, head, 9 * size, SKIN)]
    face = [Capsule(_up(head, 5 * size), _up(head, 5 * size), 20 * size, hair), Capsule(head, head, 18 * size, SKIN)]
    return [*arms[0], *parts, *trunk, *face, *arms[1]]


def athlete(hip: Point, size: float, turn: float, limbs: list[tuple[float, float]], kind: int) -> list[Capsule]:
    """A person drawn from capsules, turned about the hip by `turn` (radians, clockwise).

    limbs: of the left and right leg and the left and right arm, the angle from straight down toward the right, and by
    how much the knee or the elbow bends further.
    """
    shirt, trousers, hair = (
        ((210, 190, 60), (70, 70, 85), (60, 40, 25)) if kind else ((60, 140, 110), (110, 40, 50), (30, 25, 20))
    )

    def away(start: Point, angle: float, length: float) -> Point:
        return _polar(start, np.pi / 2 - angle + turn, length * size)

    neck, head = away(hip, np.pi, 85), away(hip, np.pi, 117)
    parts: list[Capsule] = []
    for angle, bend in limbs[:2]:
        knee = away(hip, angle, 52)
        foot = away(knee, angle + bend, 52)
        parts += [Capsule(hip, knee, 15 * size, trousers), Capsule(knee, foot, 11 * size, trousers)]
    arms: list[list[Capsule]] = []
    for angle, bend in limbs[2:]:
        elbow = away(neck, angle, 45)
        hand = away(elbow, angle + bend, 42)
        arms.append([Capsule(neck, elbow, 10 * size, shirt), Capsule(elbow, hand, 8 * size, SKIN)])
    trunk = [Capsule(neck, hip, 24 * size, shirt), Capsule(neck, head, 9 * size, SKIN)]
    top = away(head, np.pi, 5)
    return [
        *arms[0],
        *parts,
        *trunk,
        Capsule(top, top, 20 * size, hair),
        Capsule(head, head, 18 * size, SKIN),
        *arms[1],
    ]


def _polar(start: Point, angle: float, length: float) -> Point:
    """The point at that angle and distance from start."""
    return start[0] + length * float(np.cos(angle)), start[1] + length * float(np.sin(angle))


def _up(point: Point, by: float) -> Point:
    return point[0] - by / 2, point[1] - by
