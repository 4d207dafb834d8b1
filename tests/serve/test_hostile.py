"""What a running server bears: damaged and oversized pictures, broken bodies, clients that leave, workers that die."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

pytest.importorskip("uvicorn")
from tests.pictures import pillow
from tests.serve.conftest import REMOVE, drawn
from tests.serve.running import KEY, RunningServer, running, runs
from tests.waiting import LIMIT, until

pytestmark = pytest.mark.slow
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which processes a server has")

NAME = "holiday-of-somebody.png"
"""A file name that must stay out of the log."""

FORBIDDEN = re.compile(
    r"Traceback|File \"|site-packages|/src/standout|standout/serve|\.py\b|/tmp/|/home/|/root/|object at 0x|_io\."
)
"""What no answer may tell: traces, paths and addresses in memory."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("hostile") / "log", "--queue", "4") as one:
        yield one


def multipart(*parts: tuple[str, str, bytes], boundary: str = "x") -> bytes:
    """A body of parts: name, filename ("" for a text field), content."""
    found = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename else ""
        found += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        found += content + b"\r\n"
    return found + f"--{boundary}--\r\n".encode()


FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def told(server: RunningServer, path: str, body: bytes, kind: str | None = None) -> tuple[int, str]:
    """Status and code of the answer, whose body is checked. kind: the media type; None means multipart/form-data."""
    status, answer = server.ask("POST", path, body, {"Content-Type": kind} if kind else FORM)
    if status == 200:
        return status, ""
    text = answer.decode()
    (error,) = json.loads(text)["errors"]
    assert set(error) <= {"title", "code", "detail"} and not FORBIDDEN.search(text), text
    return status, error["code"]


def remove(server: RunningServer, picture: bytes) -> tuple[int, str]:
    return told(server, REMOVE, multipart(("image_file", NAME, picture)))


def is_well(server: RunningServer) -> bool:
    return told(server, "/v1/mask", drawn(), "image/png") == (200, "") and server.process.poll() is None


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes, rows: bytes = b"") -> bytes:
    """A gray PNG whose header says that size. more: chunks before the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(width: int, height: int) -> bytes:
    """A TIFF of one strip whose header says that size."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    tags += [(278, 4, height), (279, 4, width * height % 2**32)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def gif(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\0\0\0,\0\0\0\0"
        + struct.pack("<HH", width, height)
        + b"\0\2\0;"
    )


def bmp(width: int, height: int) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    )


def webp(side: int) -> bytes:
    return pillow(np.zeros((side, side), np.uint8), "WEBP", lossless=True, quality=0)


@pytest.mark.parametrize(
    "bomb",
    [png(60_000, 60_000), tiff(60_000, 60_000), gif(65_535, 65_535), bmp(60_000, 60_000), webp(8000)],
    ids=["png", "tiff", "gif", "bmp", "webp"],
)
def test_a_small_file_that_claims_to_be_huge(server: RunningServer, bomb: bytes) -> None:
    assert len(bomb) < 10_000 and remove(server, bomb) == (400, "resolution_too_high")
    assert told(server, "/v1/mask", bomb, "image/x") == (400, "resolution_too_high")


def test_data_that_grows_when_it_is_unpacked(server: RunningServer) -> None:
    """Pixels beyond the picture's size, a color profile and texts of hundreds of megabytes in a few kilobytes."""
    much = zlib.compress(bytes(2**28))
    rows = b"".join(b"\0" + bytes(300) for _ in range(200))
    pictures = [
        png(300, 200, rows=rows + bytes(2**27)),
        png(300, 200, chunk(b"iCCP", b"profile\0\0" + much), rows=rows),
        png(300, 200, chunk(b"zTXt", b"text\0\0" + much), rows=rows),
        png(300, 200, chunk(b"iTXt", b"text\0\1\0\0\0" + much), rows=rows),
        png(300, 200, chunk(b"eXIf", b"MM\0*" + bytes(2**20)), rows=rows),
    ]
    for picture in pictures:
        status, code = remove(server, picture)
        assert (status, code) in (
            (400, "unknown_foreground"),
            (400, "failed_to_read_image"),
            (400, "invalid_dimensions"),
        )
    assert is_well(server)


def test_only_the_first_frame_of_an_animation_is_decoded(server: RunningServer) -> None:
    """5,000 frames of 4 megapixels are 20 gigapixels."""
    first, frame = pillow(np.full((2000, 2000), 9, np.uint8), "GIF"), b"!\xf9\4\0\0\0\0\0,\0\0\0\0"
    frame += struct.pack("<HHB", 2000, 2000, 0)
    body = first[first.index(b",\0\0\0\0") + 10 : -1]
    animation = first[:-1] + (frame + body) * 2000 + b";"
    assert len(animation) < 22 * 2**20
    status, code = remove(server, animation)
    assert (status, code) == (400, "unknown_foreground")


PICTURES = [drawn(kind) for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF")]


@hypothesis.settings(
    deadline=None, max_examples=120, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(
    picture=st.sampled_from(PICTURES),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), max_size=4),
    tail=st.binary(max_size=300),
)
def test_damaged_pictures(server: RunningServer, picture: bytes, cut: float, flips: list[Any], tail: bytes) -> None:
    """Cut off, changed in some places, or followed by anything."""
    damaged = bytearray(picture[: max(16, round(cut * len(picture)))])
    for where, new in flips:
        start = int(where * len(damaged))
        damaged[start : start + len(new)] = new
    status, code = remove(server, bytes(damaged) + tail)
    allowed = {
        "unknown_foreground",
        "failed_to_read_image",
        "invalid_dimensions",
        "invalid_file_type",
        "resolution_too_high",
    }
    assert status == 200 or (status == 400 and code in allowed)


WHOLE = multipart(("size", "", b"preview"), ("image_file", NAME, drawn()))


@hypothesis.settings(
    deadline=None, max_examples=100, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(
    body=st.one_of(
        st.integers(0, len(WHOLE)).map(lambda end: WHOLE[:end]),
        st.integers(0, len(WHOLE)).map(lambda start: WHOLE[start:]),
        st.integers(2, 60).map(lambda count: WHOLE[:-7] * count + WHOLE[-7:]),
        st.binary(max_size=500).map(lambda data: b"--x\r\n" + data + b"\r\n--x--\r\n"),
        st.binary(max_size=100).map(lambda data: WHOLE.replace(b"image_file", data)),
        st.sampled_from([WHOLE.replace(b"\r\n", b"\n"), WHOLE.replace(b"--x", b"--y"), WHOLE * 2, b"--x" * 5000]),
    ),
    kind=st.sampled_from(
        [
            None,
            "application/json",
            "application/x-www-form-urlencoded",
            "image/png",
            "text/plain",
            "multipart/form-data",
        ]
    ),
    path=st.sampled_from([REMOVE, "/v1/mask", "/v1/edit"]),
)
def test_broken_bodies(server: RunningServer, body: bytes, kind: str | None, path: str) -> None:
    status, _ = told(server, path, body, kind)
    assert status in (200, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"{" * 1_000_000,
        b"[" * 1_000_000,
        b'{"image_file_b64": "' + base64.b64encode(bytes(10_000_000)) + b'"}',
        b'{"image_file_b64": ' + b"[1," * 300_000,
        b'{"size": "' + b"\\u0000" * 500_000 + b'"}',
        b'{"image_file_b64": 1e999999}',
        b'{"\xff": 1}',
        b'{"crop": ' + b"1" * 100_000 + b"}",
        json.dumps({"image_file_b64": "AAAA", "roi": "9" * 100_000}).encode(),
    ],
    ids=range(9),
)
def test_broken_json(server: RunningServer, body: bytes) -> None:
    assert told(server, REMOVE, body, "application/json")[0] == 400


def test_values_of_percent_signs(server: RunningServer) -> None:
    body = b"image_file_b64=" + b"%41%2B" * 1_000_000
    assert told(server, REMOVE, body, "application/x-www-form-urlencoded") == (400, "invalid_file_type")
    many = b"&".join(b"a%d=1" % number for number in range(100_000))
    assert told(server, REMOVE, many, "application/x-www-form-urlencoded") == (400, "bad_request")


def begun(server: RunningServer, stack: ExitStack) -> socket.socket:
    """An upload that has begun and waits."""
    where = urlsplit(server.url)
    client = stack.enter_context(socket.create_connection((where.hostname, where.port), timeout=LIMIT))
    head = f"POST /v1/mask HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {KEY}\r\nContent-Length: {len(drawn())}\r\n"
    client.sendall(head.encode() + b"Content-Type: image/png\r\n\r\n" + drawn()[:100])
    return client


def test_slow_uploads_keep_no_worker_from_others(server: RunningServer) -> None:
    with ExitStack() as stack:
        slow = [begun(server, stack) for _ in range(3)]
        until(lambda: server.ready()["free"] == 1, "three of four places are taken")
        assert all(is_well(server) for _ in range(3)), "the only worker works for those who have sent all"
        for client in slow:
            client.sendall(drawn()[100:])
            assert client.recv(12) == b"HTTP/1.1 200"


def test_canceled_uploads_leave_nothing(server: RunningServer) -> None:
    with ExitStack() as stack:
        slow = [begun(server, stack) for _ in range(3)]
        until(lambda: server.ready()["free"] == 1, "three of four places are taken")
        slow[0].close()
        slow[1].shutdown(socket.SHUT_WR)
        slow[2].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        slow[2].close()  # with a reset
        until(lambda: server.ready()["free"] == 4, "their places are free again")
    assert is_well(server)


def ticks(process: int) -> int:
    """How much of a processor the process has used, in ticks of the system's clock."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@linux
def test_a_worker_that_is_killed_in_the_middle_of_a_request(server: RunningServer) -> None:
    """Its request is answered by an error; those that wait, and all later ones, by another worker."""
    large = pillow(np.random.default_rng(0).integers(0, 255, (4000, 5000, 3), np.uint8), "JPEG", quality=30)
    (worker,) = server.workers()
    before = ticks(worker)
    answers: list[tuple[int, str]] = []
    first = Thread(target=lambda: answers.append(told(server, "/v1/edit", large, "image/jpeg")))
    first.start()
    until(lambda: ticks(worker) > before + 1, "the worker works")
    os.kill(worker, signal.SIGSTOP)
    second = Thread(target=lambda: answers.append(told(server, "/v1/mask", drawn(), "image/png")))
    second.start()
    until(lambda: server.ready()["free"] == 2, "another request waits")
    os.kill(worker, signal.SIGKILL)
    first.join(LIMIT)
    second.join(LIMIT)
    answers.sort()
    assert answers[0] == (200, "") and answers[1] in ((500, "internal_server_error"), (400, "failed_to_read_image"))
    assert is_well(server) and worker not in server.workers()


@linux
def test_a_worker_that_hangs(tmp_path: Path) -> None:
    with running(tmp_path / "log", "--timeout", "4") as server:
        (worker,) = server.workers()
        os.kill(worker, signal.SIGSTOP)
        assert remove(server, drawn()) == (504, "timeout")
        until(lambda: is_well(server), "another worker takes its place", process=server.process)
        assert worker not in server.workers()


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_worker_is_left(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "log") as server:
        workers = server.workers()
        assert workers
        server.process.send_signal(number)
        server.process.wait(LIMIT)
    for worker in workers:
        until(lambda worker=worker: not runs(worker), "it has ended")
    assert "Traceback" not in server.log.read_text()


def test_the_log_holds_no_picture_no_name_and_no_key(server: RunningServer) -> None:
    """After all of the above, or as much of it as ran before."""
    remove(server, drawn()[:100])
    connection = server.connect()
    connection.request("POST", REMOVE, WHOLE, FORM | {"X-Api-Key": "wrong-key-of-mine"})
    assert connection.getresponse().status == 403
    connection.close()
    log = server.log.read_text()
    assert KEY not in log and "wrong-key" not in log and NAME not in log and "holiday" not in log
    assert "PNG" not in log and base64.b64encode(drawn())[:12].decode() not in log and "IHDR" not in log
    lines = [line for line in log.splitlines() if "serving at" not in line]
    assert not [line for line in lines if len(line) > 500], "nor anything else of its size"
