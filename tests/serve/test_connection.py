"""Connections as sockets: slow clients, too many of them, bytes that are no HTTP, and bodies that nobody reads."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread

import pytest

pytest.importorskip("fastapi")
import uvicorn

from standout.serve import connection
from standout.serve.app import create
from standout.serve.listen import configuration
from standout.serve.settings import ServerSettings
from tests.serve.conftest import Bright
from tests.waiting import LIMIT, until

HOST = "127.0.0.1"
POST = b"POST /v1.0/removebg HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/x\r\n"
WRONG = POST + b"X-Api-Key: wrong-key-of-mine\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
NEVER = 1000.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No deadline comes but the one that a test sets."""
    for name in ("HEADER_SECONDS", "REST_SECONDS", "STALL_SECONDS"):
        monkeypatch.setattr(connection, name, NEVER)


@contextmanager
def serving(**settings: object) -> Iterator[uvicorn.Server]:
    """A server in a thread of this process. Its address is its attribute address."""
    made = ServerSettings(workers=1, keys=("a-key-of-ours",), **settings)  # type: ignore[arg-type]
    server = uvicorn.Server(configuration(create(made, Bright())))
    with socket.create_server((HOST, 0)) as opened:
        server.address = opened.getsockname()  # type: ignore[attr-defined]
        thread = Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            until(lambda: server.started, "the server has started")
            yield server
        finally:
            server.should_exit = True
            thread.join(LIMIT)


@pytest.fixture
def server() -> Iterator[uvicorn.Server]:
    with serving() as one:
        yield one


def connected(server: uvicorn.Server) -> socket.socket:
    return socket.create_connection(server.address, timeout=LIMIT)  # type: ignore[attr-defined]


def everything(client: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    found = b""
    try:
        while data := client.recv(2**16):
            found += data
    except ConnectionError:
        pass
    return found


def answer(client: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer."""
    file = client.makefile("rb")
    status = int(file.readline().split()[1])
    headers = {}
    while line := file.readline().strip():
        name, _, value = line.decode().partition(": ")
        headers[name.lower()] = value
    return status, headers, file.read(int(headers["content-length"]))


@pytest.mark.parametrize(
    "begun", [b"", b"GET /healthz HT", HEALTH[:-2], b"GET / HTTP/1.1\r\nX: " + b"y" * 9000], ids=len
)
def test_a_header_that_never_ends(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.01)
    with connected(server) as client:
        client.sendall(begun)
        assert everything(client) == b""


def test_a_second_header_that_never_ends(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(server) as client:
        client.sendall(HEALTH)
        assert answer(client)[0] == 200
        monkeypatch.setattr(connection, "HEADER_SECONDS", 0.01)
        client.sendall(HEALTH[:10])
        assert everything(client) == b""


def test_bytes_one_by_one_move_no_deadline(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.05)
    with connected(server) as client, pytest.raises(ConnectionError):
        for _ in range(100_000_000):
            client.sendall(b"G")
            client.settimeout(0.001)
            try:
                assert client.recv(1) == b""
                raise ConnectionResetError
            except TimeoutError:
                client.settimeout(LIMIT)


def test_an_answer_comes_before_the_body(server: uvicorn.Server) -> None:
    """A wrong key costs its header alone; the connection stays usable once the body has come."""
    with connected(server) as client:
        client.sendall(WRONG + b"Content-Length: 100000\r\n\r\n")
        status, headers, body = answer(client)
        assert status == 403 and b"auth_failed" in body and "connection" not in headers
        client.sendall(bytes(100_000) + HEALTH)
        assert answer(client)[0] == 200


def test_a_body_that_is_too_large_is_answered_before_it_comes(server: uvicorn.Server) -> None:
    with connected(server) as client:
        key = b"X-Api-Key: a-key-of-ours\r\n"
        client.sendall(POST + key + b"Content-Length: 99999999999\r\n\r\n")
        status, _, body = answer(client)
        assert status == 400 and b"file_too_large" in body


def test_a_wrong_host_is_answered_before_the_body_comes(server: uvicorn.Server) -> None:
    with connected(server) as client:
        client.sendall(POST.replace(b"localhost", b"evil.example") + b"Content-Length: 1000\r\n\r\n")
        status, _, body = answer(client)
        assert status == 403 and b"forbidden" in body


def test_the_rest_of_a_body_that_is_too_slow(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REST_SECONDS", 0.01)
    with connected(server) as client:
        client.sendall(WRONG + b"Content-Length: 100000\r\n\r\n" + bytes(10))
        assert b"auth_failed" in everything(client)


def test_the_rest_of_a_body_that_is_too_long(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_REST", 1000)
    with connected(server) as client, pytest.raises(ConnectionError):
        client.sendall(WRONG + b"Transfer-Encoding: chunked\r\n\r\n")
        assert answer(client)[0] == 403
        while True:
            client.sendall(b"3e8\r\n" + bytes(1000) + b"\r\n")


def test_a_client_that_waits_to_be_asked_for_its_body(server: uvicorn.Server) -> None:
    with connected(server) as client:
        client.sendall(WRONG + b"Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n")
        found = everything(client)
        assert found.startswith(b"HTTP/1.1 403") and b"connection: close" in found.lower()


def test_a_client_that_takes_nothing_of_its_answer(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_SECONDS", 0.01)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(LIMIT)
        client.connect(server.address)  # type: ignore[attr-defined]
        ask = HEALTH.replace(b"/healthz", b"/openapi.json")
        try:
            while True:  # answers pile up until no more are taken
                client.sendall(ask * 100)
        except ConnectionError:
            pass
    until(lambda: not server.server_state.connections, "the connection has been closed")


def test_too_many_connections(server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 2)
    with ExitStack() as stack:
        first, second, third, fourth = (stack.enter_context(connected(server)) for _ in range(4))
        until(lambda: len(server.server_state.connections) == 4, "all are connected")
        third.sendall(HEALTH)
        status, headers, body = answer(third)
        assert status == 503 and headers["retry-after"] == "1" and headers["x-content-type-options"] == "nosniff"
        (error,) = json.loads(body)["errors"]
        assert error["code"] == "service_unavailable" and "2 connections are open" in error["detail"]
        assert everything(third) == b""
        first.sendall(HEALTH)
        second.sendall(HEALTH)
        assert answer(first)[0] == answer(second)[0] == 200, "those who were there before are served"
        until(lambda: len(server.server_state.connections) == 3, "the third has left")
        stack.enter_context(connected(server))
        until(lambda: len(server.server_state.connections) == 4, "another one is connected")
        with connected(server) as beyond:
            assert everything(beyond) == b"", "of twice as many, no request is even read"
        fourth.sendall(HEALTH)
        assert answer(fourth)[0] == 503


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["nonsense", "long", "many", "hosts", "tls"],
)
def test_what_is_no_http(server: uvicorn.Server, sent: bytes) -> None:
    """All that the client sends is taken, so that it reads the answer."""
    with connected(server) as client:
        client.sendall(sent)
        head, _, body = everything(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") and b"application/json" in head and b"nosniff" in head
    assert json.loads(body)["errors"][0]["code"] == "bad_request"


def test_a_web_socket_is_answered_as_any_request(server: uvicorn.Server, caplog: pytest.LogCaptureFixture) -> None:
    with connected(server) as client:
        client.sendall(HEALTH[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert answer(client)[0] == 200
    assert "pip install" not in caplog.text
