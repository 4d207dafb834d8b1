"""Photos to work on, and a plan for them."""

import io
import shutil
import tarfile
import tracemalloc
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from standout.batch.bulk.ledger import BulkLedger, BulkRow
from standout.batch.bulk.local import on_this_machine
from standout.batch.bulk.run import BulkPlan, BulkSummary, run
from standout.batch.bulk.source import ItemSource
from standout.batch.bulk.storage import Storage
from standout.batch.bulk.work import BulkWork
from standout.editing import Edge, Edit
from standout.effects import Cut
from tests.conftest import SAMPLE

pytest.importorskip("pyarrow", reason="needs pyarrow")
pytest.importorskip("obstore", reason="needs obstore")

QUICK = Edit(Cut(decontaminate=False), edge=Edge(refine=False))
"""An edit that takes little time."""


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four copies of the sample photo in several folders, made small; tests run where pics/ is."""
    import cv2

    monkeypatch.chdir(tmp_path)
    small = cv2.resize(cv2.imread(str(SAMPLE)), (128, 128), interpolation=cv2.INTER_AREA)
    for name in ("a.jpg", "b.png", "deep/c.jpg", "deep/er/d.webp"):
        Path("pics", name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(f"pics/{name}", small)
    return tmp_path / "pics"


RESULTS = {"a.jpg.png", "b.png", "deep/c.jpg.png", "deep/er/d.webp.png"}


def plan(source: str = "pics", target: str = "out", ledger: str = "ledger", **how: Any) -> BulkPlan:
    """The plan to cut people out of the source; how: fields of BulkWork and of BulkPlan."""
    place = Storage.of(target)
    own = {name: how.pop(name) for name in ("shards", "retry", "sample") if name in how}
    work = BulkWork(how.pop("edit", QUICK).to_json(), place, **{"model": "standout-tiny", "tta": False} | how)
    return BulkPlan(ItemSource.of(source, leave_out=(place,)), work, BulkLedger(Storage.of(ledger)), **own)


def done(given: BulkPlan, *, stop: Event | None = None, workers: int = 2) -> tuple[BulkSummary, list[BulkRow]]:
    """The summary of the plan once it is carried out, and its rows."""
    rows: list[BulkRow] = []
    summary = run(given, on_this_machine(workers), on_row=rows.append, stop=stop)
    return summary, rows


def files(folder: str | Path) -> set[str]:
    """The names of all files below the folder, hidden ones too."""
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}


def tarred(path: str, members: dict[str, bytes]) -> None:
    """Writes a tar file as WebDataset does."""
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def copies(folder: str, count: int, photo: Path) -> None:
    """So many copies of a photo."""
    Path(folder).mkdir()
    for n in range(count):
        shutil.copy(photo, f"{folder}/p{n:03}{photo.suffix}")


def listed(source: ItemSource) -> tuple[int, int]:
    """How many items the source has, and the most bytes that listing them takes."""
    next(source.items())  # what is loaded on first use does not count
    tracemalloc.start()
    try:
        count = sum(1 for _ in source.items())
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
