"""What `--photo` says -> a JPEG to cut out.

"12mp", "0.5mp"   a drawn portrait of so many megapixels, 3:4
anything else     a photo's file
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from standout.errors import InputError

LEAST, MOST = 0.01, 200.0
"""Megapixels that can be asked for; more than the most, `standout cut` refuses too."""


def sides(text: str) -> tuple[int, int] | None:
    """(height, width) of so many megapixels; None where text is no such size. Raises InputError for a silly one.

    >>> sides("12mp"), sides("beach.jpg")
    ((4000, 3000), None)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*mp", text.strip().lower())
    if found is None:
        return None
    megapixels = float(found[1])
    if not LEAST <= megapixels <= MOST:
        raise InputError(f"--photo {text!r}: wanted {LEAST:g} to {MOST:g} megapixels")
    width = math.sqrt(megapixels * 1e6 * 3 / 4)
    return round(width * 4 / 3), round(width)


def prepare(text: str, folder: Path) -> tuple[Path, str]:
    """The file, drawn into folder if need be, and what it is, in words.

    Raises InputError where text is neither a size nor a photo that can be read.
    """
    from standout import images
    from standout.support.portrait import portrait

    size = sides(text)
    if size is not None:
        path = folder / "drawn.jpg"
        images.write(path, portrait(*size))
        return path, f"a drawn portrait of {size[1]}x{size[0]}"
    if not Path(text).is_file():
        raise InputError(f"--photo {text!r} is neither a size such as 12mp nor the file of a photo")
    height, width = images.read(text).image.shape[:2]
    return Path(text).absolute(), f"{Path(text).name}, {width}x{height}"
