"""groups.csv: which photo belongs to which group, to measure gaps between groups.

name,skin,light          the photo's name without its folder, then one or more labels of your choice
street_0012,dark,night   the photo's group by each label; with an empty cell, the photo is in no group of that label
"""

from __future__ import annotations

import csv
from pathlib import Path

from standout.errors import InputError
from standout.images import READABLE


def read_groups(path: Path) -> dict[str, dict[str, str]]:
    """Label -> the photo's name without folder and suffix -> its group.

    Raises InputError when the file does not exist, is not a CSV file in UTF-8, or lacks the column name or any label.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist; give a CSV file with the columns name and one or more labels"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV ({error}); save it as CSV in UTF-8") from None
    labels = [label for label in (rows[0] if rows else {}) if label and label != "name"]
    if not rows or "name" not in rows[0] or not labels:
        raise InputError(
            f"{path} needs the columns name and one or more labels; its first line may be: name,skin,light"
        )
    return {
        label: {_photo(row["name"]): row[label].strip() for row in rows if (row[label] or "").strip()}
        for label in labels
    }


def _photo(name: str) -> str:
    """The photo's name as a Pair has it, without the suffix of a picture file.

    >>> _photo("street_0012.jpg"), _photo("v1.2_street")
    ('street_0012', 'v1.2_street')
    """
    return Path(name).stem if Path(name).suffix.lower() in READABLE else name
