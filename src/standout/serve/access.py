"""Middleware: which requests are let in, by their headers alone, and the headers of every answer.

A web page of another site may make the browser send requests to this machine. Two checks stop that: the Host header
must name this machine (otherwise a site could point its own name at 127.0.0.1: DNS rebinding), and a request that a
browser sends for a page must be for a page of this server (its Origin header).
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from standout.serve.refusals import Refusal
from standout.serve.settings import ServerSettings, is_loopback

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AccessMiddleware:
    """Lets requests through to the application, or refuses them before their body is read."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        given = Headers(scope=scope)
        waits = "100-continue" in given.get("expect", "").lower()

        async def received() -> Message:
            nonlocal waits
            waits = False
            return await receive()

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if waits:  # the client has not sent its body, and will not: nobody could tell it from the next request
                    headers["Connection"] = "close"
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not self._settings.origins:
                    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            await send(message)

        try:
            self._check(given)
        except Refusal as refusal:
            await refusal.answer()(scope, received, answered)
        else:
            await self._app(scope, received, answered)

    def _check(self, headers: Headers) -> None:
        """Raises Refusal (403) for a Host or an Origin that is not allowed."""
        host = headers.get("host", "")
        if self._settings.is_local and not is_loopback(_name(f"//{host}")):
            raise _forbidden(
                f"the Host header is {host!r}; ask at {self._settings.host}, or start with --host and --keys"
            )
        origin = headers.get("origin")
        allowed = self._settings.origins
        if origin is None or "*" in allowed or origin in allowed:
            return
        if not _is_of(origin, host):
            raise _forbidden(f"the request comes from a page of {origin!r}; allow it by --cors {origin}")


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that are not closed
        return ""


def _is_of(origin: str, host: str) -> bool:
    """Whether an Origin header names the same server as a Host header."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:  # brackets that are not closed
        return False


def _forbidden(detail: str) -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, "forbidden", title="This request is not allowed", detail=detail)
