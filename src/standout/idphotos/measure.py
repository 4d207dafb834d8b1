"""Where the head is in an upright photo of one person: eyes, chin, and the crown with and without the hair.

Measures   rows and columns in pixels
upright    the photo and its mask turned so that the eyes are level
measured   an upright photo and its mask -> Measures
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from standout import faces as face_model
from standout.editing import People, heads
from standout.errors import InputError
from standout.faces import Face
from standout.lengths import Length, Point
from standout.types import Image, Mask

SKULL = 1.0
"""The skull's top is so many times as far above the eyes as the chin is below them: eyes are half way up a head."""
OTHERS = 0.35
"""A further face counts as a second person if it is at least so many times as high as the largest."""
SIDEWAYS = 0.2
"""How far the nose may be off the middle of the eyes, as a share of their distance, in a head that faces the camera."""
LEVEL = 0.3
"""Degrees of tilt that are left as they are: turning a photo blurs it a little."""


@dataclass(frozen=True)
class Measures:
    """A head. hair, skull: rows of the crown with and without hair; eyes, chin: rows; middle: a column.

    turned: degrees by which the photo was turned to be upright. sideways: of the nose from the middle of the eyes, as a
    share of their distance. cut: the hair reaches the photo's upper edge.
    """

    hair: float
    skull: float
    eyes: float
    chin: float
    middle: float
    turned: float
    sideways: float
    cut: bool

    def crown(self, kind: str) -> float:
        """The row of the crown as a rule means it: skull or hair."""
        return self.hair if kind == "hair" else self.skull


class Upright(NamedTuple):
    """A photo in which the eyes are level, the mask of its only person, and by how many degrees it was turned.

    there: 1 where the photo is, 0 where it was turned away and its edge is repeated.
    """

    image: Image
    mask: Mask
    turned: float
    there: Mask


def only_face(image: Image) -> Face:
    """The face of the photo. Raises InputError where there is none, or more than one."""
    found = face_model.faces(image, smallest=0.02)
    if not found:
        raise InputError("no face was found; give a photo of one person who faces the camera")
    large = [face for face in found if face.height >= OTHERS * found[0].height]
    if len(large) > 1:
        places = "; ".join(f"at {face.eyes[0]:.0f},{face.eyes[1]:.0f}" for face in large)
        raise InputError(f"{len(large)} faces were found ({places}); give a photo of one person alone, or crop it")
    return found[0]


def upright(image: Image, mask: Mask) -> Upright:
    """The photo turned about the eyes so that they are level, beyond it its edge repeated. Raises as only_face does."""
    face = face_model.measured(image, only_face(image))
    x, y = face.eyes
    height, width = mask.shape
    spot = Point(Length(min(max(x, 0.0), width - 1.0)), Length(min(max(y, 0.0), height - 1.0)))
    if not mask[int(spot.y.value), int(spot.x.value)] > 0.5:
        raise InputError("the face is not on the person that was found; give a photo with more light, or a mask")
    own = People(at=(spot,)).chosen(mask, image)
    (left, above), (right, below) = face.left_eye, face.right_eye
    tilt = float(np.degrees(np.arctan2(below - above, right - left)))
    if abs(tilt) < LEVEL:
        return Upright(image, own, 0.0, np.ones_like(own))
    turn = cv2.getRotationMatrix2D(face.eyes, tilt, 1)

    def turned(array: NDArray[Any], border: int) -> NDArray[Any]:
        return np.asarray(cv2.warpAffine(array, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=border))

    level = np.clip(turned(own, cv2.BORDER_CONSTANT), 0, 1)
    there = turned(np.ones_like(own), cv2.BORDER_CONSTANT)
    return Upright(turned(image, cv2.BORDER_REPLICATE), level, tilt, there)


def measured(photo: Upright) -> Measures:
    """The measures of an upright photo. Raises as only_face does."""
    found = only_face(photo.image)
    face = face_model.measured(photo.image, found)
    hair = heads.crown(photo.mask, found)
    x, y = face.eyes
    chin = found.chin
    distance = face.right_eye[0] - face.left_eye[0]
    skull = max(hair, y - SKULL * (chin - y))
    # Of a turned head, the middle of the face's box is nearer to the middle of the head than that of the eyes is.
    middle = (x + (found.box[0] + found.box[2]) / 2) / 2
    return Measures(hair, skull, y, chin, middle, photo.turned, (face.nose[0] - x) / max(1.0, distance), hair <= 1)
