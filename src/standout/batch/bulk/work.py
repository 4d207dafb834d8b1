"""What is done with each item, as a value that goes to other processes and machines, and the worker it opens there.

BulkWork      frozen and picklable: an Edit as JSON, the model, how results are written, and where
BulkWorker    holds the loaded model; call it with an Item, in several threads at once, and it returns a BulkRow
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

from standout import images
from standout.batch.bulk.ledger import BulkRow
from standout.batch.bulk.shards import digest
from standout.batch.bulk.source import Item
from standout.batch.bulk.storage import Storage
from standout.batch.naming import Naming
from standout.batch.photo import Outcome, PhotoJob, PhotoOptions, by_model
from standout.batch.plan import Task
from standout.batch.run import reason
from standout.editing import Edit
from standout.errors import OutputError, OutputExists
from standout.images import READABLE
from standout.models.registry import DEFAULT
from standout.support.atomic import is_file, write_atomic
from standout.video import READABLE as CLIPS

if TYPE_CHECKING:
    from standout.batch.clip import ClipJob, ClipOptions
    from standout.segmenter import Segmenter

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BulkWork:
    """What is done with each item.

    edit: as Edit.to_json writes it. target: where results go. format: the suffix asked for. model, runtime, device: of
    a Segmenter. tta: whether test-time augmentation is used; None = for photos, not for clips. photos, clips: how they
    are read and written; None = by default. overwrite: whether results that are there already are made anew. scratch: a
    folder of this machine for clips that come from, or go to, an object store, where chunks let the same machine
    continue; None = one in the system's folder for temporary files.
    """

    edit: str
    target: Storage
    format: str | None = None
    model: str = DEFAULT
    runtime: str = "auto"
    device: str = "auto"
    tta: bool | None = None
    photos: PhotoOptions = PhotoOptions()  # noqa: RUF009 - a frozen value
    clips: ClipOptions | None = None
    overwrite: bool = False
    scratch: Path | None = None

    def words(self) -> dict[str, str]:
        """Everything that changes the results, as text."""
        parts = self.edited.to_dict()
        flat = {"effect": str(parts["effect"].pop("name"))}
        flat |= {name: str(value) for part in parts.values() for name, value in part.items()}
        flat |= {
            "target": self.target.name,
            "format": str(self.format), "model": self.model, "tta": str(self.tta),
            "quality": str(self.photos.quality), "metadata": self.photos.metadata or "keep",
        }  # fmt: skip
        return flat | ({} if self.clips is None else _told(self.clips))

    def open(self, *, threads: int = 1) -> BulkWorker:
        """The worker, with its model loaded. threads: of the model, for each photo. Raises what BulkWorker raises."""
        return BulkWorker(self, threads=threads)

    def name(self, key: str) -> str:
        """The name of an item's result: its key, with the result's suffix behind it where that is another one.

        No two items share a name, whatever else there is: a.jpg and a.png become a.jpg.png and a.png, and the result of
        a.jpg.png is a.jpg.png.png. Only a list that names a file without any suffix may hold another one with it.
        """
        path = Path(key)
        suffix = self._naming.suffix(path)
        taken = Path(path.stem).suffix.lower() in READABLE | CLIPS
        return key if path.suffix.lower() == suffix.lower() and not taken else f"{key}{suffix}"

    def check(self) -> None:
        """Raises InputError where the work can be done with no item at all, MissingExtra where a package is missing."""
        self._naming.asked()
        self._naming.checked(self._naming.suffix(Path("photo.jpg")))
        self.target.check()
        if self.target.is_local and is_file(self.target.path()):
            raise OutputError(f"target {self.target.root} is a file; wanted a folder, or a URL such as s3://bucket/out")

    @property
    def edited(self) -> Edit:
        """The edit itself."""
        return _edit(self.edit)

    @property
    def _naming(self) -> Naming:
        return Naming.of(self.edited.effect, format=self.format)


@cache
def _edit(text: str) -> Edit:
    """The edit, made once in each process, as it may hold a picture; it stays out of the values that are sent."""
    return Edit.from_json(text)


class Stopped(Exception):
    """A clip in work was given up, and another run goes on with it."""


class BulkWorker:
    """See the module. stop: once it is set, the clip in work is given up, and only finished chunks of it stay.

    Raises ModelError or SetupError where the model cannot be loaded.
    """

    def __init__(self, work: BulkWork, *, threads: int = 1) -> None:
        self.work = work
        self.stop = Event()
        self._loading = Lock()
        self._edit = work.edited
        finder = self._edit.finder(self._segmenter(tta=True, threads=threads))
        self._masks = by_model(finder, refine=self._edit.refined)
        self._clips: ClipJob | None = None

    def __call__(self, item: Item) -> BulkRow:
        """What became of the item, whose result is written before this returns. A broken photo is a row, no error.

        Raises Stopped for a clip that was given up because stop was set.
        """
        began = time.monotonic()
        name = self.work.name(item.key)
        target = self.work.target.address(name)
        row = BulkRow(item.key, target, "done", attempt=item.attempt)
        if item.fault or item.skip:
            row = replace(row, target=None, error=item.fault or item.skip, when=datetime.now(UTC))
            return replace(row, status="failed" if item.fault else "skipped")
        try:
            if not self.work.overwrite and self.work.target.exists(name):
                row = replace(row, status="kept")
            else:
                outcome = (self._clip if item.is_clip else self._photo)(item, name)
                told = {name: getattr(outcome, name) for name in _TOLD}
                row = replace(row, **told)
        except OutputExists:  # another process made it meanwhile, and what is made appears whole
            row = replace(row, status="kept")
        except Exception as error:  # one bad file, even one that finds a bug, must not stop the rest
            if self.stop.is_set() and item.is_clip:
                raise Stopped from None
            log.debug("%s", item.address, exc_info=error)
            row = replace(row, status="failed", error=reason(item.address, error))
        return replace(row, seconds=time.monotonic() - began, when=datetime.now(UTC))

    def _photo(self, item: Item, name: str) -> Outcome:
        job = PhotoJob(self._masks, self._edit, self.work.photos, self.work.model)
        photo = images.read(item.path or item.read(), max_pixels=self.work.photos.max_pixels, name=item.address)
        data, outcome = job.encoded(self._task(item, Path(item.address), Path(name)), photo)
        self.work.target.write(name, data, overwrite=self.work.overwrite)
        return outcome

    def _clip(self, item: Item, name: str) -> Outcome:
        """A clip, by chunks, of which those that are finished stay where the process is killed."""
        job = self._clip_job()
        if item.path is not None and self.work.target.is_local:
            return job(self._task(item, item.path, self.work.target.path(name)))
        place = self._scratch() / digest(f"{self.work.target.address(name)} {item.address}").hex()
        suffix = Path(name).suffix
        source, result = place / f"source{Path(item.key).suffix}", place / f"result{suffix}"
        if not source.exists():
            write_atomic(source, item.read())
        when = item.storage.modified(item.name)
        os.utime(source, (when, when))  # by which the chunks know the clip
        if not result.exists():
            outcome = job(self._task(item, source, result))
            write_atomic(place / "outcome.json", json.dumps(asdict(outcome)).encode(), overwrite=True)
        self.work.target.write(name, result, overwrite=self.work.overwrite)
        values = json.loads((place / "outcome.json").read_bytes())
        shutil.rmtree(place, ignore_errors=True)
        return Outcome(**values | {"warnings": tuple(values["warnings"])})

    def _scratch(self) -> Path:
        return self.work.scratch or Path(tempfile.gettempdir(), f"standout-batch-{_user()}")

    def _task(self, item: Item, source: Path, target: Path) -> Task:
        return Task(source, target, Path(item.key), target.suffix.lower())

    def _clip_job(self) -> ClipJob:
        from standout.batch.clip import ClipJob, ClipOptions

        with self._loading:
            if self._clips is None:
                finder = self._segmenter(tta=False, threads=1)
                seen_by = {
                    "model": f"{self.work.model} {finder.card.sha256}",
                    "tta": str(finder.tta),
                    "runtime": f"{finder.runtime} {finder.device}",
                }
                chosen = replace(self.work.clips or ClipOptions(), resume=True, overwrite=self.work.overwrite)
                self._clips = ClipJob(finder, self._edit, chosen, seen_by, stop=self.stop)
            return self._clips

    def _segmenter(self, *, tta: bool, threads: int) -> Segmenter:
        """What finds people in photos, which have test-time augmentation by default, or in clips, which have not."""
        from standout.segmenter import Segmenter

        wanted = tta if self.work.tta is None else self.work.tta
        return Segmenter(
            self.work.model,
            runtime=self.work.runtime,
            device=self.work.device,
            threads=threads,
            tta=wanted,
            trim=not tta,
        )


_TOLD = ("width", "height", "person_share", "frames", "warnings")
"""Fields that a row has of a photo's Outcome."""


def _told(options: ClipOptions) -> dict[str, str]:
    """What of the options changes a clip's result, as text."""
    values = asdict(options)
    excerpt = values.pop("excerpt")
    return {name: str(value) for name, value in (excerpt | values).items() if name not in _UNCHANGING}


_UNCHANGING = ("overwrite", "resume", "chunk", "measure", "workers", "quality")
"""Fields of ClipOptions that change no result, or that a photo's options say as well."""


def _user() -> str:
    """Who runs this, so that two users of a machine do not share a folder."""
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
