"""Inputs as the user names them -> one Task for each photo or clip, with a target of its own.

    inputs   photos, clips, folders, glob patterns, or "-" alone (standard input)
    out      a file, a folder, or "-" (standard output); None: beside the photo, or in a folder beside the folder
    Task     source and target, or why the source cannot be worked on

find.py finds the files that an input leads to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from standout.batch.find import Found, find, named, real
from standout.batch.naming import Naming, is_clip
from standout.errors import InputError, OutputError
from standout.images import WRITERS
from standout.support.atomic import is_file, is_folder
from standout.video import CONTAINERS
from standout.video import READABLE as CLIPS

STREAM = Path("-")
"""Standard input as a source, standard output as a target."""


@dataclass(frozen=True)
class Task:
    """One photo or clip to read, and the file to write.

    suffix: of the format to write, such as ".png". fault: why the task fails, where that is known before it begins.
    skip: why the file is passed over, which is no failure. With a fault or a skip, the target has no meaning.
    """

    source: Path
    target: Path
    name: Path
    suffix: str
    fault: str = ""
    skip: str = ""

    def is_done(self) -> bool:
        """Whether the target exists already."""
        if self.target == STREAM or not self.can_be_done:
            return False
        return is_file(self.target) or (self.is_clip and is_folder(self.target))

    @property
    def is_clip(self) -> bool:
        """Whether the source is a clip, by its suffix; otherwise it is a photo."""
        return self.source.suffix.lower() in CLIPS

    @property
    def can_be_done(self) -> bool:
        """Whether the task has neither a fault nor a reason to be skipped."""
        return not (self.fault or self.skip)


def plan(
    inputs: Iterable[str | Path],
    out: str | Path | None = None,
    *,
    naming: Naming,
    recursive: bool = False,
    overwrite: bool = False,
    avoid: Iterable[Path] = (),
) -> list[Task]:
    """One task for each photo and clip, in the order of the inputs. No target occurs twice, and none is an input.

    Photos that would share a target get their whole name: a.jpg and a.png become a.jpg.png and a.png.png. An input
    that is another's result of an earlier run (`blur *.jpg`, run twice) is left out. avoid: folders not to look into.
    Last come tasks that cannot be done: what looks like a photo or a clip but is of a kind that standout cannot read
    (skip), pipes and folders that cannot be listed (fault).

    Raises InputError for what is missing or holds no photo, OutputError where a result cannot go.
    """
    texts = [str(each) for each in inputs]
    place = str(out) if out is not None else None
    if "-" in texts:
        return [_stream(texts, place, naming)]
    skip = [*avoid, *(results_of(texts, naming) if place is None else [Path(place)])]
    done = {real(folder) for folder in skip} if place is None else set()
    texts = [text for text in texts if real(Path(text)) not in done]
    everything = _once(photo for text in texts for photo in find(text, recursive=recursive, avoid=skip))
    found = [one for one in everything if not (one.fault or one.skip)]
    rest = [one for one in everything if one.fault or one.skip]
    others = [Task(one.source, STREAM, one.name, "", one.fault, one.skip) for one in rest]
    if others and all(one.skip for one in everything):
        raise InputError(f"no photo or clip is named, only {named([one.source for one in others])}")
    if not everything:
        raise InputError("no input; name a photo, a clip, a folder, a pattern or - for standard input")
    if not found:
        return others
    naming.fits([one.source for one in found])
    if place is not None and (single := _single(texts, found, place, naming)):
        tasks = [single]
    else:
        tasks = _spread(found, place, naming)
    return _without_inputs(tasks, drop=place is None and not overwrite) + others


def _once(photos: Iterable[Found]) -> list[Found]:
    """The files without repetitions, each as it was named first."""
    once: dict[str, Found] = {}
    for photo in photos:
        once.setdefault(os.path.normpath(photo.source.absolute()), photo)
    return list(once.values())


def results_of(texts: list[str], naming: Naming) -> list[Path]:
    """The folders of results of those inputs that are folders, where the user names no place."""
    return [_sibling(Path(text), naming.ending) for text in texts if is_folder(Path(text))]


def _stream(texts: list[str], out: str | None, naming: Naming) -> Task:
    """The task that reads standard input."""
    if len(texts) > 1:
        raise InputError("- (standard input) must be the only input, alone; leave the others out")
    if out is None or out == "-":
        return Task(STREAM, STREAM, STREAM, naming.checked(naming.asked() or naming.default or ".png"))
    if _names_folder(out):
        raise OutputError(f"{out} is a folder; a photo from standard input has no name, so name the file: -o out.png")
    return Task(STREAM, Path(out), STREAM, naming.agreed(Path(out), STREAM))


def _single(texts: list[str], found: list[Found], out: str, naming: Naming) -> Task | None:
    """The task of a photo whose target is named in full; None where out is a folder.

    Raises OutputError when out is a file or a stream but there are several photos.
    """
    only = len(texts) == 1 and len(found) == 1 and found[0].root is None
    if only and out == "-":
        if is_clip(found[0].source):
            raise OutputError(f"{found[0].source} is a clip, which needs a file to be written to; name one: -o out.mp4")
        return Task(found[0].source, STREAM, found[0].name, naming.checked(naming.suffix(found[0].source)))
    if only and not _names_folder(out):
        return Task(found[0].source, Path(out), found[0].name, naming.agreed(Path(out), found[0].source))
    if (
        out == "-"
        or is_file(Path(out))
        or (Path(out).suffix.lower() in {*WRITERS, *CONTAINERS} and not is_folder(Path(out)))
    ):
        what = "standard output" if out == "-" else out
        raise OutputError(f"{what} takes one photo, and the inputs name {len(found)}, or a folder; give a folder to -o")
    return None


def _names_folder(out: str) -> bool:
    return out.endswith(("/", os.sep)) or is_folder(Path(out)) or not Path(out).suffix


def _spread(found: list[Found], out: str | None, naming: Naming) -> list[Task]:
    """Tasks whose targets are named after their photos."""
    roots = {photo.root for photo in found if photo.root is not None}
    for root in roots:
        if out is not None and real(Path(out)) == real(root):
            raise OutputError(f"{out} is the input folder itself: results would be taken for photos; give another -o")

    def task(photo: Found, base: str) -> Task:
        suffix = naming.suffix(photo.source)
        naming.checked(suffix, clip=is_clip(photo.source))
        name = photo.name
        if out is not None:
            folder = Path(out, photo.root.name if photo.root and len(roots) > 1 else "", name.parent)
            target = folder / f"{base}{suffix}"
        elif photo.root is not None:
            target = _sibling(photo.root, naming.ending) / name.parent / f"{base}{suffix}"
        else:
            target = photo.source.parent / f"{base}{naming.ending}{suffix}"
        return Task(photo.source, target, name, suffix.lower())

    return _apart([task(photo, photo.source.stem) for photo in found], lambda n: task(found[n], found[n].source.name))


def _sibling(root: Path, ending: str) -> Path:
    """The folder of results beside a folder of photos.

    >>> _sibling(Path("pics"), "-cut").as_posix()
    'pics-cut'
    """
    if root.name in ("", ".."):
        root = root.resolve()
    if not root.name:
        raise OutputError(f"there is no place beside {root}; give the folder for the results: -o FOLDER")
    return root.with_name(f"{root.name}{ending}")


def _apart(tasks: list[Task], whole: Callable[[int], Task]) -> list[Task]:
    """Each task as it is where no other task wants its target, else whole(its index), which has the photo's whole name.

    Letters' case does not tell targets apart, since on many disks it does not tell files apart.
    """
    chosen = tasks
    while sharing := _shared(chosen):
        longer = [whole(n) if task.target in sharing else task for n, task in enumerate(chosen)]
        if longer == chosen:
            break
        chosen = longer
    owners: dict[str, Task] = {}
    for task in chosen:
        other = owners.setdefault(str(task.target).casefold(), task)
        same_folder = other.source.parent == task.source.parent and other.target != task.target
        if other is not task and not same_folder:
            raise OutputError(
                f"{other.source} and {task.source} would both become {task.target}; run them apart, "
                "each with its own -o, or name the folder that holds both and add --recursive"
            )
    return chosen


def _shared(tasks: list[Task]) -> set[Path]:
    """Targets that more than one task wants."""
    groups: dict[str, list[Path]] = {}
    for task in tasks:
        groups.setdefault(str(task.target).casefold(), []).append(task.target)
    return {target for group in groups.values() if len(group) > 1 for target in group}


def _without_inputs(tasks: list[Task], *, drop: bool) -> list[Task]:
    """The tasks, none of which writes where another, or it itself, reads.

    drop: inputs that are another task's target are left out, as results of an earlier run; else that is an OutputError.
    """
    sources = {key: task for task in tasks if (key := _identity(task.source))}
    overwritten = {}
    for task in tasks:
        key = _identity(task.target)
        if key in sources:
            overwritten[key] = task
            if not drop or sources[key] is task:
                raise OutputError(
                    f"{task.target}, the result of {task.source}, is an input itself; inputs are never written over: "
                    "give another -o"
                )
    return [task for task in tasks if _identity(task.source) not in overwritten]


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for all names, links and spellings of one file; None where there is no file."""
    if path == STREAM:
        return None
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
