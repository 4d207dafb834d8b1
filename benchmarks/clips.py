"""Clips whose true mask is known for every frame: they show people before backgrounds that move.

image   uint8    (H, W, 3)  RGB
alpha   float32  (H, W)     share of each pixel that is person, 0..1
plane   float32  (H, W, 4)  RGB in 0..255 times alpha, then alpha: a layer of the picture

The people are the astronaut of examples/ (public domain), cut out by the label beside the photo, so that the truth
hangs on no model, and people drawn from capsules (capsules.py). The arm that waves is drawn too. Each frame is the mean
of several exposures while the shutter is open, so that fast motion is blurred, with the noise of a small sensor added;
some clips are dark, and some are compressed so much that blocks show. The clips are the same in every run.

To add a clip: a function `f(time) -> Shot`, in a row of CALM or SPORT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path

import av
import cv2
import numpy as np
from capsules import HEIGHT, SUIT, WIDTH, Capsule, Floats, arm, athlete, drawn, walker
from numpy.typing import NDArray

import standout
from standout.effects.compose import cut
from standout.images import read_mask
from standout.types import Frame, Mask

EXAMPLES = Path(__file__).parents[1] / "examples"
FPS = 30
SECONDS = 2.5
EXPOSURES, SHUTTER = 4, 0.5
"""Exposures in each frame, and the share of the time between frames over which they are spread (180 degrees)."""
NOISE = 3.0
"""Standard deviation of the sensor's noise, of 255."""

Shot = tuple[Floats, Mask]


@dataclass(frozen=True)
class Recording:
    """What is before the camera, and how it is recorded.

    light: the share of full light. noise: the sensor's, as a standard deviation of 255. bits: of each second of the
    compressed clip, or None for frames as the sensor gave them.
    """

    shot: Callable[[float], Shot]
    light: float = 1.0
    noise: float = NOISE
    bits: int | None = None


def play(name: str, *, fps: int = FPS, seconds: float = SECONDS) -> Iterator[tuple[Frame, Mask]]:
    """The frames of a clip, each with its true mask."""
    taken, rng = {**CALM, **SPORT}[name], np.random.default_rng(sum(name.encode()))
    images: list[NDArray[np.uint8]] = []
    alphas: list[Mask] = []
    for number in range(round(seconds * fps)):
        opened = number / fps
        shots = [taken.shot(opened + SHUTTER / fps * i / EXPOSURES) for i in range(EXPOSURES)]
        light = taken.light * np.mean([colors for colors, _ in shots], axis=0)
        light += rng.normal(0, taken.noise, (HEIGHT, WIDTH, 3))
        images.append(np.clip(np.rint(light), 0, 255).astype(np.uint8))
        alphas.append(np.asarray(np.mean([alpha for _, alpha in shots], axis=0), np.float32))
    if taken.bits:
        images = compressed(images, fps=fps, bits=taken.bits)
    for number, (image, alpha) in enumerate(zip(images, alphas, strict=True)):
        yield Frame(image, Fraction(number, fps)), alpha


def compressed(images: list[NDArray[np.uint8]], *, fps: int, bits: int) -> list[NDArray[np.uint8]]:
    """The images after MPEG-4 (Part 2) at that many bits a second."""
    file = BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", bits
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as written:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in written.decode(video=0)]


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


def cartwheel(time: float) -> Shot:
    """A drawn person turns cartwheels, almost one a second, while the camera follows."""
    limbs = [(-0.55, 0.0), (0.55, 0.0), (-2.5, 0.0), (2.5, 0.0)]
    person = athlete((120 + 150 * time, 215), 0.95, 2 * np.pi * 0.8 * time, limbs, 0)
    return over([drawn(person)], photo(-110 * time, 4 * np.sin(9 * time)))


def somersault(time: float) -> Shot:
    """The astronaut flies through the picture in an arc and turns over once and a half."""
    height = 230 - 90 * np.sin(np.pi * time / SECONDS)
    return over([turned(80 + 190 * time, height, scale=0.5, turn=216 * time)], noise(2, -60 * time, 0))


def dance(time: float) -> Shot:
    """One drawn person dances with fast arms and legs; beside, another stands on the hands and kicks."""
    beat = 2 * np.pi * 2.2 * time
    kick, sway, swing = np.sin(beat), np.sin(beat / 2), np.sin(beat + 1)
    limbs = [(-0.3 + 0.8 * kick, -0.6), (0.3 + 0.7 * swing, 0.7), (-1.7 + 1.1 * swing, 0.8), (1.7 + 1.1 * kick, -0.8)]
    upright = athlete((200 + 40 * sway, 215 - 12 * abs(kick)), 1.0, 0.15 * sway, limbs, 1)
    limbs = [(-0.7 + 0.6 * swing, -0.7), (0.7 + 0.6 * kick, 0.7), (-2.9, 0.1), (2.9, -0.1)]
    hands = athlete((455 - 30 * sway, 180), 0.9, np.pi + 0.3 * sway, limbs, 0)
    return over([drawn(hands), drawn(upright)], noise(3, 70 * np.sin(2.5 * time), 0))


CALM: dict[str, Recording] = {
    "slow": Recording(slow),
    "wave": Recording(wave),
    "passing": Recording(passing),
    "cut": Recording(hard_cut),
    "walkers": Recording(walkers),
    "nobody": Recording(nobody),
}
SPORT: dict[str, Recording] = {
    "cartwheel": Recording(cartwheel),
    "somersault": Recording(somersault),
    "dance": Recording(dance),
    "dance, dark": Recording(dance, light=0.22, noise=6.0),
    "cartwheel, compressed": Recording(cartwheel, bits=150_000),
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
    """The astronaut as a plane of the photo's own size; around it, nothing. The outline is that of the label."""
    image = standout.read(EXAMPLES / "astronaut.jpg").image
    mask = read_mask(EXAMPLES / "astronaut-mask.png").astype(np.float32) / np.float32(255)
    plane = cut(image, mask).astype(np.float32)
    plane[..., :3] *= plane[..., 3:] / 255
    plane[..., 3] /= 255
    return np.pad(plane, ((2, 0), (2, 2), (0, 0)))


def placed(x: float, *, scale: float, lean: float = 0.0) -> Floats:
    """The astronaut as a plane: the middle at x, standing on the lower edge, leaning by so many degrees."""
    plane = cutout()
    foot = (plane.shape[1] / 2, plane.shape[0] - 30.0)
    matrix = cv2.getRotationMatrix2D(foot, lean, scale)
    matrix[:, 2] += (x - foot[0], HEIGHT + 10 - foot[1])
    return np.asarray(cv2.warpAffine(plane, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR), np.float32)


def turned(x: float, y: float, *, scale: float, turn: float) -> Floats:
    """The astronaut as a plane: the middle of the body at (x, y), turned by so many degrees."""
    plane = cutout()
    middle = (plane.shape[1] * 0.42, plane.shape[0] / 2)
    matrix = cv2.getRotationMatrix2D(middle, turn, scale)
    matrix[:, 2] += (x - middle[0], y - middle[1])
    return np.asarray(cv2.warpAffine(plane, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR), np.float32)


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
