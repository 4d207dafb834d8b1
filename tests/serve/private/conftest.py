"""The exported site on a plain static server, and Chromium that opens it."""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, sync_playwright

from standout.serve import export_site, private
from tests.conftest import MadeOnce
from tests.waiting import LIMIT

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def site(made_once: MadeOnce) -> Path:
    """A static site, in a folder below that of the server's root."""
    if not private.is_available():
        pytest.skip("needs onnxruntime-web, by scripts/browser")
    return made_once("static-site", lambda folder: export_site.export(folder))


@contextmanager
def served(folder: Path, headers: dict[str, str]) -> Iterator[str]:
    """The address of a server of static files with these headers."""

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".js": "text/javascript"}

        def end_headers(self) -> None:
            for name, value in headers.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *told: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(LIMIT)


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Headless Chromium of the system."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("needs Chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, *arguments])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with chromium() as opened:
        yield opened


@contextmanager
def opened(browser: Browser, url: str, *, permissions: Sequence[str] = ()) -> Iterator[Page]:
    """A page at the address, in a session of its own, in which no error went unseen."""
    context = browser.new_context(permissions=permissions)
    page = context.new_page()
    page.set_default_timeout(1000 * LIMIT)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    yield page
    context.close()
    assert not errors


@pytest.fixture(scope="module")
def page(browser: Browser, site: Path) -> Iterator[Page]:
    """An empty page beside the site's modules, cross-origin isolated."""
    with served(site.parent, ISOLATED) as url, opened(browser, f"{url}/{site.name}/private/about.json") as page:
        page.add_script_tag(content=HELPERS)
        yield page


HELPERS = """
globalThis.bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
globalThis.textOf = (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
};
globalThis.planeOf = ({ shape: [height, width, channels], kind, data }) => {
  const { buffer } = bytesOf(data);
  const numbers = kind === "uint8" ? new Uint8ClampedArray(buffer) : new Float32Array(buffer);
  return { width, height, channels, data: numbers };
};
globalThis.sent = ({ width, height, channels = 1, data }) => ({
  shape: [height, width, channels], kind: data instanceof Float32Array ? "float32" : "uint8", data: textOf(data),
});
"""
"""Arrays travel between Python and the page as Base64."""


def to_page(array: np.ndarray) -> dict[str, Any]:
    """An array (H, W) or (H, W, C), for planeOf."""
    array = np.ascontiguousarray(array)
    shape = [*array.shape, *([1] if array.ndim == 2 else [])]
    return {"shape": shape, "kind": str(array.dtype), "data": base64.b64encode(array.tobytes()).decode()}


def from_page(answer: dict[str, Any]) -> np.ndarray:
    """The array that `sent` gave: (H, W) where it has a single channel."""
    array = np.frombuffer(base64.b64decode(answer["data"]), answer["kind"]).reshape(answer["shape"])
    return array[..., 0] if array.shape[2] == 1 else array


@pytest.fixture
def run(page: Page) -> Run:
    """(Body of an async function, arrays by name) -> the array it returns. The body may use the modules' functions."""

    def called(body: str, **arrays: Any) -> Any:
        given = {name: to_page(one) if isinstance(one, np.ndarray) else one for name, one in arrays.items()}
        source = (
            "async (given) => { const load = (name) => import(new URL(`lib/${name}.js`, location.href).href);"
            "for (const [key, value] of Object.entries(given)) if (value?.shape) given[key] = planeOf(value);"
            f"{body} }}"
        )
        answer = page.evaluate(source, given)
        return from_page(answer) if isinstance(answer, dict) and "shape" in answer else answer

    return called
