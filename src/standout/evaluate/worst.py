"""Pictures of the worst photos with the outlines of label and mask, for the HTML page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from standout import images
from standout.data import IGNORE, Pair, in_bytes, read_label
from standout.evaluate.measure import Settings, level_of, mask_of
from standout.evaluate.photos import Score
from standout.segmenter import Segmenter
from standout.support.draw import boxed, outlined
from standout.types import Bytes

SIDE = 270
"""Side of a picture in pixels."""


def pictures(
    scores: Sequence[Score], pairs: Sequence[Pair], segmenter: Segmenter, settings: Settings
) -> list[tuple[Bytes, str]]:
    """For each score, the photo with its outlines, uint8 (SIDE, SIDE, 3), and a caption that says what is wrong."""
    pair_of = {(pair.source, pair.name): pair for pair in pairs}
    threshold = level_of(segmenter, settings)
    shown = []
    for score in scores:
        pair = pair_of[score.source, score.name]
        photo = images.read(pair.image)
        label, image = read_label(pair, photo.image.shape[:2]), in_bytes(photo.image)
        mask = mask_of(photo, segmenter, settings)
        drawn = outlined(image, truth=label > IGNORE, found=np.asarray(mask >= threshold), counts=label != IGNORE)
        wrong = f"{score.area:.1%} called person" if score.empty else f"Dice {score.dice:.3f}"
        shown.append((boxed(drawn, SIDE), f"{score.name}: {wrong}"))
    return shown
