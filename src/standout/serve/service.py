"""What all requests share: the model, kept loaded, the queue, the keys, and the rate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from http import HTTPStatus
from threading import Thread
from typing import Any, TypeVar

from starlette.requests import Request

from standout.errors import ModelError, SetupError
from standout.serve.body import Fields, fields
from standout.serve.keys import Keys
from standout.serve.limits import Meter, WorkQueue
from standout.serve.refusals import Refusal, bad_request, by_status
from standout.serve.settings import ServerSettings
from standout.types import PersonFinder

T = TypeVar("T")
log = logging.getLogger(__name__)


class Service:
    """Admits requests and does their work. load: gives what finds the people; it is called once, in a thread."""

    def __init__(self, settings: ServerSettings, load: Callable[[], PersonFinder]) -> None:
        self.settings = settings
        self.keys = Keys(settings.keys)
        self.queue = WorkQueue(workers=settings.workers, places=settings.places)
        self.meter = Meter(settings.rate)
        self.worker_restarts = 0
        """Worker processes that were started anew, for /metrics."""
        self._finder: Future[PersonFinder] = Future()
        self._loading = Thread(target=self._loaded, args=(load,), name="standout-load", daemon=True)

    def start(self) -> None:
        """Begins to load the model; requests that come before it is loaded wait for it."""
        self._loading.start()

    def close(self) -> None:
        """Waits for the jobs in work, and for the model, while whose loading a process cannot end cleanly."""
        self.queue.close()
        self._loading.join()

    def _loaded(self, load: Callable[[], PersonFinder]) -> None:
        try:
            self._finder.set_result(load())
        except Exception as error:
            log.error("the model cannot be loaded: %s", error)
            self._finder.set_exception(error)

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded."""
        return self._finder.done() and self._finder.exception() is None

    @asynccontextmanager
    async def admitted(self, request: Request) -> AsyncIterator[str]:
        """Holds a place in the queue inside the block, and gives the caller's name.

        Raises Refusal, before anything of the body is read, for a wrong key, a rate that is used up or a full queue.
        """
        caller = self.keys.caller(request.headers)
        self.meter.check(caller)
        with self.queue.place():
            yield caller

    async def fields(self, request: Request, *, whole: str = "") -> Fields:
        """The fields of the request, see body.fields."""
        return await fields(request, most=self.settings.most_body, seconds=self.settings.seconds, whole=whole)

    async def work(self, request: Request, job: Callable[[PersonFinder], T]) -> T:
        """What the job returns, in a thread of the pool; a job that still waits when its client leaves is not begun.

        Raises Refusal, whatever the job raises.
        """
        try:
            return await _unless_left(request, self.queue.run(lambda: job(self._finder.result())))
        except Refusal:
            raise
        except (ModelError, SetupError):
            log.exception("the model cannot be used")
            raise by_status(HTTPStatus.SERVICE_UNAVAILABLE) from None
        except Exception:
            log.exception("a request failed")
            raise by_status(HTTPStatus.INTERNAL_SERVER_ERROR) from None


async def _unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. Raises Refusal as soon as the client leaves, and gives the work up."""

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    worked, gone = asyncio.ensure_future(work), asyncio.ensure_future(left())
    try:
        await asyncio.wait({worked, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not worked.done():
            raise bad_request("the client left before its answer was there")
        return worked.result()
    finally:
        worked.cancel()
        gone.cancel()
