"""What the process of a job makes: the same as the command line, of photos, clips and both."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import av
import pytest

from standout.cli import main
from standout.errors import InputError, OutputError, TooLarge
from standout.serve.jobs import make as making
from standout.serve.jobs import work
from standout.serve.jobs.check import checked
from standout.serve.jobs.make import Made as Outcome
from standout.serve.jobs.make import Step, made
from standout.serve.jobs.order import GivenFile, JobOrder, JobPlan
from standout.serve.jobs.settings import JobSettings
from tests.conftest import SAMPLE
from tests.video.drawn import Made, make, picture

ROOM = 10**9


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job's working folder; beside/ is for the results of the command line."""
    monkeypatch.chdir(tmp_path)
    Path("beside").mkdir()
    Path("upload").mkdir()
    return tmp_path


def order(files: dict[str, Path], effect: str = "blur", **limits: int) -> JobOrder:
    given = []
    for number, (name, path) in enumerate(files.items()):
        shutil.copy(path, f"upload/{number}")
        given.append(GivenFile(f"upload/{number}", name))
    settings = JobSettings(**limits)
    model = {"model": "standout-mobile", "most_photo_bytes": 10**7, "most_pixels": 10**7}
    return JobOrder(tuple(given), {"effect": {"name": effect}}, settings, **model)  # type: ignore[arg-type]


def done(asked: JobOrder, room: int = ROOM) -> tuple[JobPlan, Outcome, list[Step]]:
    steps: list[Step] = []
    plan = JobPlan.read(Path()) if Path("plan.json").exists() else checked(asked, {})
    plan.write(Path())
    return plan, made(asked, plan, steps.append, room=room), steps


def frames(path: Path) -> int:
    with av.open(str(path)) as clip:
        return sum(1 for _ in clip.decode(video=0))


def sound(path: Path) -> float:
    """Seconds of the first sound track."""
    with av.open(str(path)) as clip:
        return sum(frame.samples / frame.sample_rate for frame in clip.decode(audio=0))


def test_a_photo_is_as_the_command_line_makes_it(here: Path) -> None:
    plan, outcome, steps = done(order({"me.jpg": SAMPLE}))
    assert outcome == Outcome(1, {}) and (steps[-1].done, steps[-1].total, steps[-1].share) == (1, 1, 1.0)
    assert main(["blur", str(SAMPLE), "-o", "beside/me.jpg", "-q"]) == 0
    assert Path(plan.target).read_bytes() == Path("beside/me.jpg").read_bytes()


def test_a_clip_is_as_the_command_line_makes_it(here: Path) -> None:
    clip = make(here / "beside" / "c.mp4", Made([picture(n) for n in range(12)], tracks=["aac"]))
    plan, outcome, steps = done(order({"c.mp4": clip}))
    assert outcome == Outcome(1, {})
    assert main(["blur", str(clip), "-o", "beside/out.mp4", "-q", "--resume"]) == 0
    assert Path(plan.target).read_bytes() == Path("beside/out.mp4").read_bytes()
    assert frames(Path(plan.target)) == 12 and sound(Path(plan.target)) > 0.9
    assert [(step.done, step.total) for step in (steps[0], steps[-1])] == [(1, 12), (12, 12)]
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_photos_and_a_clip_become_a_zip(here: Path) -> None:
    clip = make(here / "beside" / "c.mp4", Made([picture(n) for n in range(4)]))
    bad = here / "beside" / "bad.jpg"
    data = SAMPLE.read_bytes()
    bad.write_bytes(data[: len(data) // 8])
    plan, outcome, steps = done(order({"a.jpg": SAMPLE, "a.png": SAMPLE, "c.mp4": clip, "bad.jpg": bad}, "cut"))
    assert outcome.done == 3 and list(outcome.failures) == ["bad.jpg"]
    with zipfile.ZipFile(plan.target) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.jpg-cut.png", "a.png-cut.png", "c-cut.webm", "errors.txt"]
        assert archive.read("errors.txt").startswith(b"bad.jpg: ")
        assert archive.read("a.jpg-cut.png") == archive.read("a.png-cut.png")
    assert (steps[-1].done, steps[-1].total, steps[-1].share, steps[-1].kept) == (4, 4, 1.0, 4)


def test_a_job_goes_on_where_it_was_stopped(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the second of three chunks; the result is the same, bit for bit."""
    clip = make(here / "beside" / "c.mp4", Made([picture(n) for n in range(12)]))
    monkeypatch.setattr(making, "EVERY", 0.0)
    asked = order({"c.mp4": clip}, chunk=5)
    plan = checked(asked, {})
    plan.write(Path())

    def stopped(step: Step) -> None:
        if step.done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(asked, plan, stopped, room=ROOM)
    assert not Path(plan.target).exists()
    Path("out/.0001.mp4.unfinished.part").touch()
    plan, _, steps = done(asked)
    assert (steps[0].done, steps[0].kept) == (11, 2), "ten frames were kept"
    parts = sorted(path.name for path in Path("out").iterdir())
    assert parts == ["0001.mp4"]
    first = Path(plan.target).read_bytes()
    Path(plan.target).unlink()
    _, _, steps = done(asked)
    assert steps[0].done == 1 and Path(plan.target).read_bytes() == first


def test_photos_that_are_done_stay_done(here: Path) -> None:
    asked = order({"a.jpg": SAMPLE, "b.jpg": SAMPLE})
    plan, _, _ = done(asked)
    Path(plan.files[0].target).write_bytes(b"as it was made before")
    Path(plan.target).unlink()
    Path(plan.files[1].target).unlink()
    done(asked)
    with zipfile.ZipFile(plan.target) as archive:
        assert archive.read("a-blur.jpg") == b"as it was made before" and len(archive.read("b-blur.jpg")) > 1000
    Path("made-by.json").write_text(json.dumps({"standout": "of another version"}))
    done(asked)
    with zipfile.ZipFile(plan.target) as archive:
        assert archive.read("a-blur.jpg") == archive.read("b-blur.jpg"), "results of two versions are not mixed"


def test_a_clip_that_outgrows_its_limits(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "EVERY", 0.0)
    clip = make(here / "beside" / "c.mp4", Made([picture(n) for n in range(12)]))
    asked = order({"c.mp4": clip}, chunk=4)
    plan = checked(asked, {})
    less = JobOrder(asked.files, asked.edit, JobSettings(most_frames=5), model=asked.model)
    with pytest.raises((TooLarge, InputError), match="more than 5 frames; cut the clip"):
        made(less, plan, lambda step: None, room=ROOM)
    shutil.rmtree("out")
    with pytest.raises((OutputError, InputError), match="the server has no room for more"):
        made(asked, plan, lambda step: None, room=10)


def test_errors_name_files_as_the_client_does(here: Path) -> None:
    bad = here / "beside" / "bad.jpg"
    bad.write_bytes(SAMPLE.read_bytes()[:9000])
    order({"me & you.jpg": bad}).write(here)
    shown: dict[str, str] = {}
    assert work._checked(shown) == {"end": {}}, "its header is whole"
    with pytest.raises(InputError) as caught:
        work._made(ROOM, shown)
    reason = work._renamed(str(caught.value), shown)
    assert reason.startswith("me & you.jpg is damaged") and "0001" not in reason and str(here) not in reason
