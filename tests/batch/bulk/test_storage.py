"""Folders and object stores alike: bytes in, bytes out, nothing written over."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from standout.batch.bulk import buckets, local_files
from standout.batch.bulk.source import ItemSource
from standout.batch.bulk.storage import Storage, parted
from standout.editing import Edit
from standout.effects import Blur
from standout.errors import InputError, MissingExtra, OutputError, OutputExists, SetupError
from tests.batch.bulk.conftest import QUICK, files, listed, plan, tarred


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands for what lies below s3://, by obstore, as a bucket would."""
    from obstore.store import LocalStore

    root = tmp_path / "buckets"

    def opened(rest: str, options: dict[str, str]) -> Any:
        return LocalStore(str(root / rest), mkdir=True)

    monkeypatch.setitem(buckets.STORES, "s3", opened)
    buckets.opened.cache_clear()
    yield root
    buckets.opened.cache_clear()


@pytest.fixture(params=["folder", "s3://bucket/some"])
def place(request: pytest.FixtureRequest, bucket: Path, photos: Path) -> Iterator[Storage]:
    yield Storage.of(request.param)
    local_files.tidy(Path("folder"))


def test_what_is_written_is_read(place: Storage) -> None:
    place.write("a/b c/ü#%20.jpg", b"0123456789")
    place.write("b.jpg", Path("pics/a.jpg"))
    assert place.read("a/b c/ü#%20.jpg") == b"0123456789"
    assert place.read("a/b c/ü#%20.jpg", start=3, length=4) == b"3456"
    assert place.read("a/b c/ü#%20.jpg", start=3, length=0) == b""
    assert place.read("b.jpg") == Path("pics/a.jpg").read_bytes()
    assert place.exists("b.jpg") and not place.exists("c.jpg") and place.modified("b.jpg") > 1e9
    assert {one.name: one.size for one in place.names()} == {
        "a/b c/ü#%20.jpg": 10, "b.jpg": Path("pics/a.jpg").stat().st_size
    }  # fmt: skip
    with place.opened("a/b c/ü#%20.jpg") as file:
        file.seek(8)
        assert bytes(file.read(5)) == b"89"


def test_nothing_is_written_over_unless_asked(place: Storage) -> None:
    place.write("a.jpg", b"old")
    with pytest.raises(OutputExists, match=r"a.jpg exists and is kept; use --overwrite"):
        place.write("a.jpg", b"new")
    assert place.read("a.jpg") == b"old"
    place.write("a.jpg", b"new", overwrite=True)
    assert place.read("a.jpg") == b"new"


def test_what_is_not_there(place: Storage) -> None:
    for read in (place.read, place.modified):
        with pytest.raises(
            InputError, match=r"some/no.jpg does not exist" if not place.is_local else r"no.jpg does not"
        ):
            read("no.jpg")


def test_hidden_files_and_what_is_left_out(place: Storage) -> None:
    for name in ("a.jpg", ".b.jpg", ".c/d.jpg", "out/e.jpg", "outer/f.jpg"):
        place.write(name, b"x")
    assert {one.name for one in place.names(leave_out=(place.below("out"),))} == {"a.jpg", "outer/f.jpg"}


def test_a_probe_leaves_nothing(place: Storage) -> None:
    place.probe()
    assert [one.name for one in place.names()] == []


def test_a_bucket_gives_its_photos(bucket: Path, photos: Path) -> None:
    there = Storage.of("s3://bucket/in")
    for path in files("pics"):
        there.write(path, Path("pics", path))
    tarred("x.tar", {"1.jpg": b"one", "2.txt": b"", "3.jpg": b"three"})
    there.write("x.tar", Path("x.tar"))
    there.write("deep/list.txt", f"../a.jpg\n{'s3://bucket/in'}/b.png\nc.jpg\n".encode())
    found = {item.key: item for item in ItemSource.of("s3://bucket/in").items()}
    assert found.keys() == {"a.jpg", "b.png", "deep/c.jpg", "deep/er/d.webp", "x.tar/1.jpg", "x.tar/3.jpg"}
    assert found["x.tar/3.jpg"].read() == b"three" and found["x.tar/3.jpg"].address == "s3://bucket/in/x.tar (3.jpg)"
    assert found["deep/c.jpg"].read() == Path("pics/deep/c.jpg").read_bytes()
    listed = {item.key: item for item in ItemSource.of("s3://bucket/in/deep/list.txt").items()}
    assert listed["c.jpg"].read() == found["deep/c.jpg"].read()
    assert listed["bucket/in/b.png"].read() == found["b.png"].read()
    assert "leads out of there; write its whole URL" in listed["../a.jpg"].fault
    assert [item.key for item in ItemSource.of("s3://bucket/in/x.tar").items()] == ["x.tar/1.jpg", "x.tar/3.jpg"]


def test_work_from_a_bucket_to_a_bucket(bucket: Path, photos: Path, tmp_path: Path) -> None:
    from tests.video.drawn import make

    there = Storage.of("s3://bucket/in")
    there.write("a.jpg", Path("pics/a.jpg"))
    there.write("half.jpg", Path("pics/a.jpg").read_bytes()[:500])
    make(Path("talk.mp4"))
    there.write("talk.mp4", Path("talk.mp4"))
    given = plan("s3://bucket/in", "s3://bucket/out", edit=replace(QUICK, effect=Blur()), scratch=tmp_path / "scratch")
    worker = given.work.open()
    rows = {item.key: worker(item) for item in given.source.items()}
    assert {key: row.status for key, row in rows.items()} == {"a.jpg": "done", "half.jpg": "failed", "talk.mp4": "done"}
    assert str(rows["half.jpg"].error).startswith("s3://bucket/in/half.jpg is damaged")
    assert rows["talk.mp4"].frames and not list((tmp_path / "scratch").iterdir()), "nothing stays in the local folder"
    assert files(bucket / "bucket" / "out") == {"a.jpg", "talk.mp4"}
    assert {worker(item).status for item in given.source.items()} == {"kept", "failed"}


def test_a_clip_in_scratch_goes_on(bucket: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result that could not be uploaded is not made again."""
    from tests.video.drawn import make

    there = Storage.of("s3://bucket/in")
    make(Path("talk.mp4"))
    there.write("talk.mp4", Path("talk.mp4"))
    given = plan("s3://bucket/in", "s3://bucket/out", edit=replace(QUICK, effect=Blur()), scratch=tmp_path / "scratch")
    (item,) = given.source.items()
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", refuse)
        assert "no room" in str(given.work.open()(item).error)
    (kept,) = (tmp_path / "scratch").glob("*/result.mp4")
    before = kept.read_bytes()
    row = given.work.open()(item)
    assert row.status == "done" and row.frames
    assert (bucket / "bucket" / "out" / "talk.mp4").read_bytes() == before


def refuse(self: Storage, name: str, data: Any, *, overwrite: bool = False) -> None:
    raise OutputError(f"{name}: no room")


@pytest.mark.parametrize(
    ("text", "root", "options"),
    [
        ("pics/", "pics", ""),
        ("/", "/", ""),
        (".", ".", ""),
        ("file:///data/my%20pics", "/data/my pics", ""),
        ("S3://bucket/x/", "s3://bucket/x", ""),
        ("s3://b/x?region=eu-west-1&anonymous=true", "s3://b/x", "region=eu-west-1&anonymous=true"),
        ("s3://b/what?.jpg", "s3://b/what?.jpg", ""),
        ("gs://b", "gs://b", ""),
        ("abfs://c@a.dfs.core.windows.net/x", "abfs://c@a.dfs.core.windows.net/x", ""),
    ],
)
def test_texts_and_places(text: str, root: str, options: str) -> None:
    assert Storage.of(text) == Storage(root, options)


def test_a_bucket_is_opened_as_its_url_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    url = "s3://bucket/pics?endpoint_override=127.0.0.1:9000&scheme=http&anonymous=true"
    store: Any = Storage.of(url)._store()
    assert store.config["endpoint"] == "http://127.0.0.1:9000" and store.prefix == "pics"
    assert store.client_options["allow_http"] and store.config["skip_signature"]
    azure: Any = Storage.of("abfs://c@acct.dfs.core.windows.net/x/y")._store()
    assert azure.config["account_name"] == "acct" and azure.prefix == "x/y"


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
def test_a_server_of_ones_own_is_named_by_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9000")
    store: Any = Storage.of(f"s3://bucket-of-{name.lower()}")._store()
    assert store.config["endpoint"] == "http://127.0.0.1:9000" and store.client_options["allow_http"]


def test_a_profile_needs_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setenv("AWS_PROFILE", "me")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    for name in ("boto3", "obstore.auth.boto3"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SetupError, match="AWS_PROFILE is set, and only boto3 reads profiles; run: pip install boto3"):
        Storage.of("s3://profile/x").check()


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("obstore", "obstore.store"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"s3://lacking/x needs packages .* pip install 'standout\[batch\]'"):
        Storage.of("s3://lacking/x").check()


@pytest.mark.parametrize("text", ["", "s3://", "gs:///", "ftp://a/b", "s3a://b/x"])
def test_urls_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match=r"wanted a folder|write it as"):
        Storage.of(text)
    with pytest.raises(InputError, match=r"names a bucket alone"):
        parted("s3://bucket")


def test_a_long_list_takes_little_memory(photos: Path) -> None:
    Path("list.txt").write_text("".join(f"s3://bucket/{n // 1000}/{n}.jpg\n" for n in range(50_000)))
    source = ItemSource.of("list.txt")
    count, most = listed(source)
    assert count == 50_000 and most < 1 << 20, "a list of them would take ten times that"


def test_an_edit_is_sent_without_its_picture(photos: Path) -> None:
    import pickle

    from standout.effects import Replace

    given = plan(edit=Edit(Replace(Path("pics/a.jpg"))))
    given.work.edited.effect.open()
    assert len(pickle.dumps(given.work)) < 2000
