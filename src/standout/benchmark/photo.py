"""The value of `--photo` -> a photo's file to cut out.

"12mp", "0.5mp"   a drawn portrait of that many megapixels, in the proportions 3:4
anything else     the file of a photo
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from standout.errors import InputError

LEAST, MOST = 0.01, 200.0
"""The least and the most megapixels that can be asked for; `standout cut` refuses larger photos too."""


def sides(text: str) -> tuple[int, int] | None:
    """(height, width) of that many megapixels; None where text is not such a size.

    Raises InputError for a size that is out of range.

    >>> sides("12mp"), sides("beach.jpg")
    ((4000, 3000), None)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*mp", text.strip().lower())
    if found is None:
        return None
    megapixels = float(found[1])
    if not LEAST <= megapixels <= MOST:
        raise InputError(f"--photo {text!r}: wanted {LEAST:g} to {MOST:g} megapixels, such as 12mp")
    width = math.sqrt(megapixels * 1e6 * 3 / 4)
    return round(width * 4 / 3), round(width)


def prepare(text: str, folder: Path) -> tuple[Path, str]:
    """The photo's file, which is drawn into folder if text is a size, and a description of it.

    Raises InputError when text is neither a size nor the file of a photo that can be read.
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
