"""Options that would have no effect on what is named, so that none is ignored in silence.

    InputError   for options of another kind of file than all that is named
    lines        for what is merely useless

An option in the panel Clips is one of clips. To add one of photos alone: a name in PHOTOS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

from standout.batch.find import real
from standout.cli.options import CLIPS, Photos
from standout.errors import InputError, OutputError
from standout.images import WRITERS

if TYPE_CHECKING:
    from standout.batch.plan import Task

PHOTOS = ("metadata", "max_pixels")
"""Fields of options that clips do not look at; --mask-from and --crop are refused for any clip."""

OF_CLIPS = ("at_time",)
"""Fields of the parts of an edit that photos do not look at."""

BY_MODEL = ("model", "runtime", "device", "tta", "mirror", "refine")
"""Fields of options that say how people are found."""

_WITHOUT_EXIF = (".bmp",)


def check(options: Photos, tasks: list[Task]) -> list[str]:
    """Lines about options that are useless. tasks: those that can be done.

    Raises InputError for options of clips where there are only photos, and the other way round.
    """
    if not tasks:
        return []
    given = dict(_given(options))
    clips = [task for task in tasks if task.is_clip]
    photos = [task for task in tasks if not task.is_clip]
    behind_clips = isinstance(getattr(options, "background", None), Path)  # read with the pixel limit
    if not clips:
        useless = [label for name, (label, panel) in given.items() if panel == CLIPS or name in OF_CLIPS]
        _refuse(useless, "photos", "clip")
    if not photos:
        useless = [name for name in PHOTOS if not (name == "max_pixels" and behind_clips)]
        _refuse([given[name][0] for name in useless if name in given], "clips", "photo")
    lines = []
    if clips and photos and "metadata" in given:
        kept = "of which no tags are kept" if options.kind.hides_people else "which keep their tags but not the place"
        lines.append(f"--metadata has no effect on clips, {kept}")
    if options.kind.hides_people and "refine" in given:
        lines.append(f"{given['refine'][0]} has no effect on {options.kind.name}, whose edges are never refined")
    if options.mask_from and (labels := [given[name][0] for name in BY_MODEL if name in given]):
        lines.append(f"{_listed(labels)} no effect with --mask-from, which leaves the model out")
    lossless = {task.suffix for task in tasks if not _has_quality(task)}
    if options.quality is not None and all(not _has_quality(task) for task in tasks):
        lines.append(f"--quality has no effect on {' '.join(sorted(lossless))}")
    if (
        options.metadata == "all"
        and photos
        and (options.kind.is_mask or all(one.suffix in _WITHOUT_EXIF for one in photos))
    ):
        lines.append(f"--metadata all has no effect on {'masks' if options.kind.is_mask else _WITHOUT_EXIF[0]}")
    return lines


def protect(options: Photos, tasks: list[Task]) -> None:
    """Raises OutputError where a result would be written over another file that the options name."""
    background = getattr(options, "background", None)
    read = {
        "--report": options.report,
        "--review": options.review,
        "--mask-from": options.mask_from,
        "--background": background if isinstance(background, Path) else None,
        "--model": Path(options.model),
    }
    named = {real(path): option for option, path in read.items() if path is not None}
    masks = options.mask_from if options.mask_from and options.mask_from.is_dir() else None
    for task in tasks:
        place = Path(real(task.target))
        option = named.get(str(place))
        if option is None and masks and options.overwrite and place.is_file() and place.is_relative_to(real(masks)):
            option = "--mask-from"
        if option is not None:
            raise OutputError(
                f"{task.target}, the result of {task.source}, is a file of {option}, which is never written over: "
                "give another -o"
            )


def _has_quality(task: Task) -> bool:
    """Whether the quality can be chosen; of an animated GIF, its writer says it."""
    if task.is_clip:
        return task.suffix != ".frames"
    return WRITERS[task.suffix].quality is not None


def _given(options: Photos) -> Iterator[tuple[str, tuple[str, str]]]:
    """The shared options that are not at their default: field -> (as it is typed, its panel)."""
    hints = get_type_hints(type(options), include_extras=True)
    own = {one.name for one in fields(options.kind)}
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name in own or value in (field.default, []) or field.name == "inputs":
            continue
        told = hints[field.name].__metadata__[0]
        spelled = next(text for text in (told.default, *told.param_decls) if str(text).startswith("--"))
        on, _, off = spelled.partition("/")
        yield field.name, (off if value is False else on, told.rich_help_panel)


def _refuse(labels: list[str], these: str, other: str) -> None:
    if labels:
        raise InputError(f"{_listed(labels)} no effect on {these}, and no {other} is named; leave it out")


def _listed(labels: list[str]) -> str:
    """The options and their verb.

    >>> _listed(["--fps"]), _listed(["--start", "--end", "--fps"])
    ('--fps has', '--start, --end and --fps have')
    """
    if len(labels) == 1:
        return f"{labels[0]} has"
    return f"{', '.join(labels[:-1])} and {labels[-1]} have"
