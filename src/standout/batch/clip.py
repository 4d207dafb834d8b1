"""One clip, start to end: decode, find, steady, effect, encode, all at the same time.

    Task -> Outcome
    frame    Frame            as decoded, no larger than asked for
    coarse   float32 (h, w)   the network's own mask of it, steadied over time
    picture  Picture          what is encoded
    state    {name: array}    what must be known of the frames before, to go on after the last frame of a chunk

Frames are a stream: at no time are more than about a dozen of them in memory, whatever the clip's length.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np

from standout import __version__, video
from standout.batch.clip_state import Past
from standout.batch.photo import NOBODY, Outcome
from standout.batch.plan import Task
from standout.effects import compose
from standout.effects.compose import before_white
from standout.effects.scenes import LooksUp, Scene, begun
from standout.effects.scenes import Moving as Moving
from standout.effects.scenes import moving as moving
from standout.errors import InputError, OutputError, StandoutError
from standout.masks.full_size import full_size
from standout.masks.letterbox import resize
from standout.support.pipeline import ahead, in_order
from standout.types import Frame, Image, Mask, Picture

if TYPE_CHECKING:
    from standout.video.write.chunk_store import State

Advance: TypeAlias = Callable[[int, int | None], None]
"""Told how many frames are done, and of how many, where that is known."""


class Finds(Protocol):
    """What finds people in a frame: a Segmenter, or a fake of three lines."""

    def probability(self, image: Image) -> Mask:
        """The network's own mask of the whole image, small."""


WHITENED = "is transparent, which became white: use .mov, .webm, .webp, .gif or .frames to keep it"

CHUNK = 1800
"""Frames of a chunk, a minute of many clips: no more than that is lost when a work that may be resumed is stopped."""


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

    half_life: of the steadying, in seconds; 0 = off. alpha: the scene's pictures are RGBA. see_through: transparency of
    the clip itself stays in the result, or becomes white where the format has none (else the effect has already filled
    it). workers: frames finished at once. stop: once set, the clip in work
    is given up, and nothing of it stays but finished chunks. resume: what finds and scene are, in words; with it, the
    work is done in chunks, and goes on after those that were finished earlier. measure: flicker is told. Other fields
    as in work.Work.
    """

    finds: Finds
    scene: Callable[[], Scene]
    half_life: float
    excerpt: Excerpt = Excerpt()
    keep: Literal["all", "largest"] = "all"
    feather: float = 0.0
    refine: bool = True
    alpha: bool = False
    see_through: bool = False
    grey: bool = False
    codec: str | None = None
    quality: int | None = None
    sound: bool = True
    overwrite: bool = False
    resume: Mapping[str, str] | None = None
    measure: bool = False
    workers: int = 2
    advance: Advance = lambda done, total: None
    stop: Event = field(default_factory=Event)
    _one_at_a_time: Lock = field(default_factory=Lock)

    def __call__(self, task: Task) -> Outcome:
        """The task done, its target written.

        Raises InputError for a clip that cannot be read, or that fails on the way, naming frame and time; OutputError
        where it cannot be written, or where another work was begun that this one cannot go on with.
        """
        with self._one_at_a_time, video.open_clip(task.source) as clip:
            start = self.excerpt.start
            if clip.duration is not None and start >= clip.duration:
                lasts = f"{task.source} lasts {float(clip.duration):.2f} s"
                raise InputError(f"{lasts}, so there is nothing from {float(start):g} s on; start earlier")
            height, width = _no_larger(clip.height, clip.width, self.excerpt.max_side)
            clear = self._stays_clear(clip, task.target)
            options = video.WriteOptions(
                height=height, width=width, alpha=self.alpha or clear, gray=self.grey, codec=self.codec,
                quality=self.quality, rate=self.excerpt.rate, start=self.excerpt.start, end=self.excerpt.end,
                sound=self.sound, overwrite=self.overwrite, threads=self.workers + 1,
            )  # fmt: skip
            writer = video.Writer(task.target, clip, options, job=self._job(task.source))
            with writer:
                past = Past(self.half_life, measure=self.measure)
                past.restore(writer.state)
                if not video.is_known(clip.colors):
                    codes = f"{clip.colors.primaries}, {clip.colors.transfer}"
                    clip.warnings.append(f"tells its colors by codes that are not known ({codes}): taken for sRGB")
                self._write(task, clip, writer, past, (height, width), clear=clear)
            share = past.shares / past.frames
            nobody = ("nobody found",) if share < NOBODY else ()
            warnings = dict.fromkeys((*past.warnings, *clip.warnings, *writer.notes, *nobody))
            return Outcome(width, height, share, tuple(warnings), past.frames, *past.flicker())

    def _job(self, source: Path) -> dict[str, str] | None:
        """What the work is, in words: all that changes its result."""
        if self.resume is None:
            return None
        fields = asdict(self.excerpt) | {name: getattr(self, name) for name in _CHANGING}
        words = {name: str(value) for name, value in fields.items()}
        return {"standout": __version__} | identity("source", source) | words | dict(self.resume)

    def _stays_clear(self, clip: video.Clip, target: Path) -> bool:
        """Whether the clip's own transparency goes into the target."""
        kind = video.CONTAINERS.get(target.suffix.lower() or ".frames")
        return (
            self.see_through
            and clip.alpha
            and kind is not None
            and self.codec in (None, kind.see_through)
            and kind.alpha
        )

    def _write(
        self, task: Task, clip: video.Clip, writer: video.Writer, past: Past, size: tuple[int, int], *, clear: bool
    ) -> None:
        """Every picture into the writer, and what is known of it into the past."""
        total = _count(clip, self.excerpt)
        pictures = self._pictures(clip, past, size, clear=clear)
        state: State = {}
        try:
            for picture, share, time, after in pictures:
                if self.stop.is_set():
                    nothing = "nothing is kept of it, as it would be with --resume"
                    raise InputError(f"interrupted; {nothing if self.resume is None else 'the same command goes on'}")
                if state:
                    writer.keep(time, state)
                writer.add(picture, time)
                past.add(share, time)
                state = after and after | past.counts(clip.warnings)
                self.advance(past.frames, total)
        except OutputError:
            raise
        except Exception as error:  # whatever it is, it must tell where in the clip
            known = isinstance(error, StandoutError)
            reason = str(error) if known else f"{type(error).__name__}: {error} (STANDOUT_DEBUG=1 tells more)"
            where = f"{task.source}, after {past.frames} frames, at {float(self.excerpt.start + past.time):.2f} s"
            raise InputError(f"{where}: {reason}") from error
        finally:
            pictures.close()
        if not past.frames:
            raise InputError(f"{task.source} holds no frame there that can be read")

    def _pictures(
        self, clip: video.Clip, past: Past, size: tuple[int, int], *, clear: bool
    ) -> Generator[tuple[Picture, float, Fraction, State], None, None]:
        """(picture, share of it that is person, time, state) of each frame, every step in threads of its own.

        state: of a chunk's last frame; empty for others.
        """
        first = past.frames + 1
        frames = ahead(self._frames(clip, past, size))

        def found() -> Iterator[tuple[Frame, Mask, State]]:
            for number, frame in enumerate(frames, first):
                coarse = past.steadied(self.finds.probability(frame.image), frame)
                if isinstance(scene, LooksUp):
                    scene.look_up(frame.time)
                yield frame, coarse, past.state(frame) if self.resume is not None and number % CHUNK == 0 else {}

        def finish(one: tuple[Frame, Mask, State]) -> tuple[Picture, float, Fraction, State]:
            frame, coarse, state = one
            mask = full_size(coarse, frame.image, refined=self.refine, keep=self.keep, feathered=self.feather)
            share = float(mask.mean())
            if frame.alpha is not None:
                mask = np.minimum(mask, frame.alpha)
            picture = scene(frame.image, mask, frame.time)
            if self.see_through and clip.alpha:
                alpha = np.ones_like(mask) if frame.alpha is None else frame.alpha
                picture = compose.with_alpha(picture, alpha)
                picture = picture if clear else before_white(picture)
                if not clear and alpha.min() < 1 and WHITENED not in clip.warnings:
                    clip.warnings.append(WHITENED)
            return picture, share, frame.time, state

        masked = ahead(found())
        with begun(self.scene, colors=clip.colors) as scene:
            try:
                yield from in_order(masked, finish, workers=self.workers)
            finally:
                masked.close()
                frames.close()

    def _frames(self, clip: video.Clip, past: Past, size: tuple[int, int]) -> Iterator[Frame]:
        """The frames after those that are done.

        That the file was read on in the right place is seen by the last of these; where it was not, everything before
        is decoded once more.
        """
        part = self.excerpt
        for seek in (True, False):
            read = clip.frames(start=part.start, end=part.end, rate=part.rate, onward=past.time, seek=seek)
            frames = _scaled(read, size)
            if not past.frames:
                return frames
            if past.is_last(next(frames, None)):
                return frames
            read.close()
        raise InputError("the clip's frames are not the same as before; delete the folder of chunks, to begin anew")


_CHANGING = ("half_life", "keep", "feather", "refine", "alpha", "grey", "codec", "quality", "sound")
"""Fields of ClipWork that change its result."""


def identity(name: str, path: Path) -> dict[str, str]:
    """Which file it is, in words, without reading it. Raises InputError when there is none."""
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{name} {path} does not exist, or cannot be looked at ({error.strerror})") from None
    return {name: path.name, f"{name}'s bytes": str(status.st_size), f"{name}'s time": str(status.st_mtime_ns)}


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
        if frame.image.shape[:2] == size:
            yield frame
        else:
            alpha = None if frame.alpha is None else resize(frame.alpha, *size)
            yield Frame(resize(frame.image, *size), frame.time, alpha)


def _count(clip: video.Clip, part: Excerpt) -> int | None:
    """How many frames there will be, about; None where the clip does not say."""
    if clip.duration is None:
        return clip.count if part == Excerpt() else None
    length = min(clip.duration, part.end if part.end is not None else clip.duration) - part.start
    return max(1, round(length * (part.rate or clip.rate)))
