"""Bodies: too large, too slow, cut off, of other types, and never on the disk."""

import asyncio
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from starlette.requests import Request

from standout.serve.body import read
from standout.serve.refusals import Refusal
from tests.serve.conftest import REMOVE, Made, code, drawn

FORM = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"no boundary", "multipart/form-data"),
        (b"not the boundary", FORM),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n", FORM),
        (drawn(), "image/png"),
        (b"text", "text/plain"),
        (b"text", ""),
    ],
)
def test_bodies_that_are_none(client: TestClient, content: bytes, kind: str) -> None:
    answer = client.post(REMOVE, content=content, headers={"Content-Type": kind})
    assert (answer.status_code, code(answer)) == (400, "bad_request"), answer.text


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
def test_an_empty_body_has_no_picture(client: TestClient, kind: str) -> None:
    content = b"{}" if kind == "application/json" else b""
    assert code(client.post(REMOVE, content=content, headers={"Content-Type": kind})) == "missing_source"


def test_a_file_field_that_is_left_empty_counts_as_not_sent(client: TestClient) -> None:
    part = '--x\r\nContent-Disposition: form-data; name="{}"; filename=""\r\n\r\n\r\n'
    body = part.format("image_file") + part.format("bg_image_file") + "--x--\r\n"
    assert code(client.post(REMOVE, content=body, headers={"Content-Type": FORM})) == "missing_source"


def test_too_many_fields(client: TestClient) -> None:
    files = {f"field{n}": (None, "x") for n in range(200)}
    assert code(client.post(REMOVE, files=files)) == "bad_request"


def test_a_body_that_says_it_is_too_large_is_not_read(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("standout.serve.body._parsed", lambda *given: pytest.fail("the body is read"))
    answer = made(most_bytes=1000).post(REMOVE, content=b"x" * 1_100_000, headers={"Content-Type": FORM})
    assert code(answer) == "file_too_large" and "wanted at most" in answer.text


def test_a_body_that_is_too_large_and_does_not_say_so(made: Made) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="image_file"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield b"x" * 100_000

    answer = made(most_bytes=1000).post(REMOVE, content=chunks(), headers={"Content-Type": FORM})
    assert code(answer) == "file_too_large" and "more than" in answer.text


def test_large_uploads_stay_in_memory(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def rollover(self: Any) -> None:
        pytest.fail("the upload is written to the disk")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", rollover)
    large = drawn() + bytes(5_000_000)  # PNG readers leave out what follows the end
    for _ in range(2):
        assert client.post(REMOVE, files={"image_file": ("a.png", large)}).status_code == 200


def request(*messages: dict[str, Any]) -> Request:
    """A request whose body comes in these messages, and then never ends."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return Request({"type": "http", "headers": [(b"content-type", FORM.encode())]}, receive)


def test_a_body_that_never_ends() -> None:
    part = {"type": "http.request", "body": b"--x\r\n", "more_body": True}
    with pytest.raises(Refusal) as caught:
        asyncio.run(read(request(part), most=1000, seconds=0.01))
    assert (caught.value.status, caught.value.code) == (408, "request_timeout")


def test_a_client_that_leaves() -> None:
    part = {"type": "http.request", "body": b"--x\r\n", "more_body": True}
    with pytest.raises(Refusal, match="ended before it was complete"):
        asyncio.run(read(request(part, {"type": "http.disconnect"}), most=1000, seconds=60))
