"""PASCAL VOC's labels: a palette picture in which one colour is person and one is unclear.

Everingham et al., "The PASCAL Visual Object Classes Challenge" (doi 10.1007/s11263-009-0275-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from standout.dataset.pairs import IGNORE, Bytes
from standout.errors import InputError

PERSON, VOID = (128, 128, 192), (192, 224, 224)
"""Class 15 and class 255 in VOC's palette, as blue, green, red."""


@dataclass(frozen=True)
class VocMask:
    """A label of SegmentationClass/."""

    path: Path

    def read(self) -> Bytes:
        """255 where person, 128 where VOC says void, 0 elsewhere. Raises InputError when it cannot be read."""
        label = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if label is None:
            raise InputError(f"{self.path} is not a picture that can be read, or it is damaged; get it again")
        mask = np.zeros(label.shape[:2], np.uint8)
        mask[(label == VOID).all(-1)] = IGNORE
        mask[(label == PERSON).all(-1)] = 255
        return mask

    def identity(self) -> bytes:
        """The file's bytes."""
        return self.path.read_bytes()
