"""Uploaded files -> a plan, or what is wrong with them; by their headers alone, in a process of its own.

JobOrder   files as they came, with the limits
JobPlan    photos and clips by number, and where their results go
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path, PurePosixPath

from standout import effects, images, video
from standout.batch.naming import Naming
from standout.editing import Edit
from standout.errors import InputError, TooLarge
from standout.images.decode import content, kind_of, size_of
from standout.serve.jobs import names, unpack
from standout.serve.jobs.order import RESULT, GivenFile, JobOrder, JobPlan, PlannedFile

_PICTURES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "AVIF": ".avif", "TIFF": ".tif", "BMP": ".bmp"} | {
    "HEIF": ".heic",
    "GIF": ".gif",
}
"""Format of a picture -> the suffix that it gets where the client's is of something else."""

FOLDER = ".frames"
"""The format that is a folder of pictures."""


def checked(order: JobOrder, shown: dict[str, str]) -> JobPlan:
    """The plan of the order in the working folder; the files are in `in/` afterwards.

    shown: gets the client's name for each path that an error may name.

    Raises InputError for files that are too large, damaged or of another kind, and for an edit that does not fit them.
    """
    given, left_out, packed = _unpacked(order)
    Path("in").mkdir(exist_ok=True)
    behind = _background(order, shown)
    edit = edit_of(order, behind)
    paths = [_moved(one, f"{number:04d}", order) for number, one in enumerate(given, 1)]
    shown |= {path: one.name for path, one in zip(paths, given, strict=True)}
    frames = [_frames(Path(path), one.name, order) for path, one in zip(paths, given, strict=True)]
    _check_edit(edit, paths, given, order.most_pixels)
    naming = Naming.of(edit.effect, format=order.format)
    suffixes = _suffixes(naming, paths)
    called = names.results([one.name for one in given], suffixes, edit.effect)
    planned = tuple(
        PlannedFile(path, str(Path("out", Path(path).stem + suffix)), one.name, result, count)
        for path, suffix, one, result, count in zip(paths, suffixes, given, called, frames, strict=True)
    )
    if len(planned) == 1 and not packed:
        name, target = planned[0].result, planned[0].target
    else:
        stem = PurePosixPath(packed).stem or "standout"
        name, target = f"{stem}-{edit.effect.name}.zip", RESULT
    kind = names.MEDIA_TYPES.get(PurePosixPath(target).suffix, "application/octet-stream")
    return JobPlan(planned, target, name, kind, behind, left_out)


def edit_of(order: JobOrder, background: str | None) -> Edit:
    """The order's edit, with the background that was sent. No file of the server's own disk is ever read for it."""
    values = dict(order.edit)
    effect = values.get("effect")
    if background is not None and isinstance(effect, dict):
        kind = effects.find(str(effect.get("name")))
        if "background" in {one.name for one in fields(kind)}:
            values["effect"] = effect | {"background": background}
    edit = Edit.from_dict(values)
    for name, path in edit.effect.files().items():
        if str(path) != background:
            raise InputError(f"the effect {edit.effect.name} needs the file {name}; send it (curl -F {name}=@FILE)")
    return edit


def _unpacked(order: JobOrder) -> tuple[list[GivenFile], tuple[str, ...], str]:
    """The files, what was left out of a ZIP file, and that file's name, "" where none was sent."""
    given = [GivenFile(one.path, names.safe(one.name)) for one in order.files]
    if not given:
        raise InputError("no file was sent; send photos or clips (curl -F file=@clip.mp4)")
    archive = next((one for one in given if unpack.is_zip(_head(one))), None)
    if archive is None:
        return given, (), ""
    if len(given) > 1:
        raise InputError(f"{archive.name} is a ZIP file, and {len(given)} files were sent; send it alone")
    found, left_out = unpack.unpacked(archive, Path("unpacked"), order.limits)
    Path(archive.path).unlink()
    return found, left_out, archive.name


def _head(given: GivenFile) -> bytes:
    with Path(given.path).open("rb") as file:
        return file.read(64)


def _moved(given: GivenFile, number: str, order: JobOrder) -> str:
    """The path of the file in `in/`, whose suffix says what its content is."""
    path = Path(given.path)
    size = path.stat().st_size
    if not size:
        raise InputError(f"{given.name} is empty (0 bytes); send the file again")
    kind = kind_of(_head(given))
    told = PurePosixPath(given.name).suffix.lower()
    if kind is None:
        suffix = told if told in video.READABLE else ".mp4"
    else:
        if size > order.most_photo_bytes:
            raise InputError(f"{given.name} has {size:,} bytes, wanted at most {order.most_photo_bytes:,} for a photo")
        suffix = told if told in images.READABLE else _PICTURES[kind]
    return str(path.rename(Path("in", number + suffix)))


def _frames(path: Path, name: str, order: JobOrder) -> int:
    """The number of the file's frames, about; 1 for a photo. Raises InputError where it is too large."""
    limits = order.limits
    if path.suffix not in video.READABLE:
        width, height = size_of(name, content(path))
        if width * height > order.most_pixels:
            got, most = f"{width}x{height} pixels", order.most_pixels / 1e6
            raise TooLarge(f"{name} has {got}, wanted at most {most:g} megapixels; make it smaller")
        return 1
    with video.open_clip(path, max_pixels=limits.most_frame_pixels) as clip:
        if clip.duration is not None and clip.duration > limits.most_seconds:
            got = f"{float(clip.duration):.0f} s"
            raise InputError(f"{name} lasts {got}, wanted at most {limits.most_seconds} s; cut it into parts")
        count = clip.count or (round(clip.duration * clip.rate) if clip.duration else 1)
    if count > limits.most_frames:
        raise InputError(f"{name} has {count:,} frames, wanted at most {limits.most_frames:,}; cut it into parts")
    return max(1, count)


def _background(order: JobOrder, shown: dict[str, str]) -> str | None:
    """The path of the background that was sent, if there is one."""
    if order.background is None:
        return None
    given = GivenFile(order.background.path, names.safe(order.background.name))
    path = _moved(given, "background", order)
    shown[path] = given.name
    _frames(Path(path), given.name, order)
    return path


def _check_edit(edit: Edit, files: list[str], given: list[GivenFile], most_pixels: int) -> None:
    """Raises InputError where a photo or a clip cannot have the edit, or the background cannot be read."""
    for path, one in zip(files, given, strict=True):
        is_clip = Path(path).suffix in video.READABLE
        if is_clip and (refused := edit.for_photos_alone()):
            raise InputError(
                f"{one.name} is a clip, which cannot have {', '.join(refused)}, for people move; leave it out"
            )
        if not is_clip and edit.effect.moves:
            raise InputError(f"the background is a clip, and {one.name} a photo; send a picture as the background")
    edit.placement.check_size(most_pixels)
    with edit.effect.begun() as tried:
        tried.open(max_pixels=most_pixels)


def _suffixes(naming: Naming, files: list[str]) -> list[str]:
    """The suffix of each file's result. Raises OutputError for a format that cannot be written, or cannot hold it."""
    paths = [Path(path) for path in files]
    naming.fits(paths)
    suffixes = [naming.checked(naming.suffix(path), clip=path.suffix in video.READABLE) for path in paths]
    if FOLDER in suffixes:
        raise InputError(f"the format {FOLDER} is a folder, which cannot be sent; choose .webp, .webm or .mov")
    return suffixes
