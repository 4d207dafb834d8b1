"""POST /v1.0/removebg, GET /v1.0/account, and the refusal of POST /v1.0/improve."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standout.serve import body, schema
from standout.serve.body import Body
from standout.serve.refusals import Refusal
from standout.serve.removebg import answer
from standout.serve.removebg.fields import FORMATS, SIZES, TYPE_LEVELS, parsed
from standout.serve.removebg.remove import removed
from standout.serve.result import WorkResult
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
    "size": "The most that the result has; it is never enlarged.",
    "type": "Accepted and left out: it is people that are found.",
    "type_level": "none leaves the header X-Type out.",
    "format": "zip holds color.jpg and alpha.png.",
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


_CHOICES = {
    "size": tuple(SIZES),
    "type_level": TYPE_LEVELS,
    "format": FORMATS,
    "crop": ("false", "true"),
    "channels": ("rgba", "alpha"),
    "add_shadow": ("false", "true"),
    "semitransparency": ("true", "false"),
}
_LENGTH = r"\d{1,4}(px|%)?"
_PATTERNS = {
    "roi": rf"{_LENGTH}( {_LENGTH}){{3}}",
    "crop_margin": rf"{_LENGTH}( {_LENGTH}|( {_LENGTH}){{3}})?",
    "scale": r"original|\d{2,3}%",
    "position": r"original|center|\d{1,3}%( \d{1,3}%)?",
    "bg_color": r"#?([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})|[a-zA-Z]+",
}
_HEADERS = {
    "X-Type": "What was found: person.",
    "X-Width": "Of the result, in pixels.",
    "X-Height": "Of the result, in pixels.",
    "X-Max-Width": "Of the result of size=full.",
    "X-Max-Height": "Of the result of size=full.",
    "X-Credits-Charged": "Always 0.",
    "X-Foreground-Top": "Where the people are in the picture that was sent.",
    "X-Foreground-Left": "Where the people are in the picture that was sent.",
    "X-Foreground-Width": "Of the people in the picture that was sent.",
    "X-Foreground-Height": "Of the people in the picture that was sent.",
}
_RESULT = schema.record(
    {
        "result_b64": schema.TEXT,
        **dict.fromkeys(("foreground_top", "foreground_left", "foreground_width", "foreground_height"), schema.INTEGER),
    }
)
_CREDITS = schema.record(dict.fromkeys(("total", "subscription", "payg", "enterprise"), schema.INTEGER))
_ACCOUNT = schema.record(
    {"credits": _CREDITS, "api": schema.record({"free_calls": schema.INTEGER, "sizes": schema.TEXT})}
)


def _answers() -> schema.Answers:
    content: dict[str, Any] = dict.fromkeys(answer.TYPES.values(), schema.BINARY)
    content[answer.JSON] = schema.record({"data": _RESULT})
    return schema.answers(content, _HEADERS | schema.RATE_HEADERS, summary="The result.")


def _schema() -> dict[str, Any]:
    """The request's body, as OpenAPI has it."""
    choices = {name: {"enum": list(values), "default": values[0]} for name, values in _CHOICES.items()}
    patterns = {name: {"pattern": f"^({pattern})$"} for name, pattern in _PATTERNS.items()}
    known = choices | patterns | {"image_file_b64": {"format": "byte"}, "image_url": {"format": "uri"}}
    texts = {name: schema.TEXT | known.get(name, {}) | {"description": text} for name, text in _TEXTS.items()}
    files = {name: schema.BINARY | {"description": text} for name, text in _FILES.items()}
    plain = {"schema": _form(texts)}
    content = {body.FORM: {"schema": _form(files | texts)}, body.JSON: plain, body.URLENCODED: plain}
    return {"requestBody": {"required": True, "content": content}}


def _form(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with exactly one of the sources of the picture."""
    sources = [name for name in ("image_file", "image_file_b64", "image_url") if name in properties]
    return {"type": "object", "properties": properties, "oneOf": [{"required": [name]} for name in sources]}


def done(sent: Body, as_json: bool, limits: PictureLimits, finder: PersonFinder) -> WorkResult:
    """What a body asks for, done. as_json: whether the answer is JSON. Raises Refusal for what cannot be used."""
    order = parsed(sent.fields())
    found = removed(order, finder=finder, limits=limits)
    data, kind = answer.body(found, order, as_json=as_json)
    width, height = found.photo_size
    return WorkResult(data, kind, answer.headers(found, order), width * height)


def router(service: Service) -> APIRouter:
    """The addresses of the API."""
    made = APIRouter(prefix="/v1.0", tags=["remove.bg"])
    limits = service.settings.pictures

    @made.post(
        "/removebg",
        summary="Remove what is behind the people",
        response_class=Response,
        responses=_answers(),
        openapi_extra=_schema(),
    )
    async def removebg(request: Request) -> Response:
        as_json = answer.JSON in request.headers.get("accept", "").lower()
        return await service.answered(request, lambda sent: partial(done, sent, as_json, limits))

    account_schema = schema.record({"data": schema.record({"attributes": _ACCOUNT})})

    @made.get(
        "/account",
        summary="The credits: always the same, as nothing is charged",
        responses=schema.plain(account_schema, summary="The account.", headers=schema.RATE_HEADERS),
    )
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
