"""The window's page, over HTTP."""

from __future__ import annotations

import http.client
import json
import logging
import re
import socket
from collections.abc import Iterator
from threading import Thread
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi")
from standout.errors import InputError, SetupError
from standout.live.loop import Controls, Pace
from standout.serve.webcam.window import HOST, Window
from tests.waiting import LIMIT


@pytest.fixture
def window() -> Iterator[Window]:
    one = Window(Controls("blur"), effects=["blur", "color", "none"])
    yield one
    one.close()


def flat(level: int, side: int = 64) -> np.ndarray:
    return np.full((side, side, 3), (level, 0, 0), np.uint8)


def ask(window: Window, path: str, *, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, int(urlsplit(window.url).port or 0), timeout=LIMIT)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def command(window: Window, what: object) -> int:
    return ask(window, f"/{window.key}/command", method="POST", body=json.dumps(what).encode())[0]


class Viewer:
    """Who watches the stream."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self.connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=LIMIT)
        self.connection.request("GET", f"{where.path}stream")
        self.answer = self.connection.getresponse()
        assert self.answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=standout"
        assert self.answer.readline() == b"--standout\r\n"

    def next(self) -> np.ndarray | None:
        """The next picture, RGB; None at the end. The boundary behind it is already there."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.answer.readline()
            if not line:
                return None
            head += line
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length is not None and b"Content-Type: image/jpeg" in head
        data = self.answer.read(int(length[1]))
        assert self.answer.readline() == b"\r\n" and self.answer.readline() == b"--standout\r\n"
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        return np.ascontiguousarray(picture[..., ::-1])


def test_the_page_needs_nothing_from_elsewhere(window: Window) -> None:
    status, page = ask(window, f"/{window.key}/")
    assert status == 200 and b"<title>standout webcam</title>" in page
    assert not re.findall(rb"https?://|<style|style=|\bon\w+=|<script(?! src=)", page), "nor anything inline"
    files = re.findall(rb'(?:src|href)="([^"]+)"', page)
    assert files == [b"data:,", b"window.css", b"window.js"]
    for name in files[1:]:
        status, file = ask(window, f"/{window.key}/{name.decode()}")
        assert status == 200 and not re.findall(rb"https?://|url\(", file)
        assert ask(window, f"/{name.decode()}")[0] == 404


def test_only_this_machine_and_who_knows_the_key(window: Window) -> None:
    assert window.url.startswith("http://127.0.0.1:") and len(window.key) >= 16
    for path in ("/", "/stream", "/status", f"/{window.key}", f"/{window.key[:-1]}/stream"):
        assert ask(window, path)[0] == 404
    for path in ("/command", f"/{window.key}x/command"):
        assert ask(window, path, method="POST", body=b'{"effect": "none"}')[0] == 404
    assert window.controls.effect == "blur", "nobody turned it off"
    other = Window(Controls("blur"), effects=[])
    other.close()
    assert other.key != window.key


def test_what_other_sites_may_do_with_it(window: Window) -> None:
    connection = http.client.HTTPConnection(HOST, urlsplit(window.url).port, timeout=LIMIT)
    connection.request("GET", urlsplit(window.url).path)
    headers = connection.getresponse().headers
    connection.close()
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin" and headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["Access-Control-Allow-Origin"] is None and headers["Referrer-Policy"] == "no-referrer"


def test_pictures_come_whole_and_in_order(window: Window) -> None:
    window.show(flat(10))
    viewer = Viewer(window.url)
    for level in (10, 100, 200):
        if level > 10:
            window.show(flat(level))
        picture = viewer.next()
        assert picture is not None and picture.shape == (64, 64, 3)
        assert abs(int(picture[..., 0].mean()) - level) < 5 and picture[..., 1:].max() < 10


def test_the_stream_ends_with_the_window() -> None:
    window = Window(Controls("blur"), effects=["blur"])
    viewer = Viewer(window.url)
    Thread(target=window.close).start()
    assert viewer.next() is None
    with pytest.raises(OSError):
        Viewer(window.url)


def test_a_viewer_that_does_not_read_holds_nobody_up(window: Window) -> None:
    """Nor does it get what it missed: once it reads on, the newest picture comes soon."""
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    lazy = Viewer(window.url)
    for _ in range(60):
        window.show(noise)  # would never return if it waited for who does not read
    window.show(flat(222, 480))
    late = 0
    while (picture := lazy.next()) is not None and picture.std() < 80:  # noise has 74, one color 105
        late += 1
    assert picture is not None and late < 30


def test_a_viewer_that_does_not_read_keeps_no_window_open(window: Window) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    lazy = Viewer(window.url)
    for _ in range(20):
        window.show(noise)
    window.close()
    while True:
        try:
            if lazy.next() is None:
                break
        except (http.client.IncompleteRead, OSError, AssertionError):  # it was cut off in the middle of a picture
            break


def test_names_and_sites_that_are_not_ours(window: Window) -> None:
    """Who knows the key must also ask this machine by a name of its own, and for no page of another site."""
    for headers, status in (
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
    ):
        connection = http.client.HTTPConnection(HOST, urlsplit(window.url).port, timeout=LIMIT)
        connection.request("GET", f"{urlsplit(window.url).path}status", headers=headers)
        answer = connection.getresponse()
        assert answer.status == status and (status == 200 or json.load(answer)["errors"])
        connection.close()


def test_commands(window: Window) -> None:
    controls = window.controls
    assert command(window, {"effect": "color"}) == 200 and controls.effect == "color"
    assert command(window, {"mirrored": True}) == 200 and controls.mirrored
    assert command(window, {"paused": True}) == 200 and controls.paused
    assert command(window, {"paused": False}) == 200 and not controls.paused
    assert not controls.stop.is_set()
    assert command(window, {"stop": True}) == 200 and controls.stop.is_set()


@pytest.mark.parametrize(
    "what", [{"effect": "replace"}, {"effect": 1}, {"paused": "no"}, {"stop": 1.5}, {"x": 1}, [], None, "blur"]
)
def test_commands_that_are_none_change_nothing(window: Window, what: object) -> None:
    before = vars(window.controls).copy()
    assert command(window, what) == 400
    assert vars(window.controls) == before and not window.controls.stop.is_set()


def test_bytes_that_are_no_command(window: Window) -> None:
    where = f"/{window.key}/command"
    assert ask(window, where, method="POST", body=b"\xff{")[0] == 400
    assert ask(window, where, method="POST", body=b" " * 2000)[0] == 413
    assert ask(window, where, method="PUT", body=b"{}")[0] == 405
    assert ask(window, f"/{window.key}/command")[0] == 405, "reading changes nothing"
    with socket.create_connection((HOST, int(urlsplit(window.url).port or 0)), timeout=LIMIT) as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        assert b"400" in raw.recv(1000)


def test_status(window: Window) -> None:
    window.pace = Pace(seen=9, shown=6, fps=20.0, latency=0.05)
    found = json.loads(ask(window, f"/{window.key}/status")[1])
    assert (found["effect"], found["effects"], found["shown"]) == ("blur", ["blur", "color", "none"], 6)
    assert found["text"].startswith("20.0 fps, 50 ms from camera to picture")


def test_a_port_that_is_taken(window: Window) -> None:
    port = int(urlsplit(window.url).port or 0)
    with pytest.raises(SetupError, match=rf"port {port} of 127.0.0.1 cannot be opened .*--port 0"):
        Window(Controls("blur"), effects=[], port=port)


@pytest.mark.parametrize("key", ["", "short", "with/slash1", "with space", "../../../etc", "ümlaute-hier"])
def test_a_key_that_will_not_do(key: str) -> None:
    with pytest.raises(InputError, match="wanted 8 to 64 letters"):
        Window(Controls("blur"), effects=[], key=key)


def test_logging_stays_as_it_is() -> None:
    """The window runs in the process of whoever opens it, whose handlers are not its own."""
    closed: list[str] = []

    class Own(logging.Handler):
        def close(self) -> None:
            closed.append("own")
            super().close()

    handler = Own()
    Window(Controls("blur"), effects=["blur"]).close()
    assert not closed
    handler.close()
