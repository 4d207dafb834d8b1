"""Clips with known people, made of photos: people cut from validation photos walk over photos of nobody.

actor    uint8 (H, W, 3) RGB, float32 (H, W)   one person, cut out of a photo of ../shared/people/val by its mask
frame    uint8 (HEIGHT, WIDTH, 3)              RGB
truth    uint8 (HEIGHT, WIDTH)                 0 nobody, 1..n the person who is seen there, by the order of the actors

Who is nearer is larger, stands lower, and hides who is behind. Every clip is made anew from its number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.types import Bytes, Floats, Frame

HEIGHT, WIDTH, FPS, SECONDS = 360, 640, 25, 6

Way = Callable[[float], tuple[float, float, float]]
"""Share of the clip that has passed -> (x of the feet as a share of the width, height of the person as a share of the
frame's height, how far into the scene: 0 the nearest)."""


@dataclass(frozen=True)
class Actor:
    """A person cut out of a photo, and how they walk. steps: a second."""

    image: Bytes
    alpha: Floats
    way: Way
    steps: float


@dataclass(frozen=True)
class Scene:
    """What happens in a clip. light: share of the clip -> factor of the brightness."""

    ways: tuple[Way, ...]
    light: Callable[[float], float] = lambda t: 1.0


def between(start: float, end: float, *, size: float, depth: float, toward: float | None = None) -> Way:
    """Someone who walks from x = start to x = end, and grows from size to toward where that is given."""
    return lambda t: (start + (end - start) * t, size + ((toward or size) - size) * t, depth)


def there_and_back(start: float, turn: float, *, size: float, depth: float, pause: float = 0.0) -> Way:
    """Someone who walks from start to turn, waits there for that share of the clip, and comes back."""

    def way(t: float) -> tuple[float, float, float]:
        leg = (1 - pause) / 2
        done = t / leg if t < leg else 1.0 if t < leg + pause else 1 - (t - leg - pause) / leg
        return start + (turn - start) * done, size, depth

    return way


def swaying(center: float, reach: float, *, size: float, depth: float, turns: float) -> Way:
    """Someone who goes to and fro."""
    return lambda t: (center + reach * float(np.sin(2 * np.pi * turns * t)), size, depth)


SCENES: dict[str, Scene] = {
    "two cross": Scene((between(0.12, 0.88, size=0.8, depth=0), between(0.85, 0.15, size=0.72, depth=1))),
    "two cross, dimming": Scene(
        (between(0.85, 0.15, size=0.85, depth=0), between(0.15, 0.85, size=0.7, depth=1)), lambda t: 1 - 0.5 * t
    ),
    "two stand together": Scene(
        (
            there_and_back(0.2, 0.46, size=0.8, depth=0, pause=0.4),
            there_and_back(0.8, 0.58, size=0.78, depth=1, pause=0.3),
        )
    ),
    "three cross": Scene(
        (
            between(0.1, 0.9, size=0.85, depth=0), between(0.9, 0.1, size=0.72, depth=1),
            swaying(0.5, 0.08, size=0.62, depth=2, turns=1),
        )
    ),
    "four cross": Scene(
        (
            between(0.1, 0.9, size=0.8, depth=0), between(0.9, 0.2, size=0.7, depth=1),
            between(0.35, 0.75, size=0.62, depth=2), there_and_back(0.65, 0.2, size=0.56, depth=3),
        )
    ),
    "out and back": Scene(
        (there_and_back(0.3, -0.25, size=0.8, depth=0, pause=0.2), swaying(0.65, 0.1, size=0.72, depth=1, turns=1))
    ),
    "one goes, another comes": Scene(
        (
            there_and_back(0.6, 1.2, size=0.75, depth=0, pause=0.3),
            lambda t: (1.35 - 1.0 * min(1.0, 1.6 * t), 0.7, 1.0),
            swaying(0.25, 0.05, size=0.66, depth=2, turns=0.7),
        )
    ),
    "toward the camera": Scene(
        (between(0.3, 0.55, size=0.5, toward=1.3, depth=0), between(0.85, 0.2, size=0.6, depth=1)),
        lambda t: 0.75 + 0.25 * float(np.cos(2 * np.pi * t)),
    ),
    "hidden for a while": Scene(
        (swaying(0.5, 0.02, size=1.15, depth=0, turns=0.5), there_and_back(0.2, 0.8, size=0.55, depth=1))
    ),
}  # fmt: skip


def play(name: str, number: int, people: Path) -> Iterator[tuple[Frame, Bytes]]:
    """The frames and the truth of a scene, with the people, the place and the noise of that number."""
    scene, draw = SCENES[name], np.random.default_rng([number, *name.encode()])
    actors = [Actor(*one, way, float(draw.uniform(1.6, 2.2)))
              for one, way in zip(cutouts(people, draw, len(scene.ways)), scene.ways, strict=True)]  # fmt: skip
    place = background(people, draw)
    flipped = bool(draw.integers(2))
    for index in range(FPS * SECONDS):
        t = index / (FPS * SECONDS - 1)
        picture, truth = place.astype(np.float32), np.zeros((HEIGHT, WIDTH), np.uint8)
        order = sorted(range(len(actors)), key=lambda one: -actors[one].way(t)[2])
        for one in order:
            _stand(picture, truth, actors[one], one + 1, t)
        picture = picture * scene.light(t) + draw.normal(0, 2.5, picture.shape).astype(np.float32)
        frame = np.asarray(np.clip(np.round(picture), 0, 255), np.uint8)
        if flipped:
            frame, truth = np.ascontiguousarray(frame[:, ::-1]), np.ascontiguousarray(truth[:, ::-1])
        yield Frame(frame, Fraction(index, FPS)), truth


def cutouts(people: Path, draw: np.random.Generator, count: int) -> list[tuple[Bytes, Floats]]:
    """So many whole people, each from another photo of street fashion."""
    photos = sorted((people / "val" / "images").glob("ccp_*"))
    made = []
    for index in draw.permutation(len(photos)):
        photo = photos[int(index)]
        image = images.read(photo).image
        levels = cv2.imread(str(people / "val" / "masks" / f"{photo.stem}.png"), cv2.IMREAD_GRAYSCALE)
        person = np.asarray(levels == 255, np.uint8)
        count_, labels, stats, _ = cv2.connectedComponentsWithStats(person)
        if count_ < 2:
            continue
        largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        left, top, width, height = (int(value) for value in stats[largest, :4])
        if height < 2 * width or height < 0.7 * person.shape[0]:
            continue  # only part of a person, or more than a person
        box = slice(top, top + height), slice(left, left + width)
        alpha = cv2.GaussianBlur((labels == largest)[box].astype(np.float32), (0, 0), 0.8)
        made.append((np.asarray(image[box], np.uint8), np.asarray(alpha, np.float32)))
        if len(made) == count:
            return made
    raise SystemExit(f"{people} holds fewer than {count} photos of whole people")


def background(people: Path, draw: np.random.Generator) -> Bytes:
    """A photo of nobody that fills the frame."""
    photos = sorted((people / "val" / "images").glob("empty*"))
    image = np.asarray(images.read(photos[int(draw.integers(len(photos)))]).image, np.uint8)
    scale = max(HEIGHT / image.shape[0], WIDTH / image.shape[1])
    size = max(WIDTH, round(image.shape[1] * scale)), max(HEIGHT, round(image.shape[0] * scale))
    large = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    top, left = (large.shape[0] - HEIGHT) // 2, (large.shape[1] - WIDTH) // 2
    return np.asarray(large[top : top + HEIGHT, left : left + WIDTH], np.uint8)


def _stand(picture: NDArray[np.float32], truth: Bytes, actor: Actor, number: int, t: float) -> None:
    """Paints the actor, who sways from step to step, over the picture and the truth."""
    x, size, depth = actor.way(t)
    step = float(np.sin(np.pi * actor.steps * SECONDS * t))
    scale = size * HEIGHT / actor.image.shape[0]
    feet = HEIGHT * (1.02 - 0.06 * depth) - 2 * abs(step)
    lean = 0.035 * step
    middle = actor.image.shape[1] / 2
    matrix = np.array(
        [
            [scale, -lean * scale, x * WIDTH - scale * middle + lean * scale * actor.image.shape[0]],
            [0, scale, feet - scale * actor.image.shape[0]],
        ],
        np.float32,
    )
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    alpha = cv2.warpAffine(actor.alpha, matrix, (WIDTH, HEIGHT), flags=how)
    image = cv2.warpAffine(actor.image, matrix, (WIDTH, HEIGHT), flags=how, borderMode=cv2.BORDER_REPLICATE)
    picture += alpha[..., None] * (image.astype(np.float32) - picture)
    truth[alpha > 0.5] = number
