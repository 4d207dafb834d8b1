"""A second file behind the first, in one: players and FFmpeg stop before it, or never look at it.

    .mp4 .mov    boxes of size, name and content; a second file begins with a second "ftyp" box
    .flv         tags of kind, size, content and size; a second file begins with a second "FLV" header

Files of other kinds that were joined are read to their end: see timeline.py.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def appended_bytes(path: Path, format: str) -> int:
    """Bytes that follow the first whole file; 0 where there is no second one. format: FFmpeg's names of the format."""
    name = next((name for name in _BEGINNINGS if name in format.split(",")), None)
    if name is None:
        return 0
    with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        for place in _BEGINNINGS[name](file, size):
            if place > 0:
                return size - place
    return 0


def _boxes(file: BinaryIO, size: int) -> Iterator[int]:
    """The offsets at which boxes named "ftyp" begin."""
    place = 0
    while place + 16 <= size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        length = int.from_bytes(head[8:]) if length == 1 else length
        if head[4:8] == b"ftyp":
            yield place
        if length < 8:  # a length of 0 reaches to the end of the file
            return
        place += length


def _tags(file: BinaryIO, size: int) -> Iterator[int]:
    """The offsets at which .flv headers begin."""
    place = 0
    while place + 11 <= size:
        file.seek(place)
        head = file.read(11)
        if head[:3] == b"FLV":
            yield place
            place += int.from_bytes(head[5:9]) + 4
        elif head[0] & 0x1F in (8, 9, 18):
            place += 11 + int.from_bytes(head[1:4]) + 4
        else:
            return


_BEGINNINGS = {"mp4": _boxes, "flv": _tags}
"""FFmpeg's name of a format -> the function that finds where files of it begin."""
