"""Which values of the masks in a folder mean person, if a file beside them says so.

    classes.csv       columns value and meaning: "24,person", "#c08080,person", "255,ignore"; the rest is background
    labelmap.txt      as CVAT writes it: "person:192,128,128::"
    class_names.txt   as Labelme writes it: a name on each line, beginning with class 0

The classes of PASCAL VOC are built in: Everingham et al., "The PASCAL Visual Object Classes Challenge"
(doi 10.1007/s11263-009-0275-4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from standout import images
from standout.data.tables import meant, read_rows, read_text
from standout.errors import InputError
from standout.images import Classes
from standout.types import Bytes

MEANINGS = {
    "person": ("person", "people", "human", "persons", "humans", "1"),
    "background": ("background", "nobody", "other", "0"),
    "ignore": ("ignore", "void", "unclear", "unlabeled", "128"),
}
"""What a value may mean -> the ways in which people write it."""

PEOPLE = frozenset({"person", "people", "human", "persons", "humans"})
"""The names that other tools' files give to the class of people."""

VOC = Classes(
    frozenset({15, (192, 128, 128)}), frozenset({255, (224, 224, 192)}), where="the layout of PASCAL VOC", sure=False
)
"""Class 15 and the void between objects, as palette indexes and as colors."""


@dataclass(frozen=True)
class ClassMask:
    """The mask in a file whose values are classes."""

    path: Path
    classes: Classes

    def read(self, notes: list[str] | None = None) -> Bytes:
        """The mask, uint8 (H, W): 255 is person, 128 does not count, 0 is background.

        Raises InputError as images.read_mask does.
        """
        return images.read_mask(self.path, classes=self.classes, notes=notes)

    def identity(self) -> bytes:
        """The file's bytes and the meaning of its classes."""
        of = [sorted(map(str, group)) for group in (self.classes.person, self.classes.ignore)]
        return self.path.read_bytes() + repr(of).encode()


def find_classes(folder: Path) -> Classes | None:
    """The classes that a file in folder names; None where there is no such file.

    Raises InputError when the file cannot be understood or names no class of people.
    """
    for name, reader in (("classes.csv", _table), ("labelmap.txt", _labelmap), ("class_names.txt", _names)):
        if (folder / name).is_file():
            return reader(folder / name)
    return None


def _table(path: Path) -> Classes:
    columns, rows = read_rows(path)
    if not {"value", "meaning"} <= set(columns):
        raise InputError(f"{path} needs the columns value and meaning, as in: 24,person")
    groups: dict[str, set[int | tuple[int, int, int]]] = {name: set() for name in MEANINGS}
    for row in rows:
        where = f"{path}, line {row['line']}"
        groups[meant(row["meaning"], MEANINGS, where)].add(_value(row["value"], where))
    if not groups["person"]:
        raise InputError(f"{path} names no value as person; add a line such as: 24,person")
    person, background, ignore = (frozenset(groups[name]) for name in MEANINGS)
    return Classes(person, ignore, background, where=str(path))


def _value(text: str, where: str) -> int | tuple[int, int, int]:
    """The number or the color of a class.

    >>> _value("24", ""), _value("#C08080", "")
    (24, (192, 128, 128))
    """
    if re.fullmatch(r"\d{1,5}", text):
        return int(text)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise InputError(
            f"{where}: {text!r} is not a value of a mask; give a number such as 24, or a color such as #c08080"
        )
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _labelmap(path: Path) -> Classes:
    person: set[tuple[int, int, int]] = set()
    ignore: set[tuple[int, int, int]] = set()
    names = []
    for line in read_text(path).splitlines():
        cells = line.split(":")
        if line.startswith("#") or not line.strip():
            continue
        color = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*", cells[1]) if len(cells) > 1 else None
        if color is None:
            raise InputError(f"{path}: {line!r} is not a label; wanted a name and a color, as person:192,128,128::")
        names.append(cells[0].strip())
        red, green, blue = map(int, color.groups())
        if names[-1].casefold() in PEOPLE:
            person.add((red, green, blue))
        elif names[-1].casefold() in MEANINGS["ignore"]:
            ignore.add((red, green, blue))
    if not person:
        raise InputError(
            f"{path} has no label named person, but {', '.join(names)}; say in classes.csv which is person"
        )
    return Classes(frozenset(person), frozenset(ignore), where=str(path))


def _names(path: Path) -> Classes:
    names = [line.strip() for line in read_text(path).splitlines()]
    person = {number for number, name in enumerate(names) if name.casefold() in PEOPLE}
    if not person:
        raise InputError(
            f"{path} has no class named person, but {', '.join(names)}; say in classes.csv which is person"
        )
    return Classes(frozenset(person), frozenset({255}), where=str(path))
