"""The API of our own: POST /v1/mask, /v1/edit and /v1/people, a picture in; GET /v1/models and /v1/effects.

/v1/mask and /v1/edit answer with a picture, the others with JSON.

image        the picture: a file in multipart/form-data, or the whole body, of the type image/*
edit         JSON, see standout.editing.Edit; /v1/edit alone
mask         the people, as a picture, in place of those that the model would find; /v1/edit alone
background   the picture for the effect "replace", as a file
longest      the longer side of the result before it is cropped, in pixels; a photo is never enlarged
Accept       image/png, image/jpeg, image/webp or image/avif: the format of the result
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standout import images
from standout.editing import Edit, Edited
from standout.editing.people import group_of
from standout.effects import Matte, Replace
from standout.effects.compose import before_white
from standout.errors import InputError
from standout.masks.confidence import judged
from standout.masks.full_size import full_size
from standout.masks.letterbox import resize
from standout.models.registry import REGISTRY
from standout.serve import catalog, pictures, schema
from standout.serve.body import Body, Fields
from standout.serve.refusals import Refusal, bad_request
from standout.serve.result import WorkResult
from standout.serve.service import Service
from standout.serve.settings import PictureLimits
from standout.types import Judged, Mask, PersonFinder, Photo

SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/avif": ".avif"}
"""Media type -> suffix, the default first."""

IMAGE, BACKGROUND, MASK, EDIT, LONGEST = "image", "background", "mask", "edit", "longest"

_PICTURE = schema.BINARY
_FIELDS = {
    IMAGE: _PICTURE | {"description": "The picture."},
    EDIT: {"type": "string", "description": 'JSON, such as {"effect": {"name": "blur", "strength": 0.8}}.'},
    MASK: _PICTURE
    | {"description": "The people, white on black or in its transparency; the model looks for none then."},
    BACKGROUND: _PICTURE | {"description": 'The picture for the effect "replace".'},
    LONGEST: {"type": "integer", "minimum": 1, "description": "The result's longer side in pixels, for a preview."},
}


_HEADERS = {
    "X-Person-Share": "The share of the photo that is person, 0..1.",
    "X-Confidence": "The Dice to be expected between the mask and a correct one, 0..1, if the model can tell.",
    "X-Nobody": "The probability that the photo shows nobody, 0..1, if the model can tell.",
}

_MODEL = schema.record({"name": schema.TEXT, "purpose": schema.TEXT, "used": schema.SWITCH})
_MODELS = schema.plain(schema.record({"models": {"type": "array", "items": _MODEL}}), summary="The models.")
_NUMBER = {"type": "number", "minimum": 0, "maximum": 1}
_PERSON = schema.record(
    {
        "index": {"type": "integer", "description": "From left to right; the first is 1. people.which takes it."},
        "box": {
            "type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4,
            "description": "Left, top, right and bottom, in pixels.",
        },
        "share": _NUMBER | {"description": "Of the photo."},
        "confidence": _NUMBER,
    }
)  # fmt: skip
_WHO = {"width": {"type": "integer"}, "height": {"type": "integer"}, "people": {"type": "array", "items": _PERSON}}
_PEOPLE = schema.answers({"application/json": schema.record(_WHO)}, schema.RATE_HEADERS, summary="The people.")
_EFFECTS = schema.plain(
    schema.record({"effects": {"type": "array", "items": catalog.SCHEMA}, "parts": catalog.PARTS_SCHEMA}),
    summary="The effects, and what goes with every one of them.",
)


@dataclass(frozen=True)
class EditOrder:
    """What a request asks for. edit: JSON. longest: 0 for the photo's own size."""

    image: bytes
    edit: str | bytes = "{}"
    mask: bytes | None = None
    background: bytes | None = None
    longest: int = 0


def router(service: Service) -> APIRouter:
    """The addresses of the API."""
    made = APIRouter(prefix="/v1", tags=["standout"])

    limits = service.settings.pictures

    async def answered(request: Request, *, edit: str | None) -> Response:
        service.keys.caller(request.headers)
        kind = _media_type(request)
        return await service.answered(request, lambda body: partial(done, body, kind, edit, limits), whole=IMAGE)

    content = dict.fromkeys(SUFFIXES, schema.BINARY)
    headers = _HEADERS | schema.RATE_HEADERS
    picture: dict[str, Any] = {
        "response_class": Response,
        "responses": schema.answers(content, headers, summary="The picture, in the format that Accept chooses."),
    }

    @made.post("/mask", summary="The mask of the people, white on black", openapi_extra=_schema(LONGEST), **picture)
    async def mask(request: Request) -> Response:
        return await answered(request, edit=Edit(Matte()).to_json())

    every = _schema(EDIT, MASK, BACKGROUND, LONGEST)

    @made.post("/edit", summary="The photo with an edit done", openapi_extra=every, **picture)
    async def edit(request: Request) -> Response:
        return await answered(request, edit=None)

    @made.post("/people", summary="Who is in the photo", openapi_extra=_schema(), responses=_PEOPLE)
    async def people(request: Request) -> Response:
        service.keys.caller(request.headers)
        return await service.answered(request, lambda body: partial(listed, body, limits), whole=IMAGE)

    @made.get("/models", summary="The bundled models, and which of them answers", responses=_MODELS)
    async def models(request: Request) -> JSONResponse:
        service.keys.caller(request.headers)
        used = service.settings.model
        known = [{"name": name, "purpose": one.purpose, "used": name == used} for name, one in REGISTRY.items()]
        return JSONResponse({"models": known})

    @made.get("/effects", summary="The effects, and the settings of each", responses=_EFFECTS)
    async def effects(request: Request) -> JSONResponse:
        service.keys.caller(request.headers)
        return JSONResponse({"effects": catalog.listed(), "parts": catalog.parts()})

    return made


def done(body: Body, kind: str, edit: str | None, limits: PictureLimits, finder: PersonFinder) -> WorkResult:
    """What a body asks for, done, as a picture of that media type. edit: that of the address itself, as JSON.

    Raises Refusal for a body, a picture or an edit that cannot be used.
    """
    order = _order(body.fields(), edit)
    photo = _opened(order.image, IMAGE, limits)
    done = _edited(order, photo, limits, finder)
    height, width = photo.image.shape[:2]
    headers = {"X-Person-Share": f"{done.edited.person_share:.6f}"}
    for name, value in (("X-Confidence", done.found.confidence), ("X-Nobody", done.found.nobody)):
        headers |= {} if value is None else {name: f"{value:.4f}"}
    data = _encoded(done.edited, done.photo, done.edit, SUFFIXES[kind])
    return WorkResult(data, kind, headers, height * width)


def listed(body: Body, limits: PictureLimits, finder: PersonFinder) -> WorkResult:
    """Who is in the picture of a body, from left to right, as JSON. Raises Refusal as done does."""
    photo = _opened(_file(body.fields(), IMAGE), IMAGE, limits)
    height, width = photo.image.shape[:2]
    people = [one.to_dict() for one in group_of(photo, finder).people]
    told = json.dumps({"width": width, "height": height, "people": people})
    return WorkResult(told.encode(), "application/json", {}, height * width)


class DoneOrder(NamedTuple):
    """The result of an order, the photo on which it was made, which may be smaller, and the edit for that size."""

    edited: Edited
    photo: Photo
    edit: Edit
    found: Judged


def _edited(order: EditOrder, photo: Photo, limits: PictureLimits, finder: PersonFinder) -> DoneOrder:
    """What is done for the order."""
    height = photo.image.shape[0]
    edit = _edit(order, limits)
    shrunk = _shrunk(photo, order.longest)
    if shrunk is not photo:
        edit = edit.scaled(shrunk.image.shape[0] / height)
    if order.mask is None:
        asked = edit.finder(finder)
        found = judged(asked.probability(shrunk.image), asked)
        mask = full_size(found.mask, shrunk.image, refined=edit.refined)
    else:
        mask = resize(_given(order.mask, limits), *shrunk.image.shape[:2])
        found = Judged(mask)
    if shrunk.alpha is not None and not edit.effect.hides_people:
        mask = np.minimum(mask, shrunk.alpha)
    try:
        return DoneOrder(edit.of_photo(shrunk, mask), shrunk, edit, found)
    except InputError as error:
        raise bad_request(f"edit: {error}") from None


def _schema(*more: str) -> dict[str, Any]:
    """The request's body, as OpenAPI has it."""
    form = {"type": "object", "properties": {name: _FIELDS[name] for name in (IMAGE, *more)}, "required": [IMAGE]}
    content = {"multipart/form-data": {"schema": form}, "image/*": {"schema": _PICTURE}}
    return {"requestBody": {"required": True, "content": content}}


def _media_type(request: Request) -> str:
    """The first of our formats that the Accept header names; PNG where it names none, and all would do."""
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    for kind in accepted:
        if kind in SUFFIXES:
            return kind
    if not {"", "*/*", "image/*"} & {*accepted}:
        raise bad_request(f"Accept is {', '.join(accepted)[:200]!r}; wanted one of {', '.join(SUFFIXES)}")
    return next(iter(SUFFIXES))


def _file(fields: Fields, name: str) -> bytes:
    value = fields.get(name)
    if isinstance(value, bytes):
        return value
    raise _missing(name, "text" if value else "missing")


def _missing(name: str, got: str) -> Refusal:
    return bad_request(f"{name} is {got}; send a picture as a file (curl -F {name}=@photo.jpg)")


def _opened(data: bytes, name: str, limits: PictureLimits) -> Photo:
    return pictures.opened(data, field=name, limits=limits)


def _order(fields: Fields, edit: str | None) -> EditOrder:
    """The order in the fields. edit: that of the address itself, to which no edit, mask or background is given."""
    longest = _longest(fields.get(LONGEST, ""))
    image = _file(fields, IMAGE)
    if edit is not None:
        return EditOrder(image, edit, longest=longest)
    mask = _file(fields, MASK) if MASK in fields else None
    background = fields.get(BACKGROUND)
    behind = background if isinstance(background, bytes) else None
    return EditOrder(image, fields.get(EDIT, "{}"), mask, behind, longest)


def _longest(text: str | bytes) -> int:
    if not text:
        return 0
    if isinstance(text, bytes) or not (text.isascii() and text.isdecimal()) or len(text) > 9 or int(text) < 1:
        raise bad_request(f"longest is {text[:20]!r}; wanted the longer side of the result in pixels, such as 1400")
    return int(text)


def _shrunk(photo: Photo, longest: int) -> Photo:
    """The photo with at most so many pixels on its longer side; 0 leaves it."""
    height, width = photo.image.shape[:2]
    factor = longest / max(height, width)
    if not 0 < factor < 1:
        return photo
    return pictures.resized(photo, max(1, round(height * factor)), max(1, round(width * factor)))


def _given(data: bytes, limits: PictureLimits) -> Mask:
    """The mask in a picture: its transparency where it has any, else how bright it is."""
    picture = _opened(data, MASK, limits)
    if picture.alpha is not None:
        return picture.alpha
    levels = picture.image.mean(2, dtype=np.float32)
    return np.asarray(levels / np.iinfo(picture.image.dtype).max, np.float32)


def _edit(order: EditOrder, limits: PictureLimits) -> Edit:
    """The edit of the order. A file of the server's own disk is never read for it."""
    try:
        edit = Edit.from_json(order.edit)
        edit.placement.check_size(limits.most_pixels)
    except (InputError, RecursionError) as error:
        raise bad_request(f"edit: {error}") from None
    if isinstance(edit.effect, Replace):
        if order.background is None:
            raise _missing(BACKGROUND, "missing")
        behind = _opened(order.background, BACKGROUND, limits)
        return replace(edit, effect=replace(edit.effect, background=behind))
    if edit.effect.files():
        raise bad_request(f"edit: the effect {edit.effect.name} reads a file of the server, which is not allowed")
    return edit


def _encoded(result: Edited, photo: Photo, edit: Edit, suffix: str) -> bytes:
    picture = result.picture
    if not images.WRITERS[suffix].alpha:
        picture = before_white(picture)
    try:
        return images.encode(picture, suffix, meta=edit.kept(photo.meta))
    except InputError as error:
        raise bad_request(f"the result cannot be written: {error}") from None
