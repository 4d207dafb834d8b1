"""What is known of a clip's frames so far: all that the next ones need, so that a work can go on in another process.

raw      float32 (h, w)    the network's own mask of a frame
state    {name: array}     after a chunk's last frame; kept on disk with the chunk
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from standout.masks.temporal import TemporalFilter
from standout.metrics.video import Flicker
from standout.types import Frame, Image, Mask

if TYPE_CHECKING:
    from standout.video.write.chunk_store import State


class ClipState:
    """What is known of the frames so far: all that the next ones need, and that is told in the end.

    frames: how many; shares: of each that is person, added up; time: of the last; warnings: of an earlier process.
    """

    def __init__(self, half_life: float, *, measure: bool) -> None:
        self.frames, self.shares, self.time = 0, 0.0, Fraction(0)
        self.warnings: list[str] = []
        self._steady = TemporalFilter(half_life)
        self._flicker = Flicker(2) if measure else None
        self._digest = ""

    def filtered(self, raw: Mask, frame: Frame) -> Mask:
        """The steady mask of the next frame. Runs ahead of add by some frames, in another thread."""
        steady = self._steady(raw, frame.image, frame.time)
        if self._flicker is not None:
            self._flicker.add(frame, raw, steady)
        return steady

    def add(self, share: float, time: Fraction) -> None:
        """One more frame is done."""
        self.frames, self.shares, self.time = self.frames + 1, self.shares + share, time

    def flicker(self) -> tuple[float | None, float | None]:
        """Of the network's masks, and of the steady ones; see metrics.flicker."""
        if self._flicker is None:
            return None, None
        before, after = self._flicker.values()
        return before, after

    def reached(self, frame: Frame) -> State:
        """What steadied remembers, now that this frame was given to it."""
        flicker = {} if self._flicker is None else self._flicker.state()
        state = {f"steady.{name}": value for name, value in self._steady.state().items()}
        state |= {f"flicker.{name}": value for name, value in flicker.items()}
        return state | {"digest": np.array(_digest(frame.image))}

    def counts(self, warnings: Iterable[str]) -> State:
        """What add remembers, and the warnings."""
        told = list(dict.fromkeys((*self.warnings, *warnings)))
        counts = {"frames": np.array(self.frames), "shares": np.array(self.shares)}
        return counts | {"time": np.array(str(self.time)), "warnings": np.array(told, np.str_)}

    def restore(self, state: State) -> None:
        """Remembers what the one of an earlier process did: its state and counts."""
        if not state:
            return
        self.frames, self.shares = int(state["frames"]), float(state["shares"])
        self.time, self.warnings = Fraction(str(state["time"])), [str(one) for one in state["warnings"]]
        self._digest = str(state["digest"])
        self._steady.restore(_part(state, "steady."))
        flicker = _part(state, "flicker.")
        if not flicker:
            self._flicker = None  # not measured from the beginning, so not at all
        elif self._flicker is not None:
            self._flicker.restore(flicker)

    def is_last(self, frame: Frame | None) -> bool:
        """Whether it is the last frame that is done."""
        return frame is not None and frame.time == self.time and _digest(frame.image) == self._digest


def _part(state: State, prefix: str) -> State:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _digest(image: Image) -> str:
    return sha256(image.tobytes()).hexdigest()
