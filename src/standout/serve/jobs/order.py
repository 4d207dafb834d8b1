"""What a client has asked for, and what is to be made of it: two JSON files in the job's folder.

    order.json   JobOrder   written by the server, read by the processes that check and do the job
    plan.json    JobPlan    written by the process that checks the job, read by the one that does it

All paths are relative to the job's folder, in which those processes run:

    upload/0      the files as they came, by number
    in/0001.jpg   the photos and clips, by number; their suffix says what they are
    out/          results that are finished, and the finished chunks of a clip
    result.zip    all results, where more than one file was asked for
    ledger.jsonl  what became of each file, see batch.ledger
    log           what the processes print
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from standout.serve.jobs.settings import JobSettings
from standout.support.atomic import write_atomic

ORDER, PLAN = "order.json", "plan.json"


@dataclass(frozen=True)
class GivenFile:
    """A file that a client has sent. path: where it is. name: what the client calls it."""

    path: str
    name: str


@dataclass(frozen=True)
class PlannedFile:
    """A photo or a clip and its result.

    name: what the client calls it. result: what its result is called for the client. frames: of a clip, about; 1 for a
    photo.
    """

    source: str
    target: str
    name: str
    result: str
    frames: int = 1


@dataclass(frozen=True)
class JobOrder:
    """What a client has asked for, with the server's limits and model.

    edit: see Edit.to_dict; the background of its effect, where one was sent, is left out of it. format: suffix of the
    results; None = chosen by the effect. most_photo_bytes, most_pixels: of a photo.
    """

    files: tuple[GivenFile, ...]
    edit: dict[str, Any]
    limits: JobSettings
    background: GivenFile | None = None
    format: str | None = None
    model: str = ""
    runtime: str = "auto"
    device: str = "auto"
    most_photo_bytes: int = 0
    most_pixels: int = 0

    def write(self, folder: Path) -> None:
        """Writes the order into the job's folder."""
        values = asdict(self)
        del values["limits"]["folder"]
        write_atomic(folder / ORDER, json.dumps(values).encode(), overwrite=True)

    @classmethod
    def read(cls, folder: Path) -> JobOrder:
        """The order in the job's folder."""
        values = json.loads((folder / ORDER).read_bytes())
        values["files"] = tuple(GivenFile(**one) for one in values["files"])
        values["background"] = values["background"] and GivenFile(**values["background"])
        values["limits"] = JobSettings(**values["limits"])
        return cls(**values)


@dataclass(frozen=True)
class JobPlan:
    """What is to be made.

    background: the path of what is put behind the people; None where the effect needs nothing. target: the path of the
    result. name, media_type: what the result is called for the client, and its kind. left_out: names in a ZIP file that
    are neither photos nor clips.
    """

    files: tuple[PlannedFile, ...]
    target: str
    name: str
    media_type: str
    background: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def is_single(self) -> bool:
        """Whether one photo or clip was sent, so that the result is one, too; otherwise it is a ZIP file."""
        return self.target != RESULT

    @property
    def total(self) -> int:
        """The number of steps that the client is told: the frames of a single clip, or the number of files."""
        return self.files[0].frames if self.is_single else len(self.files)

    def write(self, folder: Path) -> None:
        """Writes the plan into the job's folder."""
        write_atomic(folder / PLAN, json.dumps(asdict(self)).encode(), overwrite=True)

    @classmethod
    def read(cls, folder: Path) -> JobPlan:
        """The plan in the job's folder."""
        values = json.loads((folder / PLAN).read_bytes())
        values["files"] = tuple(PlannedFile(**one) for one in values["files"])
        values["left_out"] = tuple(values["left_out"])
        return cls(**values)


RESULT = "result.zip"
