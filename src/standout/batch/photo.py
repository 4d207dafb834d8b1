"""One photo, start to end: read, find the people, edit, encode, write.

Task     what to read and what to write (plan.py)
Outcome  what the photo was, and what there is to say about it
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeAlias

from standout import images
from standout.batch import audit
from standout.batch.gathering import gathered
from standout.batch.plan import STREAM, Task
from standout.editing import Edit
from standout.effects.compose import before_white
from standout.errors import InputError, OutputError, UnreadableImage
from standout.masks.confidence import NOBODY, judged
from standout.masks.full_size import full_size
from standout.support.atomic import write_atomic
from standout.support.system import keep_little_memory, release_memory
from standout.types import Judged, Mask, PersonFinder, Photo

MaskSource: TypeAlias = Callable[[Task, Photo], "Mask | Judged"]
"""Where a photo's mask (H, W) comes from: the model (by_model), or a file (hand_masks.by_hand).

Only a source that can tell how far the mask can be trusted gives a Judged."""


@dataclass(frozen=True)
class Outcome:
    """The size in pixels, the share that is person (0..1), and warnings.

    confidence: the Dice to be expected of the mask, 0..1; of a clip, the mean over its frames. nobody: the probability
    that nobody is there, 0..1; of a clip, the least of its frames. least_confidence: of a clip's frames. These three
    are None where the model cannot tell them.

    frames: of a clip; None for a photo. flicker_before, flicker_after: of a clip's masks, before and after the temporal
    filter (metrics.flicker), where it was measured. audit: where people were hidden; see audit.py.
    """

    width: int
    height: int
    person_share: float
    warnings: tuple[str, ...] = ()
    frames: int | None = None
    flicker_before: float | None = None
    flicker_after: float | None = None
    confidence: float | None = None
    nobody: float | None = None
    least_confidence: float | None = None
    audit: dict[str, Any] | None = None


@dataclass(frozen=True)
class PhotoOptions:
    """How photos are read and written.

    quality: 1 to 100, of formats that have one; None = the format's default. metadata: of the EXIF block, "keep" leaves
    out the place, "strip" all, "all" nothing; None = "keep", or "strip" where people are hidden. max_pixels: larger
    photos are refused; None = no limit.
    """

    quality: int | None = None
    metadata: Literal["keep", "strip", "all"] | None = None
    max_pixels: int | None = images.MAX_PIXELS
    overwrite: bool = False


@dataclass(frozen=True)
class PhotoJob:
    """What is done with each photo; call it with a Task. Safe to share between threads.

    model: the name of what finds the people and its fingerprint, for the record where people are hidden. read: gives
    the photo of a task; None = read_photo.

    Raises InputError for an edit that photos cannot have: a clip behind the people.
    """

    masks: MaskSource
    edit: Edit
    options: PhotoOptions = PhotoOptions()
    model: str = ""
    read: Callable[[Task], Photo] | None = None

    def __post_init__(self) -> None:
        """See the class."""
        if self.edit.effect.moves:
            names = ", ".join(str(path) for path in self.edit.effect.files().values())
            raise InputError(f"background {names} is a clip, which goes behind clips alone; give a picture")

    def __call__(self, task: Task) -> Outcome:
        """Does the task and writes its target. Raises InputError, or what the source of the mask raises."""
        data, outcome = self.encoded(task, self._photo(task))
        if task.target == STREAM:
            _to_stdout(data)
        else:
            write_atomic(task.target, data, overwrite=self.options.overwrite)
        return outcome

    def _photo(self, task: Task) -> Photo:
        return self.read(task) if self.read else read_photo(task, max_pixels=self.options.max_pixels)

    def encoded(self, task: Task, photo: Photo) -> tuple[bytes, Outcome]:
        """The bytes of the file to write, and what the photo was. Raises what the source of the mask raises."""
        options, effect = self.options, self.edit.effect
        found = self.masks(task, photo)
        if not isinstance(found, Judged):
            found = Judged(found)
        edited = self.edit.of_photo(photo, found.mask)
        picture, share = edited.picture, edited.person_share
        height, width = photo.image.shape[:2]
        warnings = (*photo.warnings, *(("nobody found",) if share < NOBODY else ()))
        outcome = Outcome(width, height, share, warnings, confidence=found.confidence, nobody=found.nobody)
        meta = self.edit.kept(photo.meta) if options.metadata is None or effect.is_mask else photo.meta
        hidden = partial(audit.of_photo, self.edit, edited, photo.image) if effect.hides_people else None
        del photo, found, edited  # their memory is the encoder's now
        if not effect.is_transparent and not images.WRITERS[task.suffix].alpha:
            picture = before_white(picture)
        policy = options.metadata or "keep"
        data = images.encode(picture, task.suffix, meta=meta, quality=options.quality, metadata=policy)
        if hidden is None:
            return data, outcome
        record = hidden(data=data, model=self.model)
        return data, replace(outcome, warnings=(*warnings, *audit.warnings(record)), audit=record)


def read_photo(task: Task, *, max_pixels: int | None) -> Photo:
    """The photo to work on, from its file or from standard input. Raises what images.read raises."""
    return images.read(_stdin() if task.source == STREAM else task.source, max_pixels=max_pixels)


def by_model(finder: PersonFinder, *, refine: bool = True) -> MaskSource:
    """Masks from the model, which a GPU makes of several photos at once. refine: edges are drawn to the photo's.

    A model that can tell how far its masks can be trusted tells that of each.
    """
    gathering = gathered(finder)

    def find(task: Task, photo: Photo) -> Judged:
        found = judged(gathering.probability(photo.image), finder)
        return replace(found, mask=full_size(found.mask, photo.image, refined=refine))

    return find


def by_model_once(finder: PersonFinder, *, refine: bool = True) -> MaskSource:
    """The mask of a single photo, as by_model makes it.

    Full-size work needs the most memory, so that of the model is given back before, and that of refining after it.
    """
    keep_little_memory()
    kept = [finder]

    def find(task: Task, photo: Photo) -> Judged:
        found = _seen(kept.pop(), photo)
        release_memory()
        found = replace(found, mask=full_size(found.mask, photo.image, refined=refine))
        release_memory()
        return found

    return find


def _seen(finder: PersonFinder, photo: Photo) -> Judged:
    """The network's own mask, and how far it can be trusted."""
    return judged(finder.probability(photo.image), finder)


def _to_stdout(data: bytes) -> None:
    """Writes the data. Raises BrokenPipeError where nobody reads any more, OutputError where it cannot be written."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output cannot be written ({error.strerror}); name a file: -o out.png") from error


def _stdin() -> bytes:
    """Everything on standard input. Raises UnreadableImage when there is nothing."""
    data = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    if not data:
        raise UnreadableImage("standard input is empty; pipe a picture in: standout cut - < photo.jpg > cut.png")
    return data
