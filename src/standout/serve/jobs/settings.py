"""How much jobs may take: bytes, files, seconds, frames, places in the queue, and hours on the disk."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from standout.errors import InputError


@dataclass(frozen=True)
class JobSettings:
    """What whoever starts the server decides about jobs.

    folder: where uploads, results and the queue are; None = folders.default(). workers: jobs in work at once. places:
    jobs that wait or are in work; more are refused with 429. most_bytes: of an upload, and of what a ZIP file unpacks
    to. most_files: of an upload, or in its ZIP file. most_seconds, most_frames: of a clip. most_frame_pixels: of each
    of its frames. chunk: frames of a clip, as many of which are done again where the server was stopped. most_disk:
    bytes that all jobs may take on the disk. keep_hours: how long a job that has ended, and its result, stay.
    """

    folder: Path | None = None
    workers: int = 1
    places: int = 20
    most_bytes: int = 2_000 * 2**20
    most_files: int = 1_000
    most_seconds: int = 3_600
    most_frames: int = 200_000
    most_frame_pixels: int = 17_000_000
    chunk: int = 300
    most_disk: int = 20_000 * 2**20
    keep_hours: float = 24.0

    def __post_init__(self) -> None:
        """Raises InputError for limits below 1, and for hours that are none."""
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name == "keep_hours" and value <= 0:
                raise InputError(f"keep_hours is {value:g}; wanted more than 0")
            if isinstance(value, int) and value < 1:
                raise InputError(f"{one.name} is {value}; wanted 1 or more")
