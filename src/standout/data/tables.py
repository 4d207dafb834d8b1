"""Tables and words that people write by hand: CSV as spreadsheets save it, and words in more than one spelling."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from standout.errors import InputError, suggestion

PARTS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "dev", "eval"),
    "test": ("test", "testing", "tst"),
}
"""The parts of a data set -> the ways in which people write them."""


def read_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises InputError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8; save it in that encoding") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); check its name and permissions") from None


def read_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and the rows of a table whose cells are separated by commas, semicolons or tabs.

    Column names are in lower case, spaces around cells are removed, a missing cell is "", and the key "line" holds the
    row's line number in the file. Raises InputError when the file cannot be read.
    """
    lines, _ = read_cells(path)
    cells = [[cell.strip() for cell in line] for line in lines]
    columns = [name.lower() for name in cells[0]] if cells else []
    rows = [
        dict.fromkeys(columns, "") | dict(zip(columns, line, strict=False)) | {"line": str(number)}
        for number, line in enumerate(cells[1:], 2)
        if any(line)
    ]
    return columns, rows


def read_cells(path: Path) -> tuple[list[list[str]], str]:
    """The unchanged cells of a table, line by line, and their separator. Raises InputError as read_rows does."""
    text = read_text(path)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)), separator
    except csv.Error as error:
        raise InputError(f"{path} is not a CSV file ({error}); save it as CSV") from None


def meant(text: str, known: Mapping[str, Sequence[str]], where: str) -> str:
    """The key of known that text is a spelling of.

    where: the place in a file, for the error. Raises InputError, naming the nearest spelling, if there is none.

    >>> meant(" Valid", PARTS, "split.csv")
    'val'
    """
    given = text.strip().casefold()
    for name, spellings in known.items():
        if given in spellings:
            return name
    spellings = [spelling for names in known.values() for spelling in names]
    hint = suggestion(given, spellings, f"wanted {', '.join(known)}")
    raise InputError(f"{where}: {text!r} is none of {', '.join(known)}; {hint}")


def part_of(text: str) -> str:
    """The part that text names in any spelling; "" if it names none.

    >>> [part_of(text) for text in ("Validation", "TRAIN", "extra")]
    ['val', 'train', '']
    """
    return next((name for name, spellings in PARTS.items() if text.strip().casefold() in spellings), "")
