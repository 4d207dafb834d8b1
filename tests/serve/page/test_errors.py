"""What goes wrong is told in plain words, and can be mended: files, a full queue, a server that ended, a key."""

import re
from typing import Any

import pytest

from tests.conftest import SAMPLE
from tests.serve.page.conftest import Visit, Visits, served, two_people

pytestmark = pytest.mark.slow

KEY = "a-key-of-ours"


def failed(page: Visit) -> str:
    page.page.wait_for_selector("#failed:not([hidden])")
    text = page.text("#failed-text")
    assert not re.search(r"alpha|segment|HTTP|JSON|undefined|null|\b[45]\d\d\b", text), "no jargon"
    return text


def test_a_text_file(red: str, visit: Visits) -> None:
    page = visit(red).open()
    page.pick(("notes.txt", b"hello"))
    assert failed(page).startswith("notes.txt is not a picture or clip that can be read. Choose a JPEG")
    assert not page.page.is_visible("#failed-again"), "trying again would not help"
    page.page.click(".gone")
    assert page.page.is_visible("#empty-title")


def test_a_broken_picture_beside_a_good_one(red: str, visit: Visits) -> None:
    page = visit(red).open()
    page.pick(("good.png", two_people()), ("broken.png", two_people()[:200]), ("text.png", b"no picture"))
    page.count(".cell[data-status=failed]", 2)
    page.shown()
    notes = page.page.locator(".note.error p").all_inner_texts()
    assert sorted(note.partition(":")[0] for note in notes) == ["broken.png", "text.png"]
    assert any("is not a picture" in note for note in notes) and any("damaged" in note for note in notes)
    page.errors.clear()  # the browser tells of the answers 400, too


def test_a_file_that_is_too_large_is_not_sent(red: str, visit: Visits) -> None:
    page = visit(red)
    page.page.route("**/config.json", lambda route: changed(route, {"most_bytes": 1000}))
    page.open()
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    page.pick(("astronaut.jpg", SAMPLE.read_bytes()))
    assert "astronaut.jpg: The file has 0.1 MB; this server takes up to 1 KB" in failed(page)
    assert not [url for url in asked if "/v1/" in url]


def changed(route: Any, values: dict[str, Any]) -> None:
    """Answers with what the server says, some of it changed."""
    told = route.fetch().json()
    route.fulfill(json=told | values)


def test_a_full_queue_is_waited_for(red: str, visit: Visits) -> None:
    page = visit(red)
    refused: list[str] = []

    def busy(route: Any) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        body = {"errors": [{"title": "Rate limit exceeded", "code": "rate_limit_exceeded", "detail": "come again"}]}
        route.fulfill(status=429, headers={"Retry-After": "1"}, json=body)

    page.page.route("**/v1/mask", busy)
    page.open()
    page.pick(("people.png", two_people()))
    page.page.wait_for_selector("#working-text:has-text('The server is busy; trying again in 1 s')")
    page.shown()
    assert len(refused) == 1
    page.errors.clear()  # the browser tells of the answer 429, too


def test_a_server_that_ended(visit: Visits) -> None:
    with served("red") as (url, process):
        page = visit(url).open()
        page.photo(("people.png", two_people()))
        process.kill()
        process.wait()
        page.pick(("more.png", two_people()))
        page.page.wait_for_selector(".note.error:has-text('more.png: The server does not answer')")
        assert "start it again with “standout serve”" in page.text(".note.error p")
        page.page.click(".pick[aria-label^='more.png']")
        assert "more.png" in failed(page) and page.page.is_visible("#failed-again")
        page.page.click(".pick[aria-label^='people.png']")
        page.page.click("#download")
        page.page.wait_for_selector(".note.error p:text-matches('^The server does not answer')")
        page.errors.clear()  # the browser tells of connections that were refused


def test_try_again(red: str, visit: Visits) -> None:
    page = visit(red)
    page.page.route("**/v1/mask", lambda route: route.abort())
    page.open()
    page.pick(("people.png", two_people()))
    assert "people.png: The server does not answer" in failed(page)
    page.page.unroute("**/v1/mask")
    page.page.click("#failed-again")
    page.shown()
    page.errors.clear()


def test_the_key_is_asked_for_once(visit: Visits) -> None:
    with served("red", KEY) as (url, _):
        page = visit(url)
        page.page.goto(url)
        page.page.wait_for_selector("#key[open]")
        page.page.fill("#key-field", "not the right key")
        page.page.keyboard.press("Enter")
        page.page.wait_for_selector("#key-wrong:not([hidden])")
        page.page.fill("#key-field", KEY)
        page.page.click("#key button[type=submit]")
        page.page.wait_for_selector("body[data-ready=true]")
        page.photo(("people.png", two_people()))
        page.page.reload()
        page.page.wait_for_selector("body[data-engine=server]")
        assert not page.page.is_visible("#key"), "it is kept until the tab is closed"
        page.errors.clear()  # the browser tells of the answers 403


def test_nobody_found(real: str, visit: Visits) -> None:
    import numpy as np

    from tests.pictures import pillow

    page = visit(real).open()
    page.photo(("wall.png", pillow(np.full((200, 300, 3), (70, 90, 120), np.uint8), "PNG")))
    assert "Nobody was found in wall.png. Paint" in page.text(".note p")
    page.choose("tool", "keep")
    page.drag((100, 100), (150, 100))
    assert page.mask()[100, 120] == 255
