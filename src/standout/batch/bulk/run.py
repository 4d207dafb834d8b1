"""A bulk run: list, leave out what the ledger says is done, work on the rest, and write down what became of it.

    BulkPlan     what is done with which items, and where that is recorded
    BulkEngine   (work, items, stop) -> rows, in any order; see local.on_this_machine
    BulkSummary  what came of it

A row is recorded once its result is written, and rows reach the ledger every few seconds. A run that is killed loses
those of the last seconds: the next one finds their results, and keeps them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from typing import Protocol, Self

from standout.batch.bulk import local_files
from standout.batch.bulk.ledger import BulkLedger, BulkRow, Done
from standout.batch.bulk.sample import picked, write_sheet
from standout.batch.bulk.shards import Shards
from standout.batch.bulk.source import Item, ItemSource
from standout.batch.bulk.work import BulkWork
from standout.errors import InputError, StandoutError
from standout.support.pipeline import ahead

BLOCK = 500
"""Rows of a part of the ledger, at most."""

SECONDS = 10.0
"""How long rows wait for their part, at most."""

AHEAD = 200
"""Items that are listed ahead."""

SUSPECT = 50
"""After so many failures one after the other, it is seen whether the target can still be written."""

NAMED = 20
"""Failed items that a summary names; the ledger names all."""


class BulkEngine(Protocol):
    """What works on items. It takes one only when a worker is about to be free for it."""

    def __call__(self, work: BulkWork, items: Iterator[Item], stop: Event) -> Generator[BulkRow, None, None]:
        """The rows, in any order. After stop is set, no further item is begun; after it is closed, none is finished."""


@dataclass(frozen=True)
class BulkPlan:
    """What is done with which items. retry: those that failed in an earlier run are tried again.

    sample: only so many photos, drawn at random from those that are left, and a contact sheet of them; None = all.
    """

    source: ItemSource
    work: BulkWork
    ledger: BulkLedger
    shards: Shards = Shards()  # noqa: RUF009 - a frozen value
    retry: bool = False
    sample: int | None = None


@dataclass
class BulkSummary:
    """How many items ended how. before, failed_before: those of earlier runs, which were left alone.

    failures: the first of them. warnings: each with the number of its items and the first of their keys. sheet: where
    the contact sheet is. stopped: whether the run was interrupted.
    """

    done: int = 0
    kept: int = 0
    skipped: int = 0
    failed: int = 0
    before: int = 0
    failed_before: int = 0
    failures: list[BulkRow] = field(default_factory=list)
    warnings: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    sheet: str | None = None
    stopped: bool = False
    seconds: float = 0.0

    def add(self, row: BulkRow) -> None:
        """Counts the row."""
        setattr(self, row.status, getattr(self, row.status) + 1)
        if row.status == "failed" and len(self.failures) < NAMED:
            self.failures.append(row)
        for warning in row.warnings:
            count, keys = self.warnings.get(warning, (0, []))
            self.warnings[warning] = count + 1, [*keys, row.key][:3]


def run(
    plan: BulkPlan,
    engine: BulkEngine,
    *,
    stop: Event | None = None,
    on_row: Callable[[BulkRow], None] = lambda row: None,
    on_total: Callable[[int], None] = lambda count: None,
) -> BulkSummary:
    """All items done, kept, skipped or failed, each with a row in the ledger; no item's failure stops another.

    stop: once set, no further item is begun, and those in work are finished, photos whole and clips to their last
    finished chunk. on_row: called after each item. on_total: called once it is known how many items this run has.

    Raises InputError where the source holds nothing, or cannot be listed; OutputError where results or the ledger
    cannot be written, or would lie in each other's way.
    """
    began, stop, summary = time.monotonic(), stop or Event(), BulkSummary()
    work, ledger = plan.work, plan.ledger
    plan.source.check(work.target, ledger.place, overwrite=work.overwrite)
    work.check()
    ledger.begin(work.words() | {"source": plan.source.name})
    work.target.probe()
    done = ledger.done(plan.shards)
    items = _left(plan, done, summary, stop)
    sampled: list[Item] | None = None
    if plan.sample is not None:
        items = iter(sampled := picked(items, plan.sample))
        on_total(len(sampled))
    else:
        Thread(target=_count, args=(plan, done, stop, on_total), name="standout-count", daemon=True).start()
    rows: list[BulkRow] = []
    in_a_row = 0
    try:
        with (
            _Recorder(ledger) as recorder,
            closing(ahead(items, depth=AHEAD)) as listed,
            closing(engine(work, listed, stop)) as results,
        ):
            for row in results:
                recorder.add(row)
                summary.add(row)
                rows += [row] if sampled is not None else []
                on_row(row)
                in_a_row = in_a_row + 1 if row.status == "failed" else 0
                if in_a_row and in_a_row % SUSPECT == 0:
                    work.target.probe()  # broken photos stop nothing, but a target that takes no more does
        if sampled is not None and rows:
            summary.sheet = write_sheet(sampled, rows, work, ledger.place)
    finally:
        for place in (work.target, ledger.place):
            if place.is_local:
                local_files.tidy(place.path())
    summary.stopped, summary.seconds = stop.is_set(), time.monotonic() - began
    return summary


def _left(plan: BulkPlan, done: Done, summary: BulkSummary, stop: Event) -> Iterator[Item]:
    """The items that are left to do, until stop is set. Raises InputError where the source holds none at all."""
    found = False
    for item in plan.source.items(plan.shards):
        if stop.is_set():
            return
        found = True
        attempts = done.attempts(item.key)
        if done.has(item.key):
            summary.before += 1
        elif attempts and not plan.retry:
            summary.failed_before += 1
        else:
            yield replace(item, attempt=attempts + 1)
    if not found and plan.shards.count == 1:
        raise InputError(f"{plan.source.text} holds no photo and no clip")


def _count(plan: BulkPlan, done: Done, stop: Event, on_total: Callable[[int], None]) -> None:
    """Says how many items are left to do, by a listing of its own, where that is quick enough."""
    with suppress(StandoutError):  # which the run itself meets, too
        if plan.source.is_quick:
            total = sum(1 for _ in _left(plan, done, BulkSummary(), stop))
            if not stop.is_set():
                on_total(total)


class _Recorder:
    """Writes rows to the ledger in parts."""

    def __init__(self, ledger: BulkLedger) -> None:
        self._ledger = ledger
        self._rows: list[BulkRow] = []
        self._last = time.monotonic()

    def add(self, row: BulkRow) -> None:
        """Takes the row."""
        self._rows.append(row)
        if len(self._rows) >= BLOCK or time.monotonic() - self._last >= SECONDS:
            self._write()

    def _write(self) -> None:
        self._ledger.add(self._rows)
        self._rows.clear()
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
