"""The queue of jobs, its routes and its life over restarts and crashes, with a process that only pretends to work."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from standout.errors import SetupError
from standout.serve.app import create
from standout.serve.jobs import child, folders, runner
from standout.serve.jobs.folders import JobFolders
from standout.serve.jobs.runner import CRASHED, GONE, MOST_STARTS
from standout.serve.jobs.schema import JOB
from standout.serve.jobs.settings import JobSettings
from standout.serve.jobs.store import ENDED, JobRecord, JobStore
from standout.serve.settings import ServerSettings
from tests.conftest import ROOT
from tests.serve.conftest import HEIGHT, HOST, WIDTH, Bright, code, drawn, http_scope
from tests.serve.fake_work import RESULT
from tests.waiting import until

Opened = Callable[..., TestClient]
FIELDS = {"id", "status", "progress", "done", "total", "message", "error", "created", "expires", "result", "media_type"}


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are done by tests/serve/fake_work.py."""
    monkeypatch.setattr(child, "MODULE", "tests.serve.fake_work")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def opened(faked: None, tmp_path: Path) -> Iterator[Opened]:
    """(Fields of JobSettings) -> a client of a server whose jobs are in the folder state/."""
    with ExitStack() as stack:

        def client(keys: tuple[str, ...] = (), **settings: Any) -> TestClient:
            jobs = JobSettings(**({"folder": tmp_path / "state"} | settings))
            app = create(ServerSettings(workers=1, keys=keys, jobs=jobs), Bright())
            return stack.enter_context(TestClient(app, base_url=HOST, raise_server_exceptions=False))

        yield client


def sent(client: TestClient, name: str = "steps.mp4", key: str = "") -> str:
    """The id of a new job."""
    answer = client.post("/v1/jobs", files={"file": (name, b"anything")}, headers={"X-Api-Key": key})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
    return str(answer.json()["id"])


def seen(client: TestClient, job: str) -> dict[str, Any]:
    answer = client.get(f"/v1/jobs/{job}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    jsonschema.validate(told, JOB)
    return told


def ended(client: TestClient, job: str) -> dict[str, Any]:
    """The job, once it has ended."""
    return until(lambda: (one := seen(client, job))["status"] in ENDED and one, f"job {job} has ended") or {}


def running(client: TestClient, job: str) -> None:
    until(lambda: seen(client, job)["done"] == 1, f"job {job} has made a step")


def held(client: TestClient) -> Path:
    """The folder of all jobs' folders."""
    return Path(client.app.state.jobs.settings.folder) / "jobs"  # type: ignore[attr-defined]


def test_a_job_from_its_beginning_to_its_end(opened: Opened) -> None:
    client = opened()
    job = sent(client)
    done = ended(client, job)
    assert set(done) == FIELDS | {"name"}
    assert (done["status"], done["progress"], done["done"], done["total"]) == ("done", 1.0, 5, 5)
    assert (done["name"], done["media_type"], done["error"]) == ("result-steps.mp4", "video/mp4", None)
    assert done["created"] < done["expires"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", done["expires"])
    assert [one["id"] for one in client.get("/v1/jobs").json()["jobs"]] == [job]
    answer = client.get(done["result"])
    assert answer.content == RESULT and answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="result-steps.mp4"'
    part = client.get(done["result"], headers={"Range": "bytes=300-309", "If-Range": answer.headers["ETag"]})
    assert (part.status_code, part.content) == (206, RESULT[300:310])
    for wrong in ("bytes=9-5", "bytes=-", "pages=1", "bytes=1-" + "9" * 5000, "bytes=²-³"):
        assert client.get(done["result"], headers={"Range": wrong.encode()}).status_code in (200, 416)
    until(lambda: [one.name for one in (held(client) / job).rglob("*")] == ["out", "0001.mp4"], "the upload is gone")
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert client.get(f"/v1/jobs/{job}").status_code == client.get(done["result"]).status_code == 404
    assert not list(held(client).iterdir())


def test_events_tell_each_change_in_order_and_end_with_the_job(opened: Opened) -> None:
    client = opened()
    job = sent(client)
    answer = client.get(f"/v1/jobs/{job}/events")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.text.strip().split("\n\n")]
    assert {lines[0] for lines in blocks} == {"event: job"}
    told = [json.loads(lines[1].removeprefix("data: ")) for lines in blocks]
    order = ["queued", "running", "done"]
    places = [(order.index(one["status"]), one["progress"]) for one in told]
    assert places == sorted(places) and told[-1]["status"] == "done" and told[-1] == seen(client, job)
    assert len({json.dumps(one) for one in told}) == len(told), "each event tells something new"
    again = client.get(f"/v1/jobs/{job}/events").text
    assert again.count("event: job") == 1, "a job that has ended is told once"


@pytest.mark.parametrize("name", ["hang.mp4", "steps.mp4"])
def test_cancel(opened: Opened, name: str) -> None:
    client = opened()
    first = sent(client, "hang.mp4")
    running(client, first)
    job = first if name == "hang.mp4" else sent(client, name)
    answer = client.delete(f"/v1/jobs/{job}")
    assert answer.status_code == 200 and answer.json()["status"] == "canceled"
    assert not (held(client) / job).exists() and answer.json()["result"] is None
    assert code(client.get(f"/v1/jobs/{job}/result")) == "no_result"
    if name == "hang.mp4":
        assert ended(client, sent(client))["status"] == "done", "its place is free for the next one"
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert client.get(f"/v1/jobs/{job}").status_code == 404


def test_a_process_that_keeps_dying(opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = opened()
    job = ended(client, sent(client, "crash.mp4"))
    assert (job["status"], job["error"]) == ("failed", CRASHED)
    assert len([one for one in caplog.records if "signal 9" in one.message]) == MOST_STARTS
    until(lambda: not list(held(client).iterdir()), "the files are gone")
    assert ended(client, sent(client, "once.mp4"))["status"] == "done", "a second start may be all it needs"


def test_files_that_vanish(opened: Opened) -> None:
    client = opened()
    first, second = sent(client, "hang.mp4"), sent(client)
    shutil.rmtree(held(client) / second)
    client.delete(f"/v1/jobs/{first}")
    job = ended(client, second)
    assert (job["status"], job["error"]) == ("failed", GONE)


def test_a_queue_that_cannot_be_written_for_a_while(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PAUSE", 0.01)
    client = opened()
    refusals = iter([sqlite3.OperationalError("database or disk is full")])
    end = JobStore.end

    def refused_once(*given: Any, **more: Any) -> None:
        for error in refusals:
            raise error
        end(*given, **more)

    monkeypatch.setattr(JobStore, "end", refused_once)
    assert ended(client, sent(client))["status"] == "done"
    assert next(refusals, None) is None


def test_a_process_that_hangs(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(child.MOST_SILENCE, "make", 0.3)
    client = opened()
    job = ended(client, sent(client, "hang.mp4"))
    assert (job["status"], job["error"]) == ("failed", CRASHED)


def test_a_check_that_hangs(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(child.MOST_SILENCE, "check", 0.0)
    client = opened()
    answer = client.post("/v1/jobs", files={"file": ("a.mp4", b"a")})
    assert answer.status_code == 400 and "the process that looked into them ended" in answer.text
    assert not list(held(client).iterdir())


def test_watchers_hear_that_the_server_is_there_while_nothing_changes(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.01)
    client = opened()
    job = sent(client, "hang.mp4")
    told: list[bytes] = []

    async def receive() -> dict[str, Any]:
        while told.count(b": ping\n\n") < 3:
            await anyio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message.get("body", b""))

    scope = http_scope("GET", f"/v1/jobs/{job}/events")
    client.portal.call(client.app, scope, receive, send)  # type: ignore[union-attr]  # which ends as the client leaves
    client.delete(f"/v1/jobs/{job}")


@pytest.mark.parametrize(("name", "error"), [("bug.mp4", "an error of the server itself"), ("wrong.mp4", "is wrong")])
def test_errors_tell_no_paths(opened: Opened, tmp_path: Path, name: str, error: str) -> None:
    client = opened()
    job = ended(client, sent(client, name))
    assert job["status"] == "failed" and error in job["error"]
    assert str(tmp_path) not in job["error"] and "Traceback" not in job["error"]


def test_callers_see_their_own_jobs_alone(opened: Opened) -> None:
    client = opened(keys=("key-of-anna", "key-of-bert"))
    job = sent(client, key="key-of-anna")
    anna, bert = {"X-Api-Key": "key-of-anna"}, {"X-Api-Key": "key-of-bert"}
    until(lambda: client.get(f"/v1/jobs/{job}", headers=anna).json()["status"] == "done", "the job is done")
    assert [one["id"] for one in client.get("/v1/jobs", headers=anna).json()["jobs"]] == [job]
    assert client.get("/v1/jobs", headers=bert).json() == {"jobs": []}
    for path in (f"/v1/jobs/{job}", f"/v1/jobs/{job}/events", f"/v1/jobs/{job}/result"):
        assert client.get(path, headers=bert).status_code == 404
        assert client.get(path).status_code == 403
        assert client.get(path, headers=anna).status_code == 200
    assert client.delete(f"/v1/jobs/{job}", headers=bert).status_code == 404
    assert client.post("/v1/jobs", files={"file": ("a.mp4", b"a")}).status_code == 403
    assert client.get("/metrics").status_code == 403


@pytest.mark.parametrize("name", ["0" * 32, "..", "%2e%2e%2f", "a" * 31, "A" * 32, "jobs.sqlite3"])
def test_ids_of_no_job(opened: Opened, name: str) -> None:
    client = opened()
    for path in (f"/v1/jobs/{name}", f"/v1/jobs/{name}/result", f"/v1/jobs/{name}/events"):
        assert client.get(path).status_code in (404, 405)


def test_places_and_room_are_limited(opened: Opened) -> None:
    client = opened(places=2)
    jobs = [sent(client, "hang.mp4"), sent(client, "hang.mp4")]
    full = client.post("/v1/jobs", files={"file": ("a.mp4", b"a")})
    assert (full.status_code, code(full)) == (429, "rate_limit_exceeded") and full.headers["Retry-After"] == "60"
    assert seen(client, jobs[1])["message"] == "it waits for 1 job before it"
    client.delete(f"/v1/jobs/{jobs[1]}")
    assert sent(client, "hang.mp4")


def test_several_jobs_at_once(opened: Opened) -> None:
    client = opened(workers=2)
    jobs = [sent(client, "hang.mp4") for _ in range(3)]
    for job in jobs[:2]:
        running(client, job)
    assert [seen(client, job)["status"] for job in jobs] == ["running", "running", "queued"]
    client.delete(f"/v1/jobs/{jobs[0]}")
    running(client, jobs[2])
    for job in jobs[1:]:
        client.delete(f"/v1/jobs/{job}")


def test_the_disk_is_not_filled(opened: Opened) -> None:
    client = opened(most_disk=3000)
    full = client.post("/v1/jobs", files={"file": ("a.mp4", bytes(4000))})
    assert (full.status_code, code(full)) == (507, "no_room") and full.headers["Retry-After"]
    assert not list(held(client).iterdir())


def test_a_disk_that_is_full(opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client = opened()

    def no_space(self: JobFolders, name: str) -> Path:
        self.of(name).mkdir()
        raise OSError(28, "No space left on device", str(tmp_path))

    monkeypatch.setattr(JobFolders, "make", no_space)
    full = client.post("/v1/jobs", files={"file": ("a.mp4", b"a")})
    assert (full.status_code, code(full)) == (507, "no_room") and str(tmp_path) not in full.text
    assert not list(held(client).iterdir())


def test_results_expire(opened: Opened) -> None:
    client = opened(keep_hours=2.0)
    job = sent(client)
    ended(client, job)
    jobs = client.app.state.jobs  # type: ignore[attr-defined]
    now = jobs.store.find(job).expires
    for moment, status in ((now - 1, 200), (now, 404)):
        jobs.clock = lambda moment=moment: moment
        client.portal.call(jobs.sweep)  # type: ignore[union-attr]
        assert client.get(f"/v1/jobs/{job}").status_code == status
    assert not list(held(client).iterdir())


def test_jobs_outlive_the_server(faked: None, tmp_path: Path) -> None:
    settings = ServerSettings(workers=1, jobs=JobSettings(folder=tmp_path / "state"))
    with TestClient(create(settings, Bright()), base_url=HOST) as client:
        done = sent(client)
        ended(client, done)
        interrupted, waiting = sent(client, "hang.mp4"), sent(client)
        running(client, interrupted)
        began = held(client) / interrupted / "begun"
    assert began.read_text() == "x"
    stranger = held(client) / ("0" * 32)
    stranger.mkdir()
    with TestClient(create(settings, Bright()), base_url=HOST) as client:
        assert client.get(f"/v1/jobs/{done}/result").content == RESULT
        until(lambda: began.read_text() == "xx", "the interrupted job is begun again")
        assert [seen(client, job)["status"] for job in (interrupted, waiting)] == ["running", "queued"]
        assert not stranger.exists(), "what an upload left behind is gone"
        for _ in range(MOST_STARTS):  # a server that is restarted is no crash of the job
            client.portal.call(client.app.state.jobs.close)  # type: ignore[union-attr, attr-defined]
            client.portal.call(client.app.state.jobs.start)  # type: ignore[union-attr, attr-defined]
            running(client, interrupted)
        client.delete(f"/v1/jobs/{interrupted}")
        assert ended(client, waiting)["status"] == "done"


def test_many_watchers_are_told_the_end(opened: Opened) -> None:
    from threading import Thread

    client = opened()
    job = sent(client, "hang.mp4")
    running(client, job)
    heard: list[str] = []
    threads = [Thread(target=lambda: heard.append(client.get(f"/v1/jobs/{job}/events").text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    watchers = client.app.state.jobs.watchers  # type: ignore[attr-defined]
    until(lambda: job in watchers._changes, "somebody watches")
    client.delete(f"/v1/jobs/{job}")
    for thread in threads:
        thread.join()
    assert len(heard) == 8 and all('"status": "canceled"' in text for text in heard)


def test_nobody_else_may_look(opened: Opened) -> None:
    client = opened()
    sent(client)
    root = held(client).parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (root, held(client), *held(client).iterdir())}
    assert set(modes.values()) == {0o700}
    assert stat.S_IMODE((root / "jobs.sqlite3").stat().st_mode) == 0o600


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert folders.default().parts[-2:] == ("standout", "serve")
    if sys.platform == "linux":
        assert folders.default() == tmp_path / "standout" / "serve"


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(SetupError, match=r"mine holds other files, such as thesis\.txt"):
        JobFolders(tmp_path / "mine")
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="inside cannot hold the jobs"):
        JobFolders(tmp_path / "file" / "inside")
    one = JobFolders(tmp_path / "one")
    with pytest.raises(SetupError, match="in use by another server; end it, or give this server its own"):
        JobFolders(tmp_path / "one")
    one.close()
    JobFolders(tmp_path / "one").close()


def test_a_queue_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"no database" * 1000)
    with pytest.raises(SetupError, match="cannot hold the queue of jobs"):
        JobStore(tmp_path / "damaged")
    with sqlite3.connect(tmp_path / "newer") as base:
        base.execute("PRAGMA user_version = 99")
    base.close()
    with pytest.raises(SetupError, match="another version of standout \\(99\\)"):
        JobStore(tmp_path / "newer")


def test_the_server_runs_without_jobs_where_the_default_folder_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(folders, "default", lambda: tmp_path / "file" / "state")
    with TestClient(create(ServerSettings(workers=1), Bright()), base_url=HOST) as client:
        assert client.get("/healthz").status_code == client.get("/metrics").status_code == 200
        assert client.get("/config.json").json()["jobs"] is False
        answers = [client.post("/v1/jobs", files={"file": ("a.mp4", b"a")}), client.get("/v1/jobs")]
        answers.append(client.get(f"/v1/jobs/{'0' * 32}/events"))
        assert {(one.status_code, code(one)) for one in answers} == {(503, "jobs_unavailable")}
        assert str(tmp_path) not in "".join(one.text for one in answers)
    assert "the server runs without jobs" in caplog.text


def test_the_order_of_the_queue(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "queue")
    for name in ("a", "b", "c"):
        store.add(JobRecord(name, "me", "queued", 5.0, "", "", 1, ""))
    first = store.claim()
    assert first is not None and (first.id, first.status, first.starts) == ("a", "running", 1)
    store.requeue("a")
    again = store.claim()
    assert again is not None and (again.id, again.starts) == ("a", 2)
    store.requeue("a", blameless=True)
    assert (store.find("a") or first).starts == 1
    store.end("a", "canceled", expires=10.0)
    store.end("a", "done", expires=20.0)
    assert (store.find("a") or first).status == "canceled", "what has ended stays so"
    assert store.counts() == {"queued": 2, "running": 0, "done": 0, "failed": 0, "canceled": 1}
    assert store.expired(9.9) == [] and store.expired(10.0) == ["a"]
    assert [one.id for one in store.all("me")] == ["c", "b", "a"] and store.all("you") == []
    store.close()


def test_metrics(opened: Opened) -> None:
    client = opened()
    job = ended(client, sent(client, "steps.mp4"))
    client.get("/a/path/nobody/knows")
    client.request("BREW", "/v1/jobs")
    client.post("/v1/mask", files={"image": drawn()})
    text = client.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert values['standout_requests_total{method="POST",route="/v1/jobs",status="202"}'] == "1.0"
    assert values['standout_requests_total{method="GET",route="other",status="404"}'] == "1.0"
    assert values['standout_requests_total{method="other",route="/v1/jobs",status="405"}'] == "1.0"
    assert float(values['standout_request_seconds_count{route="/v1/jobs/{job_id}"}']) >= 1
    assert values['standout_jobs{status="done"}'] == "1.0" and values['standout_jobs{status="failed"}'] == "0.0"
    assert (values["standout_photos_total"], values["standout_megapixels_total"]) == ("1.0", f"{HEIGHT * WIDTH / 1e6}")
    assert values['standout_queue_places{state="taken"}'] == "0.0"
    assert float(values["standout_request_bytes_total"]) > 100 and values["standout_worker_restarts_total"] == "0.0"
    if Path("/proc/self/stat").exists():
        assert float(values["process_resident_memory_bytes"]) > 1e6 and float(values["process_cpu_seconds_total"]) > 0
    assert job["id"] not in text and "steps" not in text and "nobody" not in text
