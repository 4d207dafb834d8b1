"""Images of several threads, shown to the network together: that is what fills a GPU.

PersonFinder   the network's own mask of one image, safe to ask from several threads
"""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock
from typing import Any

from standout.types import BatchFinder, Image, Mask, PersonFinder, PreparingFinder


def gathered(finder: PersonFinder) -> PersonFinder:
    """A finder that shows images of several threads to the network together, where the network takes several."""
    return Gathering(finder) if isinstance(finder, BatchFinder) and finder.batch > 1 else finder


class Gathering:
    """See gathered. While the network is at work, images gather; the next call takes as many of them as it may.

    Nobody waits for a batch to fill: a single thread gets its masks one by one, as from the finder itself. Each thread
    prepares its own image before it waits, so that the network need not wait for that between two calls.
    """

    def __init__(self, finder: BatchFinder) -> None:
        self._finder = finder
        self._waiting: list[tuple[Any, Future[Mask]]] = []
        self._list = Lock()
        self._network = Lock()

    def probability(self, image: Image) -> Mask:
        """See PersonFinder. Raises what the finder raises for this very image."""
        shown = self._finder.prepared(image) if isinstance(self._finder, PreparingFinder) else image
        mine: Future[Mask] = Future()
        with self._list:
            self._waiting.append((shown, mine))
        while not mine.done():
            with self._network:
                if not mine.done():
                    with self._list:
                        taken = self._waiting[: self._finder.batch]
                        del self._waiting[: len(taken)]
                    self._answer(taken)
        return mine.result()

    def _answer(self, taken: list[tuple[Any, Future[Mask]]]) -> None:
        try:
            masks = self._finder.probabilities([shown for shown, _ in taken])
        except Exception as error:
            if len(taken) == 1:
                taken[0][1].set_exception(error)
                return
            for one in taken:  # so that an image which the finder refuses fails alone
                self._answer([one])
            return
        except BaseException as error:  # an interruption, after which nobody may wait for an answer
            for _, future in taken:
                future.set_exception(error)
            raise
        for (_, future), mask in zip(taken, masks, strict=True):
            future.set_result(mask)
