"""Who may ask at all, what every answer's headers say, and the page of the documentation."""

import re

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from tests.serve.conftest import REMOVE, Made, code, drawn

FILES = {"image_file": ("a.png", drawn())}


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost:8700", "localhost", "[::1]:80"])
def test_names_of_this_machine(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "evil.example:8700"])
def test_other_names_are_refused(client: TestClient, host: str) -> None:
    """A site may point its own name at this machine, and then be of the same origin."""
    for answer in (
        client.get("/healthz", headers={"Host": host}),
        client.post(REMOVE, files=FILES, headers={"Host": host}),
    ):
        assert (answer.status_code, code(answer)) == (403, "forbidden")


def test_a_public_server_has_whatever_name(made: Made) -> None:
    client = made(host="0.0.0.0", keys=("a-key-of-ours",))
    assert client.get("/healthz", headers={"Host": "photos.example"}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8700"])
def test_pages_of_other_sites_are_refused(client: TestClient, origin: str) -> None:
    answer = client.post(REMOVE, files=FILES, headers={"Origin": origin})
    assert (answer.status_code, code(answer)) == (403, "forbidden") and "--cors" in answer.text
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_our_own_pages_may_ask(client: TestClient) -> None:
    assert client.post(REMOVE, files=FILES, headers={"Origin": "http://127.0.0.1:8700"}).status_code == 200


@pytest.mark.parametrize("origins", [("https://shop.example",), ("*",)])
def test_pages_that_are_allowed(made: Made, origins: tuple[str, ...]) -> None:
    client = made(origins=origins)
    answer = client.post(REMOVE, files=FILES, headers={"Origin": "https://shop.example"})
    assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Origin"] == origins[0]
    assert "X-Credits-Charged" in answer.headers["Access-Control-Expose-Headers"]
    asks = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key",
    }
    assert client.options(REMOVE, headers=asks).status_code == 200
    other = client.post(REMOVE, files=FILES, headers={"Origin": "https://evil.example"})
    assert other.status_code == (200 if origins == ("*",) else 403)


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/docs.css", "/openapi.json", "/nothing", "/v1.0/account"])
def test_headers_of_every_answer(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer" and headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/x", 404), ("GET", REMOVE, 405), ("PUT", "/docs", 405)]
)
def test_what_is_not_there(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, code(answer)) == (status, {404: "not_found", 405: "method_not_allowed"}[status])
    assert "/docs" in answer.text and ("Allow" in answer.headers) == (status == 405)


def test_the_documentation_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text
    assert not re.findall(r"https?://|<script|style=|\bon\w+=", page), "no address of another host, and no script"
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert client.get(address).status_code == 200
    assert "url(" not in client.get("/docs.css").text


def test_the_documentation_names_every_address_and_field(client: TestClient) -> None:
    page, schema = client.get("/docs").text, client.get("/openapi.json").json()
    wanted = {REMOVE, "/v1.0/account", "/v1/mask", "/v1/edit", "/v1/models", "/v1/effects", "/healthz", "/readyz"}
    wanted |= {
        "/v1/people",
        "/metrics",
        "/v1/jobs",
        *(f"/v1/jobs/{{job_id}}{part}" for part in ("", "/events", "/result")),
    }
    assert set(schema["paths"]) == wanted and all(path in page for path in wanted)
    fields = schema["paths"][REMOVE]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert {"image_file", "size", "roi", "bg_image_file", "crop_margin"} <= fields.keys()
    assert all(f"<code>{name}</code>" in page for name in fields)
