"""The preview window for live pictures: a page in the browser, served to this machine alone.

    url       str                    http://127.0.0.1:PORT/KEY/, the page; KEY/stream is MJPEG for OBS or a player
    picture   uint8 (H, W, 3)        RGB
    command   {"effect": "blur"}     JSON that the page posts, see _command

Every machine has a browser, which needs no GUI toolkit and shows the page of a machine without a screen through an SSH
tunnel. Whoever reaches the page sees the camera, so the server listens on the loopback address only, and every address
holds a key that neither other users of the machine nor web sites open in the browser can guess.

To add a button: a case in _command, and an element in window.html.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import numpy as np

from standout.errors import InputError, SetupError
from standout.live.loop import Controls, Pace
from standout.support.draw import jpeg
from standout.types import Picture

HOST = "127.0.0.1"
QUALITY = 88
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")

LONGEST_COMMAND = 1000
"""The largest number of bytes of a command."""

PIPE = 64 * 1024
"""Bytes that the system buffers for a viewer, a frame or two; by default it buffers seconds, which is latency."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
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
        self.news = Condition()
        self._number, self._jpeg = 0, b""
        window = self

        class Handler(_Handler):
            def __init__(self, *given: Any) -> None:
                self.window = window
                super().__init__(*given)

        try:
            self._server = _Server((HOST, port), Handler)
        except (OSError, OverflowError) as error:
            cure = "does another standout webcam run? Give another port (--port 8766), or any that is free (--port 0)"
            raise SetupError(f"port {port} of {HOST} cannot be opened ({error}); {cure}") from error
        self.url = f"http://{HOST}:{self._server.server_address[1]}/{self.key}/"
        Thread(target=self._server.serve_forever, args=(0.1,), name="standout-window", daemon=True).start()

    def show(self, picture: Picture) -> None:
        """Sends the picture to all viewers; each gets the latest one as fast as it can take them."""
        encoded = jpeg(np.asarray(picture, np.uint8), quality=QUALITY)
        with self.news:
            self._number, self._jpeg = self._number + 1, encoded
            self.news.notify_all()

    def after(self, number: int) -> tuple[int, bytes] | None:
        """The latest picture and its number, once that is above the given one; None once the window is closed."""
        with self.news:
            self.news.wait_for(lambda: self.closed or self._number > number)
            return None if self.closed else (self._number, self._jpeg)

    def close(self) -> None:
        """Ends all streams and frees the port."""
        with self.news:
            self.closed = True
            self.news.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def status(self) -> dict[str, Any]:
        """What the page shows next to the picture."""
        one = self.controls
        chosen = {"effect": one.effect, "mirrored": one.mirrored, "paused": one.paused}
        return {**chosen, "effects": self.effects, **asdict(self.pace), "text": str(self.pace)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # A port that another program uses must be an error; on Windows, reuse would share it.
    allow_reuse_address = not hasattr(socket, "SO_EXCLUSIVEADDRUSE")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores the error: viewers may leave at any time."""


class _Handler(BaseHTTPRequestHandler):
    window: Window
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        match self._inside():
            case "":
                self._answer("text/html; charset=utf-8", Path(__file__).with_suffix(".html").read_bytes())
            case "status":
                self._answer("application/json", json.dumps(self.window.status()).encode())
            case "stream":
                self._stream()
            case _:
                self._refuse(HTTPStatus.NOT_FOUND, "there is nothing at this address; the terminal shows the whole one")

    def do_POST(self) -> None:
        if self._inside() != "command":
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing at this address; the terminal shows the whole one")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST_COMMAND:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"wanted at most {LONGEST_COMMAND} bytes of JSON")
            return
        try:
            _command(self.window, self.rfile.read(int(length)))
        except InputError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        self._answer("application/json", json.dumps(self.window.status()).encode())

    def _inside(self) -> str | None:
        """The part of the address after the key; None where the key is wrong."""
        start, slash, rest = self.path.partition("?")[0].removeprefix("/").partition("/")
        right = secrets.compare_digest(start.encode(), self.window.key.encode())
        return rest if right and slash else None

    def _answer(self, kind: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self._end_headers()
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # the body that the viewer sent is not read
        self._answer("text/plain; charset=utf-8", f"{why}\n".encode(), status)

    def _end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self) -> None:
        """Sends pictures until the viewer leaves or the window is closed."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIPE)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self._end_headers()
        with contextlib.suppress(OSError):  # the viewer left
            self.wfile.write(f"--{BOUNDARY}\r\n".encode())
            number = 0
            while (news := self.window.after(number)) is not None:
                number, picture = news
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
                # The next boundary is sent at once, since browsers show a picture only when they have read it.
                self.wfile.write(head + picture + f"\r\n--{BOUNDARY}\r\n".encode())

    def version_string(self) -> str:
        """The name of the server, without the versions that the standard library would tell."""
        return "standout"

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: the terminal shows the pace."""


def _command(window: Window, body: bytes) -> None:
    """Carries out {"effect": NAME}, {"mirrored": BOOL}, {"paused": BOOL} or {"stop": true}. Raises InputError."""
    try:
        given = json.loads(body)
    except ValueError as error:
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
