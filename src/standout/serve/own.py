"""The API of our own: POST /v1/mask and POST /v1/edit, a picture in, a picture out; and GET /v1/models.

image        the picture: a file in multipart/form-data, or the whole body, of the type image/*
edit         JSON, see standout.editing.Edit; /v1/edit alone
background   the picture for the effect "replace", as a file
Accept       image/png, image/jpeg, image/webp or image/avif: the format of the result
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standout import images
from standout.editing import Edit, Edited
from standout.effects import Matte, Replace
from standout.effects.compose import before_white
from standout.errors import InputError
from standout.masks.full_size import full_size
from standout.models.registry import REGISTRY
from standout.serve import pictures
from standout.serve.body import Fields
from standout.serve.refusals import bad_request
from standout.serve.service import Service
from standout.types import Metadata, PersonFinder, Photo

SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/avif": ".avif"}
"""Media type -> suffix, the default first."""

IMAGE, BACKGROUND = "image", "background"


def router(service: Service) -> APIRouter:
    """The addresses of the API."""
    made = APIRouter(prefix="/v1", tags=["standout"])

    async def edited(request: Request, edit: Edit | None) -> Response:
        async with service.admitted(request) as caller:
            fields = await service.fields(request, whole=IMAGE)
            suffix = _suffix(request)
            image = _file(fields, IMAGE)

            def job(finder: PersonFinder) -> tuple[Photo, Edited, bytes]:
                photo = _opened(image, IMAGE, service)
                wanted = edit or _edit(fields, service)
                result = _done(photo, wanted, finder)
                return photo, result, _encoded(result, photo, wanted, suffix)

            photo, result, data = await service.work(request, job)
            height, width = photo.image.shape[:2]
            service.meter.charge(caller, height * width)
            told = {"X-Person-Share": f"{result.person_share:.6f}"} | service.meter.headers(caller)
            kind = next(name for name, one in SUFFIXES.items() if one == suffix)
            return Response(data, media_type=kind, headers=told)

    @made.post("/mask", summary="The mask of the people, white on black", openapi_extra=_schema())
    async def mask(request: Request) -> Response:
        return await edited(request, Edit(Matte()))

    @made.post("/edit", summary="The photo with an edit done", openapi_extra=_schema("edit", BACKGROUND))
    async def edit(request: Request) -> Response:
        return await edited(request, None)

    @made.get("/models", summary="The bundled models, and which of them answers")
    async def models(request: Request) -> JSONResponse:
        service.keys.caller(request.headers)
        used = service.settings.model
        known = [{"name": name, "purpose": one.purpose, "used": name == used} for name, one in REGISTRY.items()]
        return JSONResponse({"models": known})

    return made


def _schema(*more: str) -> dict[str, Any]:
    """The request's body, as OpenAPI has it."""
    known = {
        IMAGE: {"type": "string", "format": "binary", "description": "The picture."},
        "edit": {"type": "string", "description": 'JSON, such as {"effect": {"name": "blur", "strength": 0.8}}.'},
        BACKGROUND: {"type": "string", "format": "binary", "description": 'The picture for the effect "replace".'},
    }
    form = {"type": "object", "properties": {name: known[name] for name in (IMAGE, *more)}, "required": [IMAGE]}
    content = {"multipart/form-data": {"schema": form}, "image/*": {"schema": {"type": "string", "format": "binary"}}}
    return {"requestBody": {"required": True, "content": content}}


def _suffix(request: Request) -> str:
    """The first of our formats that the Accept header names; PNG where it names none, and all would do."""
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    for kind in accepted:
        if kind in SUFFIXES:
            return SUFFIXES[kind]
    if not {"", "*/*", "image/*"} & {*accepted}:
        raise bad_request(f"Accept is {', '.join(accepted)[:200]!r}; wanted one of {', '.join(SUFFIXES)}")
    return ".png"


def _file(fields: Fields, name: str) -> bytes:
    value = fields.get(name)
    if isinstance(value, bytes):
        return value
    got = "text" if value else "missing"
    raise bad_request(f"{name} is {got}; send a picture as a file (curl -F {name}=@photo.jpg)")


def _opened(data: bytes, name: str, service: Service) -> Photo:
    limits = service.settings
    return pictures.opened(data, field=name, most_bytes=limits.most_bytes, most_pixels=limits.most_pixels)


def _edit(fields: Fields, service: Service) -> Edit:
    """The edit that the fields hold. A file of the server's own disk is never read for it."""
    text = fields.get("edit", "{}")
    try:
        edit = Edit.from_json(text)
    except (InputError, RecursionError) as error:
        raise bad_request(f"edit: {error}") from None
    if isinstance(edit.effect, Replace):
        behind = _opened(_file(fields, BACKGROUND), BACKGROUND, service)
        return replace(edit, effect=replace(edit.effect, background=behind))
    if edit.effect.files():
        raise bad_request(f"edit: the effect {edit.effect.name} reads a file of the server, which is not allowed")
    return edit


def _done(photo: Photo, edit: Edit, finder: PersonFinder) -> Edited:
    found = full_size(finder.probability(photo.image), photo.image, refined=edit.edge.refine)
    try:
        return edit.of_photo(photo, found if photo.alpha is None else np.minimum(found, photo.alpha))
    except InputError as error:
        raise bad_request(f"edit: {error}") from None


def _encoded(result: Edited, photo: Photo, edit: Edit, suffix: str) -> bytes:
    picture = result.picture
    if not images.WRITERS[suffix].alpha:
        picture = before_white(picture)
    meta = Metadata(dpi=photo.meta.dpi, bits=photo.meta.bits) if edit.effect.is_mask else photo.meta
    try:
        return images.encode(picture, suffix, meta=meta)
    except InputError as error:
        raise bad_request(f"the result cannot be written: {error}") from None
