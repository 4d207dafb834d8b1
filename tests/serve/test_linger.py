"""The rest of a body that an answer came before: read and dropped, or the connection is closed."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("fastapi")
from starlette.datastructures import Headers

from standout.serve import linger
from standout.serve.linger import Rest


def part(size: int, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": bytes(size), "more_body": more}


def rest(messages: list[dict[str, Any]], **headers: str) -> Rest:
    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Rest(receive, Headers(names), most=1000)


def test_a_request_without_a_body_has_no_rest() -> None:
    messages = [part(0, more=False)]
    assert asyncio.run(rest(messages).drop()) and messages, "nothing was asked for"


@pytest.mark.parametrize("headers", [{"content_length": "600"}, {"transfer_encoding": "chunked"}])
def test_the_rest_is_dropped(headers: dict[str, str]) -> None:
    messages = [part(300), part(300, more=False), part(1)]
    assert asyncio.run(rest(messages, **headers).drop()) and len(messages) == 1


def test_a_body_that_was_read_has_no_rest() -> None:
    messages = [part(600, more=False), part(1)]

    async def both() -> bool:
        one = rest(messages, content_length="600")
        await one.receive()
        return await one.drop()

    assert asyncio.run(both()) and len(messages) == 1


def test_a_body_that_is_too_long_is_cut_off() -> None:
    messages = [part(400)] * 5
    assert not asyncio.run(rest(messages, content_length="2000").drop()) and len(messages) == 2


def test_a_body_that_is_too_slow_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linger, "SECONDS", 0.01)
    assert not asyncio.run(rest([part(4)], content_length="2000").drop())


def test_a_client_that_left_is_waited_for_no_more() -> None:
    assert asyncio.run(rest([part(4), {"type": "http.disconnect"}], content_length="2000").drop())


def test_a_body_that_waits_to_be_asked_for_is_never_sent() -> None:
    messages = [part(4)]
    assert not asyncio.run(rest(messages, content_length="2000", expect="100-continue").drop()) and messages
