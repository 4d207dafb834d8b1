"""The parts of the OpenAPI schema that FastAPI cannot know: the answers, the errors, and the keys.

answers    media types and headers -> the answers of a route that works on a picture
plain      a JSON schema -> the answers of a route that gives JSON
complete   adds to every route what holds for all of them
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI

Answers: TypeAlias = dict[int | str, dict[str, Any]]

TEXT, INTEGER, NUMBER, SWITCH = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}
BINARY = TEXT | {"format": "binary"}

OPEN = ("/healthz", "/readyz")
"""What everybody may ask for without a key."""

_ERRORS = {"schema": {"$ref": "#/components/schemas/Errors"}}


def record(properties: Mapping[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


ERRORS = record(
    {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": record(
                {
                    "title": TEXT | {"description": "Short, the same for all errors of this code."},
                    "code": TEXT | {"description": "What programs may know it by."},
                    "detail": TEXT | {"description": "The value got, the value wanted, and the cure."},
                },
                optional=("detail",),
            ),
        }
    }
)
_REFUSED = {
    HTTPStatus.BAD_REQUEST: "The picture or a field cannot be used.",
    HTTPStatus.FORBIDDEN: "The key, the host or the origin is wrong.",
    HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly.",
    HTTPStatus.TOO_MANY_REQUESTS: "The queue is full, or the rate is used up; see Retry-After.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A fault of the server, whose log says why.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The model cannot be used, or too many connections are open.",
    HTTPStatus.GATEWAY_TIMEOUT: "The work took longer than it may.",
}
RATE_HEADERS = {
    "X-RateLimit-Limit": "Megapixels a minute.",
    "X-RateLimit-Remaining": "What is left of them.",
    "X-RateLimit-Reset": "When all are free again, in seconds since 1970.",
}


def answers(content: Mapping[str, Any], headers: Mapping[str, str], *, summary: str) -> Answers:
    """The answers of a route that works on a picture. content: media type -> schema. headers: name -> description."""
    found: Answers = {200: {"description": summary, "content": _content(content), "headers": _headers(headers)}}
    for status, text in _REFUSED.items():
        found[int(status)] = {"description": text, "content": {"application/json": _ERRORS}}
    found[429]["headers"] = _headers({"Retry-After": "Seconds after which to come again."})
    return found


def plain(schema: Mapping[str, Any], *, summary: str, headers: Mapping[str, str] | None = None) -> Answers:
    """The answers of a route that gives JSON."""
    content = _content({"application/json": schema})
    return {200: {"description": summary, "content": content, "headers": _headers(headers or {})}}


def complete(app: FastAPI, *, needs_key: bool) -> None:
    """Makes the application's schema whole. needs_key: whether requests must bring a key."""
    made: Callable[[], dict[str, Any]] = app.openapi

    @cache
    def openapi() -> dict[str, Any]:
        schema = made()
        components = schema.setdefault("components", {})
        components.setdefault("schemas", {})["Errors"] = ERRORS
        components["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
        either: list[dict[str, list[str]]] = [{"key": []}, {"bearer": []}]
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                if path not in OPEN:
                    operation["security"] = either if needs_key else [{}, *either]
                operation["responses"].pop("422", None)  # FastAPI's own; ours is a 400, as for all other errors
                default = {"description": "An error.", "content": {"application/json": _ERRORS}}
                operation["responses"].setdefault("default", default)
        for name in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(name, None)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _content(schemas: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: {"schema": schema} for kind, schema in schemas.items()}


def _headers(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": TEXT} for name, text in texts.items()}
