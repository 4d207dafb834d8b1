"""POST /v1.0/removebg, GET /v1.0/account, and the refusal of POST /v1.0/improve."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standout.serve.body import Body
from standout.serve.refusals import Refusal
from standout.serve.removebg import answer
from standout.serve.removebg.fields import FORMATS, SIZES, TYPE_LEVELS, parsed
from standout.serve.removebg.remove import removed
from standout.serve.result import Result
from standout.serve.service import Service
from standout.serve.settings import PictureLimits
from standout.types import PersonFinder

CREDITS = 1_000_000
"""What the account tells: clients stop at 0, and here nothing is charged."""

EXPOSED = (
    *("X-Type", "X-Width", "X-Height", "X-Max-Width", "X-Max-Height", "X-Credits-Charged"),
    *("X-Foreground-Top", "X-Foreground-Left", "X-Foreground-Width", "X-Foreground-Height"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"),
)
"""The headers that the scripts of other sites may read."""

_TEXTS = {
    "image_file_b64": "The picture in Base64.",
    "image_url": "Refused: this server fetches nothing from elsewhere.",
    "size": f"The most that the result has; it is never enlarged. One of {', '.join(SIZES)}.",
    "type": "Accepted and left out: it is people that are found.",
    "type_level": f"One of {', '.join(TYPE_LEVELS)}; none leaves the header X-Type out.",
    "format": f"One of {', '.join(FORMATS)}. zip holds color.jpg and alpha.png.",
    "roi": "Where people count: left, top, right and bottom, each in px or %.",
    "crop": "true cuts empty borders off.",
    "crop_margin": "Left about the people by crop: 1, 2 or 4 lengths in px or %.",
    "scale": "Of the people in the frame: original, or 10% to 100%.",
    "position": "Of the people in the frame: original, center, or one or two of 0% to 100%.",
    "channels": "rgba, or alpha for the mask.",
    "add_shadow": "Accepted and left out: it is for cars.",
    "semitransparency": "Accepted and left out: it is for the windows of cars.",
    "bg_color": "Of the background: 3, 4, 6 or 8 hexadecimal digits, or a name.",
    "bg_image_url": "Refused: this server fetches nothing from elsewhere.",
}
_FILES = {
    "image_file": "The picture: JPEG, PNG, WebP, AVIF, HEIC, TIFF, BMP or GIF.",
    "bg_image_file": "A picture that fills the background.",
}


def _schema() -> dict[str, Any]:
    """The request's body, as OpenAPI has it."""
    texts = {name: {"type": "string", "description": text} for name, text in _TEXTS.items()}
    files = {name: {"type": "string", "format": "binary", "description": text} for name, text in _FILES.items()}
    plain = {"schema": {"type": "object", "properties": texts}}
    forms = {"application/json": plain, "application/x-www-form-urlencoded": plain}
    return {
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": {"type": "object", "properties": files | texts}}} | forms,
        }
    }


def done(body: Body, as_json: bool, limits: PictureLimits, finder: PersonFinder) -> Result:
    """What a body asks for, done. as_json: whether the answer is JSON. Raises Refusal for what cannot be used."""
    order = parsed(body.fields())
    found = removed(order, finder=finder, limits=limits)
    data, kind = answer.body(found, order, as_json=as_json)
    width, height = found.photo_size
    return Result(data, kind, answer.headers(found, order), width * height)


def router(service: Service) -> APIRouter:
    """The addresses of the API."""
    made = APIRouter(prefix="/v1.0", tags=["remove.bg"])
    limits = service.settings.pictures

    @made.post("/removebg", summary="Remove what is behind the people", openapi_extra=_schema())
    async def removebg(request: Request) -> Response:
        as_json = answer.JSON in request.headers.get("accept", "").lower()
        return await service.answered(request, lambda body: partial(done, body, as_json, limits))

    @made.get("/account", summary="The credits: always the same, as nothing is charged")
    async def account(request: Request) -> JSONResponse:
        caller = service.keys.caller(request.headers)
        credits = {"total": CREDITS, "subscription": 0, "payg": CREDITS, "enterprise": 0}
        told = {"credits": credits, "api": {"free_calls": CREDITS, "sizes": "all"}}
        return JSONResponse({"data": {"attributes": told}}, headers=service.meter.headers(caller))

    @made.post("/improve", include_in_schema=False)
    async def improve(request: Request) -> JSONResponse:
        detail = "nothing leaves this machine, so no picture is taken for training; leave the request out"
        raise Refusal(HTTPStatus.NOT_FOUND, "not_found", title="Not Found", detail=detail)

    return made
