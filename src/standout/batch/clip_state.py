"""The state of a clip job after each frame, which lets another process continue a job that was stopped.

raw      float32 (h, w)    the network's own mask of a frame
state    {name: array}     the state after a chunk's last frame, kept on disk with the chunk
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from standout.editing.follow import Follower
from standout.masks.confidence import judged
from standout.masks.temporal import TemporalFilter
from standout.masks.window import REACH, largest
from standout.metrics.video import Flicker
from standout.types import BatchFinder, Frame, Image, Mask, PersonFinder

if TYPE_CHECKING:
    from standout.video.write.chunk_store import State

AT_ONCE = 8
"""Most frames that a network sees in one call: more would fill the memory, and hardly the GPU."""


class ClipState:
    """The temporal filter, who is chosen, the flicker so far, and the counts that the outcome reports.

    finder: what found the people, which may tell how far its masks can be trusted. hiding: people are hidden, so masks
    are too large rather than too small, and found in every frame. every_frame: they are found in every frame anyway.
    frames: how many are done. shares: the sum of their person shares. time: that of the last frame, in seconds.
    warnings: those of an earlier process that worked on the clip.
    """

    def __init__(
        self,
        half_life: float,
        finder: PersonFinder,
        *,
        measure: bool,
        follower: Follower,
        hiding: bool = False,
        every_frame: bool = False,
    ) -> None:
        self.frames, self.shares, self.time = 0, 0.0, Fraction(0)
        self.warnings: list[str] = []
        self._steady = TemporalFilter(half_life)
        self._follower = follower
        self._flicker = (Flicker(1), Flicker(1)) if measure else None
        self._finder = finder
        self._trust: NDArray[np.float64] | None = np.array([0.0, 0.0, 1.0, 1.0])
        self._digest = ""
        self._hiding, self._every_frame = hiding, every_frame or hiding
        self._recent: deque[Mask] = deque(maxlen=REACH)

    def found(self, frames: Iterator[Frame], finder: PersonFinder) -> Iterator[tuple[Frame, Mask]]:
        """Each of the next frames with its filtered mask, of the chosen people.

        A GPU is shown several frames in one call, and every frame; elsewhere, masks may be carried from frame to frame.
        """
        if not (isinstance(finder, BatchFinder) and finder.batch > 1):
            for frame in frames:
                carried = self.carried(frame)
                yield frame, self.filtered(finder.probability(frame.image), frame) if carried is None else carried
            return
        while some := list(islice(frames, min(finder.batch, AT_ONCE))):
            for frame, raw in zip(some, finder.probabilities([frame.image for frame in some]), strict=True):
                yield frame, self.filtered(raw, frame)

    def carried(self, frame: Frame) -> Mask | None:
        """The mask of the next frame, of the chosen people, carried along from the frame before.

        None where a mask must be found; see TemporalFilter.carried. filtered takes it, then.
        """
        mask = None if self._every_frame else self._steady.carried(frame.image, frame.time)
        if mask is None:
            return None
        if self._flicker is not None:
            self._flicker[1].add(frame, mask)
        return self._follower(mask, frame.image, frame.time)

    def filtered(self, raw: Mask, frame: Frame) -> Mask:
        """The filtered mask of the next frame, of the chosen people. It runs some frames ahead of add, in a thread."""
        self._judge(raw)
        steady = self._steady(raw, frame.image, frame.time)
        if self._flicker is not None:
            for flicker, mask in zip(self._flicker, (raw, steady), strict=True):
                flicker.add(frame, mask)
        if not self._hiding:
            return self._follower(steady, frame.image, frame.time)
        wide = self._follower(largest(steady, [raw]), frame.image, frame.time)  # the filter may hold back who comes
        self._recent.append(wide)
        return wide

    @property
    def recent(self) -> tuple[Mask, ...]:
        """The last filtered masks, as many as masks.window looks back; only where people are hidden."""
        return tuple(self._recent)

    def _judge(self, raw: Mask) -> None:
        """Counts how far the network's mask of the next frame can be trusted."""
        found = judged(raw, self._finder)
        if found.confidence is None or found.nobody is None:
            self._trust = None
        if self._trust is not None:
            frames, total, least, nobody = self._trust
            both = min(least, found.confidence), min(nobody, found.nobody)
            self._trust = np.array([frames + 1, total + found.confidence, *both])

    def trust(self) -> tuple[float | None, float | None, float | None]:
        """The mean confidence of the frames, the least probability that nobody is there, and the least confidence.

        Each is None where the finder cannot tell it.
        """
        if self._trust is None or not self._trust[0]:
            return None, None, None
        frames, total, least, nobody = self._trust.tolist()
        return total / frames, nobody, least

    def add(self, share: float, time: Fraction) -> None:
        """Counts one more finished frame."""
        self.frames, self.shares, self.time = self.frames + 1, self.shares + share, time

    def flicker(self) -> tuple[float | None, float | None]:
        """The flicker of the network's masks and of those of all frames; None where it is not measured."""
        if self._flicker is None:
            return None, None
        before, after = self._flicker
        return before.values()[0], after.values()[0]

    def reached(self, frame: Frame) -> State:
        """The state of filter, choice and flicker after this frame, the last that filtered has seen."""
        state = {f"steady.{name}": value for name, value in self._steady.state().items()}
        state |= {f"people.{name}": value for name, value in self._follower.state().items()}
        state |= {} if self._trust is None else {"trust": self._trust}
        for number, flicker in enumerate(self._flicker or ()):
            state |= {f"flicker{number}.{name}": value for name, value in flicker.state().items()}
        state |= {f"recent.{number}": mask for number, mask in enumerate(self._recent)}
        return state | {"digest": np.array(_digest(frame.image))}

    def counts(self, warnings: Iterable[str]) -> State:
        """The counts so far and the warnings."""
        told = list(dict.fromkeys((*self.warnings, *warnings)))
        counts = {"frames": np.array(self.frames), "shares": np.array(self.shares)}
        return counts | {"time": np.array(str(self.time)), "warnings": np.array(told, np.str_)}

    def restore(self, state: State) -> None:
        """Continues from the state and the counts of an earlier process."""
        if not state:
            return
        self.frames, self.shares = int(state["frames"]), float(state["shares"])
        self.time, self.warnings = Fraction(str(state["time"])), [str(one) for one in state["warnings"]]
        self._digest = str(state["digest"])
        self._steady.restore(_part(state, "steady."))
        self._follower.restore(_part(state, "people."))
        self._recent.extend(_part(state, "recent.").values())
        self._trust = state.get("trust")
        if "flicker0.sums" not in state:
            self._flicker = None  # not measured from the beginning, so not at all
        for number, flicker in enumerate(self._flicker or ()):
            flicker.restore(_part(state, f"flicker{number}."))

    def is_last(self, frame: Frame | None) -> bool:
        """Whether this is the last frame that an earlier process finished."""
        return frame is not None and frame.time == self.time and _digest(frame.image) == self._digest


def _part(state: State, prefix: str) -> State:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _digest(image: Image) -> str:
    return sha256(image.tobytes()).hexdigest()
