"""Bulk runs on Ray, which is started once for all of these tests, and once more where it must be another one."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ray", reason="needs ray")

from standout.batch.bulk import cluster
from standout.batch.bulk.cluster import blocks, connection, on_a_cluster
from standout.batch.bulk.cluster import worker as worker_module
from standout.batch.bulk.cluster.worker import Answer, Worker
from standout.batch.bulk.ledger import BulkLedger, BulkRow
from standout.batch.bulk.run import BulkPlan, run
from standout.batch.bulk.source import Item, ItemSource
from standout.batch.bulk.storage import Storage
from standout.batch.bulk.work import BulkWork
from standout.editing import Edit
from standout.errors import InputError, MissingExtra, SetupError
from standout.images import encode
from standout.support.version import __version__
from tests.conftest import drawn_person
from tests.waiting import LIMIT, started, until

MODEL = "standout-tiny"
MANY = 600


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray with two workers, on this machine."""
    with connection.connected("local", cpus=2) as module:
        yield module


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve photos in the folder `in` of the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.jpg").write_bytes(encode(drawn_person(seed=number)[0], ".jpg"))
    return folder


def work(**other: Any) -> BulkWork:
    return BulkWork(Edit().to_json(), **{"target": Storage.of("out"), "model": MODEL, **other})


def plan(**other: Any) -> BulkPlan:
    return BulkPlan(ItemSource.of("in"), **{"work": work(), "ledger": BulkLedger(Storage.of("ledger")), **other})


def rows(ledger: str = "ledger") -> list[dict[str, Any]]:
    return [row for table in BulkLedger(Storage.of(ledger)).tables() for row in table.to_pylist()]


def item(key: str) -> Item:
    return Item(key, Storage("in"), key)


@pytest.mark.slow
def test_photos_are_done_as_on_one_machine(ray: Any, photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """By several workers, which say who they are; nothing of Ray's is printed, and a second run has nothing to do."""
    summary = run(plan(), on_a_cluster("auto"))
    assert (summary.done, summary.failed) == (12, 0)
    alone = work(target=Storage.of("alone")).open()
    for one in ItemSource.of("in").items():
        assert alone(one).status == "done"
    results = sorted(path.name for path in Path("out").iterdir())
    assert results == [f"{number:02}.jpg.png" for number in range(12)]
    assert all(Path("out", name).read_bytes() == Path("alone", name).read_bytes() for name in results)
    made = rows()
    assert len(made) == 12 and all(row["worker"].startswith(f"{socket.gethostname()}-") for row in made)
    assert str(os.getpid()) not in {row["worker"].rpartition("-")[2] for row in made}
    again = run(plan(), on_a_cluster("auto"))
    assert (again.done, again.kept, again.before) == (0, 0, 12)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_broken_photo_is_a_row_and_one_that_kills_its_worker_too(
    ray: Any, photos: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The others of its block are done all the same."""
    (photos / "broken.jpg").write_bytes(b"no photo")
    (photos / "deadly.jpg").write_bytes((photos / "00.jpg").read_bytes())
    monkeypatch.setattr(cluster, "Worker", Deadly)
    summary = run(plan(), on_a_cluster("auto"))
    assert (summary.done, summary.failed) == (12, 2)
    errors = {row["key"]: row["error"] for row in rows() if row["status"] == "failed"}
    assert "not a picture" in errors["broken.jpg"] or "damaged" in errors["broken.jpg"]
    assert "in/deadly.jpg: its worker ended twice; the file may be damaged" in errors["deadly.jpg"]
    assert sorted(path.name for path in Path("out").iterdir()) == [f"{number:02}.jpg.png" for number in range(12)]
    assert capfd.readouterr() == ("", "")


class Deadly(Worker):
    """A worker that is killed by photos of a certain name, as a decoder's crash would."""

    def _answer(self, number: int, block: list[Item]) -> Answer:
        self._opened(block[0])
        for one in block:
            if one.key.startswith("deadly"):
                os.kill(os.getpid(), signal.SIGKILL)
        return super()._answer(number, block)


class Hanging(Worker):
    """A worker that waits for ever for photos of a certain name, and that gives none of them a second."""

    def _opened(self, first: Item) -> Any:
        worker_module.TOO_LONG = 5.0
        opened = super()._opened(first)

        def work(item: Item) -> BulkRow:
            if item.key.startswith("hanging"):
                Event().wait()
            return opened(item)

        work.stop = opened.stop  # type: ignore[attr-defined]
        return work


@pytest.mark.slow
def test_a_photo_that_hangs_is_a_row(ray: Any, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos / "hanging.jpg").write_bytes((photos / "00.jpg").read_bytes())
    monkeypatch.setattr(cluster, "Worker", Hanging)
    summary = run(plan(), on_a_cluster("auto"))
    assert (summary.done + summary.kept, summary.failed) == (12, 1)
    assert [row["key"] for row in rows() if row["status"] == "failed"] == ["hanging.jpg"]


@pytest.mark.slow
def test_where_every_worker_dies_the_cluster_is_to_blame(
    ray: Any, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in photos.iterdir():
        path.rename(path.with_name(f"deadly{path.name}"))
    monkeypatch.setattr(cluster, "Worker", Deadly)
    with pytest.raises(SetupError, match=r"every worker of the cluster died with its first photo, in/deadly.*--jobs"):
        run(plan(), on_a_cluster("auto"))
    assert rows() == []


@pytest.mark.slow
def test_what_a_worker_cannot_do_is_said_once(ray: Any, photos: Path) -> None:
    with pytest.raises(SetupError, match=rf"a worker on {socket.gethostname()} cannot work: .*no-such-model"):
        run(plan(work=work(model="no-such-model.onnx")), on_a_cluster("auto"))


class Lacking(Worker):
    """A worker on a machine where something is not installed, which is seen as soon as it is sent there."""

    def __init__(self, *given: Any) -> None:
        raise ModuleNotFoundError("No module named 'standout'")


@pytest.mark.slow
def test_workers_that_do_not_start(ray: Any, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "Worker", Lacking)
    with pytest.raises(SetupError, match=r"do not start \(.*No module named 'standout'\); every machine"):
        run(plan(), on_a_cluster("auto"))


@pytest.mark.slow
def test_a_run_that_is_stopped_finishes_what_is_in_work(
    ray: Any, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has a result has a row."""
    many(photos)
    stop = Event()
    summary = run(plan(), on_a_cluster("auto"), stop=stop, on_row=lambda row: stop.set())
    assert summary.stopped and 0 < summary.done < MANY
    assert summary.done == len(rows()) == len([one for one in Path("out").iterdir() if one.suffix == ".png"])


def many(photos: Path) -> None:
    """More photos than are done before the workers learn that they are to stop."""
    for number in range(12, MANY):
        (photos / f"{number}.jpg").write_bytes((photos / "00.jpg").read_bytes())


@pytest.mark.slow
def test_windows_follow_each_other(ray: Any, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "FIRST", 2)
    monkeypatch.setattr(cluster, "SMALLEST", 1)
    monkeypatch.setattr(cluster, "LARGEST", 1)
    priorities = set[int]()

    def tell(row: BulkRow) -> None:
        with suppress(ProcessLookupError):  # the worker of the last one may have ended
            priorities.add(os.getpriority(os.PRIO_PROCESS, int(row.worker.rpartition("-")[2])))

    assert run(plan(), on_a_cluster("auto"), on_row=tell).done == 12
    assert len(rows()) == 12
    assert priorities == {os.getpriority(os.PRIO_PROCESS, 0)}  # Ray would make them the least important of all


@pytest.mark.slow
def test_a_process_of_its_own_starts_and_ends_ray(photos: Path) -> None:
    """Nothing is printed, no folder stays, not even of a run that was killed, and signals are handled as they were.

    Nor does a token for the next run. It may start again.
    """
    left = Path(tempfile.mkdtemp(prefix="standout-ray-", dir="/tmp"))
    os.utime(left, (0, 0))
    program = (
        "import signal, ray\n"
        "from standout.batch.bulk.cluster.connection import connected\n"
        "before = signal.getsignal(signal.SIGTERM)\n"
        "for _ in range(2):\n"
        "    with connected('local') as module:\n"
        "        assert signal.getsignal(signal.SIGTERM) is before\n"
        "        assert module.cluster_resources()['CPU'] >= 1\n"
        "        place = module._private.worker._global_node.get_temp_dir_path()\n"
        "    assert not module.is_initialized()\n"
        "print(place)\n"
    )
    home = os.environ | {"HOME": str(photos.parent)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT, env=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (photos.parent / ".ray").exists()
    place = Path(done.stdout.strip())
    assert place.name.startswith("standout-ray-") and not place.exists() and not left.exists()


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_in_work(photos: Path) -> None:
    """Nothing of Ray's is printed, and what has a result has a row."""
    many(photos)
    command = [sys.executable, "-m", "standout", "batch", "in", "out", "cut", "--ledger", "ledger", "--model", MODEL]
    with started([*command, "--ray", "local", "--jobs", "1"], stderr=subprocess.PIPE, text=True) as process:
        until(lambda: list(Path().glob("out/*.png")), "the first result", process=process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, said
    lines = [line for line in said.splitlines() if line]
    assert lines[0] == "finishing the photos in work; Ctrl-C again leaves at once"
    assert lines[-1] == "interrupted; the same command goes on from here"
    assert "ray" not in said.lower().replace("array", "")
    results = list(Path("out").iterdir())
    assert 0 < len(results) == len(rows()) < MANY


def test_ray_sends_nothing_home() -> None:
    program = (
        "import os\n"
        "from standout.batch.bulk.cluster import on_a_cluster\n"
        "on_a_cluster('local')\n"
        "from ray._common.usage import usage_lib\n"
        "print(usage_lib.usage_stats_enabled())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")


@pytest.mark.parametrize("address", ["ray://10.0.0.1:10001", "10.0.0.1", "somewhere", "host:port", ""])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError, match=rf"{address!r} is no address of a Ray cluster; wanted auto, local, or"):
        on_a_cluster(address)


def test_a_cluster_that_is_not_there() -> None:
    """It is said at once, where Ray itself tries for minutes."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SetupError, match=rf"the Ray cluster at {address} cannot be joined \(.*refused"):
            connection.join(None, address)


@pytest.mark.parametrize("named", ["", "127.0.0.1:1"])
def test_a_cluster_that_has_ended_is_none(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(named)
    assert connection.own() is None
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert connection.own() == "10.0.0.1:6379"


@pytest.mark.parametrize(
    ("has", "device", "asked", "threads", "size"),
    [
        ({"CPU": 8.0}, "auto", None, 1, 8),
        ({"CPU": 8.0}, "cpu", 3, 1, 3),
        ({"CPU": 8.0}, "cpu", 30, 3, 2),  # no more than fit
        ({"CPU": 8.0, "GPU": 2.0}, "cuda", None, 1, 2),
        ({"CPU": 1.0, "GPU": 2.0}, "cuda:0", None, 1, 1),
    ],
)
def test_as_many_workers_as_fit(has: dict[str, float], device: str, asked: int | None, threads: int, size: int) -> None:
    found = SimpleNamespace(cluster_resources=lambda: has)
    assert cluster._size(found, work(device=device), asked, threads) == size


@pytest.mark.parametrize(("device", "threads"), [("cuda", 1), ("cpu", 3)])
def test_a_cluster_that_is_too_small(device: str, threads: int) -> None:
    found = SimpleNamespace(cluster_resources=lambda: {"CPU": 2.0})
    with pytest.raises(
        SetupError, match=rf"a worker needs {threads} CPU.*the cluster has 2 CPUs and 0 GPUs; use fewer"
    ):
        cluster._size(found, work(device=device), None, threads)


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"a cluster needs packages .* pip install 'standout\[ray\]'"):
        on_a_cluster("local")


def test_a_clip_is_a_block_of_its_own() -> None:
    names = ["a.jpg", "b.mp4", "c.jpg", "d.jpg", "e.jpg"]
    found = [[one.key for one in block] for block in blocks(map(item, names), 2)]
    assert found == [["b.mp4"], ["a.jpg", "c.jpg"], ["d.jpg", "e.jpg"]]


def test_a_worker_says_what_it_lacks(photos: Path, tmp_path: Path) -> None:
    """Another version of standout, or the folder that paths are relative to."""
    home, lacking = str(photos.parent), str(tmp_path / "nowhere")
    for folder, version, said in [
        (home, "0.0.1", f"it has standout {__version__}, and this machine 0.0.1; install the same one on all"),
        (lacking, __version__, f"it does not have the folder {lacking} (No such file or directory)"),
    ]:
        answer = Worker(work(), 1, folder, version, lambda: False)._said(pickle.dumps((3, [item("00.jpg")])))
        assert answer.rows == () and said in answer.fault
