"""Jobs of a server that is a process of its own: stopped, killed and started again, in the middle of real clips."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("uvicorn")
from standout.serve.jobs.child import MODULE
from standout.serve.jobs.store import ENDED
from tests.conftest import ROOT, SAMPLE
from tests.serve.test_serving import SOURCE
from tests.video.drawn import Made, make
from tests.waiting import LIMIT, started, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no process groups"),
]

SERVER = """
import sys
from pathlib import Path
from standout.serve.jobs.settings import JobSettings
from standout.serve.listen import serve
from standout.serve.settings import ServerSettings
jobs = JobSettings(folder=Path(sys.argv[1]), chunk=10)
serve(ServerSettings(port=0, workers=1, jobs=jobs), lambda url: print(url, flush=True))
"""
"""A server whose chunks are so short that a short clip has several."""

BLUR = '{"effect": {"name": "blur"}}'


class Asked:
    """A server, and what it answers."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url, self.place = process, url, url.removeprefix("http://").rstrip("/")

    def get(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.place, timeout=LIMIT)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def job(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get(f"/v1/jobs/{name}")[1])
        return found

    def send(self, file: Path) -> str:
        """The id of a job that blurs the file."""
        parts = [("edit", "", BLUR.encode()), ("file", f'; filename="{file.name}"', file.read_bytes())]
        body = b"".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"
            for name, more, data in parts
        )
        connection = http.client.HTTPConnection(self.place, timeout=LIMIT)
        try:
            headers = {"Content-Type": "multipart/form-data; boundary=x"}
            connection.request("POST", "/v1/jobs", body + b"--x--\r\n", headers)
            answer = json.loads(connection.getresponse().read())
            return str(answer["id"])
        finally:
            connection.close()

    def until_frame(self, name: str, least: int) -> None:
        until(lambda: self.job(name)["done"] >= least, f"frame {least} is done", process=self.process)

    def ended(self, name: str) -> dict[str, Any]:
        told = until(
            lambda: (one := self.job(name))["status"] in ENDED and one, "the job has ended", process=self.process
        )
        assert told and told["status"] == "done", told
        return told

    def child(self) -> int:
        """The id of the process that works on the job."""
        lists = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [int(one) for path in lists for one in path.read_text().split()]
        (mine,) = [one for one in children if MODULE.encode() in Path(f"/proc/{one}/cmdline").read_bytes()]
        return mine


@contextmanager
def server(folder: Path, *command: str) -> Iterator[Asked]:
    asked = command or (sys.executable, "-c", SERVER, str(folder))
    environment = os.environ | {"PYTHONPATH": SOURCE}
    with started([*asked], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "http://" in line)
        yield Asked(process, line.split()[-1])


def is_alive(number: int) -> bool:
    """Whether the process still works; one that has ended and that nobody has asked about yet does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{number}/status").read_text()
    except OSError:
        return False


@pytest.fixture(scope="module")
def clip(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real clip of 40 frames, with sound."""
    with av.open(str(clips / "walk.mkv")) as source:
        pictures = [frame.to_ndarray(format="rgb24") for frame in islice(source.decode(video=0), 40)]
    made = Made(np.stack(pictures), tracks=["aac"], sound_seconds=Fraction(4, 3))  # type: ignore[arg-type]
    return make(tmp_path_factory.mktemp("real") / "walk.mp4", made)


def counts(path: Path) -> tuple[int, float]:
    """Frames and seconds of sound."""
    with av.open(str(path)) as opened:
        frames = sum(1 for _ in opened.decode(video=0))
    with av.open(str(path)) as opened:
        return frames, sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0))


def events(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.decode().splitlines() if line.startswith("data: ")]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux alone lists the children of a process")
def test_a_killed_server_goes_on_with_the_clip(clip: Path, tmp_path: Path) -> None:
    with server(tmp_path / "state") as first:
        job = first.send(clip)
        waiting = first.send(clip)
        first.until_frame(job, 25)
        child = first.child()
        first.process.kill()
        first.process.wait(LIMIT)
    until(lambda: not is_alive(child), "the job's process has ended with its server")
    assert list((tmp_path / "state" / "jobs" / job / "out").iterdir()), "chunks that are finished"
    with server(tmp_path / "state") as second:
        told = events(second.get(f"/v1/jobs/{job}/events")[1])
        frames = [one["done"] for one in told if one["status"] == "running" and one["done"]]
        assert frames and min(frames) > 20, "the first two chunks were not done again"
        assert told[-1]["status"] == "done" and (told[-1]["done"], told[-1]["total"]) == (40, 40)
        second.ended(waiting)
        resumed, undisturbed = (second.get(f"/v1/jobs/{one}/result")[1] for one in (job, waiting))
        assert resumed == undisturbed
    (tmp_path / "result.mp4").write_bytes(resumed)
    frames_and_sound = counts(tmp_path / "result.mp4")
    assert frames_and_sound == counts(clip) and frames_and_sound[0] == 40 and frames_and_sound[1] > 1.3


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux alone lists the children of a process")
def test_a_server_that_is_asked_to_end_does_so_with_watchers_and_a_job_in_work(clip: Path, tmp_path: Path) -> None:
    with server(tmp_path / "state") as asked:
        job = asked.send(clip)
        connection = http.client.HTTPConnection(asked.place, timeout=LIMIT)
        connection.request("GET", f"/v1/jobs/{job}/events")
        answer = connection.getresponse()
        asked.until_frame(job, 1)
        child = asked.child()
        asked.process.send_signal(signal.SIGTERM)
        told = events(answer.read())  # which ends
        connection.close()
        asked.process.wait(LIMIT)
    until(lambda: not is_alive(child), "the job's process has ended")
    assert told and told[-1]["status"] in ("queued", "running")
    with sqlite3.connect(tmp_path / "state" / "jobs.sqlite3") as base:
        assert base.execute("SELECT status, starts FROM jobs").fetchall() == [("queued", 0)]
    base.close()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux alone lists the children of a process")
def test_cancel_ends_the_process(clip: Path, tmp_path: Path) -> None:
    with server(tmp_path / "state") as asked:
        job = asked.send(clip)
        asked.until_frame(job, 1)
        child = asked.child()
        status, told = asked.get(f"/v1/jobs/{job}", "DELETE")
        assert status == 200 and json.loads(told)["status"] == "canceled" and not is_alive(child)
        assert not list((tmp_path / "state" / "jobs").iterdir())


def test_the_commands_of_the_guide(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    text = (ROOT / "docs" / "guides" / "serve.md").read_text()
    section = text[text.index("## Jobs") : text.index("## Metrics")]
    commands = re.findall(r"^    (curl .*)$", section, re.M)
    assert len(commands) == 9
    here = tmp_path / "here"
    here.mkdir()
    for name in ("one.jpg", "two.jpg"):
        shutil.copy(SAMPLE, here / name)
    for name in ("clip.mp4", "waves.mp4"):
        make(here / name)
    with zipfile.ZipFile(here / "holiday.zip", "w") as archive:
        archive.write(SAMPLE, "beach/me.jpg")
    run = (sys.executable, "-m", "standout", "serve", "--port", "0", "--jobs-folder", str(tmp_path / "state"))
    with server(tmp_path / "state", *run) as asked:

        def told(command: str, job: str = "") -> str:
            words = shlex.split(command.replace("http://127.0.0.1:8700/", asked.url).replace("ID", job))
            done = subprocess.run([*words, "-sS", "-f"], cwd=here, capture_output=True, text=True, timeout=LIMIT)
            assert done.returncode == 0, done.stderr
            return done.stdout

        jobs = [re.findall(r'"id":"(\w+)"', told(command))[0] for command in commands[:4]]
        names = [asked.ended(job)["name"] for job in jobs]
        assert names == ["clip-blur.mp4", "standout-cut.zip", "holiday-cut.zip", "clip-replace.mp4"]
        assert all(job in told(commands[4]) for job in jobs)
        for job, name in zip(jobs, names, strict=True):
            assert '"status":"done"' in told(commands[5], job) and "event: job" in told(commands[6], job)
            told(commands[7], job)
            assert (here / name).stat().st_size > 1000
            assert told(commands[8], job) == ""
        with zipfile.ZipFile(here / "holiday-cut.zip") as archive:
            assert archive.namelist() == ["beach/me-cut.webp"]
        assert json.loads(asked.get("/v1/jobs")[1]) == {"jobs": []}
