"""Worker processes that die, hang, take too much memory, or are left behind."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
from standout.errors import ModelError
from standout.serve.refusals import Refusal
from standout.serve.workers.child import Setup, resident
from standout.serve.workers.pool import ProcessPool
from standout.serve.workers.process import JobFailed, WorkerDied, WorkerOutOfMemory, WorkerProcess, WorkerTooSlow
from tests.serve import jobs
from tests.serve.running import runs
from tests.waiting import LIMIT, started, until

SETUP = Setup("standout-mobile", "auto", "auto", 4 * 2**30)
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")]


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    one = WorkerProcess(SETUP, seconds=LIMIT)
    yield one
    one.stop()
    one.drop()


def test_jobs_run_in_one_process_that_keeps_its_model(worker: WorkerProcess) -> None:
    first = worker.run(jobs.process_id)
    assert first != os.getpid() and len(worker.run(jobs.shape_of_mask)) == 2
    assert worker.run(jobs.process_id) == first and worker.is_ready
    assert not worker.run(jobs.kinds_of_modules) & {"torch", "uvicorn"}


@pytest.mark.parametrize("job", [jobs.kill, jobs.kill_while_decoding, jobs.kill_after_decoding])
def test_a_worker_that_dies_is_replaced(worker: WorkerProcess, job: object) -> None:
    before = worker.run(jobs.process_id)
    with pytest.raises(WorkerDied) as caught:
        worker.run(job)
    assert caught.value.decoding == (job is jobs.kill_while_decoding) and not worker.is_ready
    assert worker.run(jobs.process_id) not in (before, os.getpid())


def test_a_worker_that_died_while_it_was_idle_costs_no_request(worker: WorkerProcess) -> None:
    before = worker.run(jobs.process_id)
    os.kill(before, signal.SIGKILL)
    until(lambda: not runs(before), "the worker has ended")
    assert worker.run(jobs.process_id) != before


@pytest.mark.parametrize("stopped", [False, True])
def test_a_worker_that_hangs_is_killed(worker: WorkerProcess, stopped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is stopped before it takes its job."""
    before = worker.run(jobs.process_id)
    if stopped:
        os.kill(before, signal.SIGSTOP)
    monkeypatch.setattr(worker, "_seconds", 0.05)
    with pytest.raises(WorkerTooSlow):
        worker.run(jobs.hang)
    assert not runs(before)
    monkeypatch.undo()
    assert worker.run(jobs.process_id) != before


@linux
def test_a_worker_has_a_limit_of_memory(worker: WorkerProcess) -> None:
    before = worker.run(jobs.process_id)
    with pytest.raises(WorkerOutOfMemory):
        worker.run(jobs.take_memory)
    assert worker.run(jobs.process_id) == before, "it goes on"


@linux
def test_a_worker_that_has_grown_is_replaced(worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    before = worker.run(jobs.process_id)
    assert resident(before) > 10**7 and resident(2**30) == 0
    monkeypatch.setattr(worker, "_most_resident", 1)
    assert worker.run(jobs.process_id) == before and not worker.is_ready
    monkeypatch.undo()
    assert worker.run(jobs.process_id) != before


def test_what_a_job_raises(worker: WorkerProcess) -> None:
    before = worker.run(jobs.process_id)
    with pytest.raises(Refusal) as caught:
        worker.run(jobs.refuse_oddly)
    assert vars(caught.value) == vars(
        Refusal(418, "teapot", title="No coffee", detail="wanted tea", headers={"X-Tea": "green"})
    )
    with pytest.raises(Refusal) as caught:
        worker.run(jobs.refuse)
    assert caught.value.headers == {"Retry-After": "7"} and "come again" in str(caught.value)
    with pytest.raises(JobFailed, match="RuntimeError: secret"):
        worker.run(jobs.fail)
    with pytest.raises(ModelError, match="the model has holes"):
        worker.run(jobs.fail_as_the_model)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        worker.run(lambda finder: None)
    assert worker.run(jobs.process_id) == before


def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    worker = WorkerProcess(Setup(str(tmp_path / "broken.onnx"), "auto", "auto", 0), seconds=LIMIT)
    for _ in range(2):
        with pytest.raises(ModelError, match=r"the model cannot be loaded: .*broken.onnx"):
            worker.run(jobs.process_id)


def test_a_pool_goes_on_whatever_happens(caplog: pytest.LogCaptureFixture) -> None:
    """One of its two workers hangs all the while, and the other one dies."""
    caplog.set_level(logging.ERROR)
    before = {*multiprocessing.active_children()}
    pool = ProcessPool(SETUP, workers=2, seconds=LIMIT)
    pool.start()

    async def four() -> list[object]:
        hangs = asyncio.ensure_future(pool.run(jobs.hang))
        found: list[object] = [await pool.run(jobs.process_id)]
        with pytest.raises(WorkerDied):
            await pool.run(jobs.kill)
        found += await asyncio.gather(*(pool.run(jobs.process_id) for _ in range(3)))
        await asyncio.to_thread(pool.close)
        with pytest.raises(WorkerDied):
            await hangs
        return found

    assert pool.restarts == 0
    first, *after = asyncio.run(four())
    assert pool.restarts == 1
    assert len(set(after)) == 1 and first not in after
    assert {*multiprocessing.active_children()} <= before, "none is left"


def test_a_pool_whose_workers_cannot_start_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = ProcessPool(Setup("no-such-model", "auto", "auto", 0), workers=1, seconds=LIMIT)
    pool.start()
    with pytest.raises(ModelError):
        asyncio.run(pool.run(jobs.process_id))
    pool.close()
    assert "the model cannot be loaded" in caplog.text and not pool.is_ready


PARENT = """
import sys, threading
from standout.serve.workers.child import Setup
from standout.serve.workers.process import WorkerProcess
from tests.serve import jobs
from tests.serve.running import runs
if __name__ == "__main__":
    workers = [WorkerProcess(Setup("standout-mobile", "auto", "auto", 0), seconds=1000) for _ in range(2)]
    print(*(worker.run(jobs.process_id) for worker in workers), flush=True)
    if sys.argv[1:] == ["wait"]:
        workers[0].run(jobs.hang)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_the_server(tmp_path: Path, number: signal.Signals) -> None:
    """One hangs in a job, the other one is stopped, so that it could not even see its parent's end."""
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, str(tmp_path / "parent.py"), "wait"]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with started(command, stdout=subprocess.PIPE, text=True, env=os.environ | paths) as parent:
        workers = [int(one) for one in parent.stdout.readline().split()]
        assert len(workers) == 2 and all(runs(one) for one in workers)
        if sys.platform == "linux":
            os.kill(workers[1], signal.SIGSTOP)
        parent.send_signal(number)
        parent.wait(LIMIT)
    for one in workers:
        until(lambda one=one: not runs(one), "the worker has ended")


def test_a_program_that_forgets_its_workers_ends(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "parent.py")],
        capture_output=True,
        text=True,
        env=os.environ | paths,
        timeout=LIMIT,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert not any(runs(int(one)) for one in done.stdout.split())
