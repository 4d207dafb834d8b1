"""Steps of a stream that run at the same time: each prefetches a bounded number of items for the next.

items     Iterator   one thread alone takes from it
results   Iterator   they always come in the order of the items

An error of a step is raised in the place of its result. Closing a stream early ends all the steps that feed it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import Empty, Full, Queue, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_TICK = 0.1
"""Seconds after which a waiting thread checks whether it is still wanted."""


def ahead(items: Iterable[Item], *, depth: int = 2) -> Generator[Item, None, None]:
    """The items, prefetched by a thread of their own: at most depth of them wait to be taken.

    >>> list(ahead(n * n for n in range(5)))
    [0, 1, 4, 9, 16]
    """
    queue: Queue[tuple[Item | None, BaseException | None, bool]] = Queue(depth)
    unwanted = Event()
    feed = iter(items)

    def put(entry: tuple[Item | None, BaseException | None, bool]) -> bool:
        while not unwanted.is_set():
            try:
                queue.put(entry, timeout=_TICK)
                return True
            except Full:
                continue
        return False

    def fill() -> None:
        if unwanted.is_set():
            return
        try:
            for item in feed:
                if not put((item, None, False)):
                    return
            put((None, None, True))
        except BaseException as error:
            put((None, error, True))
        finally:
            if isinstance(feed, Generator):
                feed.close()

    thread = Thread(target=fill, name="standout-ahead", daemon=True)
    try:
        thread.start()
        while True:
            try:
                item, error, last = queue.get(timeout=_TICK)
            except Empty:
                continue
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        unwanted.set()
        if thread.ident is not None:  # a signal may have come before the thread began; it then does nothing
            thread.join()


def soon(work: Callable[[], Result]) -> Callable[[], Result]:
    """A function that waits for the result of work, which a thread of its own begins now.

    It may be called once, and then nothing here holds the result any longer. It raises what work raises.

    >>> soon(lambda: 6 * 7)()
    42
    """
    ended: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            ended.put((work(), None))
        except BaseException as error:
            ended.put((None, error))

    Thread(target=run, name="standout-soon", daemon=True).start()

    def wait() -> Result:
        result, error = ended.get()
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    return wait


def on_threads(items: Iterable[Item], work: Callable[[Item], Result], *, count: int) -> Iterable[Result]:
    """The results of work for so many items, in their order, on as many threads as OpenCV may use in this process.

    >>> list(on_threads(range(3), lambda n: n * n, count=3))
    [0, 1, 4]
    """
    import cv2

    threads = min(cv2.getNumThreads(), count) if count > 1 else 1
    return in_order(items, work, workers=threads) if threads > 1 else map(work, items)


def in_order(items: Iterable[Item], work: Callable[[Item], Result], *, workers: int) -> Generator[Result, None, None]:
    """The results of work for the items, which several workers compute at once; one more item waits for a worker.

    >>> list(in_order(range(5), lambda n: n * n, workers=2))
    [0, 1, 4, 9, 16]
    """
    feed: Iterator[Item] = iter(items)
    running: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, "standout-step")
    try:
        while True:
            running.extend(pool.submit(work, item) for item in islice(feed, workers + 1 - len(running)))
            if not running:
                return
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        if isinstance(feed, Generator):
            feed.close()
