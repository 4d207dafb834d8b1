"""What there is to do: folders, lists and tar files."""

import os
from pathlib import Path

import pytest

from standout.batch.bulk.shards import Shards, group
from standout.batch.bulk.source import Item, ItemSource
from standout.batch.bulk.storage import Storage
from standout.errors import InputError, OutputError
from tests.batch.bulk.conftest import files, listed, tarred


def items(source: str, shards: Shards = Shards(), **how: object) -> dict[str, Item]:  # noqa: B008
    found = list(ItemSource.of(source, **how).items(shards))  # type: ignore[arg-type]
    assert len({item.key for item in found}) == len(found)
    return {item.key: item for item in found}


def test_a_folder_gives_its_photos_and_those_of_its_folders(photos: Path) -> None:
    Path("pics/raw.CR2").touch()
    Path("pics/notes.txt").touch()
    Path("pics/.hidden.jpg").touch()
    Path("pics/.cache").mkdir()
    Path("pics/.cache/x.jpg").touch()
    found = items("pics/")
    assert found.keys() == {"a.jpg", "b.png", "deep/c.jpg", "deep/er/d.webp", "raw.CR2"}
    assert found["raw.CR2"].skip == ".cr2 files cannot be read"
    assert found["a.jpg"].read() == Path("pics/a.jpg").read_bytes()
    assert found["deep/c.jpg"].address == "pics/deep/c.jpg"


def test_folders_of_results_in_the_source_are_left_out(photos: Path) -> None:
    Path("pics/out").mkdir()
    Path("pics/out/a.jpg").touch()
    assert "out/a.jpg" in items("pics")
    assert "out/a.jpg" not in items("pics", leave_out=(Storage.of("pics/out"),))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_opened(photos: Path) -> None:
    os.mkfifo("pics/p.jpg")
    assert "is a pipe" in items("pics")["p.jpg"].fault


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not hold here")
def test_a_folder_that_cannot_be_listed_is_a_fault(photos: Path) -> None:
    Path("pics/deep/er").chmod(0)
    try:
        assert "cannot be listed" in items("pics")["deep/er"].fault
    finally:
        Path("pics/deep/er").chmod(0o755)


def test_a_list_as_text(photos: Path) -> None:
    Path("sub").mkdir()
    lines = ["../pics/a.jpg", "", str(photos / "b.png"), photos.joinpath("deep/c.jpg").as_uri(), "x.jpg"]
    Path("sub/list.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    found = items("sub/list.txt")
    below = photos.relative_to(photos.anchor).as_posix()
    assert [*found] == [f"{below}/a.jpg", f"{below}/b.png", f"{below}/deep/c.jpg", "x.jpg"]
    assert found[f"{below}/a.jpg"].read() == Path("pics/a.jpg").read_bytes()
    assert found[f"{below}/deep/c.jpg"].read() == Path("pics/deep/c.jpg").read_bytes()
    with pytest.raises(InputError, match=r"sub/x.jpg does not exist"):
        found["x.jpg"].read()


def test_a_line_that_names_nothing_is_a_fault_of_its_own(photos: Path) -> None:
    Path("list.txt").write_text("ftp://host/a.jpg\npics/a.jpg\n")
    found = items("list.txt")
    assert "begins with ftp://, which is not known" in found["ftp://host/a.jpg"].fault
    assert not found["pics/a.jpg"].fault


@pytest.mark.parametrize("column", ["path", "url"])
def test_a_list_as_parquet(photos: Path, column: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"id": [1, 2, 3], column: ["pics/a.jpg", None, "pics/b.png"]}), "list.parquet")
    assert [*items("list.parquet")] == ["pics/a.jpg", "pics/b.png"]


def test_a_list_without_its_column(photos: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"id": [1], "file": ["pics/a.jpg"]}), "list.parquet")
    with pytest.raises(InputError, match=r"list.parquet has the columns id, file; wanted path or url"):
        items("list.parquet")
    Path("list.parquet").write_text("path\npics/a.jpg\n")
    with pytest.raises(InputError, match=r"list.parquet is no Parquet file"):
        items("list.parquet")


def test_tar_files_as_webdataset_writes_them(photos: Path) -> None:
    photo = Path("pics/a.jpg").read_bytes()
    for n in (8, 9, 10):
        members = {"./000.jpg": photo, "000.json": b"{}", "000.cls": b"1", "more/001.webp": photo[:99], ".x.jpg": b""}
        tarred(f"s{n:02}.tar", members)
    found = items("s{08..10}.tar")
    assert [*found] == [f"s{n:02}.tar/{name}" for n in (8, 9, 10) for name in ("000.jpg", "more/001.webp")]
    assert found["s09.tar/000.jpg"].read() == photo
    assert found["s10.tar/more/001.webp"].read() == photo[:99]
    assert found["s10.tar/more/001.webp"].address == "s10.tar (001.webp)"
    Path("pics/x.tar").write_bytes(Path("s08.tar").read_bytes())
    assert {"x.tar/000.jpg", "a.jpg"} < items("pics").keys()


@pytest.mark.parametrize("broken", ["half", "unmarked", "other", "empty", "missing"])
def test_a_damaged_tar_file_is_a_fault_and_loses_nothing_before(photos: Path, broken: str) -> None:
    tarred("x.tar", {f"{n}.jpg": bytes([n]) * 1000 for n in range(3)})
    whole = Path("x.tar").read_bytes()
    data = {"half": whole[:2600], "unmarked": whole[: 3 * 1536], "other": b"GIF89a" * 300, "empty": b""}
    Path("x.tar").unlink()
    if broken != "missing":
        Path("x.tar").write_bytes(data[broken])
    found = items("x.tar")
    assert "x.tar" in found["x.tar"].fault
    assert len(found) == {"half": 3, "unmarked": 4}.get(broken, 1)


def test_shards_do_each_item_exactly_once(photos: Path) -> None:
    Path("list.txt").write_text("".join(f"{n // 9}/{n}.jpg\n" for n in range(500)))
    everything = items("list.txt").keys()
    for indices in (range(1, 8), range(7)):  # counted from 1, and from 0
        parts = [items("list.txt", Shards.of(f"{k}/7")).keys() for k in indices]
        assert sum(map(len, parts)) == 500 and set().union(*parts) == everything
        assert min(map(len, parts)) > 40, "the parts are about equal"


def test_a_tar_file_belongs_to_one_shard(photos: Path) -> None:
    for n in range(20):
        tarred(f"{n:02}.tar", {f"{m}.jpg": b"x" for m in range(5)})
    parts = [items("{00..19}.tar", Shards.of(f"{k}/3")) for k in range(3)]
    assert sum(map(len, parts)) == 100
    for part in parts:
        assert len(part) == 5 * len({group(key) for key in part})


@pytest.mark.parametrize("text", ["", "3", "4/3", "1/0", "-1/3", "a/b", "1/2/3"])
def test_shards_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match=r"wanted K/N"):
        Shards.of(text)


@pytest.mark.parametrize(
    ("source", "target", "ledger", "why"),
    [
        ("pics", "pics", "ledger", "target pics is the source itself"),
        ("pics", ".", "ledger", "target . holds the source"),
        ("pics", "out", "pics", "ledger pics is the source itself"),
        ("pics", "out", "pics/ledger", "ledger pics/ledger lies in the source"),
        ("pics", "out", "out/ledger", "ledger out/ledger lies in the target"),
        ("pics", "ledger/out", "ledger", "target ledger/out lies in the ledger"),
        ("s3://b/pics", "s3://b/pics", "ledger", "target s3://b/pics is the source itself"),
        ("s3://b/pics", "s3://b", "ledger", "target s3://b holds the source"),
        ("s3://b/pics", "s3://b/pics2", "s3://b/pics/l", "ledger s3://b/pics/l lies in the source"),
    ],
)
def test_places_that_are_in_each_others_way(photos: Path, source: str, target: str, ledger: str, why: str) -> None:
    with pytest.raises(OutputError) as caught:
        ItemSource.of(source).check(Storage.of(target), Storage.of(ledger), overwrite=False)
    assert why in str(caught.value) and "give another" in str(caught.value)
    assert files("pics") == {"a.jpg", "b.png", "deep/c.jpg", "deep/er/d.webp"}


def test_photos_of_a_list_are_never_overwritten(photos: Path) -> None:
    Path("list.txt").write_text("pics/a.jpg\n")
    source = ItemSource.of("list.txt")
    source.check(Storage.of("."), Storage.of("../ledger"), overwrite=False)
    with pytest.raises(OutputError, match=r"pics/a.jpg, which list.txt names, lies in the target"):
        source.check(Storage.of("pics"), Storage.of("ledger"), overwrite=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nowhere", "nowhere does not exist; name a folder"),
        ("pics/a.jpg", "pics/a.jpg is a file; wanted a folder, a URL, .txt or .parquet with a list, or .tar files"),
        ("http://host/pics", "begins with http://, which is not known; wanted a folder, file://, s3://, gs://"),
        ("s3://", "names no bucket; write it as s3://BUCKET/FOLDER"),
        ("{5..3}.tar", "counts down"),
    ],
)
def test_sources_that_are_none(photos: Path, text: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        ItemSource.of(text)
    assert why in str(caught.value)


def test_a_list_that_is_not_there(photos: Path) -> None:
    with pytest.raises(InputError, match=r"gone.txt does not exist"):
        items("gone.txt")


def test_a_long_listing_takes_little_memory(tmp_path: Path) -> None:
    """Of the names of a folder, no more is held than one of them."""
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(20_000):
        os.close(os.open(folder / f"{n:06}.jpg", os.O_CREAT | os.O_WRONLY))
    source = ItemSource.of(str(folder))
    count, most = listed(source)
    assert count == 20_000 and most < 1 << 16, "a list of them would take a hundred times that"
