"""How far a mask can be trusted, judged by what the network itself shows: no label is needed.

mask    float32 (h, w)   the network's own mask of the whole image, with its threshold at 0.5
signs   {name: float}    what tells good masks from bad ones; see signs_of
judge   Judge            the weights of the signs, which a model's card holds

The weights are fitted on labeled photos, by evaluate.confidence.

To add a sign: name it in signs_of, and fit the judges anew (scripts/judge.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import cv2
import numpy as np

from standout.masks.refine import SURE
from standout.types import Judged, JudgingFinder, Mask, PersonFinder

NOBODY = 0.001
"""Share of the picture below which nobody counts as found."""

PART = 0.3
"""The probability from which pixels belong to a part, that is to a connected region which may be people."""

SIGNS = ("own", "surest", "entropy", "weak", "area", "tta")
"""The names of the signs."""

_LEAST = 1e-3
"""Probabilities are kept so far from 0 and 1 before their logit is taken."""


def signs_of(mask: Mask, *, tta: bool) -> dict[str, float]:
    """What the mask shows about itself. tta: whether it is the mean of the two passes of test-time augmentation.

    own: the logit of the Dice that follows from the probabilities, were they right: 2 sum(p h) / (sum(p) + sum(h)),
    where h is 1 in pixels called person. surest: the logit of the highest probability. entropy: the logarithm of the
    mean entropy, in bits, for each pixel of person. weak: how far the surest pixel of a part is from 1, averaged over
    parts by their area. area: the logarithm of the share that is person. tta: 1 or 0.
    """
    called = mask > 0.5
    total, most = float(mask.sum()), float(mask.max(initial=0.0))
    sides = total + np.count_nonzero(called)
    dice = 2.0 * float(mask[called].sum()) / sides if sides else 0.0
    open_ = mask[(mask > _LEAST) & (mask < 1 - _LEAST)]
    bits = -float((open_ * np.log2(open_) + (1 - open_) * np.log2(1 - open_)).sum())
    return {
        "own": _logit(dice),
        "surest": _logit(most),
        "entropy": math.log((bits + 1.0) / (total + 1.0)),
        "weak": _weak(mask, most),
        "area": math.log(total / max(1, mask.size) + 1e-4),
        "tta": float(tta),
    }


def _weak(mask: Mask, most: float) -> float:
    """How far the surest pixel of a part is from 1, averaged over parts by their area."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > PART).astype(np.uint8), connectivity=8)
    if count == 1:
        return 1.0 - most
    surest, there = np.zeros(count, np.float32), labels > 0
    np.maximum.at(surest, labels[there].astype(np.intp), mask[there])
    return float(np.average(1.0 - surest[1:], weights=stats[1:, cv2.CC_STAT_AREA]))


def _logit(probability: float) -> float:
    """The logit, with the probability kept away from 0 and 1."""
    kept = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(kept / (1 - kept))


@dataclass(frozen=True)
class Judge:
    """The weights of signs, and a "constant", in three logistic regressions; a sign that is not named has weight 0.

    found: of the Dice to be expected, where somebody is found. nobody: of the probability that the photo shows nobody,
    where somebody is found. missed: of both, where nobody is found.
    """

    found: dict[str, float]
    missed: dict[str, float]
    nobody: dict[str, float]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Judge | None:
        """The judge that a card holds; None where it holds none, or one that uses signs which are not known here."""
        parts = {one.name: plain.get(one.name, {}) for one in fields(cls)}
        if not all(part and {*part} <= {*SIGNS, "constant"} for part in parts.values()):
            return None
        return cls(**{name: {sign: float(weight) for sign, weight in part.items()} for name, part in parts.items()})

    def plain(self) -> dict[str, dict[str, float]]:
        """The judge as JSON holds it, which of() reads."""
        return asdict(self)

    def judged(self, mask: Mask, *, tta: bool) -> Judged:
        """The mask, and how far it can be trusted. tta: see signs_of."""
        is_found = bool(np.count_nonzero(mask > 0.5) >= NOBODY * mask.size and mask.max() >= SURE)
        return Judged(mask, *self.chances(signs_of(mask, tta=tta), is_found=is_found))

    def chances(self, signs: Mapping[str, float], *, is_found: bool) -> tuple[float, float]:
        """The Dice to be expected, and the probability that nobody is there. is_found: whether somebody is found."""
        if not is_found:  # the Dice is 1 if nobody is there, and 0 otherwise
            return (_chance(self.missed, signs),) * 2
        return _chance(self.found, signs), _chance(self.nobody, signs)


def _chance(weights: Mapping[str, float], signs: Mapping[str, float]) -> float:
    """The logistic function of the weighted sum of the signs.

    >>> _chance({"constant": 0.0}, {}), round(_chance({"constant": 1.0, "area": 2.0}, {"area": -0.5}), 3)
    (0.5, 0.5)
    """
    total = sum(weight * (1.0 if sign == "constant" else signs[sign]) for sign, weight in weights.items())
    return 1.0 / (1.0 + math.exp(-min(max(total, -60.0), 60.0)))


def judged(mask: Mask, finder: PersonFinder) -> Judged:
    """The mask that a finder has given for an image, and how far it can be trusted, where the finder can tell that.

    >>> judged(np.ones((2, 2), np.float32), None).confidence is None
    True
    """
    return finder.judge(mask) if isinstance(finder, JudgingFinder) else Judged(mask)
