"""The ledger: rows in, and what is done out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from standout.batch.bulk import local_files
from standout.batch.bulk.ledger import BulkLedger, BulkRow
from standout.batch.bulk.shards import Shards, digest
from standout.batch.bulk.storage import Storage
from standout.errors import InputError, OutputError
from tests.batch.bulk.conftest import files

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[BulkLedger]:
    yield BulkLedger(Storage.of(str(tmp_path / "ledger")))
    local_files.tidy(tmp_path / "ledger")


def test_a_new_ledger_is_empty(ledger: BulkLedger) -> None:
    assert ledger.parts() == [] and not ledger.done().has("a.jpg")
    ledger.add([])
    assert not ledger.place.path().exists()


def test_any_program_reads_it(ledger: BulkLedger) -> None:
    import pyarrow.parquet as pq

    row = BulkRow(
        "a.jpg", "out/a.png", "done", seconds=1.5, width=4, height=3, person_share=0.25, warnings=("x", "y"), attempt=2,
        when=NOON, worker="me",
    )  # fmt: skip
    ledger.begin({"effect": "cut"})
    ledger.add([row])
    ledger.add([BulkRow("b.jpg", None, "failed", "broken")])
    rows = pq.read_table(ledger.place.path()).to_pylist()
    assert rows[0] | {"when": None} == {
        "key": "a.jpg", "target": "out/a.png", "status": "done", "error": None, "seconds": 1.5, "width": 4, "height": 3,
        "person_share": 0.25, "frames": None, "warnings": ["x", "y"], "attempt": 2, "when": None, "worker": "me",
    }  # fmt: skip
    assert rows[0]["when"] == NOON and rows[1]["error"] == "broken" and rows[1]["when"] and rows[1]["worker"]
    assert len(ledger.parts()) == 2


def test_the_last_row_counts(ledger: BulkLedger) -> None:
    later = [NOON + timedelta(seconds=n) for n in range(4)]
    ledger.add([BulkRow("b", None, "failed", attempt=2, when=later[2]), BulkRow("a", None, "done", when=later[3])])
    ledger.add([BulkRow("a", None, "failed", when=later[0]), BulkRow("b", None, "done", when=later[1])])
    ledger.add([BulkRow("c", None, "kept"), BulkRow("d", None, "skipped"), BulkRow("e", None, "failed")])
    done = ledger.done()
    assert [key for key in "abcdef" if done.has(key)] == ["a", "c", "d"]
    assert [done.attempts(key) for key in "abcdef"] == [0, 2, 0, 0, 1, 0]


def test_many_keys_and_their_shards(ledger: BulkLedger) -> None:
    keys = [f"{n}/photo.jpg" for n in range(3000)]
    for start in range(0, 3000, 100):
        ledger.add([BulkRow(key, None, "done") for key in keys[start : start + 100]])
    done = ledger.done()
    assert all(done.has(key) for key in keys) and not any(done.has(f"{key}x") for key in keys)
    for n in range(3):
        shard = Shards(n, 3)
        part = ledger.done(shard)
        assert [key for key in keys if part.has(key)] == [key for key in keys if shard.have(key)]
    assert done.digests.nbytes == 16 * 3000


def test_digests_that_end_in_zeros(ledger: BulkLedger) -> None:
    keys = [key for key in map(str, range(2000)) if digest(key).endswith(b"\0")]
    assert len(keys) > 3
    ledger.add([BulkRow(key, None, "done" if n % 2 else "failed") for n, key in enumerate(keys)])
    done = ledger.done()
    assert [done.has(key) for key in keys] == [bool(n % 2) for n in range(len(keys))]
    assert [done.attempts(key) for key in keys] == [1 - n % 2 for n in range(len(keys))]


def test_names_that_are_no_text(ledger: BulkLedger) -> None:
    key = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    ledger.add([BulkRow(key, key, "failed", f"{key} is broken", warnings=(key,))])
    assert ledger.done().attempts(key) == 1
    (table,) = ledger.tables()
    assert table.to_pylist()[0]["key"] == "caf\\xe9.jpg"


def test_other_files_are_left_alone(ledger: BulkLedger) -> None:
    ledger.add([BulkRow("a", None, "done")])
    ledger.place.path("list.parquet").write_text("no part")
    ledger.place.path("deep").mkdir()
    ledger.place.path("deep/part-1.parquet").write_text("no part")
    assert len(ledger.parts()) == 1 and ledger.done().has("a")


def test_another_work_is_refused(ledger: BulkLedger) -> None:
    ledger.begin({"effect": "blur", "strength": "0.5"})
    ledger.begin({"strength": "0.5", "effect": "blur"})
    with pytest.raises(OutputError, match=r"another batch, whose effect is 'blur', not 'cut'; give --ledger"):
        ledger.begin({"effect": "cut", "strength": "0.5"})
    with pytest.raises(OutputError, match=r"whose strength is '0.5', not None"):
        ledger.begin({"effect": "blur"})
    assert files(ledger.place.path()) - {"_work.json"} == {
        name for name in files(ledger.place.path()) if name.startswith(".standout-unfinished")
    }


@pytest.mark.parametrize("data", ["", "[]", "nonsense"])
def test_a_folder_of_something_else_is_refused(ledger: BulkLedger, data: str) -> None:
    ledger.place.path().mkdir()
    ledger.place.path("_work.json").write_text(data)
    with pytest.raises(OutputError, match=r"_work.json is no file of a ledger; give --ledger another folder"):
        ledger.begin({"effect": "cut"})
    assert ledger.place.path("_work.json").read_text() == data


def test_a_part_that_is_damaged_is_named(ledger: BulkLedger) -> None:
    ledger.add([BulkRow("a", None, "done")])
    ledger.place.path("part-x.parquet").write_text("PAR1 no more")
    with pytest.raises(InputError, match=r"part-x.parquet is no part of a ledger"):
        ledger.done()
