"""The page's static files: their headers, and what they refer to."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from standout.serve import private, site
from standout.serve.jobs.settings import JobSettings
from standout.support.version import __version__
from tests.serve.conftest import Made, code

FILES = sorted(path for path in site.PAGE.rglob("*") if path.is_file() and "private" not in path.parts)
ADDRESSES = ["/", *(f"/{path.relative_to(site.PAGE).as_posix()}" for path in FILES if path.name != "index.html")]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_file_is_served_with_the_headers_of_the_page(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200 and answer.content, "it is empty"
    assert {name: answer.headers[name] for name in site.HEADERS} == site.HEADERS
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    kind = answer.headers["Content-Type"].partition(";")[0]
    suffix = Path(address).suffix or ".html"
    assert (
        kind
        in {
            ".html": ("text/html",),
            ".css": ("text/css",),
            ".js": ("text/javascript",),
            ".svg": ("image/svg+xml",),
            ".jpg": ("image/jpeg",),
            ".webmanifest": ("application/manifest+json",),
        }[suffix]
    ), "a browser told nosniff would not take it"
    assert client.head(address).status_code == 200


def test_a_file_is_asked_for_again_and_sent_only_where_it_changed(client: TestClient) -> None:
    first = client.get("/app.css")
    again = client.get("/app.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"") and again.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("address", ["/js/", "/js/../own.py", "/js/%2e%2e/%2e%2e/own.py", "/index.htm", "/js/none.js"])
def test_nothing_else_is_served(client: TestClient, address: str) -> None:
    assert (client.get(address).status_code, code(client.get(address))) == (404, "not_found")
    assert client.post("/app.css").status_code == 405


def test_the_policy_allows_no_inline_code_and_no_other_host() -> None:
    assert "unsafe-inline" not in site.POLICY and "unsafe-eval'" not in site.POLICY.replace("wasm-unsafe-eval'", "")
    assert not re.search(r"https?:|\*", site.POLICY)


class Tags(HTMLParser):
    """Collects the attributes of all tags, and the text of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str]] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem and data.strip():
            self.inline.append(data)


def test_the_page_asks_nothing_of_other_hosts_and_has_nothing_inline(client: TestClient) -> None:
    tags = Tags()
    tags.feed(client.get("/").text)
    assert not tags.inline
    assert not [name for name, _ in tags.attributes if name == "style" or name.startswith("on")]
    for name, value in tags.attributes:
        if name in ("src", "href") and not value.startswith(("#", "private/")):  # hidden without private mode
            assert client.get(value).status_code == 200, value
    for path in FILES:
        if path.suffix in (".js", ".css", ".html", ".webmanifest"):
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|\burl\((?!['\"]?/|['\"]?#)", text), path


def test_modules_import_only_files_that_are_there() -> None:
    for path in FILES:
        if path.suffix == ".js":
            text = path.read_text("utf-8")
            assert len(text.splitlines()) <= 300, f"{path.name} is long; split it"
            for name in re.findall(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""", text):
                assert (path.parent / name).resolve().is_file(), f"{path.name} imports {name}"


def test_what_the_page_must_know(made: Made, tmp_path: Path) -> None:
    answer = made(jobs=JobSettings(folder=tmp_path / "state")).get("/config.json")
    told = answer.json()
    assert told["server"] is True and told["version"] == __version__ and told["key"] is False
    assert told["most_bytes"] > 1e6 and told["most_pixels"] > 1e6
    assert told["private"] is private.is_available()
    assert told["jobs"] is True
    secret = made(keys=("long-enough",))
    assert secret.get("/config.json").json()["key"] is True and secret.get("/").status_code == 200


def test_the_manifest(client: TestClient) -> None:
    told = json.loads(client.get("/manifest.webmanifest").text)
    assert told["start_url"] == "./" and all(client.get(one["src"]).status_code == 200 for one in told["icons"])
