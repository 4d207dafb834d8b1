"""A window that shows pictures in the browser, by the server's middleware, keys, limits and errors.

    url       str                    http://127.0.0.1:PORT/KEY/, the page; KEY/stream is MJPEG for OBS or a player
    picture   uint8 (H, W, 3)        RGB
    command   {"effect": "blur"}     JSON that the page posts, see _carry_out

To add a button: a case in _carry_out, and an element in page/index.html.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from standout.errors import InputError, SetupError
from standout.live.loop import Controls, Pace
from standout.serve import refusals, site
from standout.serve.access import HEADERS, AccessMiddleware
from standout.serve.keys import Keys
from standout.serve.listen import configuration
from standout.serve.refusals import Refusal, bad_request
from standout.serve.settings import ServerSettings
from standout.support.draw import jpeg
from standout.types import Picture

HOST = "127.0.0.1"
QUALITY = 88
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
PAGE = Path(__file__).parent / "page"
FILES = {"": "index.html", "window.css": "window.css", "window.js": "window.js"}
"""Address behind the key -> file."""

LONGEST_COMMAND = 1000
"""The largest number of bytes of a command."""

COMMAND_SECONDS = 10.0
"""How long a command may take to come."""

PIPE = 64 * 1024
"""Bytes that the system buffers for a viewer, a frame or two; by default it buffers seconds, which is latency."""

BOUNDARY = "standout"


class Window:
    """Serves the page until it is closed. effects: the names that the page offers. port: 0 means any that is free.

    key: the secret part of the address; None means a new random one.

    Raises SetupError where the port is taken, InputError for a key that is easy to guess or cannot be in a URL.
    """

    def __init__(self, controls: Controls, *, effects: Sequence[str], port: int = 0, key: str | None = None) -> None:
        if key is not None and not KEY.fullmatch(key):
            raise InputError(
                f"key {key!r} cannot be used; wanted 8 to 64 letters, digits, - or _ that nobody can guess"
            )
        self.controls, self.effects = controls, tuple(effects)
        self.key = key or secrets.token_urlsafe(12)
        self.pace = Pace()
        self.closed = False
        self._latest = 0, b""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._socket = _opened(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}/{self.key}/"
        self._server = _WindowServer(self)
        sockets = {"sockets": [self._socket]}
        self._thread = Thread(target=self._server.run, kwargs=sockets, name="standout-window", daemon=True)
        self._thread.start()

    def show(self, picture: Picture) -> None:
        """Sends the picture to all viewers; each gets the latest one as fast as it can take them."""
        encoded = jpeg(np.asarray(picture, np.uint8), quality=QUALITY)
        self._latest = self._latest[0] + 1, encoded
        self._wake()

    def close(self) -> None:
        """Frees the port and ends all streams."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def end_streams(self) -> None:
        """Ends all streams. It is called in the thread of the server."""
        self.closed = True
        self._wake_viewers()

    def status(self) -> dict[str, Any]:
        """What the page shows next to the picture."""
        one = self.controls
        chosen = {"effect": one.effect, "mirrored": one.mirrored, "paused": one.paused}
        return {**chosen, "effects": self.effects, **asdict(self.pace), "text": str(self.pace)}

    @asynccontextmanager
    async def serving(self, app: FastAPI) -> AsyncIterator[None]:
        """While the server runs, viewers are told of new pictures."""
        self._loop = asyncio.get_running_loop()
        yield
        self._loop = None

    async def stream(self) -> AsyncIterator[bytes]:
        """The pictures as MJPEG, until the window is closed."""
        yield f"--{BOUNDARY}\r\n".encode()
        number = 0
        while (news := await self._after(number)) is not None:
            number, picture = news
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
            # The next boundary is sent at once, since browsers show a picture only when they have read it.
            yield head + picture + f"\r\n--{BOUNDARY}\r\n".encode()
            # The server goes on once the viewer has taken nearly all of it; the next picture is the latest then.
            yield b""

    async def _after(self, number: int) -> tuple[int, bytes] | None:
        """The latest picture and its number, once that is above the given one; None once the window is closed."""
        while not self.closed:
            if self._latest[0] > number:
                return self._latest
            await self._news.wait()
        return None

    def _wake(self) -> None:
        """Lets all viewers look for a new picture. It is called from any thread."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the server has just ended
                loop.call_soon_threadsafe(self._wake_viewers)

    def _wake_viewers(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class _WindowServer(uvicorn.Server):
    """Ends the streams once its port is closed; uvicorn would wait for their viewers to leave."""

    def __init__(self, window: Window) -> None:
        super().__init__(configuration(_app(window), log_level="critical", grace=1))
        self._window = window

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        for server in self.servers:
            server.close()
        self._window.end_streams()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):  # of viewers that do not read
            connection.transport.abort()
        await asyncio.sleep(0)


def _opened(port: int) -> socket.socket:
    try:
        opened = socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        cure = "does another standout webcam run? Give another port (--port 8766), or any that is free (--port 0)"
        raise SetupError(f"port {port} of {HOST} cannot be opened ({error}); {cure}") from error
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIPE)  # the sockets of its connections inherit it
    return opened


def _app(window: Window) -> FastAPI:
    """The application of the window."""
    app = FastAPI(openapi_url=None, redirect_slashes=False, lifespan=window.serving)
    app.add_middleware(AccessMiddleware, settings=ServerSettings(host=HOST))
    refusals.add_handlers(app)
    keys = Keys([window.key])

    def check(key: str) -> None:
        if not keys.holds(key):
            detail = "there is nothing at this address; the terminal shows the whole one"
            raise Refusal(HTTPStatus.NOT_FOUND, "not_found", title="Not Found", detail=detail)

    routes = APIRouter(prefix="/{key}", dependencies=[Depends(check)])
    files = site.PageFiles(directory=PAGE)
    for address, name in FILES.items():
        routes.add_api_route(f"/{address}", _file(files, name))

    @routes.get("/status")
    async def status() -> Response:
        return JSONResponse(window.status())

    @routes.get("/stream")
    async def stream() -> Response:
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        return StreamingResponse(window.stream(), media_type=kind, headers={"Connection": "close"})

    @routes.post("/command")
    async def command(request: Request) -> Response:
        try:
            _carry_out(window, await _command(request))
        except InputError as error:
            raise bad_request(str(error)) from None
        return JSONResponse(window.status())

    app.include_router(routes)
    return app


def _file(files: site.PageFiles, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        response = await files.get_response(name, request.scope)
        response.headers["Cache-Control"] = HEADERS["Cache-Control"]  # its address holds the key
        return response

    return answer


async def _command(request: Request) -> bytes:
    """The bytes of a command. Raises Refusal for too many, InputError where they do not come."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LONGEST_COMMAND:
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        detail = f"wanted at most {LONGEST_COMMAND} bytes of JSON"
        raise Refusal(status, "too_large", title="The command is too large", detail=detail)
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            return await request.body()
    except (TimeoutError, ClientDisconnect):
        raise InputError("the command ended before it was complete") from None


def _carry_out(window: Window, command: bytes) -> None:
    """Carries out {"effect": NAME}, {"mirrored": BOOL}, {"paused": BOOL} or {"stop": true}. Raises InputError."""
    try:
        given = json.loads(command)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the command is not JSON ({error})") from None
    match given:
        case {"effect": str(name)} if name in window.effects:
            window.controls.effect = name
        case {"mirrored": bool(wanted)}:
            window.controls.mirrored = wanted
        case {"paused": bool(wanted)}:
            window.controls.paused = wanted
        case {"stop": True}:
            window.controls.stop.set()
        case _:
            raise InputError(
                f"the command is not known; wanted an effect ({', '.join(window.effects)}), mirrored, paused or stop"
            )
