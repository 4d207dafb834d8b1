"""A connection, with limits on how long its client may take and on how many connections there are.

uvicorn waits for ever for the header of a request, for the rest of a body whose request was answered already, and for a
client to take its answer. Here each of them has a deadline, so that slow clients use up no connections, and errors that
come before the application have the same JSON body as all others.

A client that still sends its body reads no answer, and would tell of a broken connection were that closed under it. So
what is left of a body after its answer is read and dropped, up to a limit of bytes and of time.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from standout.serve.access import HEADERS
from standout.serve.refusals import Refusal, bad_request

MOST_CONNECTIONS = 512
"""Requests of connections above this are answered by 503. Connections above twice as many are closed at once."""

HEADER_SECONDS = 10.0
"""How long the header of a request may take, from the connection's start or from its first byte."""

REST_SECONDS = 10.0
"""How long the rest of a body may take after its answer."""

MOST_REST = 64 * 2**20
"""Bytes of the rest of a body that are read."""

STALL_SECONDS = 30.0
"""How long a client may take nothing of its answer."""


class LimitedConnection(H11Protocol):
    """Speaks HTTP/1.1 with one client."""

    _deadline: asyncio.TimerHandle | None = None
    """Closes the connection unless its client sends what is waited for."""

    _stall: asyncio.TimerHandle | None = None
    """Closes the connection unless its client takes some of its answer."""

    _dropped = 0
    """Bytes that came after the answer."""

    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        if len(self.connections) > 2 * MOST_CONNECTIONS:
            transport.abort()
        elif len(self.connections) > MOST_CONNECTIONS:
            self.app = _overloaded
        self._wait_for_client(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        is_rest = self._is_refused or (self._is_answered() and self.conn.their_state is h11.SEND_BODY)
        if is_rest:
            self._dropped += len(data)
            if self._dropped > MOST_REST:
                self.transport.abort()
        if self._is_refused:
            return
        super().data_received(data)
        if self.cycle is None or self._is_answered():
            self._wait_for_client(HEADER_SECONDS)
        else:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """A request was answered."""
        self._stop_waiting()
        self._dropped = 0
        super().on_response_complete()
        if self._is_answered() and self.conn.their_state is h11.SEND_BODY:
            self._wait_for_client(REST_SECONDS)

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is made."""
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has taken most of what was made of its answer."""
        super().resume_writing()
        self._stop_watching()

    def send_400_response(self, msg: str) -> None:
        """Answers bytes that are no HTTP, or a header that is too long, and ends the connection."""
        answer = bad_request("it is not HTTP/1.1, or its header is too long; let a library write it").answer()
        names = {**HEADERS, **answer.headers, "Connection": "close"}
        status = HTTPStatus.BAD_REQUEST
        for event in (
            h11.Response(status_code=status, headers=list(names.items()), reason=status.phrase.encode()),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self._is_refused = True
        self.transport.write_eof()
        self._stop_waiting()
        self._wait_for_client(REST_SECONDS)

    def _unsupported_upgrade_warning(self) -> None:
        """Logs nothing: there are no web sockets here, and any client may ask for one."""

    def _is_answered(self) -> bool:
        return self.cycle is not None and self.cycle.response_complete

    def _wait_for_client(self, seconds: float) -> None:
        """Closes the connection after so many seconds, where nothing else was waited for before."""
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _watch(self, left: int) -> None:
        """Closes the connection as soon as its client has taken nothing of so many bytes for a while."""

        def check() -> None:
            now = self.transport.get_write_buffer_size()
            if now >= left:
                self.transport.abort()
            else:
                self._watch(now)

        self._stop_watching()
        self._stall = self.loop.call_later(STALL_SECONDS, check)

    def _stop_watching(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


async def _overloaded(scope: Scope, receive: Receive, send: Send) -> None:
    """The application for connections that are too many."""
    headers = {**HEADERS, "Connection": "close", "Retry-After": "1"}
    detail = f"{MOST_CONNECTIONS} connections are open, which is the most; come again later"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    refusal = Refusal(status, "service_unavailable", title=status.phrase, detail=detail, headers=headers)
    await refusal.answer()(scope, receive, send)
