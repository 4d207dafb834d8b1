"""Which files of a watched folder are done, and when: with a clock and a disk that the tests turn by hand."""

import json
from pathlib import Path

import pytest

from standout.batch.ledger import Result
from standout.batch.watch import PATIENCE, STEADY, Failures, Stamp, Watched, names, newer

OUT = Path("out.png")


class Disk:
    """Files with their stamps, and a clock."""

    def __init__(self) -> None:
        self.files: dict[Path, Stamp] = {}
        self.now = 0.0
        self.asked: list[Path] = []

    def put(self, name: str, size: int = 10, changed: int = 1) -> Path:
        self.files[Path(name)] = (size, changed)
        return Path(name)

    def stamp(self, path: Path) -> Stamp | None:
        self.asked.append(path)
        return self.files.get(path)

    def watched(self, failures: Path, *, changes: bool = False, most: int = 16) -> Watched:
        return Watched(lambda: list(self.files), Failures(failures), changes, most, lambda: self.now, self.stamp)


@pytest.fixture
def disk() -> Disk:
    return Disk()


def after(disk: Disk, watched: Watched, seconds: float = STEADY) -> list[Path]:
    """What is ready so much later."""
    disk.now += seconds
    return watched.ready()


def result(path: Path, status: str = "done") -> Result:
    return Result(path, OUT, status)  # type: ignore[arg-type]


def test_a_file_is_waited_for_until_it_no_longer_grows(disk: Disk, tmp_path: Path) -> None:
    watched = disk.watched(tmp_path / "memory")
    path = disk.put("a.jpg", 10)
    assert watched.ready() == []
    assert after(disk, watched, STEADY / 2) == []
    disk.put("a.jpg", 20)
    assert after(disk, watched, STEADY / 2) == [], "it grew"
    disk.put("a.jpg", 20, changed=2)
    assert after(disk, watched) == [], "it was written to"
    assert after(disk, watched) == [path]


def test_an_empty_file_is_never_whole(disk: Disk, tmp_path: Path) -> None:
    watched = disk.watched(tmp_path / "memory")
    disk.put("a.jpg", 0)
    assert watched.ready() == after(disk, watched, 1000) == []


def test_each_is_done_once_even_where_its_result_is_taken_away(disk: Disk, tmp_path: Path) -> None:
    watched = disk.watched(tmp_path / "memory")
    path = disk.put("a.jpg")
    watched.ready()
    assert after(disk, watched) == [path] and watched.tell(result(path), stopped=False)
    disk.asked.clear()
    assert after(disk, watched, 100) == [] and disk.asked == [], "the disk is not even asked about it"
    disk.put("a.jpg", 30)
    assert after(disk, watched) == after(disk, watched, 100) == [], "another content needs --overwrite"
    del disk.files[path]
    watched.ready()
    disk.put("a.jpg")
    watched.ready()
    assert after(disk, watched) == [path], "another file under a name that was free"


def test_changes_are_done_anew_where_that_is_wanted(disk: Disk, tmp_path: Path) -> None:
    watched = disk.watched(tmp_path / "memory", changes=True)
    path = disk.put("a.jpg")
    watched.ready()
    assert after(disk, watched) == [path] and not watched.has_changed(path)
    watched.tell(result(path), stopped=False)
    assert after(disk, watched, 100) == []
    disk.put("a.jpg", changed=2)
    assert after(disk, watched) == []
    assert after(disk, watched) == [path] and watched.has_changed(path)


def test_a_failure_counts_at_the_second_time_and_until_the_file_changes(disk: Disk, tmp_path: Path) -> None:
    memory = tmp_path / "out" / "memory"
    watched = disk.watched(memory)
    path = disk.put(str(tmp_path / "a.jpg"))
    path.touch()
    watched.ready()
    assert after(disk, watched) == [path]
    assert not watched.tell(result(path, "failed"), stopped=False), "its copying may have paused"
    assert after(disk, watched) == [] and not memory.exists()
    assert after(disk, watched, PATIENCE) == [path]
    assert watched.tell(result(path, "failed"), stopped=False)
    assert after(disk, watched, 1000) == []
    again = disk.watched(memory)
    assert again.ready() == after(disk, again, 1000) == [], "a restart remembers it"
    disk.put(str(path), 20)
    again.ready()
    assert after(disk, again) == [path]


def test_a_file_that_grows_after_a_failure_is_a_new_one(disk: Disk, tmp_path: Path) -> None:
    watched = disk.watched(tmp_path / "memory")
    path = disk.put("a.jpg")
    watched.ready()
    after(disk, watched)
    watched.tell(result(path, "failed"), stopped=False)
    disk.put("a.jpg", 20)
    assert after(disk, watched) == []
    assert after(disk, watched) == [path], "it need not wait as long as one that stayed as it was"
    assert watched.tell(result(path), stopped=False)


def test_the_earliest_go_first_and_clips_after_photos(disk: Disk, tmp_path: Path) -> None:
    watched = disk.watched(tmp_path / "memory", most=2)
    late, clip, early, middle = (
        disk.put(name, changed=when) for name, when in (("c.jpg", 9), ("a.mp4", 1), ("z.jpg", 2), ("b.jpg", 5))
    )
    watched.ready()
    assert after(disk, watched) == [early, middle]
    for path in (early, middle):
        watched.tell(result(path), stopped=False)
    assert watched.ready() == [late]
    watched.tell(result(late), stopped=False)
    assert watched.ready() == [clip]
    assert not watched.tell(result(clip, "failed"), stopped=True), "a clip that Ctrl-C stopped has not failed"
    assert not (tmp_path / "memory").exists() and watched.ready() == [clip]


def test_a_folder_that_goes_away_for_a_while_forgets_nothing(disk: Disk, tmp_path: Path) -> None:
    watched = disk.watched(tmp_path / "memory")
    path = disk.put("a.jpg")
    watched.ready()
    assert after(disk, watched) == [path]
    watched.tell(result(path), stopped=False)
    look = watched.look

    def fail() -> list[Path]:
        raise OSError(5, "no such device", "share")

    watched.look = fail
    assert after(disk, watched) == [] and watched.trouble == "share cannot be listed (no such device)"
    watched.look = look
    assert after(disk, watched, 100) == [] and watched.trouble == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"failed": 3}', '{"failed": {"a": [1]}}', '{"failed": {"a": "bc"}}'])
def test_a_damaged_memory_forgets_and_stops_nothing(tmp_path: Path, text: str) -> None:
    memory, path = tmp_path / "memory", tmp_path / "a.jpg"
    memory.write_text(text)
    failures = Failures(memory)
    assert (path, (1, 2)) not in failures
    path.touch()
    failures.add(path, (1, 2))
    assert (path, (1, 2)) in Failures(memory) and (path, (1, 3)) not in Failures(memory)
    path.unlink()
    failures.add(tmp_path, (3, 4))
    assert list(json.loads(memory.read_text())["failed"]) == [str(tmp_path)], "files that are gone are forgotten"


def test_names_are_those_of_whole_photos_and_clips(tmp_path: Path) -> None:
    there = ("b.jpg", "a.mp4", "sub/c.png", "sub/d.dng")
    others = (
        ".b.jpg",
        "~b.jpg",
        "b.jpg.part",
        "b.jpg.crdownload",
        "b.tmp",
        "notes.txt",
        ".trash/e.jpg",
        "@eaDir/f.jpg",
    )
    for name in (*there, *others, "out/g.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list(names([tmp_path], recursive=True, avoid=[tmp_path / "out"]))
    assert sorted(path.relative_to(tmp_path).as_posix() for path in found) == sorted(there)
    flat = names([tmp_path], recursive=False, avoid=[])
    assert [path.name for path in flat] == ["a.mp4", "b.jpg"]
    with pytest.raises(OSError):
        list(names([tmp_path / "gone"], recursive=True, avoid=[]))


def test_newer(tmp_path: Path) -> None:
    import os

    old, new = tmp_path / "old", tmp_path / "new"
    for path, when in ((old, 1), (new, 2)):
        path.touch()
        os.utime(path, ns=(when, when))
    assert newer(new, [old]) and not newer(old, [new]) and newer(old, [tmp_path / "none"])
