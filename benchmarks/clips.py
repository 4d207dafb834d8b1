"""Clips whose true mask is known for every frame: they show people before backgrounds that move.

image   uint8    (H, W, 3)  RGB
alpha   float32  (H, W)     share of each pixel that is person, 0..1
plane   float32  (H, W, 4)  RGB in 0..255 times alpha, then alpha: a layer of the picture

The people are the astronaut of examples/ (public domain), cut out with standout's own mask at full size, and people
drawn from capsules. The arm that waves is drawn too. Each frame is the mean of several exposures while the shutter is
open, so that fast motion is blurred, with the noise of a small sensor added. The clips are the same in every run.

To add a clip: a function `f(time) -> Shot`, named in CLIPS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import standout
from standout.effects.compose import cut
from standout.types import Frame, Mask

EXAMPLES = Path(__file__).parents[1] / "examples"
HEIGHT, WIDTH, FPS = 360, 640, 30
SECONDS = 2.5
EXPOSURES, SHUTTER = 4, 0.5
"""Exposures in each frame, and the share of the time between frames over which they are spread (180 degrees)."""
NOISE = 3.0
"""Standard deviation of the sensor's noise, of 255."""

Floats = NDArray[np.float32]
Shot = tuple[Floats, Mask]
Point = tuple[float, float]
Color = tuple[float, float, float]

REACH = [
    (120, 0), (330, 0), (330, 240), (372, 300), (368, 352), (320, 364), (290, 400), (276, 450), (274, 520),
    (28, 520), (22, 450), (27, 400), (38, 330), (50, 275), (90, 222), (110, 190),
]  # fmt: skip
CORE = [(70, 290), (330, 290), (330, 345), (290, 385), (266, 450), (264, 520), (36, 520), (30, 450), (38, 380)]
"""Polygons (x, y) in the astronaut's photo: outside of REACH nothing is the astronaut, and inside CORE everything is.

They correct the mask, which includes a piece of the flag.
"""

SUIT, SKIN = (235.0, 90.0, 50.0), (224.0, 172.0, 144.0)


@dataclass(frozen=True)
class Capsule:
    """A line from a to b (x, y), drawn with a round pen of that radius: a limb, a trunk or, where a is b, a head."""

    a: Point
    b: Point
    radius: float
    color: Color


def play(name: str, *, fps: int = FPS, seconds: float = SECONDS) -> Iterator[tuple[Frame, Mask]]:
    """The frames of a clip, each with its true mask."""
    rng = np.random.default_rng(sum(name.encode()))
    for number in range(round(seconds * fps)):
        opened = number / fps
        shots = [CLIPS[name](opened + SHUTTER / fps * i / EXPOSURES) for i in range(EXPOSURES)]
        light = np.mean([colors for colors, _ in shots], axis=0) + rng.normal(0, NOISE, (HEIGHT, WIDTH, 3))
        image = np.clip(np.rint(light), 0, 255).astype(np.uint8)
        yield Frame(image, Fraction(number, fps)), np.mean([alpha for _, alpha in shots], axis=0, dtype=np.float32)


def slow(time: float) -> Shot:
    """The astronaut sways and comes nearer before a photo that drifts."""
    astronaut = placed(320 + 25 * np.sin(2 * time), scale=0.62 + 0.03 * time, lean=2 * np.sin(3 * time))
    return over([astronaut], photo(-20 * time, -6 * time))


def wave(time: float) -> Shot:
    """The astronaut waves, twice a second: from frame to frame the hand moves up to its own width."""
    angle = np.radians(-52 + 36 * np.sin(2 * np.pi * 2 * time))
    return over([drawn(arm((330, 245), angle)), placed(285, scale=0.62)], noise(0, 14 * time, 3 * time))


def passing(time: float) -> Shot:
    """The astronaut comes in from the left and leaves at the right, before a plain wall."""
    return over([placed(-200 + 420 * time, scale=0.6)], wall(time))


def hard_cut(time: float) -> Shot:
    """The first half is that of slow; in the second, the astronaut is nearer, elsewhere, before another background."""
    if time < SECONDS / 2:
        return slow(time)
    return over([placed(470 - 20 * time, scale=0.75)], noise(1, -10 * time, 0))


def walkers(time: float) -> Shot:
    """Two drawn people walk past each other and swing their arms."""
    near, far = walker(60 + 190 * time, 300, 1.0, time, 0), walker(560 - 150 * time, 262, 0.8, time, 1)
    return over([drawn(far), drawn(near)], photo(15 * time, 0))


def nobody(time: float) -> Shot:
    """Nobody is there: the photo drifts, and a ball rolls through it."""
    light, alpha = over(
        [drawn([Capsule((40 + 150 * time, 250), (40 + 150 * time, 250), 34, SUIT)])], photo(-25 * time, 0)
    )
    return light, np.zeros_like(alpha)


CLIPS: dict[str, Callable[[float], Shot]] = {
    "slow": slow,
    "wave": wave,
    "passing": passing,
    "cut": hard_cut,
    "walkers": walkers,
    "nobody": nobody,
}


def over(people: list[Floats], background: Floats) -> Shot:
    """The layers before a background (H, W, 3), with the last layer in front."""
    light, clear = background, np.ones((HEIGHT, WIDTH), np.float32)
    for plane in people:
        light = light * (1 - plane[..., 3:]) + plane[..., :3]
        clear = clear * (1 - plane[..., 3])
    return light, 1 - clear


@cache
def cutout() -> Floats:
    """The astronaut as a plane of the photo's own size; around it, nothing."""
    image = standout.read(EXAMPLES / "astronaut.jpg").image
    found = standout.Segmenter().mask(image)
    mask = np.maximum(found * _inside(REACH, found.shape), _inside(CORE, found.shape))
    plane = cut(image, mask).astype(np.float32)
    plane[..., :3] *= plane[..., 3:] / 255
    plane[..., 3] /= 255
    return np.pad(plane, ((2, 0), (2, 2), (0, 0)))


def _inside(corners: list[tuple[int, int]], shape: tuple[int, ...]) -> Mask:
    """1 inside the polygon, with a soft edge."""
    filled = cv2.fillPoly(np.zeros(shape[:2], np.float32), [np.array(corners, np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(filled, (0, 0), 1.0), np.float32)


def placed(x: float, *, scale: float, lean: float = 0.0) -> Floats:
    """The astronaut as a plane: the middle at x, standing on the lower edge, leaning by so many degrees."""
    plane = cutout()
    foot = (plane.shape[1] / 2, plane.shape[0] - 30.0)
    matrix = cv2.getRotationMatrix2D(foot, lean, scale)
    matrix[:, 2] += (x - foot[0], HEIGHT + 10 - foot[1])
    return np.asarray(cv2.warpAffine(plane, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR), np.float32)


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


def _polar(start: Point, angle: float, length: float) -> Point:
    """The point at that angle and distance from start."""
    return start[0] + length * float(np.cos(angle)), start[1] + length * float(np.sin(angle))


def _up(point: Point, by: float) -> Point:
    return point[0] - by / 2, point[1] - by


def _shifted(picture: Floats, x: float, y: float) -> Floats:
    """The middle of a picture larger than a frame, moved by x and y, to fractions of a pixel."""
    left, top = (picture.shape[1] - WIDTH) / 2 - x, (picture.shape[0] - HEIGHT) / 2 - y
    matrix = np.array([[1, 0, left], [0, 1, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.float32)


@cache
def _landscape() -> Floats:
    image = standout.read(EXAMPLES / "background.jpg").image
    return np.asarray(cv2.resize(image, (800, 600), interpolation=cv2.INTER_AREA), np.float32)


def photo(x: float, y: float) -> Floats:
    """The landscape of examples/, moved by x and y."""
    return _shifted(_landscape(), x, y)


@cache
def _texture(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    picture = np.full((560, 860, 3), 115, np.float32)
    for size, strength in ((3, 12), (12, 22), (60, 34)):
        small = rng.normal(0, strength, (560 // size + 2, 860 // size + 2, 1))
        small = (small + 0.4 * rng.normal(0, strength, (*small.shape[:2], 3))).astype(np.float32)
        picture += cv2.resize(small, (860, 560), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255)


def noise(seed: int, x: float, y: float) -> Floats:
    """Colored blots of all sizes, moved by x and y."""
    return _shifted(_texture(seed), x, y)


def wall(time: float) -> Floats:
    """A wall of one hue, lighter to one side, while the light changes slowly."""
    across = np.linspace(205, 150, WIDTH, dtype=np.float32) + 6 * np.float32(np.sin(2 * time))
    down = np.linspace(12, -12, HEIGHT, dtype=np.float32)
    return (across[None, :] + down[:, None])[..., None] * np.array([1.0, 0.97, 0.9], np.float32)
