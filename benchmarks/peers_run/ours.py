"""standout's own Segmenter, as users get it: letterbox, network, mirrored too, edges refined at the photo's size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from standout.segmenter import Segmenter


def load(settings: dict[str, Any], timed: Callable[..., Any]) -> Callable[[Any], Any]:
    """The segmenter. settings: model, runtime, mirror."""
    segmenter = Segmenter(settings["model"], runtime=settings["runtime"], threads=1, tta=settings["mirror"])
    segmenter._run = timed(segmenter._run)  # the only place where the network alone can be timed
    return segmenter.mask
