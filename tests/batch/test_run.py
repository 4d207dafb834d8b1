import errno
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.batch import run
from standout.batch.ledger import Ledger, Result
from standout.batch.photo import Outcome
from standout.batch.plan import Task
from standout.batch.run import Summary
from standout.errors import OutputError
from standout.support import atomic
from standout.types import Image, Mask, Photo
from tests.fakes import WORK, Plain, photo_job, tasks
from tests.waiting import LIMIT


def leftovers(folder: str = ".") -> list[Path]:
    return [path for path in Path(folder).rglob("*") if path.suffix == ".part"]


def told(report: str = "jobs.jsonl") -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(report).read_text().splitlines()]


def test_a_folder_is_done_and_its_tree_kept(pics: Path) -> None:
    summary = run.run(tasks(), WORK, engine=run.threads(2))
    assert (summary.done, summary.kept, summary.failed, summary.left) == (6, 0, [], 0)
    assert sorted(path.as_posix() for path in Path("pics-cut").rglob("*.png")) == [
        *(f"pics-cut/p{n}.png" for n in range(5)),
        "pics-cut/sub/p5.png",
    ]
    picture = cv2.imread("pics-cut/p0.png", cv2.IMREAD_UNCHANGED)
    assert picture.shape == (60, 40, 4)
    assert (picture[:, :20, 3] == 255).all() and not picture[:, 20:].any()


def test_what_is_there_is_kept_unless_told_otherwise(pics: Path) -> None:
    run.run(tasks(), WORK)
    Path("pics-cut/p0.png").write_bytes(b"retouched")
    again = run.run(tasks(), WORK)
    assert (again.done, again.kept) == (0, 6)
    assert Path("pics-cut/p0.png").read_bytes() == b"retouched"
    anew = run.run(tasks(), photo_job(overwrite=True), overwrite=True)
    assert (anew.done, anew.kept) == (6, 0)
    assert Path("pics-cut/p0.png").read_bytes() != b"retouched"


def test_one_bad_file_never_stops_the_rest(pics: Path) -> None:
    whole = Path("pics/p1.jpg").read_bytes()
    Path("pics/empty.jpg").write_bytes(b"")
    Path("pics/text.jpg").write_text("no picture at all")
    Path("pics/half.jpg").write_bytes(whole[:200])
    Path("pics/gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo("pics/p9.txt")
    summary = run.run(tasks(), WORK, engine=run.threads(2), report=Path("jobs.jsonl"))
    assert (summary.done, len(summary.failed)) == (6, 4)
    assert {result.source.name for result in summary.failed} == {"empty.jpg", "text.jpg", "half.jpg", "gone.jpg"}
    for result in summary.failed:
        assert result.error and str(result.source) in result.error
    assert sum(line["status"] == "failed" and bool(line["error"]) for line in told()) == 4


def test_a_bug_in_one_photo_is_named_and_stops_no_other(pics: Path) -> None:
    def effect(image: Image, mask: Mask, time: int) -> Image:
        raise MemoryError("no room for 1 TB")

    summary = run.run(tasks(), photo_job(effect=Plain(effect)), engine=run.threads(2))
    assert len(summary.failed) == 6
    assert all(result.error and "MemoryError: no room for 1 TB" in result.error for result in summary.failed)


def test_the_ledger_has_one_line_a_photo(pics: Path) -> None:
    run.run(tasks(), WORK, engine=run.threads(2), report=Path("new/jobs.jsonl"))
    lines = told("new/jobs.jsonl")
    assert {line["source"] for line in lines} == {task.source.as_posix() for task in tasks()}
    assert set(lines[0]) == {
        "source", "target", "status", "seconds", "width", "height", "person_share", "warnings", "frames",
        "flicker_before", "flicker_after", "confidence", "nobody", "least_confidence", "audit", "error",
    }  # fmt: skip
    line = next(line for line in lines if line["source"] == "pics/p0.jpg")
    assert (line["status"], line["width"], line["height"], line["person_share"]) == ("done", 40, 60, 0.5)
    assert (line["warnings"], line["error"]) == ([], None)


def test_the_ledger_goes_on_where_it_stopped(pics: Path) -> None:
    report = Path("jobs.jsonl")
    Path("pics/p7.jpg").write_bytes(b"")
    run.run(tasks()[:3], WORK, report=report)
    with report.open("a") as file:
        file.write('{"source": "pics/p3.j')  # the machine went down here
    Path("pics-cut/p4.png").write_bytes(b"from elsewhere")
    run.run(tasks(), WORK, report=report)
    whole = [json.loads(line) for line in report.read_text().splitlines() if line.endswith("}")]
    assert len(whole) == 7
    assert [line["status"] for line in whole].count("kept") == 1
    Path("pics/p7.jpg").write_bytes(Path("pics/p1.jpg").read_bytes())
    run.run(tasks(), WORK, report=report)
    lines = [json.loads(line) for line in report.read_text().splitlines() if line.endswith("}")]
    assert len(lines) == 8 and lines[-1]["status"] == "done", "only the photo that failed is told again"


def test_a_file_that_is_no_ledger_is_left_alone(pics: Path) -> None:
    before = Path("pics/p0.jpg").read_bytes()
    for name in ("pics/p0.jpg", "notes.txt", "list.json"):
        if name != "pics/p0.jpg":
            Path(name).write_text("dear diary\n" if name == "notes.txt" else "[1, 2]\n")
        with pytest.raises(OutputError, match="no ledger"):
            run.run(tasks(), WORK, report=Path(name))
    assert Path("pics/p0.jpg").read_bytes() == before
    with pytest.raises(OutputError, match="--report"):
        Ledger(Path("pics"))


def test_nobody_found_is_a_warning(pics: Path) -> None:
    def nobody(task: Task, photo: Photo) -> Mask:
        return np.zeros(photo.image.shape[:2], np.float32)

    summary = run.run(tasks("pics/p0.jpg"), photo_job(nobody, crop=True), report=Path("jobs.jsonl"))
    assert [result.warnings for result in summary.warned] == [("nobody found",)]
    assert told()[0]["warnings"] == ["nobody found"] and told()[0]["person_share"] == 0
    assert cv2.imread("pics/p0-cut.png", cv2.IMREAD_UNCHANGED).shape == (60, 40, 4), "nothing to crop to"


# ---- stopping


def test_ctrl_c_finishes_what_is_in_work_and_the_next_run_goes_on(pics: Path) -> None:
    def interrupt(result: Result) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(tasks(), WORK, engine=run.threads(2), report=Path("jobs.jsonl"), on_result=interrupt)
    done = len(list(Path("pics-cut").rglob("*.png")))
    assert 1 <= done < 6 and not leftovers()
    assert len(told()) == done
    rest = run.run(tasks(), WORK, engine=run.threads(2), report=Path("jobs.jsonl"))
    assert (rest.done, rest.kept) == (6 - done, done)
    assert len(told()) == 6


@pytest.mark.parametrize("engine", [run.threads(1), run.in_turn])
def test_stop_begins_no_further_photo(pics: Path, engine: run.Engine) -> None:
    stop = threading.Event()
    summary = run.run(tasks(), WORK, on_result=lambda result: stop.set(), stop=stop, engine=engine)
    assert 1 <= summary.done <= 3
    assert summary.done + summary.left == 6


def test_ctrl_c_in_the_midst_of_a_photo_leaves_no_half_file(pics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.run(tasks("pics/p0.jpg"), WORK, engine=run.in_turn)
    assert not leftovers() and not Path("pics/p0-cut.png").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_disk_that_refuses(pics: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    sync, calls = os.fsync, iter(range(100))

    def refusing(handle: int) -> None:
        if next(calls) >= 2:
            raise OSError(number, os.strerror(number))
        sync(handle)

    monkeypatch.setattr(atomic.os, "fsync", refusing)
    summary = run.run(tasks(), WORK)
    assert (summary.done, len(summary.failed)) == (2, 4)
    assert all(result.error and str(result.target) in result.error for result in summary.failed)
    assert not leftovers()


def test_a_ledger_on_a_full_disk_ends_the_run(pics: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    Path("full.jsonl").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left"):
        run.run(tasks(), WORK, report=Path("full.jsonl"))


# ---- engines


def test_no_more_photos_are_taken_than_there_are_workers_for(pics: Path) -> None:
    lock, now, most, taken, finished = threading.Lock(), 0, 0, 0, 0
    together = threading.Barrier(4, timeout=LIMIT)

    def work(task: Task) -> Outcome:
        nonlocal now, most, finished
        with lock:
            now += 1
            most = max(most, now)
        together.wait()
        with lock:
            now -= 1
            finished += 1
        return Outcome(1, 1, 1.0)

    many = [Task(Path(f"{n}.jpg"), Path(f"{n}.png"), Path(f"{n}.jpg"), ".png") for n in range(100)]

    def counted() -> Iterator[Task]:
        nonlocal taken
        for task in many:
            taken += 1
            assert taken - finished <= 4 + 1 + 4  # in flight, and finished but not yet collected
            yield task

    def engine(given: Iterable[Task], attempt: run.Attempt) -> run.Generator[Result, None, None]:
        return run.threads(4)(counted(), attempt)

    summary = run.run(many, work, engine=engine)
    assert summary.done == 100 and most == 4


def test_work_overlaps(pics: Path) -> None:
    def work(task: Task) -> Outcome:
        meeting.wait()
        return Outcome(1, 1, 1.0)

    meeting = threading.Barrier(3, timeout=LIMIT)
    assert run.run(tasks()[:3], work, engine=run.threads(3)).done == 3


def test_results_as_they_come(pics: Path) -> None:
    seen: list[Result] = []
    run.run(tasks(), WORK, on_result=seen.append)
    assert [result.status for result in seen] == ["done"] * 6
    assert all(result.seconds > 0 for result in seen)


def test_summary_counts() -> None:
    summary = Summary(left=3)
    for status in ("done", "kept", "failed"):
        summary.add(Result(Path("a"), Path("b"), status))  # type: ignore[arg-type]
    assert (summary.done, summary.kept, len(summary.failed), summary.left) == (1, 1, 1, 0)


# ---- what the file system and other processes do


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX file systems")
def test_a_name_too_long_for_its_result_stops_no_other(pics: Path) -> None:
    longest = "x" * 251 + ".jpg"
    Path(longest).write_bytes(Path("pics/p0.jpg").read_bytes())
    summary = run.run(tasks("pics/p0.jpg", longest, "pics/p1.jpg"), WORK, report=Path("jobs.jsonl"))
    assert (summary.done, len(summary.failed)) == (2, 1)
    assert "a name of 259 bytes is too long" in (summary.failed[0].error or "")
    assert len(told()) == 3 and not leftovers()


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ELOOP, errno.EACCES, errno.ENAMETOOLONG])
def test_a_file_that_the_system_does_not_give_stops_no_other(
    pics: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    read = Path.open

    def refusing(path: Path, *given: object, **named: object) -> object:
        if path.name == "p1.jpg":
            raise OSError(number, os.strerror(number), str(path))
        return read(path, *given, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refusing)
    summary = run.run(tasks(), WORK, engine=run.threads(2))
    assert summary.done == 5 and [result.source.name for result in summary.failed] == ["p1.jpg"]
    assert "p1.jpg" in (summary.failed[0].error or "") and "STANDOUT_DEBUG" not in (summary.failed[0].error or "")


def test_what_another_process_makes_meanwhile_is_kept(pics: Path) -> None:
    def work(task: Task) -> Outcome:
        task.target.parent.mkdir(parents=True, exist_ok=True)
        task.target.write_bytes(b"theirs")
        return WORK(task)

    summary = run.run(tasks(), work, engine=run.threads(2), report=Path("jobs.jsonl"))
    assert (summary.done, summary.kept, summary.failed) == (0, 6, [])
    assert {line["status"] for line in told()} == {"kept"}
    assert all(task.target.read_bytes() == b"theirs" for task in tasks())


def test_a_link_that_leads_nowhere_is_no_result(pics: Path) -> None:
    Path("pics-cut").mkdir()
    Path("pics-cut/p0.png").symlink_to("nowhere.png")
    summary = run.run(tasks(), WORK)
    assert summary.done == 5 and "leads nowhere" in (summary.failed[0].error or "")


def test_what_cannot_be_read_is_skipped_and_told_once(pics: Path) -> None:
    for name in ("raw.dng", "drawing.svg"):
        Path("pics", name).write_bytes(b"II*\0")
    os.mkfifo("pics/pipe.jpg")
    for _ in range(2):
        summary = run.run(tasks(), WORK, report=Path("jobs.jsonl"))
        assert sorted(result.source.name for result in summary.skipped) == ["drawing.svg", "raw.dng"]
        assert [result.source.name for result in summary.failed] == ["pipe.jpg"] and summary.left == 0
    skipped = [line for line in told() if line["status"] == "skipped"]
    assert [(line["source"], line["target"]) for line in skipped] == [
        ("pics/drawing.svg", None),
        ("pics/raw.dng", None),
    ]
    assert skipped[0]["error"] == ".svg files cannot be read"


@pytest.mark.parametrize("where", ["as it waits", "as it records"])
def test_each_photo_that_was_finished_has_its_line_after_an_interruption(
    pics: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    many = [Task(Path(f"{n}.jpg"), Path(f"{n}.png"), Path(f"{n}.jpg"), ".png") for n in range(20)]
    interrupted, finished = threading.Event(), []

    def work(task: Task) -> Outcome:
        if where == "as it waits":
            assert interrupted.wait(30)
        finished.append(str(task.source))
        return Outcome(1, 1, 0.5)

    def wait(running: object, return_when: str) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    def record(result: Result) -> None:
        raise KeyboardInterrupt

    if where == "as it waits":
        monkeypatch.setattr(run, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        run.run(many, work, engine=run.threads(3), report=Path("jobs.jsonl"), on_result=record)
    assert finished and sorted(str(line["source"]) for line in told()) == sorted(finished)
    assert len(finished) < len(many)


def test_a_reader_that_goes_away_is_no_failure_of_a_photo(pics: Path) -> None:
    def work(task: Task) -> Outcome:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        run.run(tasks(), work, engine=run.threads(2), report=Path("jobs.jsonl"))
    assert not told()
