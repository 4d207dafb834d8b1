"""The whole page as a static site, below a path, on a host that sets no headers: all is done without a server."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Error

from standout import images
from standout.segmenter import Segmenter
from tests.conftest import ROOT, SAMPLE
from tests.serve.private.conftest import opened, served
from tests.waiting import LIMIT, until

pytestmark = pytest.mark.slow


def test_a_photo_is_cut_out_without_a_server(browser: Browser, site: Path) -> None:
    with served(site.parent, {}) as url, opened(browser, f"{url}/{site.name}/") as page:
        asked: list[str] = []
        failed: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        page.context.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
        page.reload()
        page.wait_for_selector("body[data-engine=private]")
        page.set_input_files("#file", SAMPLE)
        page.wait_for_selector("body[data-state=loaded]")
        with page.expect_download(timeout=1000 * LIMIT) as download:
            until(lambda: page.locator("#download").is_enabled(), "the photo can be saved")
            page.click("#download")
        data = Path(download.value.path()).read_bytes()
        sent = [one for one in asked if urlsplit(one).scheme not in ("blob", "data")]
        assert all(urlsplit(one).path.startswith(f"/{site.name}/") for one in sent), "all addresses are relative"
        assert not failed
    with Image.open(io.BytesIO(data)) as picture:
        found = np.asarray(picture.convert("RGBA"))
    mask = Segmenter(threads=1).mask(images.read(SAMPLE).image)
    assert np.abs(found[..., 3] / 255 - mask).mean() < 0.01


def test_what_the_policy_forbids(browser: Browser, site: Path) -> None:
    """Without headers the policy in the file holds: scripts in the page and other sites are refused."""
    with served(site.parent, {}) as url, opened(browser, f"{url}/{site.name}/private/live.html") as page:
        with pytest.raises(Error, match=r"fetch|Content Security Policy"):
            page.evaluate("() => fetch('http://127.0.0.2:1/')")
        page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\" id=styled>a</p>')")
        assert page.evaluate("() => getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"


def test_the_example_works(browser: Browser, site: Path, tmp_path: Path) -> None:
    """examples/browser.html, beside the folder that it names."""
    (tmp_path / "site").symlink_to(site)
    shutil.copy(ROOT / "examples" / "browser.html", tmp_path)
    with served(tmp_path, {}) as url, opened(browser, f"{url}/browser.html") as page:
        until(lambda: page.inner_text("#status") == "Choose a photo.", "the model is loaded")
        page.set_input_files("#file", SAMPLE)
        until(lambda: page.inner_text("#status") == "Done.", "the photo is cut out")
        seen = page.evaluate(
            """() => {
                const canvas = document.getElementById("picture");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return [0, 256 * 512 + 256].map((at) => data[4 * at + 3]);
            }"""
        )
    assert seen == [0, 255], "a corner is transparent, the person is not"


def test_it_works_offline_after_one_visit(browser: Browser, site: Path) -> None:
    with served(site.parent, {}) as url, opened(browser, f"{url}/{site.name}/") as page:
        page.wait_for_selector("body[data-ready=true]")
        wanted = [
            f"/{site.name}/private/{path}"
            for path in json.loads((site / "private" / "about.json").read_text())["files"]
        ]
        kept = """async () => {
            const names = await caches.keys();
            const found = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
            return found.flat().map(({ url }) => new URL(url).pathname);
        }"""
        until(lambda: set(wanted) <= set(page.evaluate(kept)), "the files are kept")
        page.context.set_offline(True)
        page.reload()
        page.wait_for_selector("body[data-engine=private]")
        page.set_input_files("#file", SAMPLE)
        until(lambda: page.locator("#download").is_enabled(), "the photo is cut out")
