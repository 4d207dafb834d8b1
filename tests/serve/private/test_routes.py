"""What the server gives to private mode, and the page's switch for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Route

from standout.models.registry import DEFAULT, REGISTRY
from standout.serve import app as serve_app
from standout.serve import private
from standout.serve.site import HEADERS
from tests.conftest import SAMPLE
from tests.serve.conftest import Made
from tests.serve.page.conftest import served as page_server
from tests.serve.private.conftest import opened
from tests.waiting import until


@pytest.mark.parametrize("name", REGISTRY)
def test_models_come_from_the_package(client: TestClient, name: str) -> None:
    answer = client.get(f"/private/models/{name}.onnx")
    assert answer.status_code == 200 and answer.content == REGISTRY[name].path.read_bytes()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert all(answer.headers[key] == value for key, value in HEADERS.items())
    again = client.get(f"/private/models/{name}.onnx", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content


@pytest.mark.parametrize("name", ["standout-mobile", "no-such.onnx", "..%2Fregistry.py", "%2e%2e/registry.py"])
def test_no_other_file_is_given(client: TestClient, name: str) -> None:
    assert client.get(f"/private/models/{name}").status_code == 404


def test_what_the_page_must_know_of_it(client: TestClient) -> None:
    told = client.get("/private/about.json").json()
    assert told["models"] == list(REGISTRY) and told["default"] in REGISTRY
    assert [one["name"] for one in told["effects"]] == list(private.LOCAL)


def test_the_model_of_the_server_is_that_of_private_mode(made: Made, tmp_path: Path) -> None:
    own = tmp_path / "mine.onnx"
    own.write_bytes(b"weights")
    asked = made(model=str(own))
    assert asked.get("/private/about.json").json()["default"] == "mine"
    assert asked.get("/private/models/mine.onnx").content == b"weights"
    locked = made(model=str(own), keys=("a-secret-key",))
    assert locked.get("/private/about.json").json()["default"] == DEFAULT
    assert locked.get("/private/models/mine.onnx").status_code == 404
    assert made(model="standout-quality").get("/private/about.json").json()["default"] == "standout-quality"
    assert made(model="model.safetensors").get("/private/about.json").json()["default"] == DEFAULT


@pytest.mark.parametrize("name", ["standout.js", "engine.js", "worker.js", "live.html", "live.js", "lib/refine.js"])
def test_its_files_have_the_headers_that_workers_need(client: TestClient, name: str) -> None:
    answer = client.get(f"/private/{name}")
    assert answer.status_code == 200 and all(answer.headers[key] == value for key, value in HEADERS.items())


def test_without_onnxruntime_web_the_page_has_no_switch(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_app.private, "is_available", lambda: False)
    assert made().get("/config.json").json()["private"] is False


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    if not private.is_available():
        pytest.skip("needs onnxruntime-web, by scripts/browser")
    with page_server("real") as (url, _):
        yield url


@pytest.mark.slow
def test_the_switch_of_the_page(browser: Browser, url: str) -> None:
    """Once private mode is on, no request carries anything, and the network has what threads need."""
    with opened(browser, url) as page:
        page.wait_for_selector("body[data-engine=server]")
        page.check("#private")
        page.wait_for_selector("body[data-engine=private]")
        assert page.evaluate("() => crossOriginIsolated")
        sent: list[str] = []
        page.context.on("request", lambda one: sent.append(one.method) if not one.url.startswith("blob:") else None)
        page.set_input_files("#file", SAMPLE)
        until(lambda: page.locator("#download").is_enabled(), "the photo is cut out")
        assert "POST" not in sent
        page.uncheck("#private")
        page.wait_for_selector("body[data-engine=server]")


@pytest.mark.slow
def test_nothing_is_sent_while_private_mode_is_loading(browser: Browser, url: str) -> None:
    """A photo that comes before the model waits for it; one that private mode cannot do is not sent either."""
    with opened(browser, url) as page:
        page.wait_for_selector("body[data-engine=server]")
        sent: list[str] = []
        page.context.on("request", lambda one: sent.append(one.method) if not one.url.startswith("blob:") else None)
        held: list[Route] = []
        page.context.route("**/private/models/*", lambda one: held.append(one))
        page.check("#private")
        page.wait_for_selector("body[data-engine=loading]")
        page.set_input_files("#file", SAMPLE)
        page.wait_for_selector("text=Finding the people", state="attached")
        until(lambda: page.evaluate("() => 1") and held, "the model is asked for")
        assert "POST" not in sent
        for one in held:
            one.abort()
        page.wait_for_selector("text=It was not sent", state="attached")
        page.wait_for_selector("body[data-engine=server]")
        assert "POST" not in sent and not page.is_checked("#private")

        page.context.unroute("**/private/models/*")
        page.click("#notes button")
        page.check("#private")
        page.click("#failed-again")
        page.wait_for_selector("body[data-engine=private]")
        until(lambda: page.locator("#download").is_enabled(), "the photo is cut out")
        assert "POST" not in sent
