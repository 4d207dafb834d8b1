"""The window of `standout webcam` in the browser: its picture moves, its buttons and keys work, nothing is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from standout.live.loop import Controls, Pace
from standout.serve.webcam.window import Window
from tests.serve.page.conftest import DESKTOP, Visit
from tests.waiting import LIMIT, until

pytestmark = pytest.mark.slow

COLOR = """() => {
  const canvas = document.createElement("canvas"), picture = document.getElementById("picture");
  canvas.width = canvas.height = 1;
  canvas.getContext("2d").drawImage(picture, 0, 0, 1, 1);
  return canvas.getContext("2d").getImageData(0, 0, 1, 1).data[0];
}"""


@pytest.fixture
def window() -> Iterator[Window]:
    one = Window(Controls("blur"), effects=["blur", "color", "none"])
    yield one
    one.close()


def test_the_window(window: Window, browser: Any) -> None:
    level, ends = [200], Event()

    def shows() -> None:
        while not ends.wait(0.02):
            window.show(np.full((48, 64, 3), (level[0], 0, 0), np.uint8))

    camera = Thread(target=shows)
    camera.start()
    page = browser.new_page(viewport=DESKTOP)
    visit = Visit(page, window.url)
    try:
        page.goto(window.url)
        until(lambda: abs(page.evaluate(COLOR) - 200) < 9, "the picture is seen")
        level[0] = 60
        until(lambda: abs(page.evaluate(COLOR) - 60) < 9, "the next picture is seen")
        assert page.locator("#effects button").all_inner_texts() == ["Blur 1", "Color 2", "No effect 3"]
        page.get_by_role("button", name="Color").click()
        until(lambda: window.controls.effect == "color", "the button works")
        page.keyboard.press("v")
        until(lambda: window.controls.mirrored, "the key works")
        page.wait_for_selector("#mirrored[aria-pressed=true]")
        page.keyboard.press("1")
        until(lambda: window.controls.effect == "blur", "the key works")
        window.pace = Pace(seen=9, shown=6, fps=20.0, latency=0.05)
        page.wait_for_selector("#pace >> text=20.0 fps")
        assert page.evaluate("getComputedStyle(document.body).display") == "grid", "its style is there"
        page.keyboard.press("q")
        assert window.controls.stop.wait(LIMIT)
        assert not visit.errors, visit.errors
        ends.set()
        window.close()
        page.wait_for_selector("text=The camera has been stopped")
        assert page.locator("#picture").is_hidden()
    finally:
        ends.set()
        camera.join(LIMIT)
        page.close()
