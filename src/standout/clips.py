"""One clip, start to end: decode, find, steady, effect, encode, all at the same time.

    Task -> Outcome
    frame    Frame            as decoded, no larger than asked for
    coarse   float32 (h, w)   the network's own mask of it, steadied over time
    picture  Picture          what is encoded

Frames are a stream: at no time are more than about a dozen of them in memory, whatever the clip's length.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from threading import Event, Lock
from typing import Literal, Protocol, TypeAlias

import numpy as np

from standout import masks, video
from standout.errors import InputError, OutputError, StandoutError
from standout.overlap import ahead, in_order
from standout.pixels import resize
from standout.plan import Task
from standout.steady import Steady
from standout.types import Frame, Image, Mask, Picture
from standout.work import NOBODY, Outcome

Scene: TypeAlias = Callable[[Image, Mask, Fraction], Picture]
"""An effect that may move: it is told the frame's time, in seconds from the first one's."""

Advance: TypeAlias = Callable[[int, int | None], None]
"""Told how many frames are done, and of how many, where that is known."""


class Finds(Protocol):
    """What finds people in a frame: a Segmenter, or a fake of three lines."""

    def probability(self, image: Image) -> Mask:
        """The network's own mask of the whole image, small."""


@dataclass(frozen=True)
class Excerpt:
    """Which part of a clip, and how.

    start, end: in seconds; end None = to the end. rate: constant frames a second instead of the clip's own times.
    max_side: frames are scaled down to it; None = as they are.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    rate: Fraction | None = None
    max_side: int | None = None


@dataclass(frozen=True)
class ClipWork:
    """What is done with each clip; call it with a Task. Clips go one at a time: each uses all cores.

    half_life: of the steadying, in seconds; 0 = off. workers: frames finished at once. stop: once set, the clip in work
    is given up, and nothing of it stays. Other fields as in work.Work.
    """

    finds: Finds
    scene: Callable[[], Scene]
    half_life: float
    excerpt: Excerpt = Excerpt()
    keep: Literal["all", "largest"] = "all"
    feather: float = 0.0
    refine: bool = True
    alpha: bool = False
    grey: bool = False
    codec: str | None = None
    quality: int | None = None
    sound: bool = True
    overwrite: bool = False
    workers: int = 2
    advance: Advance = lambda done, total: None
    stop: Event = field(default_factory=Event)
    _one_at_a_time: Lock = field(default_factory=Lock)

    def __call__(self, task: Task) -> Outcome:
        """The task done, its target written.

        Raises InputError for a clip that cannot be read, or that fails on the way, naming frame and time; OutputError
        where it cannot be written.
        """
        with self._one_at_a_time, video.open_clip(task.source) as clip:
            start = self.excerpt.start
            if clip.duration is not None and start >= clip.duration:
                lasts = f"{task.source} lasts {float(clip.duration):.2f} s"
                raise InputError(f"{lasts}, so there is nothing from {float(start):g} s on; start earlier")
            height, width = _no_larger(clip.height, clip.width, self.excerpt.max_side)
            writer = video.Writer(
                task.target, clip, height=height, width=width, alpha=self.alpha, grey=self.grey,
                codec=self.codec, quality=self.quality, rate=self.excerpt.rate, start=self.excerpt.start,
                end=self.excerpt.end, sound=self.sound, overwrite=self.overwrite, threads=self.workers + 1,
            )  # fmt: skip
            with writer:
                shares = self._write(task, clip, writer, (height, width))
            share = float(np.mean(shares))
            nobody = ("nobody found",) if share < NOBODY else ()
            return Outcome(width, height, share, (*clip.warnings, *writer.notes, *nobody), len(shares))

    def _write(self, task: Task, clip: video.Clip, writer: video.Writer, size: tuple[int, int]) -> list[float]:
        """Every picture into the writer; the share of each that is person."""
        shares: list[float] = []
        total, time = _count(clip, self.excerpt), Fraction(0)
        pictures = self._pictures(clip, size)
        try:
            for picture, share, time in pictures:
                if self.stop.is_set():
                    raise InputError("interrupted; nothing is kept of it")
                writer.add(picture, time)
                shares.append(share)
                self.advance(len(shares), total)
        except OutputError:
            raise
        except Exception as error:  # whatever it is, it must tell where in the clip
            known = isinstance(error, StandoutError)
            reason = str(error) if known else f"{type(error).__name__}: {error} (STANDOUT_DEBUG=1 tells more)"
            where = f"{task.source}, after {len(shares)} frames, at {float(self.excerpt.start + time):.2f} s"
            raise InputError(f"{where}: {reason}") from error
        finally:
            pictures.close()
        if not shares:
            raise InputError(f"{task.source} holds no frame there that can be read")
        return shares

    def _pictures(
        self, clip: video.Clip, size: tuple[int, int]
    ) -> Generator[tuple[Picture, float, Fraction], None, None]:
        """(picture, share of it that is person, time) of each frame, every step in threads of its own."""
        part, steady, scene = self.excerpt, Steady(self.half_life), self.scene()
        frames = ahead(_scaled(clip.frames(start=part.start, end=part.end, rate=part.rate), size))

        def found() -> Iterator[tuple[Frame, Mask]]:
            for frame in frames:
                yield frame, steady(self.finds.probability(frame.image), frame.image, frame.time)

        def finish(one: tuple[Frame, Mask]) -> tuple[Picture, float, Fraction]:
            frame, coarse = one
            mask = self._mask(coarse, frame.image)
            return scene(frame.image, mask, frame.time), float(mask.mean()), frame.time

        masked = ahead(found())
        try:
            yield from in_order(masked, finish, workers=self.workers)
        finally:
            masked.close()
            frames.close()

    def _mask(self, coarse: Mask, image: Image) -> Mask:
        mask = masks.refine(coarse, image) if self.refine else resize(coarse, *image.shape[:2])
        if self.keep == "largest":
            mask = masks.keep_largest(mask)
        return masks.feather(mask, self.feather)


def _no_larger(height: int, width: int, most: int | None) -> tuple[int, int]:
    """The size scaled down to most on its longer side, in even numbers where it is scaled.

    >>> _no_larger(1080, 1920, 1280), _no_larger(481, 640, 1000)
    ((720, 1280), (481, 640))
    """
    if most is None or max(height, width) <= most:
        return height, width
    scale = most / max(height, width)
    return max(2, 2 * round(height * scale / 2)), max(2, 2 * round(width * scale / 2))


def _scaled(frames: Iterator[Frame], size: tuple[int, int]) -> Iterator[Frame]:
    for frame in frames:
        same = frame.image.shape[:2] == size
        yield frame if same else Frame(resize(frame.image, *size), frame.time)


def _count(clip: video.Clip, part: Excerpt) -> int | None:
    """How many frames there will be, about; None where the clip does not say."""
    if clip.duration is None:
        return clip.count if part == Excerpt() else None
    length = min(clip.duration, part.end if part.end is not None else clip.duration) - part.start
    return max(1, round(length * (part.rate or clip.rate)))


def moving(path: Path, *, put: Callable[[Image, Mask, Image], Picture]) -> Scene:
    """A scene whose background is another clip, from its beginning, over and over where it is shorter.

    put: image, mask and background -> picture. Frames are taken in the order of their times.
    """
    lock = Lock()

    def frames() -> Iterator[tuple[Fraction, Image]]:
        begun = Fraction(0)
        while True:
            with video.open_clip(path) as clip:
                last = None
                for frame in clip.frames():
                    last = frame.time
                    yield begun + frame.time, frame.image
                if last is None:
                    raise InputError(f"background {path} holds no frame that can be read; give another clip")
                begun += last + 1 / clip.rate

    feed = ahead(frames(), depth=2)
    held: list[tuple[Fraction, Image]] = [next(feed)]

    def scene(image: Image, mask: Mask, time: Fraction) -> Picture:
        with lock:
            while held[-1][0] <= time:
                held.append(next(feed))
            del held[: max(0, len(held) - KEPT)]
            behind = next((one for shown, one in reversed(held) if shown <= time), held[0][1])
        return put(image, mask, behind)

    return scene


KEPT = 16
"""Background frames held, since frames are finished several at once and a little out of turn."""
