"""The photos and clips that an input leads to: a file, the files of a folder, or those that match a pattern.

    text    str     a file, a folder or a glob pattern, as typed
    Found   a file, its place below the input's folder, and why it cannot be worked on, where that is known

To add a kind of input: yield its photos as Found in find().
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from standout.batch.naming import RAW, UNREADABLE
from standout.errors import InputError
from standout.images import READABLE
from standout.support.atomic import is_file, is_folder
from standout.video import READABLE as CLIPS


@dataclass(frozen=True)
class Found:
    """A file that an input leads to.

    name: its place below the input's folder. root: that folder; None where the input is no folder. fault: why the file
    cannot be read, where that is known without opening it. skip: why it is passed over.
    """

    source: Path
    name: Path
    root: Path | None = None
    fault: str = ""
    skip: str = ""


def find(text: str, *, recursive: bool = False, avoid: Iterable[Path] = ()) -> Iterator[Found]:
    """The files that one input leads to, in sorted order.

    recursive: look into folders inside folders too. avoid: folders that are not looked into.
    """
    path = Path(text)
    if is_folder(path):
        yield from _in_folder(path, recursive, {real(each) for each in avoid})
    elif os.path.lexists(path) or not glob.has_magic(text):
        yield _named_alone(path)
    else:
        matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207 (absolute ones, too)
        root = _fixed_part(text)
        seen = [_seen(match, match.relative_to(root), None) for match in matches if not is_folder(match)]
        yield from _checked([one for one in seen if one is not None], f"no photo or clip matches {text!r}")


def _named_alone(path: Path) -> Found:
    """The file that is named in full. Its content, not its name, tells what it is, and it may be a pipe."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise InputError(f"{path} does not exist; name a photo, a folder or a quoted pattern like '*.jpg'") from None
    except OSError as error:
        return Found(
            path, Path(path.name), fault=f"{path} cannot be looked at ({error.strerror}); check name and folder"
        )
    if path.name.startswith("._") and _is_apple_double(path):
        return Found(path, Path(path.name), skip=_APPLE_DOUBLE)
    return Found(path, Path(path.name), fault=_raw(path))


def _in_folder(root: Path, recursive: bool, avoid: set[str]) -> list[Found]:
    found: list[Found] = []
    unlisted: list[OSError] = []
    folders = False
    for place, inside, files in os.walk(root, onerror=unlisted.append):
        inside[:] = sorted(each for each in inside if each[0] != "." and real(Path(place, each)) not in avoid)
        folders = folders or bool(inside)
        if not recursive:
            inside.clear()
        folder, below = Path(place), Path(place).relative_to(root)
        seen = (_seen(folder / file, below / file, root) for file in sorted(files))
        found += [one for one in seen if one is not None]
    for error in unlisted:
        closed = Path(error.filename or root)
        why = f"{closed} cannot be listed ({error.strerror}); change its permissions"
        if closed == root:
            raise InputError(why)
        found.append(Found(closed, closed.relative_to(root), root, fault=why))
    hint = "; add --recursive for the folders inside it" if folders and not recursive else ""
    return _checked(found, f"{root} holds no photo and no clip{hint}")


def _checked(found: list[Found], nothing: str) -> list[Found]:
    """The files found. Raises InputError, which begins with the text nothing, when none of them can be read."""
    if all(one.skip for one in found):
        raise InputError(nothing + (f", only {named([one.source for one in found])}" if found else ""))
    return found


def _seen(path: Path, name: Path, root: Path | None) -> Found | None:
    """The file as Found; None where its name is not that of a photo or a clip."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):  # macOS's ._NAME.jpg among them
        return None
    if suffix in UNREADABLE:
        return Found(path, name, root, skip=f"{suffix} files cannot be read")
    return Found(path, name, root, fault=_irregular(path)) if suffix in READABLE | CLIPS else None


def _irregular(path: Path) -> str:
    """Why a file of a folder is not opened: pipes may keep their reader waiting forever. "" for a plain file."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # who reads it says more
        return ""
    if stat.S_ISREG(mode):
        return ""
    kind = "pipe" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else "device"
    return f"{path} is a {kind}, no file, and was not opened; take it out of there"


def _raw(path: Path) -> str:
    if path.suffix.lower() not in RAW:
        return ""
    return f"{path} is what a camera recorded, not yet a picture; develop it first, to JPEG or 16-bit TIFF"


_APPLE_DOUBLE = "a ._ file of macOS holds no picture"


def _is_apple_double(path: Path) -> bool:
    """Whether the file is one of the AppleDouble files that macOS leaves beside files on disks of other systems."""
    if not is_file(path):
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) == b"\0\5\26\7"
    except OSError:
        return False


def named(paths: list[Path]) -> str:
    """A phrase that says how many files cannot be read, with some of their names."""
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    count = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    return f"{count} that standout cannot read: {', '.join(map(str, paths[:3]))}{more}"


def _fixed_part(pattern: str) -> Path:
    """The folders of a pattern before its first wildcard.

    >>> _fixed_part("pics/2024/*/a*.jpg").as_posix(), str(_fixed_part("*.jpg"))
    ('pics/2024', '.')
    """
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return Path(fixed) if fixed.endswith(("/", os.sep)) else Path(fixed).parent


def real(path: Path) -> str:
    """The path with links resolved, so that all spellings of one path are equal."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # a name that no file can have
        return str(path)
