"""What the process that does the work and the one that watches it tell each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from standout.batch.bulk.work import BulkWork


@dataclass(frozen=True)
class Start:
    """What the process is told first. workers: items at once. threads: of the model and of OpenCV, for each."""

    work: BulkWork
    workers: int
    threads: int


class Asked(Enum):
    """What the process is told beside items."""

    STOP = auto()
    """Items that are not begun are given back, and so is a clip in work."""
    END = auto()
    """No item will come any more."""


class Told(Enum):
    """What a message is about, and what comes with it."""

    READY = auto()
    """The model is loaded; None."""
    UNUSABLE = auto()
    """It cannot be; the error. The process ends."""
    BEGUN = auto()
    """An item is in work; its number."""
    ROW = auto()
    """An item is over; (number, BulkRow)."""
    LEFT = auto()
    """An item was given back after Asked.STOP; its number."""
