"""A request's body -> its fields, in memory alone.

    fields   dict: name -> str, or bytes for an uploaded file

multipart/form-data, application/x-www-form-urlencoded and application/json give the same fields; a picture as the whole
body (image/*) is a field, too, see Form.whole. Numbers, true and false of JSON become text, and null is left out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import TypeAlias

import python_multipart  # noqa: F401 - Starlette would miss it only when the first form comes
from starlette.datastructures import FormData, Headers
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from standout.serve.refusals import Refusal, bad_request

Fields: TypeAlias = dict[str, str | bytes]

MOST_FIELDS = 100
MOST_FILES = 10
KINDS = "multipart/form-data, application/x-www-form-urlencoded or application/json"


class _InMemory(MultiPartParser):
    """Keeps uploads in memory: what is larger than this would be written to a temporary file."""

    spool_max_size = 2**40


async def fields(request: Request, *, most: int, seconds: float, whole: str = "") -> Fields:
    """The fields of the request. whole: the name of the field that a body of the type image/* is, where one may be.

    most: bytes of the body; more are refused by their number in the header, or as soon as so many have come. seconds:
    that reading may take.

    Raises Refusal for a body that is too large or too slow, or that is not what its type says.
    """
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > most:
        raise too_large(told, most)
    try:
        async with asyncio.timeout(seconds):
            return await _parsed(request, _limited(request, most), whole)
    except TimeoutError:
        raise Refusal(
            HTTPStatus.REQUEST_TIMEOUT,
            "request_timeout",
            title="Request timeout",
            detail=f"the body did not come within {seconds:g} s; send a smaller picture, or over a faster line",
        ) from None
    except (MultiPartException, KeyError) as error:
        raise bad_request(f"the body is not multipart/form-data ({error}); let a library write it") from None
    except ClientDisconnect:
        raise bad_request("the body ended before it was complete") from None


def too_large(told: object, most: int) -> Refusal:
    """The refusal of a body with more bytes than `most`."""
    detail = f"the request has {told} bytes, wanted at most {most}; send a smaller picture"
    return Refusal(HTTPStatus.BAD_REQUEST, "file_too_large", title="File too large", detail=detail)


async def _limited(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """The chunks of the body. Raises Refusal as soon as there are more bytes than the limit."""
    come = 0
    async for chunk in request.stream():
        come += len(chunk)
        if come > most:
            raise too_large(f"more than {most}", most)
        yield chunk


async def _parsed(request: Request, chunks: AsyncGenerator[bytes, None], whole: str) -> Fields:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        parser = _InMemory(
            Headers({"Content-Type": request.headers["content-type"]}),
            chunks,
            max_files=MOST_FILES,
            max_fields=MOST_FIELDS,
            max_part_size=2**40,  # the body's limit holds for each part
        )
        return await _uploaded(await parser.parse())
    if kind == "application/x-www-form-urlencoded":
        form = FormParser(request.headers, chunks, max_fields=MOST_FIELDS, max_part_size=2**40)
        return await _uploaded(await form.parse())
    data = b"".join([chunk async for chunk in chunks])
    if kind == "application/json":
        return _from_json(data)
    if whole and (kind.startswith("image/") or kind == "application/octet-stream"):
        return {whole: data}
    if not data:
        return {}
    wanted = KINDS + (", or a picture as the body, of the type image/*" if whole else "")
    raise bad_request(f"the body's Content-Type is {kind!r}; wanted {wanted}")


async def _uploaded(form: FormData) -> Fields:
    """The fields of a form; of several with one name, the last one counts."""
    found: Fields = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, str):
                found[name] = value
            elif value.filename or value.size:  # a browser sends an empty file where none was chosen
                found[name] = await value.read()
    finally:
        await form.close()
    return found


def _from_json(data: bytes) -> Fields:
    try:
        made = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON ({error or 'nested too deeply'})") from None
    if not isinstance(made, dict):
        raise bad_request(f"the body is a JSON {type(made).__name__}; wanted an object of fields")
    found: Fields = {}
    for name, value in made.items():
        if isinstance(value, str):
            found[name] = value
        elif isinstance(value, dict | list | bool | int | float):
            found[name] = json.dumps(value)
    return found
