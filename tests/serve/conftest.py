"""A server with a fake model, asked without a network, and drawn pictures whose answers are known to the pixel."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from PIL import Image

from standout.types import Mask

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from standout.serve.app import create
from standout.serve.settings import ServerSettings
from tests.conftest import SAMPLE
from tests.pictures import pillow

HOST = "http://127.0.0.1:8700"
REMOVE = "/v1.0/removebg"
HEIGHT, WIDTH = 200, 300
BOX = (50, 60, 150, 120)
"""Top, left, bottom, right of the drawn person."""
RED = (220, 30, 40)


class Bright:
    """A fake model: what is red is person."""

    def probability(self, image: np.ndarray) -> Mask:
        most = np.iinfo(image.dtype).max
        return np.asarray(image[..., 0] > 0.6 * most, np.float32)


def drawn(kind: str = "PNG", **options: Any) -> bytes:
    """A red box (the person) before dark blue."""
    image = np.full((HEIGHT, WIDTH, 3), (10, 20, 90), np.uint8)
    top, left, bottom, right = BOX
    image[top:bottom, left:right] = RED
    return pillow(image, kind, **options)


def nobody() -> bytes:
    return pillow(np.full((50, 60, 3), (10, 20, 90), np.uint8), "PNG")


def opened(data: bytes) -> np.ndarray:
    """The pixels of the picture in the bytes, as Pillow reads them."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def red_box(picture: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what is red, and is seen, in an RGB or RGBA picture."""
    red = (picture[..., 0] > 150) & (picture[..., 2] < 120)
    if picture.shape[2] == 4:
        red &= picture[..., 3] > 127
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


@pytest.fixture(scope="session", autouse=True)
def no_jobs_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Servers that are started here keep their jobs in a temporary folder, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def http_scope(method: str, path: str, **headers: str) -> dict[str, Any]:
    """A request, as an ASGI server gives it to the application."""
    named = [(b"host", b"127.0.0.1:8700"), *((key.encode(), value.encode()) for key, value in headers.items())]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8700), "headers": named,
    }  # fmt: skip


Made = Callable[..., TestClient]


@pytest.fixture
def made() -> Iterator[Made]:
    """(Fields of ServerSettings) -> a client of a server with the fake model."""
    with ExitStack() as stack:

        def client(finder: Any = None, **settings: Any) -> TestClient:
            app = create(ServerSettings(**({"workers": 1} | settings)), finder or Bright())
            host = "http://server.example" if settings.get("host") == "0.0.0.0" else HOST
            return stack.enter_context(TestClient(app, base_url=host, raise_server_exceptions=False))

        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A server with the fake model."""
    with TestClient(create(ServerSettings(workers=1), Bright()), base_url=HOST, raise_server_exceptions=False) as asked:
        yield asked


@pytest.fixture(scope="module")
def real() -> Iterator[TestClient]:
    """A server with the bundled model."""
    with TestClient(create(ServerSettings(workers=1)), base_url=HOST) as asked:
        yield asked


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    return SAMPLE.read_bytes()


def code(answer: Any) -> str:
    """The code of the one error that an answer tells."""
    (error,) = answer.json()["errors"]
    assert error["title"] and set(error) <= {"title", "code", "detail"}
    return str(error["code"])
