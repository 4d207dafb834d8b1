"""One line of Python for each effect: a photo, a clip or a folder in, a picture or files out.

    photo   path, bytes, PIL image, Photo as read() gives it, or array (H, W), (H, W, 3), (H, W, 4) uint8 or uint16
    mask    array (H, W), or path, bytes or PIL image of a mask; None = the model finds the people first
    model   name, path, or a Segmenter
    edit    an Edit, or an effect alone
    result  PhotoArray: uint8 or uint16 (H, W, 3) RGB or (H, W, 4) RGBA that remembers the photo's metadata for write()

Any effect works by edit(). To give one a function of its own here: call edit() as blur() does, and name it in
__init__._FACE.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace as replaced
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from standout import images
from standout.editing import Edge, Edit
from standout.editing.people import group_of, told_apart
from standout.effects import Anonymize, Blur, Color, Cut, Effect, How, Replace
from standout.errors import InputError, OutputExists
from standout.images import PhotoArray, remembering
from standout.images.mask_given import given_mask
from standout.images.photo_given import given_photo
from standout.masks.confidence import judged
from standout.masks.full_size import full_size
from standout.masks.people.found import Person
from standout.models.registry import DEFAULT
from standout.segmenter import Segmenter
from standout.types import Judged, Mask, PersonFinder, Photo

if TYPE_CHECKING:
    import PIL.Image

    from standout.batch.bulk.run import BulkSummary
    from standout.batch.clip import ClipOptions
    from standout.batch.ledger import Result
    from standout.batch.photo import Outcome
    from standout.batch.run import Summary
    from standout.images.photo_given import Input

    MaskInput: TypeAlias = str | Path | bytes | NDArray[Any] | PIL.Image.Image
    Model: TypeAlias = str | Path | PersonFinder


def segment(photo: Input, *, model: Model = DEFAULT, device: str = "auto", refine: bool = True) -> Mask:
    """The share of each pixel that is person, 0..1, at the photo's own size.

    The model stays loaded for the next call; for a choice of threads or runtime, give a Segmenter.

    >>> segment(np.zeros((40, 30, 3), np.uint8)).shape
    (40, 30)
    """
    return _found(given_photo(photo), None, model, device=device, edit=Edit(edge=Edge(refine=refine)))


def find(photo: Input, *, model: Model = DEFAULT, device: str = "auto", refine: bool = True) -> Judged:
    """The mask that segment gives, the Dice to be expected of it, and the probability that nobody is there.

    Both figures are None where the model cannot tell them.

    >>> found = find(np.zeros((40, 30, 3), np.uint8))
    >>> found.mask.shape, found.nobody > 0.5
    ((40, 30), True)
    """
    opened, finder = given_photo(photo), _segmenter(model, device)
    told = judged(finder.probability(opened.image), finder)
    mask = full_size(told.mask, opened.image, refined=refine)
    return replaced(told, mask=mask if opened.alpha is None else np.minimum(mask, opened.alpha))


def people(
    photo: Input, *, mask: MaskInput | None = None, model: Model = DEFAULT, device: str = "auto"
) -> list[Person]:
    """Everybody in the photo, from left to right: index, box, share of the photo, confidence, and a mask each.

    Their indexes are those that People("2") of an Edit, and --people of the command line, choose by.

    >>> [one.box for one in people(np.zeros((4, 6, 3), np.uint8), mask=np.array([[1, 1, 0, 0, 1, 1]] * 4))]
    [(0, 0, 2, 4), (4, 0, 6, 4)]
    """
    opened = given_photo(photo)
    if mask is not None:
        return list(told_apart(_found(opened, mask, model), opened.image).people)
    return list(group_of(opened, _segmenter(model, device)).people)


def edit(photo: Input, edit: Edit | Effect, *, mask: MaskInput | None = None, model: Model = DEFAULT) -> PhotoArray:
    """The photo with an edit done: the people chosen, their edge drawn, the effect applied, the frame cropped.

    >>> from standout.effects import Color
    >>> edit(np.zeros((1, 2, 3), np.uint8), Color("#08f"), mask=np.array([[1.0, 0.0]])).tolist()
    [[[0, 0, 0], [0, 136, 255]]]
    """
    wanted = _edit(edit)
    if wanted.effect.moves:
        raise InputError("a clip goes behind clips alone; give a picture as the background")
    _try(wanted.effect)
    opened = given_photo(photo)
    found = _found(opened, mask, model, edit=wanted)
    return remembering(wanted.of_photo(opened, found).picture, wanted.kept(opened.meta))


def cut(
    photo: Input, *, mask: MaskInput | None = None, model: Model = DEFAULT, decontaminate: bool = True
) -> PhotoArray:
    """The people on transparency, RGBA.

    decontaminate: soft edges get the person's own color, free of the old background's.

    >>> cut(np.full((1, 2, 3), 200, np.uint8), mask=np.array([[1.0, 0.0]])).tolist()
    [[[200, 200, 200, 255], [0, 0, 0, 0]]]
    """
    return edit(photo, Cut(decontaminate=decontaminate), mask=mask, model=model)


def blur(photo: Input, *, mask: MaskInput | None = None, model: Model = DEFAULT, strength: float = 0.5) -> PhotoArray:
    """The people sharp before a blurred background; RGBA where the photo has transparency. strength: 0 (none) to 1."""
    return edit(photo, Blur(strength), mask=mask, model=model)


def color(
    photo: Input,
    color: str | tuple[int, int, int] = "white",
    *,
    mask: MaskInput | None = None,
    model: Model = DEFAULT,
    decontaminate: bool = True,
) -> PhotoArray:
    """The people before one color of sRGB: a name, a hex code, or (red, green, blue) in 0..255.

    It looks the same whatever the photo's color profile, so its numbers are others where that is not sRGB.

    >>> color(np.zeros((1, 2, 3), np.uint8), "#08f", mask=np.array([[1.0, 0.0]])).tolist()
    [[[0, 0, 0], [0, 136, 255]]]
    """
    return edit(photo, Color(color, decontaminate=decontaminate), mask=mask, model=model)


def anonymize(
    photo: Input, how: How = "pixelate", *, mask: MaskInput | None = None, model: Model = DEFAULT, blocks: int = 5
) -> PhotoArray:
    """The photo with its people hidden, and without its EXIF. For other settings: edit(photo, Anonymize(...)).

    blocks: of pixels or of the blur, along the longer side of each person; the fewer, the stronger.

    >>> anonymize(np.full((1, 3, 3), 9, np.uint8), "fill", mask=np.array([[1.0, 0, 0]])).tolist()
    [[[0, 0, 0], [9, 9, 9], [9, 9, 9]]]
    """
    return edit(photo, Anonymize(how, blocks), mask=mask, model=model)


def replace(
    photo: Input,
    background: Input,
    *,
    mask: MaskInput | None = None,
    model: Model = DEFAULT,
    how: Literal["fill", "fit"] = "fill",
    decontaminate: bool = True,
) -> PhotoArray:
    """The people before another picture, which fills the frame (cropped) or fits into it (whole).

    The background is brought into the photo's color profile. Where it is transparent the result is, too: then RGBA.
    """
    if how not in ("fill", "fit"):
        raise InputError(f"how is {how!r}; wanted fill or fit")
    behind = Replace(given_photo(background), fit=how == "fit", decontaminate=decontaminate)
    return edit(photo, behind, mask=mask, model=model)


def clip(
    source: str | Path,
    target: str | Path,
    edit: Edit | Effect,
    *,
    model: Model = DEFAULT,
    options: ClipOptions | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Outcome:
    """A clip with an edit done to each frame, written to target, with its sound.

    The result is there whole or not at all. options: which part of the clip, codec, temporal filter, whether a target
    that is there may be overwritten; see ClipOptions. progress: told after each frame how many are done, and of how
    many, where the clip says. Python waits until the clip is done; KeyboardInterrupt leaves nothing behind.

    Raises InputError for a clip that cannot be read, OutputError where the target is there already or cannot hold the
    result.
    """
    from standout.batch.clip import ClipJob, ClipOptions
    from standout.batch.naming import Naming
    from standout.batch.plan import plan

    wanted = _edit(edit)
    chosen = options or ClipOptions()
    naming = Naming.of(wanted.effect)
    (task,) = plan([str(source)], str(target), naming=naming, overwrite=chosen.overwrite)
    if task.is_done() and not chosen.overwrite:
        raise OutputExists(f"{task.target} exists; give another target, or ClipOptions(overwrite=True)")
    _try(wanted.effect)
    finder = _finder(model, tta=False)
    seen_by = {"model": str(model)} if isinstance(model, str | Path) else {"model": repr(finder)}
    return ClipJob(finder, wanted, chosen, seen_by, progress or (lambda done, total: None))(task)


def folder(
    source: str | Path,
    target: str | Path,
    edit: Edit | Effect,
    *,
    model: Model = DEFAULT,
    recursive: bool = False,
    overwrite: bool = False,
    progress: Callable[[Result], None] | None = None,
) -> Summary:
    """All photos and clips of a folder with an edit done, written into another folder under their own names.

    Results that are there already are kept, unless overwrite is set, and a file that fails stops no other: the summary
    says what became of each. recursive: folders inside the folder too, their tree kept. progress: told of each file.

    Raises InputError where the folder cannot be read or holds nothing that can.
    """
    from standout.batch.clip import ClipJob, ClipOptions
    from standout.batch.naming import Naming
    from standout.batch.photo import PhotoJob, PhotoOptions, by_model
    from standout.batch.plan import plan
    from standout.batch.run import by_kind, run, threads
    from standout.support.system import cores

    wanted = _edit(edit)
    naming = Naming.of(wanted.effect)
    tasks = plan([str(source)], str(target), naming=naming, recursive=recursive, overwrite=overwrite)
    _try(wanted.effect)
    pending = [task for task in tasks if task.can_be_done and (overwrite or not task.is_done())]
    photos = clips = None
    if not all(task.is_clip for task in pending):
        finder = _finder(model, tta=True)
        photos = PhotoJob(
            by_model(wanted.finder(finder), refine=wanted.refined), wanted, PhotoOptions(overwrite=overwrite)
        )
    if any(task.is_clip for task in pending):
        clips = ClipJob(_finder(model, tta=False), wanted, ClipOptions(overwrite=overwrite))
    return run(tasks, by_kind(photos, clips), engine=threads(cores()), overwrite=overwrite, on_result=progress)


def bulk(
    source: str | Path,
    target: str | Path,
    edit: Edit | Effect,
    *,
    ledger: str | Path,
    model: str | Path = DEFAULT,
    shards: str = "1/1",
    retry: bool = False,
) -> BulkSummary:
    """What `standout batch` does: a folder, list or bucket too large for one machine or one day, with a ledger.

    source, target, ledger: paths or URLs. Called again, it continues with what the ledger does not list as done.
    shards: "3/16" does the third of sixteen parts. retry: photos that failed in an earlier call are tried again.

    Raises InputError where the source cannot be listed, OutputError where results or the ledger cannot be written.
    """
    from standout.batch.bulk.ledger import BulkLedger
    from standout.batch.bulk.local import on_this_machine
    from standout.batch.bulk.run import BulkPlan, run
    from standout.batch.bulk.shards import Shards
    from standout.batch.bulk.source import ItemSource
    from standout.batch.bulk.storage import Storage
    from standout.batch.bulk.work import BulkWork
    from standout.support.system import cores

    wanted, place = _edit(edit), Storage.of(str(target))
    _try(wanted.effect)
    items = ItemSource.of(str(source), leave_out=(place,))
    work = BulkWork(wanted.to_json(), place, model=str(model))
    plan = BulkPlan(items, work, BulkLedger(Storage.of(str(ledger))), shards=Shards.of(shards), retry=retry)
    return run(plan, on_this_machine(cores()))


def _edit(given: Edit | Effect) -> Edit:
    """The edit, or the effect as an edit with all else at its default."""
    return given if isinstance(given, Edit) else Edit(given)


def _try(effect: Effect) -> None:
    """What is wrong with the effect's background is an error now; what could not be kept of it, a Python warning."""
    with effect.begun() as tried:
        for note in tried.open(max_pixels=images.MAX_PIXELS):
            warnings.warn(note, stacklevel=3)


def _finder(model: Model, *, tta: bool) -> PersonFinder:
    """The model for files; tta: by test-time augmentation, as photos have it and clips do not."""
    if not isinstance(model, str | Path):
        return _segmenter(model, "auto")
    return Segmenter(model, threads=1, tta=tta, trim=not tta)


def _found(photo: Photo, mask: MaskInput | None, model: Model, *, edit: Edit = Edit(), device: str = "auto") -> Mask:  # noqa: B008
    """The mask given, checked, or found as the edit needs it; nobody stands where the photo itself is transparent."""
    if mask is None:
        finder = edit.finder(_segmenter(model, device))
        found = full_size(finder.probability(photo.image), photo.image, refined=edit.refined)
    else:
        found = given_mask(mask)
    if found.shape != photo.image.shape[:2]:
        height, width = photo.image.shape[:2]
        raise InputError(f"mask is {found.shape}, the photo {(height, width)}; a mask is (H, W), of the photo's size")
    # What hides people must hide those who are half transparent, too, so it is told how sure the model is.
    return found if photo.alpha is None or edit.effect.hides_people else np.minimum(found, photo.alpha)


def _segmenter(model: Model, device: str) -> PersonFinder:
    """The model, loaded once and anew when its file has changed."""
    if isinstance(model, str | Path):
        file = Path(model)
        return _loaded(str(file.resolve() if file.is_file() else model), device, _changed(file))
    if not callable(getattr(model, "probability", None)):
        raise InputError(f"model is a {type(model).__name__}; give a name, the path of a model file, or a Segmenter")
    if device != "auto":
        raise InputError(f"device {device!r} is for a model by name; a Segmenter has its own")
    return model


def _changed(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=2)
def _loaded(model: str, device: str, changed: int) -> Segmenter:
    return Segmenter(model, device=device)
