"""Names that clients send, made safe to show and to store in a ZIP file, and the names of results.

A safe name is never used as a path on the server; the client that unpacks the result uses it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath

from standout.effects import Effect

LONGEST = 120
"""Characters of a part of a name."""

MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".zip": "application/zip",
}
"""Suffix of a result -> its media type."""


def safe(name: str) -> str:
    """The last part of a name that a client sent, without anything that a file system or a header could misread.

    >>> safe("../../etc/passwd"), safe("C:\\\\me\\\\my: clip?.mp4"), safe("...")
    ('passwd', 'my_ clip_.mp4', 'file')
    """
    return _part(re.split(r"[/\\]", name)[-1]) or "file"


def safe_path(name: str) -> str:
    """The name with its folders, each made safe; what leads upward is left out.

    >>> safe_path("/holiday/../../one.jpg"), safe_path("deep/er/two.jpg")
    ('holiday/one.jpg', 'deep/er/two.jpg')
    """
    parts = [_part(part) for part in re.split(r"[/\\]", name)]
    return "/".join(part for part in parts if part) or "file"


def results(names: list[str], suffixes: list[str], effect: Effect) -> list[str]:
    """What the results of these files are called: as on the command line, and each name once.

    >>> from standout.effects import Blur
    >>> results(["a.jpg", "b/a.png", "a.png"], [".jpg", ".png", ".jpg"], Blur())
    ['a.jpg-blur.jpg', 'b/a-blur.png', 'a.png-blur.jpg']
    """
    paths = [PurePosixPath(name) for name in names]
    short = [str(path.with_name(f"{path.stem}-{effect.name}{end}")) for path, end in zip(paths, suffixes, strict=True)]
    whole = [str(path.with_name(f"{path.name}-{effect.name}{end}")) for path, end in zip(paths, suffixes, strict=True)]
    wanted = Counter(name.casefold() for name in short)
    chosen = [one if wanted[one.casefold()] == 1 else other for one, other in zip(short, whole, strict=True)]
    taken: set[str] = set()
    for at, name in enumerate(chosen):
        path, number = PurePosixPath(name), 1
        while chosen[at].casefold() in taken:
            number += 1
            chosen[at] = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
        taken.add(chosen[at].casefold())
    return chosen


def _part(text: str) -> str:
    """A part of a name in safe characters; "" where it is empty or leads upward."""
    text = unicodedata.normalize("NFC", text)
    text = "".join("_" if one in '<>:"|?*' else one for one in text if unicodedata.category(one)[0] != "C")
    text = text.strip(" .") if not text.strip(" .").startswith("~") else text.strip(" .~")
    stem, dot, suffix = text.rpartition(".")
    return f"{stem[: LONGEST - len(suffix)]}{dot}{suffix}" if stem and len(suffix) < 20 else text[:LONGEST]
