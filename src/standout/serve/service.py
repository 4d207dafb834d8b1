"""What all requests share: the workers, the queue, the keys, and the rate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from standout.errors import ModelError, SetupError
from standout.serve import body
from standout.serve.body import Body
from standout.serve.keys import Keys
from standout.serve.limits import Meter, WorkQueue
from standout.serve.pictures import unreadable
from standout.serve.refusals import Refusal, bad_request, by_status
from standout.serve.result import WorkResult
from standout.serve.settings import ServerSettings
from standout.serve.workers.pool import Pool
from standout.serve.workers.process import JobFailed, WorkerDied, WorkerOutOfMemory, WorkerTooSlow
from standout.types import PersonFinder

T = TypeVar("T")
log = logging.getLogger(__name__)


class Service:
    """Admits requests, and has the workers of the pool do their work."""

    def __init__(self, settings: ServerSettings, pool: Pool) -> None:
        self.settings = settings
        self.keys = Keys(settings.keys)
        self.queue = WorkQueue(pool, places=settings.places, most_bytes=settings.most_held)
        self.meter = Meter(settings.rate)
        self._pool = pool

    def start(self) -> None:
        """Begins to load the model; requests that come before it is loaded wait for it."""
        self._pool.start()

    def close(self) -> None:
        """Ends the workers."""
        self._pool.close()

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded."""
        return self._pool.is_ready

    @property
    def worker_restarts(self) -> int:
        """How many worker processes were replaced, because they died, hung or grew."""
        return self._pool.restarts

    @asynccontextmanager
    async def admitted(self, request: Request) -> AsyncIterator[str]:
        """Holds a place in the queue inside the block, and gives the caller's name.

        Raises Refusal, before anything of the body is read, for a wrong key, a rate that is used up or a full queue.
        """
        caller = self.keys.caller(request.headers)
        self.meter.check(caller)
        with self.queue.place(self._size(request)):
            yield caller

    def _size(self, request: Request) -> int:
        """Bytes that the body may take in memory; 0 for one that is refused because it is too large."""
        most = self.settings.most_body
        if "transfer-encoding" in request.headers:
            return most
        length = request.headers.get("content-length", "0")
        return int(length) if length.isdecimal() and int(length) <= most else 0

    async def answered(
        self, request: Request, job: Callable[[Body], Callable[[PersonFinder], WorkResult]], *, whole: str = ""
    ) -> Response:
        """The answer to a request for a picture. job: body -> what a worker does. whole: see body.read.

        Raises Refusal.
        """
        async with self.admitted(request) as caller:
            result = await self.work(request, job(await self.body(request, whole=whole)))
            self.meter.charge(caller, result.pixels)
            headers = result.headers | self.meter.headers(caller)
            return Response(result.data, media_type=result.media_type, headers=headers)

    async def body(self, request: Request, *, whole: str = "") -> Body:
        """The body of the request, see body.read."""
        return await body.read(request, most=self.settings.most_body, seconds=self.settings.seconds, whole=whole)

    async def work(self, request: Request, job: Callable[[PersonFinder], T]) -> T:
        """What the job returns, in a worker; a job that still waits when its client leaves is not begun.

        Raises Refusal, whatever becomes of the job.
        """
        try:
            return await _unless_left(request, self.queue.run(job))
        except Refusal:
            raise
        except WorkerTooSlow:
            log.error("a request took longer than %g s; its worker was ended", self.settings.timeout)
            raise self._too_slow() from None
        except WorkerOutOfMemory:
            raise self._too_much_memory() from None
        except WorkerDied as error:
            log.error("%s", error)
            raise (_undecodable() if error.decoding else by_status(HTTPStatus.INTERNAL_SERVER_ERROR)) from None
        except JobFailed:  # the worker has logged it
            raise by_status(HTTPStatus.INTERNAL_SERVER_ERROR) from None
        except (ModelError, SetupError):
            log.exception("the model cannot be used")
            raise by_status(HTTPStatus.SERVICE_UNAVAILABLE) from None
        except Exception:
            log.exception("a request failed")
            raise by_status(HTTPStatus.INTERNAL_SERVER_ERROR) from None

    def _too_slow(self) -> Refusal:
        detail = f"the work took longer than {self.settings.timeout:g} s; send a smaller picture, or set --timeout"
        return Refusal(HTTPStatus.GATEWAY_TIMEOUT, "timeout", title="The work took too long", detail=detail)

    def _too_much_memory(self) -> Refusal:
        most = self.settings.most_memory / 2**30
        detail = (
            f"the work needs more than the {most:g} GB that a worker may use; send a smaller picture, or set --memory"
        )
        return Refusal(HTTPStatus.BAD_REQUEST, "resolution_too_high", title="Image resolution too high", detail=detail)


def _undecodable() -> Refusal:
    return unreadable("the picture made its decoder crash; convert it to PNG or JPEG, and send that")


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
        # The pool learns of it only now; without waiting, a worker could still begin the job.
        await asyncio.gather(worked, gone, return_exceptions=True)
