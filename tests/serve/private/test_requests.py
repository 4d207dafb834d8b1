"""Private mode sends nothing, and works on hosts that set no headers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request

from standout import images
from standout.segmenter import Segmenter
from tests.conftest import SAMPLE
from tests.serve.private.conftest import HELPERS, ISOLATED, opened, served

pytestmark = pytest.mark.slow

WORK = """async ([photo, edits]) => {
    const blob = new Blob([bytesOf(photo)]);
    const alpha = await engine.segment(blob);
    const sizes = [];
    for (const [edit, type] of edits) {
        const made = await engine.render(blob, alpha, edit, { type, background: blob, longest: 300 });
        sizes.push(made.size);
    }
    return { sizes, share: alpha.data.reduce((sum, one) => sum + one, 0) / alpha.data.length / 255 };
}"""
LOAD = """async () => {
    globalThis.engine = await (await import(new URL("engine.js", location.href).href)).create({});
}"""


@pytest.fixture
def sent(page: Page) -> Iterator[list[str]]:
    """The requests of the page and its workers, whatever becomes of them."""
    seen: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith(("blob:", "data:")):
            seen.append(f"{request.method} {request.url}")

    page.context.on("request", note)
    yield seen
    page.context.remove_listener("request", note)


def test_after_loading_nothing_is_requested(page: Page, site: Path, sent: list[str]) -> None:
    page.evaluate(LOAD)
    loaded = list(sent)
    sent.clear()
    assert any(one.endswith("standout-mobile.onnx") for one in loaded), "what workers request is seen"
    assert any(one.endswith(".wasm") for one in loaded)
    assert all(one.startswith("GET ") for one in loaded)
    effects = json.loads((site / "private" / "about.json").read_text())["effects"]
    edits = [[{"effect": {"name": one["name"]}}, kind] for one in effects for kind in ("image/png", "image/webp")]
    photo = base64.b64encode(SAMPLE.read_bytes()).decode()
    made = page.evaluate(WORK, [photo, edits])
    assert len(made["sizes"]) == 12 and min(made["sizes"]) > 500 and 0.2 < made["share"] < 0.8
    page.evaluate("() => engine.close()")
    assert sent == []


@pytest.mark.parametrize("isolated", [False, True])
def test_threads_need_isolation(browser: Browser, site: Path, isolated: bool) -> None:
    """Without the two headers the network runs on one thread, and finds the same."""
    with (
        served(site.parent, ISOLATED if isolated else {}) as url,
        opened(browser, f"{url}/{site.name}/private/about.json") as page,
    ):
        page.add_script_tag(content=HELPERS)
        told = page.evaluate(
            """async (photo) => {
                const { load } = await import(new URL("standout.js", location.href).href);
                const segmenter = await load({ threads: 2 });
                const { threads, device, card } = segmenter;
                const { data } = await segmenter.segment(new Blob([bytesOf(photo)]));
                segmenter.close();
                const share = data.reduce((sum, one) => sum + one, 0) / data.length / 255;
                return { threads, device, name: card.name, share, isolated: crossOriginIsolated };
            }""",
            base64.b64encode(SAMPLE.read_bytes()).decode(),
        )
    share = float(Segmenter(threads=1).mask(images.read(SAMPLE).image).mean())
    assert told.pop("share") == pytest.approx(share, abs=1e-3)
    assert told == {"threads": 2 if isolated else 1, "device": "wasm", "name": "standout-mobile", "isolated": isolated}


def test_a_model_that_is_none_is_told(page: Page) -> None:
    for model, told in (("no-such.onnx", "HTTP 404"), ("about.json", "the model file")):
        answer = page.evaluate(
            """async (model) => {
                const { load } = await import(new URL("standout.js", location.href).href);
                return load({ model }).then(() => "", (error) => error.message);
            }""",
            model,
        )
        assert told in answer and "file" in answer


def test_the_picture_may_be_a_bitmap_or_pixels(page: Page) -> None:
    """A bitmap stays the caller's own."""
    told = page.evaluate(
        """async (photo) => {
            const { load } = await import(new URL("standout.js", location.href).href);
            const segmenter = await load();
            const bitmap = await createImageBitmap(new Blob([bytesOf(photo)]));
            const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
            canvas.getContext("2d").drawImage(bitmap, 0, 0);
            const pixels = canvas.getContext("2d").getImageData(0, 0, bitmap.width, bitmap.height);
            const one = await segmenter.segment(bitmap);
            const other = await segmenter.segment(pixels);
            const again = await segmenter.segment(bitmap, { refine: false, tta: false });
            segmenter.close();
            const late = await segmenter.segment(bitmap).then(() => "", (error) => error.message);
            return [textOf(one.data), textOf(other.data), again.data.length, bitmap.width, late];
        }""",
        base64.b64encode(SAMPLE.read_bytes()).decode(),
    )
    one, other = (np.frombuffer(base64.b64decode(text), np.uint8) for text in told[:2])
    assert np.array_equal(one, other) and told[2] == 512 * 512 and told[3] == 512 and "closed" in told[4]
