"""What there is to do: the photos and clips of a folder or a prefix, of a list, or inside tar shards.

    text    "pics/", "s3://bucket/pics"              all that lies there, in folders inside folders too
            "list.txt", "s3://bucket/list.parquet"   a path or a URL in each line, or in the column path or url
            "{0000..0015}.tar", "shards/"            tar files as WebDataset writes them; a folder may hold them, too
    Item    one photo or clip: its key, and where its bytes are

A key says where the item lies below the source: "2024/a.jpg"; for a list it is the path as the list has it, without a
leading "/" or "s3://"; in a tar file it goes on behind the file's own name: "0003.tar/000123.jpg". Results are named by
it.

To add a kind of source: an iterator of Place, and a case in ItemSource.of.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from standout.batch.bulk import lists, tars
from standout.batch.bulk.shards import Shards
from standout.batch.bulk.storage import Storage, parted
from standout.batch.naming import UNREADABLE
from standout.errors import InputError, OutputError
from standout.images import READABLE
from standout.support.atomic import is_file
from standout.video import READABLE as CLIPS

TAR = ".tar"

_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Place:
    """A file that a source leads to. fault: why it cannot be read, where that is known already."""

    key: str
    storage: Storage
    name: str
    fault: str = ""


@dataclass(frozen=True)
class Item:
    """One photo or clip. It is small and picklable, and reads its own bytes.

    key: see the module. storage, name: the file. start, length: its bytes within that file; length None = all of it.
    fault: why it fails, where that is known before it is read. skip: why it is passed over, which is no failure.
    attempt: counted from 1.
    """

    key: str
    storage: Storage
    name: str
    start: int = 0
    length: int | None = None
    fault: str = ""
    skip: str = ""
    attempt: int = 1

    @property
    def address(self) -> str:
        """The path or the URL, for people to read; of a tar file's member, both names."""
        place = self.storage.address(self.name)
        return place if self.length is None else f"{place} ({posixpath.basename(self.key)})"

    @property
    def path(self) -> Path | None:
        """The file itself, where it is one of this machine's; None where its bytes must be read."""
        return self.storage.path(self.name) if self.storage.is_local and self.length is None else None

    @property
    def is_clip(self) -> bool:
        """Whether it is a clip, by its suffix; otherwise it is a photo."""
        return suffix_of(self.key) in CLIPS

    def read(self) -> bytes:
        """All its bytes. Raises InputError where they cannot be read."""
        return self.storage.read(self.name, start=self.start, length=self.length)


@dataclass(frozen=True)
class ItemSource:
    """All items of a source, listed anew each time. text: as the user named it. home: where it lies.

    is_list: whether it names files, which may lie anywhere, and is no folder. is_quick: whether it can be listed a
    second time at little cost, which tar files in an object store cannot.
    """

    text: str
    home: Storage
    places: Callable[[], Iterator[Place]]
    is_list: bool = False
    is_quick: bool = True

    @classmethod
    def of(cls, text: str, *, leave_out: tuple[Storage, ...] = ()) -> ItemSource:
        """The source that the text names. leave_out: folders in it that are passed over, such as that of the results.

        Raises InputError for a text that names none, and MissingExtra where a package is needed to reach it.
        """
        suffix = suffix_of(text.partition("?")[0])
        if suffix == TAR:
            names = [parted(one) for one in braces(text)]
            found = [Place(name, storage, name) for storage, name in names]
            return cls(text, found[0].storage, lambda: iter(found), is_list=True, is_quick=found[0].storage.is_local)
        if suffix in lists.READERS:
            storage, name = parted(text)
            return cls(text, storage, lambda: _listed(storage, name), is_list=True)
        home = Storage.of(text)
        if home.is_local and is_file(home.path()):
            raise InputError(
                f"{text} is a file; wanted a folder, a URL, {' or '.join(lists.READERS)} with a list, or {TAR} files"
            )
        if home.is_local and not home.path().exists():
            raise InputError(f"{text} does not exist; name a folder, a list, {TAR} files, or a URL such as s3://...")
        home.check()

        def below() -> Iterator[Place]:
            for entry in home.names(leave_out=leave_out):
                yield Place(entry.name, home, entry.name, entry.fault)

        return cls(text, home, below)

    @property
    def name(self) -> str:
        """The source in words that do not depend on the working folder."""
        return self.text if "://" in self.text else os.path.realpath(self.text)

    def check(self, target: Storage, ledger: Storage, *, overwrite: bool) -> None:
        """Raises OutputError where results would be taken for photos, or written over them, or over the ledger."""
        for what, given in (("target", target), ("ledger", ledger)):
            if not self.is_list and self.home.is_within(given):
                where = "is the source itself" if given.is_within(self.home) else "holds the source"
                raise OutputError(f"{what} {given.root} {where}, {self.text}; give another folder for the {what}")
        if not self.is_list and ledger.is_within(self.home):
            raise OutputError(f"ledger {ledger.root} lies in the source, {self.text}; give another --ledger")
        if ledger.is_within(target):
            raise OutputError(f"ledger {ledger.root} lies in the target, {target.root}; give another --ledger")
        if target.is_within(ledger):
            raise OutputError(f"target {target.root} lies in the ledger, {ledger.root}; give another --ledger")
        if self.is_list and overwrite:
            for place in self.places():
                if place.storage.below(place.name).is_within(target):
                    raise OutputError(
                        f"{place.storage.address(place.name)}, which {self.text} names, lies in the target, "
                        f"{target.root}, where --overwrite might replace it; give another target"
                    )

    def items(self, shards: Shards = Shards()) -> Iterator[Item]:  # noqa: B008 - a frozen value
        """The items of that part of the work; of a tar file all, or none. Raises InputError as listing does."""
        for place in self.places():
            suffix = suffix_of(place.key)
            if suffix == TAR and shards.have(place.key):
                yield from _members(place)
            elif suffix != TAR and (self.is_list or is_known(suffix) or place.fault) and shards.have(place.key):
                yield Item(place.key, place.storage, place.name, fault=place.fault, skip=unreadable(suffix))


def suffix_of(name: str) -> str:
    """The suffix of a name, in small letters. Paths would keep every name of a listing in memory for a while."""
    return posixpath.splitext(name)[1].lower()


def is_known(suffix: str) -> bool:
    """Whether files with that suffix are photos or clips, even if of a kind that cannot be read."""
    return suffix in READABLE or suffix in CLIPS or suffix in UNREADABLE


def unreadable(suffix: str) -> str:
    """Why a file with that suffix is passed over; "" where it is not."""
    return f"{suffix} files cannot be read" if suffix in UNREADABLE else ""


def braces(text: str) -> list[str]:
    """All that a text with braces stands for, as in a shell.

    >>> braces("a{08..10}.tar"), braces("{x,y}.tar")
    (['a08.tar', 'a09.tar', 'a10.tar'], ['x.tar', 'y.tar'])
    """
    parts = _BRACES.split(text)
    choices = [[part] if n % 2 == 0 else _choices(part) for n, part in enumerate(parts)]
    return ["".join(one) for one in product(*choices)]


def _choices(text: str) -> list[str]:
    match = re.fullmatch(r"(\d+)\.\.(\d+)", text)
    if match is None:
        return text.split(",")
    first, last = int(match[1]), int(match[2])
    if last < first:
        raise InputError(f"{{{text}}} counts down; wanted {{{match[2]}..{match[1]}}}")
    return [str(n).zfill(len(match[1])) for n in range(first, last + 1)]


def _listed(storage: Storage, name: str) -> Iterator[Place]:
    """The places that a list names."""
    for text in lists.texts(storage, name):
        try:
            yield Place(*lists.resolved(text, storage))
        except InputError as error:
            yield Place(text, storage, text, fault=str(error))


def _members(place: Place) -> Iterator[Item]:
    """The photos and clips in a tar file. One that is damaged gives those before the damage, and then a fault."""
    try:
        for member in tars.members(place.storage, place.name):
            suffix = suffix_of(member.name)
            if is_known(suffix):
                key = f"{place.key}/{member.name}"
                skip = unreadable(suffix)
                yield Item(key, place.storage, place.name, member.start, member.length, skip=skip)
    except InputError as error:
        yield Item(place.key, place.storage, place.name, fault=str(error))
