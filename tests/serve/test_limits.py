"""What the server takes on: its queue, its rate, its keys, and its settings."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")
from starlette.requests import Request

from standout.errors import InputError, ModelError
from standout.serve import keys
from standout.serve.app import create
from standout.serve.limits import Meter, WorkQueue
from standout.serve.refusals import Refusal
from standout.serve.service import Service
from standout.serve.settings import ServerSettings, is_loopback
from standout.serve.workers.pool import ThreadPool
from standout.types import Mask, PersonFinder
from tests.serve.conftest import REMOVE, Bright, Made, code, drawn
from tests.waiting import LIMIT, until

KEY = "a-key-of-ours"


class Slow:
    """A model that takes until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go_on = Event(), Event()

    def probability(self, image: np.ndarray) -> Mask:
        self.begun.set()
        assert self.go_on.wait(LIMIT)
        return Bright().probability(image)


def test_a_full_queue(made: Made) -> None:
    """Whoever finds no place is told when to come again; whoever has one is answered."""
    slow = Slow()
    client = made(slow, places=1)
    answers: list[Any] = []
    first = Thread(target=lambda: answers.append(client.post(REMOVE, files={"image_file": ("a.png", drawn())})))
    first.start()
    assert slow.begun.wait(LIMIT)
    refused = client.post(REMOVE, files={"image_file": ("a.png", drawn())})
    assert (refused.status_code, code(refused)) == (429, "rate_limit_exceeded") and "all 1 places" in refused.text
    assert int(refused.headers["Retry-After"]) >= 1
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["free"]) == (503, 0) and client.get("/healthz").status_code == 200
    slow.go_on.set()
    first.join(LIMIT)
    assert [answer.status_code for answer in answers] == [200]
    assert client.post(REMOVE, files={"image_file": ("a.png", drawn())}).status_code == 200, "its place is free again"
    assert client.get("/readyz").json() == {"status": "ready", "model": True, "free": 1}


def test_a_place_is_free_again_whatever_happens() -> None:
    pool = ThreadPool(Bright(), workers=1)
    pool.start()
    queue = WorkQueue(pool, places=1, most_bytes=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), queue.place():
            raise ZeroDivisionError
    with queue.place(), pytest.raises(Refusal), queue.place():
        pass
    assert queue.taken == 0

    def fails(finder: PersonFinder) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(queue.run(fails))
    pool.close()


def test_bodies_have_a_limit_of_memory_together() -> None:
    queue = WorkQueue(ThreadPool(Bright(), workers=1), places=9, most_bytes=100)
    with queue.place(500):  # one is always taken
        with pytest.raises(Refusal, match="hold 0 MB of at most 0") as caught, queue.place(1):
            pass
        assert caught.value.status == 429 and int(caught.value.headers["Retry-After"]) >= 1
    with queue.place(60), queue.place(40), pytest.raises(Refusal), queue.place(1):
        pass
    with queue.place(60), queue.place(40):
        pass


def test_what_a_body_may_take(made: Made) -> None:
    """The header alone says how much; what is too large for any request holds nothing."""
    slow = Slow()
    client = made(slow, most_bytes=1_000_000)
    small = drawn()
    huge = small + bytes(2_000_000)  # PNG readers leave out what follows the end
    answers: list[Any] = []

    def ask(content: Any) -> Any:
        return client.post("/v1/mask", content=content, headers={"Content-Type": "image/png"})

    first = [Thread(target=lambda: answers.append(ask(small + bytes(1_000_000 - len(small))))) for _ in range(28)]
    for thread in first:
        thread.start()
    until(lambda: client.get("/readyz").json()["free"] == 64 - 28, "they wait")
    assert code(ask(iter([huge]))) == "rate_limit_exceeded", "nobody knows how large it will be"
    assert code(ask(bytes(10_000_000))) == "file_too_large", "it is not even read"
    slow.go_on.set()
    for thread in first:
        thread.join(LIMIT)
    assert [answer.status_code for answer in answers] == [200] * 28
    assert code(ask(iter([huge]))) == "file_too_large"


def test_a_client_that_leaves_while_it_waits_is_not_worked_for() -> None:
    seen: list[int] = []
    slow = Slow()

    class Counting:
        def probability(self, image: np.ndarray) -> Mask:
            seen.append(image.shape[0])
            return slow.probability(image)

    service = Service(ServerSettings(workers=1), ThreadPool(Counting(), workers=1))

    def request(*messages: str) -> Request:
        left = list(messages)

        async def receive() -> dict[str, str]:
            if left:
                return {"type": left.pop(0)}
            await asyncio.Event().wait()
            raise AssertionError

        return Request({"type": "http", "headers": []}, receive)

    def job(height: int) -> Callable[[PersonFinder], Mask]:
        return lambda finder: finder.probability(np.zeros((height, 1, 3), np.uint8))

    async def three() -> None:
        first = asyncio.ensure_future(service.work(request(), job(1)))
        await asyncio.to_thread(slow.begun.wait, LIMIT)
        with pytest.raises(Refusal, match="the client left"):
            await service.work(request("http.disconnect"), job(2))
        last = asyncio.ensure_future(service.work(request(), job(3)))
        slow.go_on.set()
        await first
        await last

    service.start()
    asyncio.run(three())
    service.close()
    assert seen == [1, 3]


def test_the_rate(made: Made) -> None:
    client = made(rate=2)
    files = {"image_file": ("a.png", drawn())}
    assert [client.post(REMOVE, files=files).headers["X-RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    refused = client.post(REMOVE, files=files)
    assert (refused.status_code, code(refused)) == (429, "rate_limit_exceeded")
    assert refused.headers["X-RateLimit-Remaining"] == "0" and 1 <= int(refused.headers["Retry-After"]) <= 60


def test_each_caller_has_a_rate_and_each_minute_a_new_one() -> None:
    now = [120.0]
    meter = Meter(5, clock=lambda: now[0])
    meter.charge("a", 4_400_000)
    meter.charge("a", 100)
    with pytest.raises(Refusal) as caught:
        meter.check("a")
    assert caught.value.headers["Retry-After"] == "60" and caught.value.headers["X-RateLimit-Reset"] == "180"
    meter.check("b")
    now[0] = 180.0
    meter.check("a")
    assert meter.headers("a")["X-RateLimit-Remaining"] == "5"


@pytest.mark.parametrize(
    ("headers", "status", "title"),
    [
        ({}, 403, "Missing API Key"),
        ({"X-Api-Key": ""}, 403, "Missing API Key"),
        ({"X-Api-Key": KEY[:-1]}, 403, "API Key invalid"),
        ({"X-Api-Key": f"{KEY}x"}, 403, "API Key invalid"),
        ({"Authorization": f"Basic {KEY}"}, 403, "Missing API Key"),
        ({"Authorization": "Bearer wrong-one"}, 403, "API Key invalid"),
        ({"X-Api-Key": KEY}, 200, ""),
        ({"x-api-key": "another-key"}, 200, ""),
        ({"Authorization": f"Bearer {KEY}"}, 200, ""),
    ],
)
@pytest.mark.parametrize("path", [REMOVE, "/v1/mask"])
def test_keys(made: Made, path: str, headers: dict[str, str], status: int, title: str) -> None:
    client = made(host="0.0.0.0", keys=(KEY, "another-key"))
    field = "image_file" if path == REMOVE else "image"
    answer = client.post(path, files={field: ("a.png", drawn())}, headers=headers)
    assert answer.status_code == status
    if title:
        assert code(answer) == "auth_failed" and answer.json()["errors"][0]["title"] == title
        assert KEY not in answer.text


def test_a_wrong_key_costs_no_more_than_its_header(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("standout.serve.body.read", lambda *given, **named: pytest.fail("the body is read"))
    client = made(keys=(KEY,))
    assert client.post(REMOVE, files={"image_file": ("a.png", drawn())}).status_code == 403


def test_any_key_will_do_where_none_is_set(made: Made) -> None:
    answer = made().post(REMOVE, files={"image_file": ("a.png", drawn())}, headers={"X-Api-Key": "whatever"})
    assert answer.status_code == 200


def test_keys_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text(f"# the shop\n{KEY}\n\n  another-key  \n")
    assert keys.read(file) == (KEY, "another-key")
    file.write_text("# none yet\n")
    for path in (file, tmp_path / "missing.txt", tmp_path):
        with pytest.raises(InputError, match=f"{path}.*one key in each line"):
            keys.read(path)


@pytest.mark.parametrize("key", ["", "short", "with a space", "umläute-hier", "tab\tinside"])
def test_keys_that_will_not_do(key: str) -> None:
    with pytest.raises(InputError, match="wanted 8 or more") as caught:
        keys.Keys([key])
    assert not key or key not in str(caught.value), "errors may stand in logs"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "server.example", ""])
def test_others_need_a_key(host: str) -> None:
    with pytest.raises(InputError, match="no key is set; give --keys FILE"):
        ServerSettings(host=host)
    assert not ServerSettings(host=host, keys=(KEY,)).is_local and KEY not in repr(
        ServerSettings(host=host, keys=(KEY,))
    )


def test_loopback() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")] == [True] * 4
    assert not any(is_loopback(host) for host in ("localhost.example", "0.0.0.0", "1.2.3.4", "", "127.0.0.1.example"))


@pytest.mark.parametrize("name", ["workers", "places", "rate", "most_bytes", "most_pixels", "seconds", "timeout"])
def test_limits_below_one(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} is 0; wanted 1 or more"):
        ServerSettings(**{name: 0})  # type: ignore[arg-type]


def test_a_model_that_is_not_known_is_told_at_the_start() -> None:
    with pytest.raises(ModelError, match="did you mean 'standout-mobile'"):
        create(ServerSettings(model="standout-mobil"))


def failing(what: Callable[[], None]) -> Any:
    class Failing:
        def probability(self, image: np.ndarray) -> Mask:
            what()
            raise AssertionError

    return Failing()


def test_a_fault_of_ours_tells_nothing_of_it(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("secret/path/to/model.onnx")

    answer = made(failing(broken)).post(REMOVE, files={"image_file": ("a.png", drawn())})
    assert (answer.status_code, code(answer)) == (500, "internal_server_error")
    assert "secret" not in answer.text and "secret/path" in caplog.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
