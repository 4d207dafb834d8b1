"""Video meetings with a known alpha: people of portraits talk, lean, come and go before places without people.

sitter   uint8 (h, w, 3) RGB, float32 (h, w)   one person, cut out of a photo of ../shared/people/val by its label
frame    uint8 (HEIGHT, WIDTH, 3)              RGB, as a webcam delivers it: motion blur, sensor noise, JPEG
alpha    float32 (HEIGHT, WIDTH)               share of each pixel that is person, 0..1

The truth is the label of the photo, moved along; no model has had a part in it. Every sequence is made from its name
and its cast alone, with NumPy and OpenCV and nothing of standout, so that every version of standout sees the same
frames.

To add a scene: a row in SCENES.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Cutout = tuple[Bytes, Floats]

HEIGHT, WIDTH, FPS, FRAMES = 360, 640, 30, 40
EXPOSURES, SHUTTER = 3, 0.5
"""Exposures in each frame, and the share of the time between frames over which they are spread (180 degrees)."""

JPEG = 90
"""Quality of the JPEG in which most webcams deliver each frame."""

MARGIN = 8
"""How near people a place may come, in pixels of the photo."""

CUT = 0.004
"""Share of the photo's pixels whose label may be unclear; they are cut away with the background."""


@dataclass(frozen=True)
class Pose:
    """Where a person is: the middle of the body and its lower edge, as shares of the frame's width and height.

    height: of the cut-out, as a share of the frame's. bend: how far the head is moved sideways, as a share of that
    height; the lower edge stays, and what lies between is bent.
    """

    x: float
    foot: float = 1.02
    height: float = 0.85
    bend: float = 0.0


@dataclass(frozen=True)
class Scene:
    """What happens. Times are in seconds.

    people: time -> pose, a function each, the farthest first. camera: time -> how far everything is moved, in pixels.
    light: the share of full light. noise: the sensor's, as a standard deviation of 255. screen: whether a screen with a
    moving picture hangs behind the people.
    """

    people: tuple[Callable[[float], Pose], ...]
    camera: Callable[[float], tuple[float, float]] = lambda t: (0.0, 0.0)
    light: float = 1.0
    noise: float = 3.0
    screen: bool = False


def _wave(time: float, hertz: float, start: float = 0.0) -> float:
    return float(np.sin(2 * np.pi * (hertz * time + start)))


def _talks(time: float) -> Pose:
    return Pose(0.5 + 0.01 * _wave(time, 0.5), bend=0.03 * _wave(time, 0.8), foot=1.02 + 0.01 * _wave(time, 1.1))


SCENES: dict[str, Scene] = {
    "talking": Scene((_talks,)),
    "gesturing": Scene(
        (lambda t: Pose(0.5 + 0.03 * _wave(t, 1.5), bend=0.12 * _wave(t, 1.9), foot=1.03 + 0.03 * _wave(t, 2.3)),)
    ),
    "leaning in": Scene((lambda t: Pose(0.48, height=0.75 + 0.35 * t, foot=1.02 + 0.15 * t, bend=0.05 * t),)),
    "leaving": Scene((lambda t: Pose(0.5 + 0.55 * t * t, bend=0.06 * _wave(t, 1.6)),)),
    "coming": Scene((lambda t: Pose(-0.25 + 0.6 * t, bend=0.05 * _wave(t, 1.6)),)),
    "two people": Scene(
        (
            lambda t: Pose(0.68, height=0.68, bend=0.04 * _wave(t, 0.9, 0.3)),
            lambda t: Pose(0.32, height=0.86, bend=0.05 * _wave(t, 0.7)),
        )
    ),
    "hand-held": Scene(
        (_talks,), camera=lambda t: (14 * _wave(t, 1.3) + 5 * _wave(t, 3.1), 9 * _wave(t, 1.7) + 4 * _wave(t, 3.7))
    ),
    "dim": Scene((_talks,), light=0.3, noise=5.0),
    "screen behind": Scene((_talks,), screen=True),
}


def play(name: str, cast: int, people: Path, *, frames: int = FRAMES) -> Iterator[tuple[Bytes, Floats]]:
    """The frames of a scene with the people and the place of that number, each with its alpha."""
    scene, draw = SCENES[name], np.random.default_rng([cast, *name.encode()])
    cutouts = sitters(people)
    chosen = [cutouts[int(one)] for one in draw.permutation(len(cutouts))[: len(scene.people)]]
    rooms = places(people)
    behind = [rooms[int(one)] for one in draw.permutation(len(rooms))[:2]]
    for number in range(frames):
        times = [(number + SHUTTER * one / EXPOSURES) / FPS for one in range(EXPOSURES)]
        shots = [_shot(scene, chosen, behind, time) for time in times]
        light = scene.light * np.mean([shot for shot, _ in shots], axis=0, dtype=np.float32)
        light += draw.normal(0, scene.noise, light.shape).astype(np.float32)
        frame = np.clip(np.rint(light), 0, 255).astype(np.uint8)
        yield _delivered(frame), np.mean([alpha for _, alpha in shots], axis=0, dtype=np.float32)


def digest(people: Path, *, casts: int) -> str:
    """A short name of all frames and alphas, which two runs on the same sequences share."""
    found = hashlib.sha256()
    for name in SCENES:
        for cast in range(casts):
            for frame, alpha in play(name, cast, people, frames=2):
                found.update(frame.tobytes() + np.rint(255 * alpha).astype(np.uint8).tobytes())
    return found.hexdigest()[:12]


def _shot(scene: Scene, chosen: list[Cutout], behind: list[Bytes], time: float) -> tuple[Floats, Floats]:
    """The light and the alpha at one moment."""
    right, down = scene.camera(time)
    light = _moved(behind[0], right, down)
    if scene.screen:
        top, left, high, wide = 30, 60, 190, 520
        shown = _moved(behind[1], 60 * _wave(time, 0.7), 20 * _wave(time, 0.9))
        light[top : top + high, left : left + wide] = cv2.resize(shown, (wide, high), interpolation=cv2.INTER_AREA)
    clear = np.ones((HEIGHT, WIDTH), np.float32)
    for (image, alpha), pose in zip(chosen, scene.people, strict=True):
        color, share = _posed(image, alpha, pose(time), right, down)
        light += share[..., None] * (color - light)
        clear *= 1 - share
    return light, 1 - clear


def _posed(image: Bytes, alpha: Floats, pose: Pose, right: float, down: float) -> tuple[Floats, Floats]:
    """The colors and the alpha of a cut-out in its pose, at the frame's size."""
    height, width = alpha.shape
    scale = pose.height * HEIGHT / height
    rows, columns = np.indices((HEIGHT, WIDTH), np.float32)
    up = (pose.foot * HEIGHT + down - rows) / (pose.height * HEIGHT)  # 0 at the lower edge of the cut-out, 1 at its top
    aside = columns - right - pose.x * WIDTH - pose.bend * pose.height * HEIGHT * np.clip(up, 0, 1) ** 2
    x = (aside / scale + width / 2).astype(np.float32)
    y = ((1 - up) * height).astype(np.float32)
    color = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.remap(alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(color, np.float32), np.asarray(share, np.float32)


def _moved(picture: Bytes, right: float, down: float) -> Floats:
    """The middle of a picture that is larger than a frame, moved by fractions of a pixel; a new array."""
    left, top = (picture.shape[1] - WIDTH) / 2 - right, (picture.shape[0] - HEIGHT) / 2 - down
    matrix = np.array([[1, 0, left], [0, 1, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.array(moved, np.float32)


def _delivered(frame: Bytes) -> Bytes:
    """The frame after the JPEG of a webcam."""
    coded = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG])[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


@cache
def sitters(people: Path) -> list[Cutout]:
    """The people of the validation portraits who can sit before a webcam, in the order of the files' names.

    Nobody whose head is cut off, or of whom nothing but the face is left above the row where the photo's side cuts the
    body. Raises FileNotFoundError where the folder holds nobody.
    """
    found = []
    for kind in ("eg1800", "picsart"):
        for photo in sorted((people / "val" / "images").glob(f"{kind}_*")):
            levels = np.asarray(cv2.imread(str(people / "val" / "masks" / f"{photo.stem}.png"), cv2.IMREAD_GRAYSCALE))
            image = np.asarray(cv2.imread(str(photo), cv2.IMREAD_COLOR), np.uint8)
            if (one := cutout(image[..., ::-1], np.asarray(levels, np.uint8))) is not None:
                found.append(one)
    if not found:
        raise FileNotFoundError(f"{people}/val holds no portrait (eg1800_*, picsart_*) of somebody who can be cut out")
    return found


def cutout(image: Bytes, levels: Bytes) -> Cutout | None:
    """The person of a labelled photo with soft edges; None where the person cannot sit before a webcam.

    levels: the label, 255 = person, 128 = unclear. Colors are continued outward from inside the person, so that no rim
    of the old background is taken along.
    """
    person = (levels == 255).astype(np.uint8)
    if ((levels > 0) & (levels < 255)).mean() > CUT or person[0].any():
        return None
    _, parts, sizes, _ = cv2.connectedComponentsWithStats(person)
    person = (parts == 1 + int(np.argmax(sizes[1:, cv2.CC_STAT_AREA]))).astype(np.uint8) if len(sizes) > 1 else person
    cut = np.flatnonzero(person[:, 0] | person[:, -1])
    bottom, top = int(cut[0]) if cut.size else len(person), int(np.argmax(person.any(1)))
    if bottom - top < 0.55 * len(person) or person[bottom - 1].mean() < 0.35:
        return None
    part = slice(max(0, top - 4), bottom)
    person, image = person[part], image[part]
    inside = cv2.erode(person, np.ones((3, 3), np.uint8), iterations=2, borderValue=1)
    _, nearest = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colors = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colors[nearest[inside > 0]] = image[inside > 0]
    spread = np.where(inside[..., None] > 0, image, colors[nearest])
    alpha = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 0.8)
    return np.asarray(spread, np.uint8), np.asarray(alpha, np.float32)


@cache
def places(people: Path) -> list[Bytes]:
    """Places without people, RGB, somewhat larger than a frame, in the order of the files' names.

    They are parts of validation photos in whose label everybody is marked: kitchens, walls, streets, shops. Raises
    FileNotFoundError where the folder has none.
    """
    found = []
    for photo in sorted((people / "val" / "images").glob("cocoval_*")):
        levels = cv2.imread(str(people / "val" / "masks" / f"{photo.stem}.png"), cv2.IMREAD_GRAYSCALE)
        if (part := free(np.asarray(levels, np.uint8))) is not None:
            image = np.asarray(cv2.imread(str(photo), cv2.IMREAD_COLOR), np.uint8)[part][..., ::-1]
            size = round(1.1 * WIDTH), round(1.1 * HEIGHT)
            large = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_LINEAR)
            found.append(np.asarray(large, np.uint8))
    if not found:
        raise FileNotFoundError(f"{people}/val holds no photo (cocoval_*) with a place without people")
    return found


def free(levels: Bytes, *, least: int = 300) -> tuple[slice, slice] | None:
    """The largest part of a labelled photo, in the shape of a frame, that is at least MARGIN pixels from anybody.

    Of several, the one in the middle. None where it would be narrower than `least` pixels.

    >>> label = np.zeros((300, 500), np.uint8)
    >>> label[:, 400:] = 255
    >>> free(label)
    (slice(40, 260, None), slice(0, 392, None))
    """
    side = 2 * MARGIN + 1
    taken = cv2.integral(np.asarray(cv2.dilate((levels > 0).astype(np.uint8), np.ones((side, side), np.uint8))))
    for width in range(levels.shape[1] // 8 * 8, least - 1, -8):
        height = round(width * HEIGHT / WIDTH)
        if height > levels.shape[0]:
            continue
        inside = taken[height:, width:] - taken[:-height, width:] - taken[height:, :-width] + taken[:-height, :-width]
        rows, columns = np.nonzero(inside == 0)
        if rows.size:
            top, left = int(rows[rows.size // 2]), int(columns[rows.size // 2])
            return slice(top, top + height), slice(left, left + width)
    return None
