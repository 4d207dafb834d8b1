"""Bulk runs from bucket to bucket, against a server that speaks S3's protocol on this machine."""

from __future__ import annotations

import io
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

pytest.importorskip("moto", reason="needs moto")
pytest.importorskip("obstore", reason="needs obstore")

from standout import images
from standout.batch.bulk.ledger import JOB, BulkLedger
from standout.batch.bulk.local import on_this_machine
from standout.batch.bulk.run import BulkEngine, BulkPlan, BulkSummary, run
from standout.batch.bulk.source import ItemSource
from standout.batch.bulk.storage import Storage
from standout.batch.bulk.work import BulkWork
from standout.editing import Edit
from standout.errors import InputError, OutputError, OutputExists
from tests.conftest import SAMPLE
from tests.s3_server import CREDENTIALS, LISTING, S3Server, server
from tests.waiting import LIMIT, until

PHOTOS = 6


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    photo = cv2.resize(images.read(SAMPLE).image, (160, 160), interpolation=cv2.INTER_AREA)
    with server() as found:
        for number in range(PHOTOS):
            found.put(f"photos/in/2024/{number:02}.jpg", images.encode(photo[: 160 - number], ".jpg"))
        found.put("photos/in/broken.jpg", b"no photo")
        found.put("photos/in/notes.txt", b"no photo, either")
        yield found


@pytest.fixture
def s3(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return running


def do(s3: S3Server, out: str, engine: BulkEngine) -> BulkSummary:
    """A run from the bucket `photos` to the folder `out` of it, with its ledger beside it."""
    source = ItemSource.of(s3.url("photos/in"))
    work = BulkWork(Edit().to_json(), Storage.of(s3.url(f"photos/{out}")), model="standout-tiny")
    return run(BulkPlan(source, work, BulkLedger(Storage.of(s3.url(f"photos/{out}-ledger")))), engine)


def names(s3: S3Server, folder: str) -> list[str]:
    """All objects below the folder of the bucket, as another client lists them."""
    from pyarrow.fs import FileSelector, FileType

    found = s3.files().get_file_info(FileSelector(f"photos/{folder}", recursive=True))
    return sorted(one.path.removeprefix(f"photos/{folder}/") for one in found if one.type == FileType.File)


RESULTS = [f"2024/{number:02}.jpg.png" for number in range(PHOTOS)]


def test_from_bucket_to_bucket(s3: S3Server) -> None:
    """The results are those of a folder; a broken photo is a row, and a second run has nothing to do."""
    summary = do(s3, "out", on_this_machine(2))
    assert (summary.done, summary.failed) == (PHOTOS, 1)
    assert names(s3, "out") == RESULTS
    with s3.files().open_input_stream(f"photos/out/{RESULTS[0]}") as stream:
        alpha = images.read(stream.read()).alpha
    assert alpha is not None and alpha.shape == (160, 160) and 0.1 < alpha.mean() < 0.9
    again = do(s3, "out", on_this_machine(2))
    assert (again.done, again.before, again.failed_before) == (0, PHOTOS, 1)
    odd = [name for name in names(s3, "out-ledger") if name != JOB and not name.endswith(".parquet")]
    assert not odd


def test_nothing_is_written_over_unless_asked(s3: S3Server) -> None:
    """Not even by two writers that both have seen that there is nothing; whatever the name holds."""
    place = Storage.of(s3.url("photos/kept"))
    for name in ("a.jpg", "b c/ü#%20+&=?.jpg"):
        place.write(name, b"first")
        with pytest.raises(OutputExists, match="exists and is kept"):
            place.write(name, b"second")
        assert place.read(name) == b"first" and place.read(name, start=1, length=2) == b"ir"
        place.write(name, b"third", overwrite=True)
        assert place.read(name) == b"third" and place.exists(name)
    assert names(s3, "kept") == ["a.jpg", "b c/ü#%20+&=?.jpg"] == sorted(one.name for one in place.names())


def test_tar_shards_and_lists_in_a_bucket(s3: S3Server) -> None:
    with s3.files().open_input_stream("photos/in/2024/00.jpg") as stream:
        photo = stream.read()
    for shard in ("0", "1"):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for name in (f"{shard}0.jpg", f"{shard}0.txt", f"{shard}1.jpg"):
                member = tarfile.TarInfo(name)
                member.size = len(photo)
                tar.addfile(member, io.BytesIO(photo))
        s3.put(f"photos/shards/{shard}.tar", data.getvalue())
    s3.put("photos/in/some.txt", b"2024/00.jpg\ns3://photos/in/2024/01.jpg\n../out.jpg\n")
    options = s3.url("")[len("s3://") :]
    wanted = {
        "shards/{0..1}.tar": ["0.tar/00.jpg", "0.tar/01.jpg", "1.tar/10.jpg", "1.tar/11.jpg"],
        "shards": ["0.tar/00.jpg", "0.tar/01.jpg", "1.tar/10.jpg", "1.tar/11.jpg"],
    }
    for source, keys in wanted.items():
        found = list(ItemSource.of(f"s3://photos/{source}{options}").items())
        assert sorted(one.key for one in found) == keys
        assert all(one.read() == photo for one in found)
    listed = list(ItemSource.of(f"s3://photos/in/some.txt{options}").items())
    assert [one.key for one in listed] == ["2024/00.jpg", "photos/in/2024/01.jpg", "../out.jpg"]
    assert listed[0].read() == photo and listed[1].read() and "leads out of there" in listed[2].fault


@pytest.mark.slow
def test_from_bucket_to_bucket_on_ray(s3: S3Server) -> None:
    pytest.importorskip("ray", reason="needs ray")
    from standout.batch.bulk.cluster import on_a_cluster

    summary = do(s3, "ray", on_a_cluster("local", workers=1))
    assert (summary.done, summary.failed) == (PHOTOS, 1)
    assert names(s3, "ray") == RESULTS


def test_a_bucket_that_is_not_there(s3: S3Server) -> None:
    with pytest.raises(InputError, match=r"s3://nowhere/in.* cannot be (listed|read)"):
        list(ItemSource.of(s3.url("nowhere/in")).items())
    source = ItemSource.of(s3.url("photos/in"))
    work = BulkWork(Edit().to_json(), Storage.of(s3.url("nowhere/out")), model="standout-tiny")
    with pytest.raises(OutputError, match=r"s3://nowhere/out.* cannot be written"):
        run(BulkPlan(source, work, BulkLedger(Storage.of(s3.url("photos/lost-ledger")))), on_this_machine(1))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other ways to ask for the memory")
def test_many_names_take_no_more_memory_than_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pyarrow lists them, they take 10 MB more; benchmarks/batch.py lists 100,000."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    taken = {}
    for names in (2_000, 20_000):
        with server("photos", names) as found:
            command = [sys.executable, "-c", LISTING, found.url("photos/many")]
            said = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True).stdout
        count, kilobytes = map(int, said.split())
        assert count == names
        taken[names] = kilobytes / 1024
    assert taken[20_000] - taken[2_000] < 4, taken


def test_the_server_ends_with_the_test_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from tests.s3_server import server\n"
        "with server() as found:\n"
        "    print(found.host, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == -signal.SIGKILL, done.stderr
    host, _, port = done.stdout.strip().partition(":")
    until(lambda: not answers(host, int(port)), "the server has ended")


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=LIMIT).close()
    except OSError:
        return False
    return True
