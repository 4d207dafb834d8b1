"""Headless Chromium at a real server, and drawn pictures whose people are known to the pixel.

A test fails, too, where the page writes an error to the console: a script that failed, a file that is missing, or what
the content security policy stopped.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import standout
from tests.conftest import ROOT, SAMPLE
from tests.pictures import pillow
from tests.waiting import LIMIT, started, until

pytest.importorskip("uvicorn")
sync_api = pytest.importorskip("playwright.sync_api")

SOURCE = str(Path(standout.__file__).parent.parent)
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}

HEIGHT, WIDTH = 300, 400
LEFT, RIGHT = (60, 40, 240, 140), (90, 250, 210, 330)
"""Top, left, bottom, right of the two drawn people."""


def two_people() -> bytes:
    """Two red boxes before dark blue, as a PNG."""
    image = np.full((HEIGHT, WIDTH, 3), (10, 20, 90), np.uint8)
    for top, left, bottom, right in (LEFT, RIGHT):
        image[top:bottom, left:right] = (220, 30, 40)
    return pillow(image, "PNG")


@contextmanager
def served(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL of a server, see server.py, and its process."""
    command = [sys.executable, "-m", "tests.serve.page.server", *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([SOURCE, str(ROOT)])}
    with started(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        assert process.stdout is not None
        url = until(process.stdout.readline, "the server's address", process=process)
        yield url.strip(), process


@pytest.fixture(scope="module")
def real() -> Iterator[str]:
    """The URL of a server with the bundled model."""
    with served("real") as (url, _):
        yield url


@pytest.fixture(scope="module")
def red() -> Iterator[str]:
    """The URL of a server to which everything red is a person."""
    with served("red") as (url, _):
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs chromium; apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


class Visit:
    """A page of the browser, opened at a server. errors: what it wrote to the console, which a test may clear."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        page.on(
            "console", lambda one: self.errors.append(f"{one.text} {one.location}") if one.type == "error" else None
        )
        page.on("pageerror", lambda error: self.errors.append(f"{error.message}\n{error.stack}"))
        page.on(
            "filechooser", lambda chooser: None
        )  # from the beginning: a key press would come before it is asked for
        page.set_default_timeout(1000 * LIMIT)

    def open(self) -> Visit:
        self.page.goto(self.url)
        self.page.wait_for_selector("body[data-ready=true]", state="attached")
        return self

    def pick(self, *files: tuple[str, bytes] | Path) -> None:
        """Chooses files as in the browser's own dialog."""
        given = [one if isinstance(one, Path) else payload(*one) for one in files]
        with self.page.expect_file_chooser() as chooser:
            self.page.locator("[data-does=pick]:visible").first.click()
        chooser.value.set_files(given)

    def photo(self, *files: tuple[str, bytes] | Path) -> None:
        """Chooses files, and waits until the result of the first is shown."""
        self.pick(*files)
        self.shown()

    def shown(self) -> None:
        """Waits until the result is that of the controls and the mask as they are."""
        self.page.wait_for_selector("#stage[data-preview=current] #compare[data-state=still]", state="attached")
        self.page.wait_for_selector("#updating", state="hidden")

    def choose(self, group: str, value: str) -> None:
        """Chooses an effect, a frame or a tool."""
        self.page.check(f"input[name={group}][value='{value}']")

    def saved(self, button: str) -> tuple[str, bytes]:
        """Name and bytes of the file that a click downloads."""
        with self.page.expect_download() as download:
            self.page.click(button)
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()

    def picture(self, kind: str = "image/png") -> np.ndarray:
        """The result at full size, downloaded."""
        self.page.select_option("#format", kind)
        return pixels(self.saved("#download")[1])

    def mask(self) -> np.ndarray:
        """The mask as the page has it (H, W), downloaded as the effect that shows it."""
        before = self.page.evaluate("document.querySelector('input[name=effect]:checked').value")
        self.choose("effect", "mask")
        found = self.picture()
        self.choose("effect", before)
        return found

    def drag(self, *points: tuple[float, float], button: str = "left") -> None:
        """Draws with the mouse over the photo, through points in the photo's own pixels."""
        places = [self.place(*point) for point in points]
        mouse = self.page.mouse
        mouse.move(*places[0])
        mouse.down(button=button)
        for place in places[1:]:
            mouse.move(*place, steps=4)
        mouse.up(button=button)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the photo lies in the window."""
        left, top, scale = self._view()
        return left + x * scale, top + y * scale

    def photo_place(self, x: float, y: float) -> tuple[float, float]:
        """Which pixel of the photo lies at a place of the window."""
        left, top, scale = self._view()
        return (x - left) / scale, (y - top) / scale

    def _view(self) -> tuple[float, float, float]:
        left, top, scale = self.page.evaluate(
            """async () => {
                const { stage } = await import("/js/main.js");
                const { left, top } = stage.canvas.getBoundingClientRect();
                return [left + stage.view.x, top + stage.view.y, stage.view.scale];
            }"""
        )
        return float(left), float(top), float(scale)

    def count(self, selector: str, wanted: int) -> None:
        """Waits until there are so many such elements."""
        sync_api.expect(self.page.locator(selector)).to_have_count(wanted, timeout=1000 * LIMIT)

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


def payload(name: str, data: bytes) -> dict[str, Any]:
    kinds = {"png": "image/png", "jpg": "image/jpeg", "txt": "text/plain", "mp4": "video/mp4"}
    return {"name": name, "mimeType": kinds.get(name.rpartition(".")[2], ""), "buffer": data}


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


Visits = Callable[..., Visit]


@pytest.fixture
def visit(browser: Any) -> Iterator[Visits]:
    """(URL, options of a browser context) -> a visit, whose console must hold no error at the end."""
    with ExitStack() as stack:
        visits: list[Visit] = []

        def made(url: str, **options: Any) -> Visit:
            context = browser.new_context(**({"viewport": DESKTOP, "reduced_motion": "reduce"} | options))
            stack.callback(context.close)
            visits.append(Visit(context.new_page(), url))
            return visits[-1]

        yield made
        for one in visits:
            assert not one.errors, "\n".join(one.errors)


@pytest.fixture(scope="session")
def astronaut() -> tuple[str, bytes]:
    return "astronaut.jpg", SAMPLE.read_bytes()
