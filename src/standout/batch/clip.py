"""One clip, start to end: decode, find the people, filter over time, edit, encode, all at the same time.

    Task -> Outcome
    frame    Frame            as decoded, no larger than asked for
    coarse   float32 (h, w)   the network's own mask of it, filtered over time
    picture  Picture          what is encoded
    state    {name: array}    what must be known of the frames before, to go on after the last frame of a chunk

Frames are a stream: at no time are more than about a dozen of them in memory, whatever the clip's length.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from standout import video
from standout.batch import audit
from standout.batch.clip_pictures import WHOLE, Excerpt, Pictures, pictures
from standout.batch.clip_state import ClipState
from standout.batch.photo import Outcome
from standout.batch.plan import Task
from standout.editing import Edit
from standout.editing.placement import Placement
from standout.errors import InputError, OutputError, StandoutError
from standout.lengths import Size
from standout.masks.confidence import NOBODY
from standout.masks.temporal import HALF_LIFE
from standout.masks.window import widest
from standout.segmenter import side_seen_by
from standout.support.pipeline import ahead, in_order
from standout.support.version import __version__
from standout.types import Frame, Mask, PersonFinder, Picture, Planes

if TYPE_CHECKING:
    from standout.video.write.chunk_store import State

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the number of frames done and the number of all frames, or None where that is not known."""

Made: TypeAlias = "tuple[Picture | Planes, float, Fraction, State]"
"""The picture of a frame, the share of it that is person, its time, and the state after a chunk's last frame, or {}."""

CHUNK = 1800
"""Frames of a chunk, a minute of many clips: no more than that is lost when a resumable job is stopped."""


@dataclass(frozen=True)
class ClipOptions:
    """How clips are read and written.

    excerpt: the part that is worked on. half_life: of the temporal filter, in seconds; 0 switches it off. every_frame:
    the network sees every frame, where otherwise masks are carried along through frames that can be followed well.
    codec, quality (1 to 100): those of the result; None takes the container's default. sound: whether it is kept.
    overwrite: whether an existing result is replaced. resume: the job is done in chunks, and continues after those that
    an earlier process finished. chunk: frames of a chunk; None = CHUNK. measure: whether flicker is measured. workers:
    how many frames are finished at once.
    """

    excerpt: Excerpt = WHOLE
    half_life: float = HALF_LIFE
    every_frame: bool = False
    codec: str | None = None
    quality: int | None = None
    sound: bool = True
    overwrite: bool = False
    resume: bool = False
    chunk: int | None = None
    measure: bool = False
    workers: int = 2


@dataclass(frozen=True)
class ClipJob:
    """What is done with each clip; call it with a Task. It works on one clip at a time, since each uses all cores.

    finder: what finds the people. seen_by: a description of that model, so that another model does not continue a job
    that this one began. progress: called after each frame. stop: once it is set, the clip in work is given up, and only
    finished chunks of it stay.

    Raises InputError for an edit that clips cannot have, such as a crop to the people.
    """

    finder: PersonFinder
    edit: Edit
    options: ClipOptions = ClipOptions()
    seen_by: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = lambda done, total: None
    stop: Event = field(default_factory=Event)
    _one_at_a_time: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """See the class."""
        if names := self.edit.for_photos_alone():
            raise InputError(f"clips cannot have {', '.join(names)}, for people move; leave it out, or edit photos")

    def __call__(self, task: Task) -> Outcome:
        """Does the task and writes its target.

        Raises InputError for a clip that cannot be read or that fails on the way, naming frame and time; OutputError
        where the target cannot be written, or where the beginning of another job stands in the way.
        """
        options, effect = self.options, self.edit.effect
        with self._one_at_a_time, video.open_clip(task.source) as clip:
            start = options.excerpt.start
            if clip.duration is not None and start >= clip.duration:
                lasts = f"{task.source} lasts {float(clip.duration):.2f} s"
                raise InputError(f"{lasts}, so there is nothing from {float(start):g} s on; start earlier")
            height, width = _no_larger(clip.height, clip.width, options.excerpt.max_side)
            size = self.edit.placement.size(width, height)
            height, width = size.height, size.width
            clear = self._stays_transparent(clip, task.target)
            written = video.WriteOptions(
                height=height, width=width, alpha=effect.is_transparent or clear, gray=effect.is_mask,
                codec=options.codec, quality=options.quality, rate=options.excerpt.rate, start=start,
                end=options.excerpt.end, sound=options.sound, overwrite=options.overwrite, threads=options.workers + 1,
                private=effect.hides_people,
            )  # fmt: skip
            writer = video.Writer(task.target, clip, written, job=self._words(task.source))
            with writer:
                state = ClipState(
                    options.half_life, self.finder, measure=options.measure, follower=self.edit.follower(),
                    hiding=effect.hides_people, every_frame=options.every_frame,
                )  # fmt: skip
                state.restore(writer.state)
                if not video.is_known(clip.colors):
                    codes = f"{clip.colors.primaries}, {clip.colors.transfer}"
                    clip.warnings.append(f"states its colors by codes that are not known ({codes}): taken for sRGB")
                wanted = video.PlanarSize((height, width), side_seen_by(self.finder))
                made = pictures(clip, self.edit, options.excerpt, wanted, clear=clear, takes_planes=writer.takes_planes)
                placement = self.edit.placement.of_frames(Size(clip.width, clip.height), Size(width, height))
                self._write(task, clip, writer, state, self._pictures(made, state, placement))
            share = state.shares / state.frames
            warnings = [*state.warnings, *clip.warnings, *writer.notes]
            warnings += ["nobody found"] if share < NOBODY else []
            record = None
            if effect.hides_people:
                warnings += audit.voices(clip, task.target) if options.sound else ()
                record = audit.of_clip(self.edit, share, task.target, model=self.seen_by.get("model", ""))
                warnings += audit.warnings(record)
            told = tuple(dict.fromkeys(warnings))
            return Outcome(width, height, share, told, state.frames, *state.flicker(), *state.trust(), audit=record)

    def _words(self, source: Path) -> dict[str, str] | None:
        """Everything that changes the job's result, as text; None where the job is not to be resumed."""
        if not self.options.resume:
            return None
        options = asdict(self.options.excerpt) | {name: getattr(self.options, name) for name in _CHANGING}
        words = {name: str(value) for name, value in (_flat(self.edit.to_dict()) | options).items()}
        for name, path in self.edit.effect.files().items():
            words |= identity(name, path)
        return {"standout": __version__} | identity("source", source) | words | dict(self.seen_by)

    def _stays_transparent(self, clip: video.Clip, target: Path) -> bool:
        """Whether the clip's own transparency goes into the target."""
        kind = video.CONTAINERS.get(target.suffix.lower() or ".frames")
        return (
            self.edit.effect.keeps_transparency
            and clip.alpha
            and kind is not None
            and self.options.codec in (None, kind.see_through)
            and kind.alpha
        )

    def _write(
        self, task: Task, clip: video.Clip, writer: video.Writer, state: ClipState, made: Generator[Made, None, None]
    ) -> None:
        """Gives every picture to the writer, and updates the state."""
        total = _count(clip, self.options.excerpt)
        after: State = {}
        try:
            for picture, share, time, reached in made:
                if self.stop.is_set():
                    nothing = "nothing is kept of it, as it would be with --resume"
                    raise InputError(
                        f"interrupted; {nothing if not self.options.resume else 'the same command goes on'}"
                    )
                if after:
                    writer.keep(time, after)
                writer.add(picture, time)
                state.add(share, time)
                after = reached and reached | state.counts(clip.warnings)
                self.progress(state.frames, total)
        except OutputError:
            raise
        except Exception as error:  # whatever it is, it must tell where in the clip
            known = isinstance(error, StandoutError)
            reason = str(error) if known else f"{type(error).__name__}: {error} (STANDOUT_DEBUG=1 tells more)"
            where = (
                f"{task.source}, after {state.frames} frames, at {float(self.options.excerpt.start + state.time):.2f} s"
            )
            raise InputError(f"{where}: {reason}") from error
        finally:
            made.close()
        if not state.frames:
            raise InputError(f"{task.source} holds no frame there that can be read")

    def _pictures(self, made: Pictures, state: ClipState, placement: Placement) -> Generator[Made, None, None]:
        """What is made of each frame, every step in threads of its own. placement: that of the pictures."""
        first, chunk = state.frames + 1, self.options.chunk or CHUNK
        frames, seen_by = ahead(self._frames(made, state)), self.edit.finder(self.finder)

        def found() -> Iterator[tuple[tuple[Frame, State], Mask]]:
            for number, (frame, coarse) in enumerate(state.found(frames, seen_by), first):
                edit.effect.look_up(frame.time)
                reached = state.reached(frame) if self.options.resume and number % chunk == 0 else {}
                yield (frame, reached), coarse

        def finish(one: tuple[tuple[Frame, State], Mask]) -> Made:
            (frame, reached), coarse = one
            picture, share = made.finished(edit, frame, coarse)
            return picture, share, frame.time, reached

        masked = ahead(widest(found(), before=state.recent) if self.edit.effect.hides_people else found())
        with replace(self.edit, placement=placement).begun() as edit:
            try:
                yield from in_order(masked, finish, workers=self.options.workers)
            finally:
                masked.close()
                frames.close()

    def _frames(self, made: Pictures, state: ClipState) -> Iterator[Frame]:
        """The frames after those that are done.

        That the file was read on in the right place is seen by the last of these; where it was not, everything before
        is decoded once more.
        """
        for seek in (True, False):
            frames = made.frames(onward=state.time, seek=seek)
            if not state.frames:
                return frames
            if state.is_last(next(frames, None)):
                return frames
            frames.close()
        raise InputError("the clip's frames are not the same as before; delete the folder of chunks, to begin anew")


_CHANGING = ("half_life", "every_frame", "codec", "quality", "sound")
"""Fields of ClipOptions that change the result, beside the excerpt."""


def _flat(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An edit's fields under one name each, as on the command line.

    >>> _flat({"effect": {"name": "blur", "strength": 0.5}, "edge": {"feather": 0.0}})
    {'effect': 'blur', 'strength': 0.5, 'feather': 0.0}
    """
    flat = {name: value for part in values.values() for name, value in part.items()}
    return {"effect": flat.pop("name")} | flat


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


def _count(clip: video.Clip, part: Excerpt) -> int | None:
    """How many frames there will be, about; None where the clip does not say."""
    if clip.duration is None:
        return clip.count if part == WHOLE else None
    length = min(clip.duration, part.end if part.end is not None else clip.duration) - part.start
    return max(1, round(length * (part.rate or clip.rate)))
