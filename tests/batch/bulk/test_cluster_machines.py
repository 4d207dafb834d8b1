"""A Ray cluster of two machines, both played by this one, one of which is lost in the middle of a run."""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from standout.images import encode
from tests.conftest import ROOT, drawn_person
from tests.waiting import LIMIT, started, until

pytest.importorskip("ray", reason="needs ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

PHOTOS = 150
SURROUNDINGS = {
    **os.environ,
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
}
RUN = """
import sys
from standout.batch.bulk.cluster import on_a_cluster
from standout.batch.bulk.cluster.connection import connected
from standout.batch.bulk.ledger import BulkLedger
from standout.batch.bulk.run import BulkPlan, run
from standout.batch.bulk.source import ItemSource
from standout.batch.bulk.storage import Storage
from standout.batch.bulk.work import BulkWork
from standout.editing import Edit
from tests.waiting import until

with connected(sys.argv[1]) as ray:
    until(lambda: ray.cluster_resources().get("CPU") == 2, "both machines are there")
    work = BulkWork(Edit().to_json(), Storage.of("out"), model="standout-tiny")
    plan = BulkPlan(ItemSource.of("in"), work, BulkLedger(Storage.of("ledger")))
    seen = set()
    def tell(row):
        seen.add(row.worker)
        print(row.worker, flush=True)
        if len(seen) == 2:
            sys.stdin.readline()  # both are at work; the test goes on with it
            seen.add(None)
    summary = run(plan, on_a_cluster(sys.argv[1]), on_row=tell)
print("done", summary.done + summary.kept, "failed", summary.failed)
"""


@pytest.fixture
def machines() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a cluster, and the process of that of its two machines which is not its head."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    place = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    ray = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--num-cpus", "1"]
    ray += ["--object-store-memory", str(100 << 20)]
    head = ["--head", "--port", address.rpartition(":")[2], "--include-dashboard=false", "--temp-dir", place]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": SURROUNDINGS}
    with ExitStack() as both:
        first = both.enter_context(started([*ray, *head], **quiet))
        both.callback(end, first)
        until(lambda: listens(address), "the head listens", process=first)
        second = both.enter_context(started([*ray, "--address", address], **quiet))
        both.callback(end, second)
        yield address, second
    shutil.rmtree(place, ignore_errors=True)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills the process and all that it has started."""
    for pid, _ in descendants(process.pid):
        os.kill(pid, signal.SIGKILL)
    process.kill()


def descendants(pid: int) -> list[tuple[int, str]]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module("kills").descendants(pid)
    finally:
        sys.path.pop(0)


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with closing(socket.socket()) as client:
        return client.connect_ex((host, int(port))) == 0


def test_a_machine_that_is_lost_loses_nothing(machines: tuple[str, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    address, second = machines
    (tmp_path / "in").mkdir()
    photo = encode(drawn_person()[0], ".jpg")
    for number in range(PHOTOS):
        (tmp_path / "in" / f"{number:03}.jpg").write_bytes(photo)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with started([sys.executable, "-c", RUN, address], cwd=tmp_path, env=SURROUNDINGS, **pipes) as run:
        assert run.stdout is not None
        seen = set[str]()
        while len(seen) < 2:
            line = run.stdout.readline()
            assert line, run.communicate(timeout=LIMIT)[1]
            seen.add(line.strip())
        end(second)
        said, errors = run.communicate("\n", timeout=LIMIT)
    assert run.returncode == 0, errors
    assert said.splitlines()[-1] == f"done {PHOTOS} failed 0"
    assert errors == ""
    assert len(list((tmp_path / "out").glob("*.png"))) == PHOTOS
