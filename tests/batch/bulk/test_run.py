"""Bulk runs on one machine: what becomes of good photos, broken ones, and those that kill a process."""

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np
import pytest

from standout.batch.bulk import local, local_files
from standout.batch.bulk.ledger import BulkLedger
from standout.batch.bulk.run import run
from standout.batch.bulk.shards import Shards
from standout.batch.bulk.source import Item, ItemSource
from standout.batch.bulk.storage import Storage
from standout.editing import Edit, Placement
from standout.effects import Blur, Cut, Replace
from standout.errors import InputError, MissingExtra, ModelError, OutputError, SetupError
from tests.batch.bulk.conftest import QUICK, RESULTS, copies, done, files, plan, tarred
from tests.conftest import SAMPLE
from tests.waiting import LIMIT, started, until

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="other signals")


def patched(code: str) -> list[str]:
    """What starts the process that does the work, with something changed in it by the code."""
    return [sys.executable, "-c", f"{code}\nimport sys; from standout.batch.bulk import child; sys.exit(child.main())"]


DEADLY = """
import signal, threading
from standout import images
from standout.batch.bulk import work
read = images.read

def deadly(source, **how):
    if "deadly" in how["name"]:
        signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)  # sent to the process, this thread may go on
    return read(source, **how)

work.images = type("Patched", (), {"read": staticmethod(deadly)})
"""
"""Photos that are called deadly end the process as a decoder does that crashes."""


def test_a_folder_is_done_and_recorded(photos: Path) -> None:
    summary, rows = done(plan())
    assert summary.done == 4 and not (summary.failed or summary.kept or summary.before or summary.stopped)
    assert files("out") == RESULTS
    assert {path.name for path in Path().iterdir()} == {"pics", "out", "ledger"}
    assert {name.partition("-")[0] for name in files("ledger")} == {"part", "_work.json"}
    picture = cv2.imread("out/deep/er/d.webp.png", cv2.IMREAD_UNCHANGED)
    assert picture.shape == (128, 128, 4) and 0.2 < (picture[..., 3] > 127).mean() < 0.8
    (table,) = plan().ledger.tables()
    told = {row["key"]: row for row in table.to_pylist()}
    assert told.keys() == {row.key for row in rows} == {"a.jpg", "b.png", "deep/c.jpg", "deep/er/d.webp"}
    one = told["deep/c.jpg"]
    assert (one["status"], one["target"], one["width"], one["height"]) == ("done", "out/deep/c.jpg.png", 128, 128)
    assert 0.2 < one["person_share"] < 0.8 and one["seconds"] > 0 and one["attempt"] == 1


def test_the_results_are_those_of_the_plain_command(photos: Path) -> None:
    from standout.cli import main

    assert main(["blur", "pics", "-r", "-o", "plain", "--metadata", "strip", "--quality", "70"]) == 0
    assert main(["batch", "pics", "out", "blur", "--ledger", "ledger", "--metadata", "strip", "--quality", "70"]) == 0
    assert files("out") == files("plain") == {"a.jpg", "b.png", "deep/c.jpg", "deep/er/d.webp"}
    for name in files("out"):
        assert Path("out", name).read_bytes() == Path("plain", name).read_bytes()


def test_the_same_plan_again_does_nothing(photos: Path) -> None:
    done(plan())
    before = {name: Path("out", name).stat().st_mtime_ns for name in RESULTS}
    summary, rows = done(plan())
    assert (summary.before, summary.done, summary.kept, rows) == (4, 0, 0, [])
    Path("pics/new.jpg").write_bytes(Path("pics/a.jpg").read_bytes())
    summary, rows = done(plan())
    assert (summary.before, summary.done, [row.key for row in rows]) == (4, 1, ["new.jpg"])
    assert before == {name: Path("out", name).stat().st_mtime_ns for name in RESULTS}


def test_results_that_are_there_are_kept_unless_asked(photos: Path) -> None:
    Path("out/deep").mkdir(parents=True)
    Path("out/deep/c.jpg.png").write_text("mine")
    summary, _ = done(plan())
    assert (summary.kept, summary.done) == (1, 3) and Path("out/deep/c.jpg.png").read_text() == "mine"
    summary, _ = done(plan(ledger="another", overwrite=True))
    assert (summary.kept, summary.done) == (0, 4) and Path("out/deep/c.jpg.png").read_bytes()[:4] == b"\x89PNG"


def test_broken_photos_become_rows_and_are_tried_again_when_asked(photos: Path) -> None:
    good = Path("pics/a.jpg").read_bytes()
    Path("pics/half.jpg").write_bytes(good[: len(good) // 2])
    Path("pics/empty.png").touch()
    Path("pics/text.webp").write_text("no picture")
    Path("pics/raw.nef").touch()
    summary, rows = done(plan())
    told = {row.key: row for row in rows}
    assert (summary.done, summary.failed, summary.skipped) == (4, 3, 1)
    assert told["empty.png"].error == "pics/empty.png is empty (0 bytes); get the file again"
    assert "pics/text.webp is not a picture" in str(told["text.webp"].error)
    assert "pics/half.jpg is damaged" in str(told["half.jpg"].error) and told["raw.nef"].status == "skipped"
    assert files("out") == RESULTS
    summary, rows = done(plan())
    assert (summary.before, summary.failed_before, summary.failed, rows) == (5, 3, 0, [])
    Path("pics/half.jpg").write_bytes(good)
    summary, rows = done(plan(retry=True))
    assert (summary.before, summary.failed_before, summary.done, summary.failed) == (5, 0, 1, 2)
    assert {(row.key, row.attempt) for row in rows} == {("half.jpg", 2), ("empty.png", 2), ("text.webp", 2)}
    assert files("out") == RESULTS | {"half.jpg.png"}
    summary, rows = done(plan(retry=True))
    assert {row.attempt for row in rows} == {3} and summary.before == 6


def test_members_of_tar_files(photos: Path) -> None:
    photo = Path("pics/a.jpg").read_bytes()
    tarred("0.tar", {"x.jpg": photo, "x.json": b"{}", "y.jpg": photo[:50]})
    tarred("1.tar", {"x.jpg": photo})
    summary, rows = done(plan("{0,1}.tar"))
    assert (summary.done, summary.failed) == (2, 1)
    assert files("out") == {"0.tar/x.jpg.png", "1.tar/x.jpg.png"}
    assert "0.tar (y.jpg)" in str(next(row.error for row in rows if row.status == "failed"))


def test_every_shard_alone_and_all_together(photos: Path) -> None:
    copies("many", 12, photos / "a.jpg")
    seen: list[str] = []
    for n in range(3):
        _, rows = done(plan("many", shards=Shards(n, 3)))
        seen += [row.key for row in rows]
    assert sorted(seen) == sorted(files("many"))
    summary, rows = done(plan("many"))
    assert (summary.before, rows) == (12, [])


def test_a_shard_may_be_empty_but_a_source_may_not(photos: Path) -> None:
    copies("one", 1, photos / "a.jpg")
    assert sum(done(plan("one", shards=Shards(n, 9)))[0].done for n in range(9)) == 1
    Path("none").mkdir()
    with pytest.raises(InputError, match="none holds no photo and no clip"):
        done(plan("none", ledger="another"))


@POSIX
def test_a_photo_that_kills_the_process_becomes_a_row(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "COMMAND", patched(DEADLY))
    copies("many", 10, photos / "a.jpg")
    for name in ("deadly1.jpg", "deadly2.jpg"):
        Path("many", name).write_bytes(Path("pics/a.jpg").read_bytes())
    summary, rows = done(plan("many"), workers=3)
    assert (summary.done + summary.kept, summary.failed) == (10, 2)
    failed = sorted(row.key for row in rows if row.status == "failed")
    assert failed == ["deadly1.jpg", "deadly2.jpg"]
    errors = " ".join(str(row.error) for row in rows)
    assert "many/deadly1.jpg: its process ended (SIGSEGV), and a second time alone" in errors
    assert len(rows) == 12 and len(files("out")) == 10


HANGING = DEADLY.replace("signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)", "import time; time.sleep(3600)")


def test_a_photo_that_hangs_becomes_a_row(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "COMMAND", patched(HANGING))
    monkeypatch.setattr(local, "TOO_LONG", 5.0)
    Path("pics/deadly.jpg").write_bytes(Path("pics/a.jpg").read_bytes())
    summary, rows = done(plan())
    assert (summary.done + summary.kept, summary.failed) == (4, 1)
    (error,) = [row.error for row in rows if row.status == "failed"]
    assert error is not None and error.startswith("pics/deadly.jpg: its process took more than 5 s, and a second time")


KILLED_IN_A_CLIP = """
import os, signal
from pathlib import Path
from standout.segmenter import Segmenter
probability = Segmenter.probability

def counted(self, image):
    with Path("seen").open("ab") as seen:
        seen.write(b"x")
        seen.flush()
        if seen.tell() == 25:
            os.kill(os.getpid(), signal.SIGKILL)
    return probability(self, image)

Segmenter.probability = counted
"""
"""The process is killed, once, by the 25th frame."""


@POSIX
def test_a_clip_goes_on_with_its_last_chunk(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from standout.batch.clip import ClipOptions
    from tests.video.drawn import Made, make, picture

    Path("clips").mkdir()
    make(Path("clips/a.mp4"), Made([picture(n) for n in range(40)]))
    how = {"edit": replace(QUICK, effect=Blur()), "clips": ClipOptions(chunk=8, workers=1, every_frame=True)}
    done(plan("clips", "whole", "another", **how))
    monkeypatch.setattr(local, "COMMAND", patched(KILLED_IN_A_CLIP))
    summary, (row,) = done(plan("clips", **how))
    assert (summary.done, row.frames) == (1, 40), row
    assert Path("seen").stat().st_size < 25 + 40, "frames of finished chunks were not done again"
    assert frames("out/a.mp4") == frames("whole/a.mp4") and files("out") == {"a.mp4"}


STOPPED_IN_A_CLIP = """
from pathlib import Path
from standout.batch.bulk.work import BulkWorker
from standout.segmenter import Segmenter
begin, probability, workers = BulkWorker.__init__, Segmenter.probability, []

def begun(self, work, *, threads):
    begin(self, work, threads=threads)
    workers.append(self)

def counted(self, image):
    with Path("seen").open("ab") as seen:
        seen.write(b"x")
        if seen.tell() == 25:
            workers[0].stop.wait()
    return probability(self, image)

BulkWorker.__init__, Segmenter.probability = begun, counted
"""
"""The clip waits with its 25th frame until it is told to stop."""


def test_a_stopped_clip_is_no_failure_and_goes_on(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from standout.batch.clip import ClipOptions
    from tests.video.drawn import Made, make, picture

    Path("clips").mkdir()
    make(Path("clips/a.mp4"), Made([picture(n) for n in range(40)]))
    how = {"edit": replace(QUICK, effect=Blur()), "clips": ClipOptions(chunk=8, workers=1, every_frame=True)}
    stop = Event()
    with monkeypatch.context() as patch:
        patch.setattr(local, "COMMAND", patched(STOPPED_IN_A_CLIP))
        waiting = Thread(target=lambda: (until(lambda: seen() >= 24, "frames were seen"), stop.set()))
        waiting.start()
        summary, rows = done(plan("clips", **how), stop=stop)
        waiting.join()
    assert summary.stopped and not rows and not plan("clips", **how).ledger.parts()
    assert {name.split("/")[0] for name in files("out")} == {".a.mp4.segments"}, "only finished chunks are there"
    summary, (row,) = done(plan("clips", **how))
    assert (summary.done, row.frames) == (1, 40) and files("out") == {"a.mp4"}


def seen() -> int:
    """How many frames were seen."""
    return Path("seen").stat().st_size if Path("seen").exists() else 0


def frames(path: str) -> list[bytes]:
    """The pictures of a clip."""
    from standout.video import open_clip

    with open_clip(Path(path)) as clip:
        return [frame.image.tobytes() for frame in clip.frames()]


@POSIX
def test_a_process_that_is_killed_from_outside_costs_nothing(photos: Path) -> None:
    copies("many", 16, photos / "a.jpg")
    killed: list[int] = []

    def kill_once(row: object) -> None:
        if not killed:
            (mine,) = children(os.getpid())
            killed.append(mine)
            os.kill(mine, signal.SIGKILL)

    summary = run(plan("many"), local.on_this_machine(2), on_row=kill_once)
    assert killed and summary.failed == 0 and summary.done + summary.kept == 16
    assert len(files("out")) == 16


def children(process: int) -> list[int]:
    """The processes that do the work of the process."""
    if not Path("/proc/self/task").exists():
        pytest.skip("needs /proc")
    threads = Path(f"/proc/{process}/task").iterdir()
    every = [int(one) for thread in threads for one in (thread / "children").read_text().split()]
    return [one for one in every if b"standout.batch.bulk.child" in Path(f"/proc/{one}/cmdline").read_bytes()]


@POSIX
def test_processes_that_die_at_their_start_end_the_run(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "COMMAND", [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    with pytest.raises(SetupError, match=r"ends before it does any \(SIGKILL\)"):
        done(plan())


def test_what_is_wrong_with_the_model_ends_the_run(photos: Path) -> None:
    with pytest.raises(ModelError, match="standout-tinny"):
        done(plan(model="standout-tinny"))
    assert not Path("out").exists() or files("out") == set()


def test_an_error_of_the_child_is_told_as_it_is(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
from standout.batch.bulk.work import BulkWorker
from standout.errors import MissingExtra

def lacking(self, work, *, threads):
    raise MissingExtra("that runtime", "openvino")

BulkWorker.__init__ = lacking
"""
    monkeypatch.setattr(local, "COMMAND", patched(code))
    with pytest.raises(SetupError, match=r"that runtime needs .* pip install 'standout\[openvino\]'"):
        done(plan())


def test_a_target_that_takes_no_more_ends_the_run(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("many").mkdir()
    for n in range(120):
        Path(f"many/{n}.jpg").touch()
    probes: list[str] = []

    def probe(self: Storage) -> None:
        probes.append(self.root)
        if len(probes) == 3:
            raise OutputError(f"{self.root} is full")

    monkeypatch.setattr(Storage, "probe", probe)
    with pytest.raises(OutputError, match="out is full"):
        done(plan("many"))
    told = sum(table.num_rows for table in plan().ledger.tables())
    assert probes == ["out"] * 3 and 99 <= told < 120, "what was done until then is recorded"


HELD = """
import sys, time
from standout.batch.bulk import run
from standout.cli import main

add, count = run._Recorder.add, 0

def held(self, row):
    global count
    add(self, row)
    self._write()
    count += 1
    if count == 5:
        print("held", flush=True)
        while True:
            time.sleep(0.01)

run._Recorder.add = held
sys.exit(main(sys.argv[1:]))
"""
"""The command, which stops in the middle, when five rows are written."""


@POSIX
def test_a_killed_run_goes_on_where_it_was(photos: Path) -> None:
    copies("many", 30, photos / "a.jpg")
    arguments = ["batch", "many", "out", "cut", "--ledger", "ledger", "--model", "standout-tiny", "-j", "2"]
    with started([sys.executable, "-c", HELD, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        workers = children(process.pid)
        assert len(workers) == 1
        process.kill()
        process.wait(LIMIT)
    for worker in workers:
        until(lambda worker=worker: not lives(worker), "the process that did the work has ended, too")
    made = {name: Path("out", name).stat().st_mtime_ns for name in files("out") if "/" not in name}
    assert 5 <= len(made) < 30
    assert all(cv2.imread(f"out/{name}", cv2.IMREAD_UNCHANGED).shape == (128, 128, 4) for name in made)
    again = subprocess.run([sys.executable, "-m", "standout", *arguments], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    left = f"{30 - len(made)} done, {len(made) - 5} kept (there already), 5 done before"
    assert (left if len(made) > 5 else f"{30 - len(made)} done, 5 done before") in again.stderr
    assert files("out") == {f"p{n:03}.jpg.png" for n in range(30)}, "and nothing unfinished"
    assert made == {name: Path("out", name).stat().st_mtime_ns for name in made}, "nothing was done twice"
    ledger = BulkLedger(Storage("ledger"))
    assert all(ledger.done().has(f"p{n:03}.jpg") for n in range(30))


def lives(process: int) -> bool:
    """Whether the process has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_stopped_run_finishes_what_is_in_work(photos: Path) -> None:
    copies("many", 20, photos / "a.jpg")
    stop = Event()
    given = plan("many")
    first = run(given, local.on_this_machine(2), stop=stop, on_row=lambda row: stop.set())
    assert first.stopped and 0 < first.done < 20 and first.failed == 0
    assert len(files("out")) == first.done, "each result that was made has its row"
    second, _ = done(given)
    assert (second.before, second.done, second.kept) == (first.done, 20 - first.done, 0)


def test_a_long_listing_of_what_is_done_can_be_stopped(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Event()

    def endless(self: object, shards: object) -> Iterator[Item]:
        for n in itertools.count():
            if n == 1000:
                stop.set()
            yield Item("a.jpg", Storage("pics"), "a.jpg")

    done(plan())
    monkeypatch.setattr(ItemSource, "items", endless)
    monkeypatch.setattr("standout.batch.bulk.run._count", lambda *_: None)  # which lists, too, and may be the first
    summary, rows = done(plan(), stop=stop)
    assert summary.stopped and 0 < summary.before <= 1000 and not rows


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    unfinished = tmp_path / local_files.UNFINISHED
    old, other = unfinished / f"{socket.gethostname()}-1-abcd", unfinished / "elsewhere-1-abcd"
    for folder in (old, other):
        folder.mkdir(parents=True)
        (folder / "x.part").touch()
    local_files.write(tmp_path / "a.txt", b"a", root=tmp_path, overwrite=False)
    hold = f"""
from pathlib import Path
from standout.batch.bulk import local_files
local_files.write(Path({str(tmp_path / "b.txt")!r}), b"b", root=Path({str(tmp_path)!r}), overwrite=False)
print("written", flush=True)
input()
"""
    command = [sys.executable, "-c", hold]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"written\n"
        local_files.tidy(tmp_path)
        left = {path.name for path in unfinished.iterdir()}
        assert other.name in left and old.name not in left and len(left) == 2, "others' stay"
    local_files.tidy(tmp_path)
    assert {path.name for path in unfinished.iterdir()} == {other.name}
    assert files(tmp_path) == {"a.txt", "b.txt", f"{local_files.UNFINISHED}/elsewhere-1-abcd/x.part"}


def test_a_sample_and_its_page(photos: Path) -> None:
    copies("many", 12, photos / "a.jpg")
    Path("many/broken.jpg").write_text("no")
    Path("many/clip.mp4").write_text("not in a sample of photos")
    summary, rows = done(plan("many", sample=5))
    assert len(rows) == 5 and "clip.mp4" not in {row.key for row in rows}
    assert summary.sheet is not None
    text = Path(summary.sheet).read_text()
    assert text.count("<img") == summary.done and text.count('class="error"') == summary.failed
    for row in rows:
        assert row.key in text
    rest, others = done(plan("many"))
    assert rest.before == summary.done and not {row.key for row in others} & {row.key for row in rows}


def test_a_sample_of_nothing(photos: Path) -> None:
    done(plan())
    with pytest.raises(InputError, match="no photo is left to draw a sample from; leave --sample out"):
        done(plan(sample=5))


def test_clips_and_photos_together(photos: Path) -> None:
    from tests.video.drawn import make

    make(Path("pics/talk.mp4"))
    summary, rows = done(plan(edit=replace(QUICK, effect=Blur())))
    assert (summary.done, summary.failed) == (5, 0), [row.error for row in rows]
    clip = next(row for row in rows if row.key == "talk.mp4")
    assert clip.frames and clip.frames > 1 and clip.width and Path("out/talk.mp4").is_file()
    assert files("out") == {"a.jpg", "b.png", "deep/c.jpg", "deep/er/d.webp", "talk.mp4"}


def test_a_clip_behind_photos_fails_them_and_not_the_run(photos: Path) -> None:
    from tests.video.drawn import make

    make(Path("waves.mp4"))
    summary, rows = done(plan(edit=Edit(Replace(Path("waves.mp4")))))
    assert summary.failed == 4 and {row.error for row in rows} == {
        "background waves.mp4 is a clip, which goes behind clips alone; give a picture"
    }


def test_settings_reach_the_work(photos: Path) -> None:
    done(plan(edit=Edit(Cut(), placement=Placement(crop=True)), format="webp"))
    assert files("out") == {"a.jpg.webp", "b.png.webp", "deep/c.jpg.webp", "deep/er/d.webp"}
    assert cv2.imread("out/a.jpg.webp").shape[1] < 128
    _, rows = done(plan(ledger="another", target="small", photos=replace(plan().work.photos, max_pixels=1000)))
    assert all("the limit is 1,000" in str(row.error) for row in rows)


def test_a_format_that_cannot_hold_the_result(photos: Path) -> None:
    with pytest.raises(OutputError, match=r".jpg cannot hold the transparency"):
        done(plan(format="jpg"))
    with pytest.raises(OutputError, match=r"cannot write \.xyz"):
        done(plan(format="xyz"))


def test_a_target_that_is_a_file(photos: Path) -> None:
    Path("out").touch()
    with pytest.raises(OutputError, match="target out is a file; wanted a folder"):
        done(plan())


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a.jpg", "a.jpg.png"),
        ("a.png", "a.png"),
        ("x/a.PNG", "x/a.PNG"),
        ("a.jpg.png", "a.jpg.png.png"),
        ("a.mp4", "a.mp4.webm"),
        ("a", "a.png"),
    ],
)
def test_names_of_results(photos: Path, key: str, name: str) -> None:
    assert plan().work.name(key) == name


def test_no_two_items_share_a_name(photos: Path) -> None:
    names = ["a"]
    for _ in range(3):
        names = [f"{name}{suffix}" for name in names for suffix in (".jpg", ".png", ".jpeg", ".mp4")]
    keys = [*(f"a{one}" for one in (".jpg", ".png", ".gif", ".webm")), *names]
    for edit in (Edit(Cut()), Edit(Blur())):
        assert len({plan(edit=edit).work.name(key) for key in keys}) == len(set(keys))


def test_the_missing_extra_is_named(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"pip install 'standout\[batch\]'"):
        done(plan())


def test_large_photos_keep_what_they_hold(photos: Path) -> None:
    """Orientation is applied, 16 bits stay, as with the plain commands."""
    Path("deep16").mkdir()
    image = cv2.imread(str(SAMPLE))
    cv2.imwrite("deep16/a.png", (image.astype(np.uint16) * 257)[:100, :80])
    done(plan("deep16", edit=replace(QUICK, effect=Blur())))
    assert cv2.imread("out/a.png", cv2.IMREAD_UNCHANGED).dtype == np.uint16
