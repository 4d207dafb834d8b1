import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from standout.errors import OutputError, OutputExists
from standout.support.atomic import discard_unfinished, part_for, publish, write_atomic, write_folder_atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("data", [b"", b"x", bytes(3_000_000)])
def test_the_file_holds_the_bytes_and_stands_alone(tmp_path: Path, data: bytes, overwrite: bool) -> None:
    write_atomic(tmp_path / "a.png", data, overwrite=overwrite)
    assert (tmp_path / "a.png").read_bytes() == data
    assert names(tmp_path) == ["a.png"]


def test_missing_parents_are_made(tmp_path: Path) -> None:
    write_atomic(tmp_path / "some" / "deep" / "a.png", b"x")
    assert (tmp_path / "some" / "deep" / "a.png").read_bytes() == b"x"


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"a\.png exists and is kept; use --overwrite"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    write_atomic(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_that_appears_while_writing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    path = tmp_path / "a.png"
    real_sync = os.fsync

    def meanwhile(number: int) -> None:
        real_sync(number)
        path.write_bytes(b"somebody else's")

    monkeypatch.setattr(os, "fsync", meanwhile)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_links)
    with pytest.raises(OutputError, match="exists and is kept"):
        write_atomic(path, b"ours")
    assert path.read_bytes() == b"somebody else's"
    assert names(tmp_path) == ["a.png"]


def no_links(*_: Any) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_file_systems_without_hard_links_work_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", no_links)
    write_atomic(tmp_path / "a.png", b"x")
    assert (tmp_path / "a.png").read_bytes() == b"x"
    assert names(tmp_path) == ["a.png"]


def test_without_hard_links_a_failed_rename_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", no_links)

    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OutputError, match="Input/output error"):
        write_atomic(tmp_path / "a.png", b"x")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "no space left for 5 bytes; free some"),
        (errno.EDQUOT, "no space left"),
        (errno.EACCES, "no permission to write in"),
        (errno.EROFS, "no permission to write in"),
        (errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("existing", [False, True])
def test_when_the_disk_refuses_nothing_is_left_and_nothing_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, existing: bool
) -> None:
    path = tmp_path / "a.png"
    if existing:
        path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=said) as caught:
        write_atomic(path, b"12345", overwrite=True)
    assert str(path) in str(caught.value)
    assert names(tmp_path) == (["a.png"] if existing else [])
    assert not existing or path.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_while_the_bytes_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_open = Path.open

    def opened(path: Path, *args: Any) -> Any:
        real_open(path, *args).close()
        return real_open(Path("/dev/full"), "wb")

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(OutputError, match="no space left"):
        write_atomic(tmp_path / "a.png", bytes(100_000))
    assert names(tmp_path) == []


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(*((os, "fsync") if moment == "fsync" else (Path, "replace")), interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "a.png", b"x", overwrite=True)
    assert names(tmp_path) == []


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_atomic(tmp_path / "a.png", b"x", overwrite=True)


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    for path in (tmp_path / "out" / "a.png", tmp_path / "out" / "deeper" / "a.png"):
        with pytest.raises(OutputError, match="is a file, not a folder"):
            write_atomic(path, b"x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_or_device_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OutputError, match="device or a pipe"):
        write_atomic(tmp_path / "pipe.png", b"x", overwrite=True)
    assert stat.S_ISFIFO((tmp_path / "pipe.png").stat().st_mode)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write anywhere")
def test_no_permission(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="no permission to write in"):
        write_atomic(folder / "a.png", b"x")


@pytest.mark.parametrize("name", ["n" * 250 + ".png", "ä" * 120 + ".png", "with space.png", ".hidden.png"])
def test_any_name_the_file_system_takes(tmp_path: Path, name: str) -> None:
    write_atomic(tmp_path / name, b"x")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("name", ["n" * 300, "a\0b.png"])
def test_a_name_the_file_system_refuses(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomic(tmp_path / name, b"x")
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX file modes")
def test_the_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomic(tmp_path / "a.png", b"x")
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


def written_in_parts(path: Path, data: bytes, *, overwrite: bool) -> None:
    part = part_for(path, overwrite=overwrite)
    part.write_bytes(data)
    publish(part, path, overwrite=overwrite)


WAYS = pytest.mark.parametrize("write", [write_atomic, written_in_parts])


@WAYS
def test_a_link_stays_and_the_file_it_leads_to_is_replaced(tmp_path: Path, write: Any) -> None:
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    (disk / "real.png").write_bytes(b"old")
    (out / "between.png").symlink_to(Path("../disk/real.png"))
    (out / "a.png").symlink_to(Path("between.png"))
    with pytest.raises(OutputExists, match="exists and is kept"):
        write(out / "a.png", b"new", overwrite=False)
    assert (disk / "real.png").read_bytes() == b"old"
    write(out / "a.png", b"new", overwrite=True)
    assert (out / "a.png").readlink() == Path("between.png") and (out / "between.png").is_symlink()
    assert (disk / "real.png").read_bytes() == b"new" and not (disk / "real.png").is_symlink()
    assert names(tmp_path) == ["a.png", "between.png", "disk", "out", "real.png"]


@WAYS
def test_a_link_that_leads_nowhere(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "a.png"
    path.symlink_to(tmp_path / "new.png")
    with pytest.raises(OutputError, match="leads nowhere") as caught:
        write(path, b"x", overwrite=False)
    assert not isinstance(caught.value, OutputExists), "nothing is there that could be kept"
    write(path, b"x", overwrite=True)
    assert path.is_symlink() and (tmp_path / "new.png").read_bytes() == b"x"
    path.unlink()
    path.symlink_to(tmp_path / "unmounted" / "new.png")
    with pytest.raises(OutputError, match="whose folder does not exist"):
        write(path, b"x", overwrite=True)
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(OutputError, match=r"a\.png"):
        write(path, b"x", overwrite=True)
    assert names(tmp_path) == ["a.png", "new.png"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX file modes")
@WAYS
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444, 0o755])
def test_the_mode_of_a_file_that_is_replaced_stays(tmp_path: Path, write: Any, mode: int) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.name != "posix", reason="POSIX file modes")
def test_what_replaces_a_private_file_is_private_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(0o600)
    assert stat.S_IMODE(part_for(path, overwrite=True).stat().st_mode) == 0o600
    assert stat.S_IMODE(part_for(path, overwrite=True, within=tmp_path / "in").stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only the administrator gives files away")
@WAYS
def test_the_owner_of_a_file_that_is_replaced_stays(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    os.chown(path, 1234, 5678)
    write(path, b"new", overwrite=True)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)


@pytest.mark.skipif(os.name != "posix", reason="POSIX file modes")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_new_files_and_folders_follow_the_umask(tmp_path: Path, mask: int) -> None:
    (tmp_path / "made" / "deep").mkdir(parents=True)
    (tmp_path / "made" / "deep" / "one").write_bytes(b"1")
    for private in ("made", "made/deep", "made/deep/one"):
        (tmp_path / private).chmod(0o700)
    before = os.umask(mask)
    try:
        write_atomic(tmp_path / "a.png", b"x")
        written_in_parts(tmp_path / "b.png", b"x", overwrite=False)
        part = part_for(tmp_path / "c.frames", folder=True)
        publish(part, tmp_path / "c.frames")
        write_folder_atomic(tmp_path / "d.mlpackage", tmp_path / "made")
    finally:
        os.umask(before)

    def mode(name: str) -> int:
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    assert {mode(name) for name in ("a.png", "b.png", "d.mlpackage/deep/one")} == {0o666 & ~mask}
    assert {mode(name) for name in ("c.frames", "d.mlpackage", "d.mlpackage/deep")} == {0o777 & ~mask}


def test_a_link_to_a_folder_stays_and_the_folder_is_replaced(tmp_path: Path) -> None:
    disk = tmp_path / "disk" / "real.frames"
    disk.mkdir(parents=True)
    disk.chmod(0o750)
    (disk / "000001.png").write_bytes(b"old")
    link = tmp_path / "a.frames"
    link.symlink_to(disk)
    part = part_for(link, folder=True, overwrite=True)
    (part / "000001.png").write_bytes(b"new")
    publish(part, link, overwrite=True)
    assert link.readlink() == disk and (disk / "000001.png").read_bytes() == b"new"
    assert stat.S_IMODE(disk.stat().st_mode) == 0o750
    assert names(tmp_path) == ["000001.png", "a.frames", "disk", "real.frames"]


@pytest.mark.parametrize("filled", [True, False])
def test_a_folder_that_appears_while_another_is_made_is_kept(tmp_path: Path, filled: bool) -> None:
    path = tmp_path / "a.frames"
    part = part_for(path, folder=True)
    (part / "000001.png").write_bytes(b"ours")
    path.mkdir()
    if filled:
        (path / "000001.png").write_bytes(b"theirs")
    with pytest.raises(OutputExists, match="exists and is kept"):
        publish(part, path)
    assert not filled or (path / "000001.png").read_bytes() == b"theirs"
    assert len(list(tmp_path.iterdir())) == 1


def test_one_that_must_end_at_once_leaves_nothing_either(tmp_path: Path) -> None:
    part_for(tmp_path / "a.mp4").write_bytes(b"half")
    (part_for(tmp_path / "b.frames", folder=True) / "000001.png").write_bytes(b"half")
    part_for(tmp_path / "c.mp4", within=tmp_path / ".c.mp4.segments")
    write_atomic(tmp_path / "d.png", b"whole")
    discard_unfinished()
    assert names(tmp_path) == [".c.mp4.segments", "d.png"]


def test_a_folder_appears_whole_and_replaces_only_when_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, out = tmp_path / "made", tmp_path / "deep" / "out.mlpackage"
    (made / "data").mkdir(parents=True)
    (made / "data" / "one").write_bytes(b"1")
    write_folder_atomic(out, made)
    assert (out / "data" / "one").read_bytes() == b"1"
    (made / "data" / "one").write_bytes(b"2")
    with pytest.raises(OutputError, match="exists and is kept"):
        write_folder_atomic(out, made)
    with monkeypatch.context() as broken:
        broken.setattr("standout.support.atomic.shutil.copytree", no_room)
        with pytest.raises(OutputError, match="no space left"):
            write_folder_atomic(out, made, overwrite=True)
    assert (out / "data" / "one").read_bytes() == b"1", "what was there stays when the new one fails"
    write_folder_atomic(out, made, overwrite=True)
    assert (out / "data" / "one").read_bytes() == b"2"
    assert [one.name for one in out.parent.iterdir()] == [out.name], "nothing temporary stays"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="exists and is kept"):
        write_folder_atomic(tmp_path / "file", made, overwrite=True)


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no space left")
