"""Answers that come before the body was read: the rest of it is read and dropped, so that the client sees the answer.

A client that is still sending reads no answer; were the connection closed under it, it would tell of that instead. So
the rest of a body is taken, in chunks that are dropped at once, before such an answer is sent. A client that waits for
"100 Continue" before it sends its body is answered at once, and one whose body is too long or too slow is cut off.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import Message, Receive

SECONDS = 10.0
"""How long the rest of a body may take."""


class Rest:
    """Passes the messages of a body on, and knows what of it has not come yet. most: bytes that may still come."""

    def __init__(self, receive: Receive, headers: Headers, *, most: int) -> None:
        self._receive, self._most = receive, most
        self._waits = "100-continue" in headers.get("expect", "").lower()
        self._ended = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers

    async def receive(self) -> Message:
        """The next message, see ASGI."""
        message = await self._receive()
        self._waits = False
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drop(self) -> bool:
        """Reads what is left, if anything; returns whether the connection can be used for another request."""
        if self._waits:
            return self._ended
        dropped = 0
        try:
            async with asyncio.timeout(SECONDS):
                while not self._ended and dropped <= self._most:
                    dropped += len((await self.receive()).get("body", b""))
        except TimeoutError:
            pass
        return self._ended
