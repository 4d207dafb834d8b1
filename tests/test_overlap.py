import threading
import time
from collections.abc import Iterator

import pytest

from standout.overlap import ahead, in_order


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
    assert next(stream) == 0
    time.sleep(0.3)
    assert len(made) <= 6, "memory does not grow with the stream"
    assert list(stream) == list(range(1, 1000))


def test_a_stream_closed_early_ends_what_feeds_it() -> None:
    made: list[int] = []
    closed: list[bool] = []
    before = threading.active_count()
    stream = in_order(ahead(ahead(counting(10**9, made, closed))), lambda n: -n, workers=2)
    assert [next(stream) for _ in range(3)] == [0, -1, -2]
    stream.close()
    assert closed == [True] and len(made) < 30
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


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
    together = threading.Barrier(2, timeout=5)

    def work(n: int) -> int:
        if n < 4:
            together.wait()  # breaks where the two are not at work at the same time
        time.sleep(0.002 * (10 - n))
        return n

    assert list(in_order(range(10), work, workers=2)) == list(range(10))
