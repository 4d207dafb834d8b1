"""Every answer is one that the OpenAPI schema describes, whatever a client makes of that schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

pytest.importorskip("fastapi")
pytest.importorskip("schemathesis", reason="needs schemathesis, of the group dev")
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from standout.serve.app import create
from standout.serve.schema import OPEN
from standout.serve.settings import ServerSettings
from tests.serve.conftest import HOST, REMOVE, Bright, code, drawn, nobody

CHECKS = [
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
KEY = "a-key-of-ours"
PLAIN = ("image", "image_file", "longest", "size", "format", "channels", "crop", "type_level")
"""Fields that go together, whatever their values are; what else is drawn nearly always contradicts itself."""

OPERATIONS = {
    ("POST", REMOVE),
    ("GET", "/v1.0/account"),
    ("POST", "/v1/mask"),
    ("POST", "/v1/edit"),
    ("GET", "/v1/models"),
    ("GET", "/v1/effects"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/{job_id}"),
    ("DELETE", "/v1/jobs/{job_id}"),
    ("GET", "/v1/jobs/{job_id}/events"),
    ("GET", "/v1/jobs/{job_id}/result"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def app() -> Iterator[FastAPI]:
    yield create(ServerSettings(host="0.0.0.0", keys=(KEY,), workers=1), Bright())
    asgi.shutdown_lifespans()  # otherwise it runs until the process ends


@pytest.fixture(scope="module")
def schema(app: FastAPI) -> Any:
    pictures = st.one_of(st.sampled_from([drawn(), nobody(), drawn("JPEG"), drawn("GIF")]), st.binary(max_size=200))
    schemathesis.openapi.format("binary", pictures)
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_answers_are_as_described(schema: Any, method: str, path: str, mode: GenerationMode) -> None:
    @hypothesis.given(case=schema[path][method].as_strategy(generation_mode=mode), is_plain=st.booleans())
    @hypothesis.settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def ask(case: Any, is_plain: bool) -> None:
        if is_plain and isinstance(case.body, dict):
            case.body = {name: value for name, value in case.body.items() if name in PLAIN}
        answer = case.call(headers={"X-Api-Key": KEY})
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE and method == "GET", "a request without fields has nothing to be wrong"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/webp"])
@pytest.mark.parametrize(("path", "field"), [(REMOVE, "image_file"), ("/v1/mask", "image"), ("/v1/edit", "image")])
def test_results_are_as_described(schema: Any, path: str, field: str, accept: str) -> None:
    """Drawn requests seldom get as far as a result."""
    case = schema[path]["POST"].Case(body={field: drawn()}, media_type="multipart/form-data")
    answer = case.call(headers={"X-Api-Key": KEY, "Accept": accept})
    case.validate_response(answer, checks=CHECKS)
    assert answer.status_code == (400 if path != REMOVE and accept == "application/json" else 200)


def test_every_route_is_among_them(app: FastAPI) -> None:
    described = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    assert described >= OPERATIONS
    for path, methods in app.openapi()["paths"].items():
        for operation in methods.values():
            assert operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"]
            assert ("security" in operation) == (path not in OPEN) and "422" not in operation["responses"]


@pytest.mark.parametrize("keys", [(), ("a-key-of-ours",)])
def test_whether_a_key_is_needed(keys: tuple[str, ...]) -> None:
    schema = create(ServerSettings(keys=keys), Bright()).openapi()
    assert schema["components"]["securitySchemes"].keys() == {"key", "bearer"}
    assert ({} in schema["paths"][REMOVE]["post"]["security"]) == (not keys)


def test_fields_with_a_few_values_list_them(app: FastAPI) -> None:
    form = app.openapi()["paths"][REMOVE]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {name for name, one in form["properties"].items() if "enum" in one} == {
        *("size", "format", "channels", "crop", "type_level", "add_shadow", "semitransparency"),
    }
    with TestClient(create(ServerSettings(), Bright()), base_url=HOST) as client:
        for name, one in form["properties"].items():
            for value in one.get("enum", ()):
                answer = client.post(REMOVE, files={"image_file": drawn()}, data={name: value})
                assert answer.status_code == 200, (name, value, answer.text)


def test_a_parameter_that_fastapi_refuses_has_our_error() -> None:
    app = create(ServerSettings(), Bright())

    @app.get("/number/{one}")
    async def number(one: int) -> int:
        return one

    with TestClient(app, base_url=HOST) as client:
        answer = client.get("/number/x")
        assert (answer.status_code, code(answer)) == (400, "bad_request") and "path.one" in answer.text
        assert client.get("/number/1").json() == 1
