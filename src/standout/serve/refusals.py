"""Errors as answers: every one has the same JSON body.

{"errors": [{"title": "File too large", "code": "file_too_large", "detail": "the file has ... bytes; ..."}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class Refusal(Exception):
    """A request that is answered by an error.

    title: short, the same for all requests of this code. detail: the value got, the value wanted and the cure.
    """

    def __init__(
        self, status: int, code: str, *, title: str, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {detail or title}")
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.headers = dict(headers or {})

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is pickled: a worker process hands it to the server."""
        return _again, (self.status, self.code, self.title, self.detail, self.headers)

    def answer(self) -> JSONResponse:
        """The answer that tells it."""
        told = {"title": self.title, "code": self.code} | ({"detail": self.detail} if self.detail else {})
        return JSONResponse({"errors": [told]}, self.status, self.headers)


def _again(status: int, code: str, title: str, detail: str, headers: dict[str, str]) -> Refusal:
    return Refusal(status, code, title=title, detail=detail, headers=headers)


def auth_failed(title: str) -> Refusal:
    """The refusal of a request without a key, or with a wrong one."""
    detail = "send one of the server's keys in the header X-Api-Key, or as Authorization: Bearer KEY"
    return Refusal(HTTPStatus.FORBIDDEN, "auth_failed", title=title, detail=detail)


def busy(detail: str, *, seconds: int, headers: Mapping[str, str] | None = None) -> Refusal:
    """The refusal of a request that may come again after so many seconds."""
    told = {"Retry-After": str(max(1, seconds)), **(headers or {})}
    title = "Rate limit exceeded"
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_exceeded", title=title, detail=detail, headers=told)


def bad_request(detail: str) -> Refusal:
    """The refusal of a request whose parts cannot be used."""
    return Refusal(HTTPStatus.BAD_REQUEST, "bad_request", title="The request cannot be used", detail=detail)


def by_status(status: int) -> Refusal:
    """The refusal that has no other reason than its HTTP status, such as 404."""
    details = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address; /docs lists all addresses",
        HTTPStatus.METHOD_NOT_ALLOWED: "this address takes another method; /docs lists all addresses",
        HTTPStatus.INTERNAL_SERVER_ERROR: "the server's log says why",
        HTTPStatus.SERVICE_UNAVAILABLE: "the model cannot be used; the server's log says why",
    }
    kind = HTTPStatus(status)
    return Refusal(status, kind.name.lower(), title=kind.phrase, detail=details.get(kind, ""))


def add_handlers(app: FastAPI) -> None:
    """Has the application answer all errors in this shape; one that nobody expected tells nothing of itself."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return bad_request(wrong).answer()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.answer()


async def _by_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refusal = by_status(error.status_code)
    refusal.headers.update(error.headers or {})
    return refusal.answer()


async def _failed(request: Request, error: Exception) -> Response:
    return by_status(HTTPStatus.INTERNAL_SERVER_ERROR).answer()
