"""Clips: sent to the server as jobs, followed, played, downloaded, canceled and deleted."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import av
import pytest

from tests.serve.page.conftest import Visits, served, two_people
from tests.video.drawn import Made, make, picture
from tests.waiting import LIMIT, until

pytestmark = pytest.mark.slow

FRAMES = 8


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("clip") / "walk.mp4", Made([picture(number) for number in range(FRAMES)]))


def jobs(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}v1/jobs", timeout=LIMIT) as answer:
        return list(json.load(answer)["jobs"])


def frames(path: Path) -> int:
    with av.open(str(path)) as opened:
        return sum(1 for _ in opened.decode(video=0))


def test_a_clip_is_made_played_downloaded_and_deleted(real: str, visit: Visits, clip: Path, tmp_path: Path) -> None:
    page = visit(real).open()
    page.pick(clip)
    page.page.wait_for_selector("#player[aria-label='walk.mp4, the clip before']")
    page.choose("effect", "blur")
    assert not page.page.is_visible("#people-title"), "what is for photos alone is not shown"
    page.choose("effect", "cut")
    page.page.select_option("#clip-format", ".mp4")
    assert page.page.is_disabled("#clip-start") and "cannot be transparent" in page.text("#clip-why")
    page.choose("effect", "blur")
    page.page.click("#clip-start")
    page.page.wait_for_selector("#player[aria-label='walk.mp4, the result']")
    assert page.page.get_attribute(".pick", "aria-label") == "walk.mp4: Done"
    assert page.page.evaluate(
        """() => new Promise((loaded) => {
            const player = document.getElementById("player");
            if (player.readyState) loaded(true);
            else player.addEventListener("loadedmetadata", () => loaded(true));
        })"""
    ), "the browser can play it"
    name, data = page.saved("#clip-download")
    assert name == "walk-blur.mp4"
    (tmp_path / name).write_bytes(data)
    assert frames(tmp_path / name) == FRAMES
    assert [one["name"] for one in jobs(real)] == ["walk-blur.mp4"]
    page.page.click(".gone")
    until(lambda: not jobs(real), "the server has deleted the clip")


def test_progress_and_cancel(real: str, visit: Visits, clip: Path) -> None:
    """The server's events are held back, so that the page can be looked at in between."""
    page = visit(real)
    state = {"id": "one", "status": "running", "progress": 0.25, "done": 2, "total": 8, "result": None, "name": "w.mp4"}
    asked: list[str] = []

    def fake(route: Any) -> None:
        asked.append(f"{route.request.method} {route.request.url.partition('/v1/')[2]}")
        route.fulfill(status=202, json=state | {"status": "queued"})

    page.page.route("**/v1/jobs", fake)
    page.page.route("**/v1/jobs/one", fake)
    page.page.add_init_script(
        """{
            const real = window.fetch;
            window.fetch = (url, options) => {
                if (!String(url).endsWith("/events")) return real(url, options);
                const body = new ReadableStream({ start(to) {
                    window.tell = (state) => to.enqueue(new TextEncoder().encode(
                        `event: job\\ndata: ${JSON.stringify(state)}\\n\\n`));
                    options.signal.addEventListener("abort", () => to.error(options.signal.reason));
                    window.tell({ id: "one", status: "queued", progress: 0 });
                } });
                return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
            };
        }"""
    )
    page.open()
    page.pick(clip)
    page.choose("effect", "blur")
    page.page.click("#clip-start")
    page.page.wait_for_selector("#clip-status:has-text('Waiting')")
    for share in (0.25, 0.75):
        page.page.evaluate("(state) => window.tell(state)", state | {"progress": share})
        page.page.wait_for_selector(f"#clip-status:has-text('{100 * share:.0f} % done')")
        assert page.page.evaluate("document.getElementById('clip-progress').value") == share
    page.page.click("#clip-cancel")
    page.page.wait_for_selector("#clip-start:visible")
    assert page.page.get_attribute(".pick", "aria-label") == "walk.mp4: Ready"
    until(lambda: "DELETE jobs/one" in asked, "the page asks the server to cancel the job")


def test_a_clip_that_cannot_be_read(real: str, visit: Visits) -> None:
    page = visit(real).open()
    page.pick(("broken.mp4", b"\0\0\0\x18ftypmp42" + bytes(100)))
    page.choose("effect", "blur")
    page.page.click("#clip-start")
    page.page.wait_for_selector(".cell[data-status=failed]")
    assert page.page.get_attribute(".pick", "aria-label").startswith("broken.mp4")
    page.errors.clear()  # the browser tells of the answer 400


def test_a_clip_with_a_key_and_a_picture_behind(visit: Visits, clip: Path) -> None:
    with served("real", "a-key-of-ours") as (url, _):
        page = visit(url)
        page.page.goto(url)
        page.page.fill("#key-field", "a-key-of-ours")
        page.page.keyboard.press("Enter")
        page.page.wait_for_selector("body[data-ready=true]")
        page.pick((clip.name, clip.read_bytes()), ("people.png", two_people()))
        page.choose("effect", "replace")
        page.page.wait_for_selector(".tile[aria-pressed=true]")
        page.page.click("#clip-start")
        page.page.wait_for_selector("#player[aria-label='walk.mp4, the result']")
        assert page.page.get_attribute("#player", "src").startswith("blob:"), "a player sends no key"
        assert page.saved("#clip-download")[0] == "walk-replace.mp4"
        page.errors.clear()  # the browser tells of the answer 403 that asked for the key
