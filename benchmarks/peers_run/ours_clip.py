"""standout over the frames of a clip, one after another, as it makes masks of clips: network, filter, refined edges.

A version that carries masks through frames that are easy to follow does so here, too; earlier ones cannot, and show the
network every frame.
"""

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
    network, carried = timed(segmenter.probability), getattr(steady, "carried", lambda *_: None)

    def segment(frame: Any) -> Any:
        at = Fraction(next(numbers), 30)
        mask = carried(frame, at)
        return full_size(steady(network(frame), frame, at) if mask is None else mask, frame)

    return segment
