import threading
import weakref
from collections.abc import Iterator

import pytest

from standout.support.pipeline import ahead, in_order, soon
from tests.waiting import LIMIT, until


def counting(until: int, made: list[int], closed: list[bool]) -> Iterator[int]:
    try:
        for n in range(until):
            made.append(n)
            yield n
    finally:
        closed.append(True)


def test_items_come_in_order_and_only_a_few_are_made_before_they_are_wanted() -> None:
    made: list[int] = []
    stream = ahead(counting(1000, made, []), depth=3)
    for n in range(1000):
        assert next(stream) == n
        most = min(1000, n + 5)  # this one, three in store, and one that waits for room there
        until(lambda most=most: len(made) >= most, "the stream had made what it may")
        assert len(made) == most, "memory does not grow with the stream"
    assert list(stream) == []


def test_a_stream_closed_early_ends_what_feeds_it() -> None:
    made: list[int] = []
    closed: list[bool] = []
    before = threading.active_count()
    stream = in_order(ahead(ahead(counting(10**9, made, closed))), lambda n: -n, workers=2)
    assert [next(stream) for _ in range(3)] == [0, -1, -2]
    stream.close()
    assert closed == [True] and len(made) < 30
    until(lambda: threading.active_count() <= before, "the threads of the stream ended")


def test_an_error_comes_where_its_item_would_have() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("frame 2")

    stream = ahead(broken())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="frame 2"):
        next(stream)

    def work(n: int) -> int:
        if n == 2:
            raise ValueError("work on 2")
        return n

    results = in_order(range(9), work, workers=3)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="work on 2"):
        next(results)


def test_several_are_worked_on_at_once_and_come_in_order_all_the_same() -> None:
    finished = [threading.Event() for _ in range(10)]

    def work(n: int) -> int:
        if n % 2 == 0:
            assert finished[n + 1].wait(LIMIT), "the next one is worked on at the same time, and is finished first"
        finished[n].set()
        return n

    assert list(in_order(range(10), work, workers=2)) == list(range(10))


def test_a_signal_while_the_thread_starts_leaves_no_thread_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What feeds it can be closed afterwards: no thread is still at work in it."""
    begun, ended = threading.Event(), threading.Event()
    starts = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        starts(thread)
        begun.wait()
        raise KeyboardInterrupt

    def numbers() -> Iterator[int]:
        begun.set()
        try:
            yield from range(1_000_000)
        finally:
            ended.set()

    feed = numbers()
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(ahead(feed))
    assert ended.is_set()
    feed.close()


def test_what_is_begun_soon_goes_on_meanwhile_and_is_given_once() -> None:
    go = threading.Event()
    waiting = soon(lambda: go.wait(10) and Kept())
    go.set()
    result = waiting()
    assert isinstance(result, Kept)
    left = weakref.ref(result)
    del result
    assert left() is None, "something still holds the result"


class Kept:
    """A result to which a weak reference can lead."""


def test_what_is_begun_soon_raises_its_error_where_it_is_waited_for() -> None:
    def fail() -> None:
        raise ValueError("no")

    waiting = soon(fail)
    with pytest.raises(ValueError, match="no"):
        waiting()
