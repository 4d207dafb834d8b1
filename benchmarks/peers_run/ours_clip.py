"""standout over the frames of a clip, one after another, as it makes masks of clips: network, filter, refined edges."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import count
from typing import Any

from standout.masks.full_size import full_size
from standout.masks.temporal import HALF_LIFE, TemporalFilter
from standout.segmenter import Segmenter


def load(settings: dict[str, Any], timed: Callable[..., Any]) -> Callable[[Any], Any]:
    """The segmenter. settings: model, steady (False: without the temporal filter)."""
    segmenter, numbers = Segmenter(settings["model"], threads=1, tta=False), count()
    steady = TemporalFilter(HALF_LIFE if settings["steady"] else 0)
    network = timed(segmenter.probability)

    def segment(frame: Any) -> Any:
        return full_size(steady(network(frame), frame, Fraction(next(numbers), 30)), frame)

    return segment
