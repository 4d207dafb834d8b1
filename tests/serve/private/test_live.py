"""The live camera page, with a camera that shows the sample photo and moves about it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from tests.conftest import ROOT, SAMPLE
from tests.pictures import pillow
from tests.serve.private.conftest import ISOLATED, chromium, opened, served
from tests.waiting import until

pytestmark = pytest.mark.slow

HEIGHT, WIDTH = 480, 640
SAMPLE_BLUE = np.array([16, 96, 224])
VIEW: ViewportSize = {"width": WIDTH + 32, "height": 1000}
"""In which the picture fills its whole place."""
BLANK, GRAY = np.array([32, 32, 32]), np.array([60, 60, 60])


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip for Chromium's fake camera: the sample photo, upright in the middle, moving slowly from side to side."""
    with Image.open(SAMPLE) as photo:
        person = np.asarray(photo.convert("RGB").resize((HEIGHT, HEIGHT)))
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(20):
            frame = np.full((HEIGHT, WIDTH, 3), GRAY, np.uint8)
            left = (WIDTH - HEIGHT) // 2 + 2 * abs(10 - index)
            frame[:, left : left + HEIGHT] = person
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


@pytest.fixture(scope="module")
def camera_browser(camera: Path) -> Iterator[Browser]:
    with chromium("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}") as browser:
        yield browser


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site.parent, ISOLATED) as url:
        yield f"{url}/{site.name}/private/live.html"


@pytest.fixture
def live(camera_browser: Browser, address: str) -> Iterator[Page]:
    with opened(camera_browser, address, permissions=["camera"]) as page:
        page.set_viewport_size(VIEW)
        yield page


def shown(page: Page) -> np.ndarray:
    """The picture on the page."""
    with Image.open(io.BytesIO(page.locator("#picture").screenshot())) as picture:
        return np.asarray(picture.convert("RGB").resize((WIDTH, HEIGHT)))


def shows(page: Page, condition: Callable[[np.ndarray], bool], what: str) -> np.ndarray:
    """The picture, once the condition holds for it."""
    seen: list[np.ndarray] = []

    def holds() -> bool:
        seen.append(shown(page))
        return condition(seen[-1])

    until(holds, what)
    return seen[-1]


def near(picture: np.ndarray, color: np.ndarray, rows: slice, columns: slice) -> bool:
    return float(np.abs(picture[rows, columns].astype(float) - color).mean()) < 12


def corner(picture: np.ndarray, color: np.ndarray) -> bool:
    """Whether the upper corners, where nobody is, have that color."""
    upper = slice(0, 60)
    return near(picture, color, upper, slice(0, 60)) and near(picture, color, upper, slice(WIDTH - 60, WIDTH))


def person_is_there(picture: np.ndarray, color: np.ndarray) -> bool:
    """Whether the middle, where the suit is, differs from that color."""
    return float(np.abs(picture[300:420, 260:380].astype(float) - color).mean()) > 40


def test_what_is_behind_is_colored_and_nothing_is_sent(live: Page) -> None:
    assert corner(shown(live), BLANK)
    live.select_option("[name=effect]", "color")
    live.fill("[name=color]", "#1060e0")
    live.click("#start")
    picture = shows(live, lambda one: corner(one, SAMPLE_BLUE), "the background is blue")
    assert person_is_there(picture, SAMPLE_BLUE)
    requested: list[str] = []
    live.context.on("request", lambda request: requested.append(request.url))
    live.fill("[name=color]", "#e01010")
    shows(live, lambda one: corner(one, np.array([224, 16, 16])), "the background is red")
    until(lambda: float(live.get_attribute("#pace", "data-fps") or 0) > 0, "the pace is told")
    assert "standout-tiny on" in live.inner_text("#status") and "pictures a second" in live.inner_text("#pace")
    live.click("#start")
    shows(live, lambda one: corner(one, BLANK), "the picture is blank")
    assert live.inner_text("#status") == "The camera is off." and live.inner_text("#start") == "Start the camera"
    assert requested == []


def test_each_effect_shows_the_person(live: Page, tmp_path: Path) -> None:
    behind = tmp_path / "green.png"
    behind.write_bytes(pillow(np.full((50, 90, 3), (10, 200, 60), np.uint8), "PNG"))
    live.set_input_files("[name=background]", behind)
    live.select_option("[name=effect]", "replace")
    live.click("#start")
    green = np.array([10, 200, 60])
    assert person_is_there(shows(live, lambda one: corner(one, green), "green is behind"), green)

    def detail(picture: np.ndarray) -> float:
        """How much neighbors differ beside the person's head, where the mirrored photo shows a shuttle."""
        return float(np.abs(np.diff(picture[10:180, 130:230].astype(float), axis=1)).mean())

    live.select_option("[name=model]", "standout-mobile")  # the fast one takes the shuttle for a person
    live.select_option("[name=effect]", "none")
    shows(live, lambda one: corner(one, GRAY) and detail(one) > 5, "the camera's own picture is there")
    for effect in ("blur", "pixelate"):
        live.select_option("[name=effect]", effect)
        picture = shows(live, lambda one: detail(one) < 4, f"the background is soft by {effect}")
        assert corner(picture, GRAY) and person_is_there(picture, GRAY)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(camera_browser: Browser, address: str, scheme: Literal["light", "dark"]) -> None:
    axe = ROOT / ".clients" / "js" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("needs axe-core, by scripts/clients")
    context = camera_browser.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.add_script_tag(path=axe)
    found = page.evaluate("async () => (await axe.run()).violations.map(({ id }) => id)")
    context.close()
    assert found == []


def test_the_view_is_mirrored_as_asked(live: Page) -> None:
    classes = "() => document.getElementById('picture').className"
    assert live.evaluate(classes) == "mirrored"
    live.uncheck("[name=mirrored]")
    assert live.evaluate(classes) == ""


def test_the_model_can_be_changed_while_it_runs(live: Page) -> None:
    live.click("#start")
    until(lambda: "standout-tiny on" in live.inner_text("#status"), "the fast model runs")
    live.select_option("[name=model]", "standout-mobile")
    until(lambda: "standout-mobile on" in live.inner_text("#status"), "the exact model runs")
    until(lambda: live.inner_text("#pace") != "", "it shows pictures")


def test_a_camera_that_may_not_be_used_is_told(camera_browser: Browser, address: str) -> None:
    """Nobody answers the question for the camera in a headless browser, so it is refused."""
    with opened(camera_browser, address) as page:
        page.set_viewport_size(VIEW)
        page.click("#start")
        until(lambda: "may not be used" in page.inner_text("#status"), "the refusal is told")
        assert page.inner_text("#start") == "Start the camera" and corner(shown(page), BLANK)
