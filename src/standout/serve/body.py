"""A request's body -> its fields, in memory alone.

    Body     what has come: of multipart/form-data the fields, of other types the bytes
    Fields   dict: name -> str, or bytes for an uploaded file

multipart/form-data, application/x-www-form-urlencoded and application/json give the same fields; a picture as the whole
body (image/*) is a field, too, see read. Numbers, true and false of JSON become text, and null is left out.

The server reads a body, and a worker process gets its fields out of it: JSON and percent-encoding of many megabytes
would keep the server's one thread from everybody else, and take memory without a limit.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import parse_qsl

import python_multipart  # noqa: F401 - Starlette would miss it only when the first form comes
from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from standout.serve.refusals import Refusal, bad_request

Fields: TypeAlias = dict[str, str | bytes]

MOST_FIELDS = 100
MOST_FILES = 10
FORM, URLENCODED, JSON = "multipart/form-data", "application/x-www-form-urlencoded", "application/json"

IDLE_SECONDS = 20.0
"""How long a client may send nothing of its body."""


@dataclass(frozen=True)
class Body:
    """A body as it came. kind: its media type. form: the fields of multipart/form-data. whole: see read."""

    kind: str
    data: bytes = b""
    form: Fields | None = None
    whole: str = ""

    def fields(self) -> Fields:
        """The fields. Raises Refusal for a body that is not what its type says."""
        if self.form is not None:
            return self.form
        if self.kind == URLENCODED:
            return _from_urlencoded(self.data)
        if self.kind == JSON:
            return _from_json(self.data)
        return {self.whole: self.data} if self.data else {}


class _InMemory(MultiPartParser):
    """Keeps uploads in memory: what is larger than this would be written to a temporary file."""

    spool_max_size = 2**40


async def read(request: Request, *, most: int, seconds: float, whole: str = "") -> Body:
    """The body of the request. whole: the name of the field that a body of the type image/* is, where one may be.

    most: bytes of the body; more are refused by their number in the header, or as soon as so many have come. seconds:
    that reading may take.

    Raises Refusal for a body that is too large or too slow, of another type, or no form where its type says so.
    """
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > most:
        raise too_large(told, most)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_picture = bool(whole) and (kind.startswith("image/") or kind == "application/octet-stream")
    if kind not in (FORM, URLENCODED, JSON, "") and not is_picture:
        raise _of_no_type(kind, whole)
    now = asyncio.get_running_loop().time
    ends = now() + seconds
    try:
        async with asyncio.timeout_at(min(ends, now() + IDLE_SECONDS)) as limit:
            chunks = _limited(request, most, lambda: limit.reschedule(min(ends, now() + IDLE_SECONDS)))
            if kind == FORM:
                return Body(kind, form=await _parsed(request, chunks))
            data = b"".join([chunk async for chunk in chunks])
    except TimeoutError:
        raise _too_slow(seconds) from None
    except (MultiPartException, KeyError) as error:
        raise bad_request(f"the body is not multipart/form-data ({error}); let a library write it") from None
    except ClientDisconnect:
        raise bad_request("the body ended before it was complete") from None
    if data and not kind:
        raise _of_no_type(kind, whole)
    return Body(kind, data, whole=whole)


def too_large(told: object, most: int) -> Refusal:
    """The refusal of a body with more bytes than `most`."""
    detail = f"the request has {told} bytes, wanted at most {most}; send a smaller picture"
    return Refusal(HTTPStatus.BAD_REQUEST, "file_too_large", title="File too large", detail=detail)


def _of_no_type(kind: str, whole: str) -> Refusal:
    wanted = f"{FORM}, {URLENCODED} or {JSON}" + (", or a picture as the body, of the type image/*" if whole else "")
    return bad_request(f"the body's Content-Type is {kind[:200]!r}; wanted {wanted}")


def _too_slow(seconds: float) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_TIMEOUT,
        "request_timeout",
        title="Request timeout",
        detail=f"the body did not come within {seconds:g} s, or nothing of it for {IDLE_SECONDS:g} s; "
        "send a smaller picture, or over a faster line",
    )


async def _limited(request: Request, most: int, has_come: Callable[[], None]) -> AsyncGenerator[bytes, None]:
    """The chunks of the body. Raises Refusal as soon as there are more bytes than the limit."""
    come = 0
    async for chunk in request.stream():
        has_come()
        come += len(chunk)
        if come > most:
            raise too_large(f"more than {most}", most)
        yield chunk


async def _parsed(request: Request, chunks: AsyncGenerator[bytes, None]) -> Fields:
    """The fields of a form; of several with one name, the last one counts."""
    parser = _InMemory(
        Headers({"Content-Type": request.headers["content-type"]}),
        chunks,
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=2**40,  # the body's limit holds for each part
    )
    form: FormData = await parser.parse()
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


def _from_urlencoded(data: bytes) -> Fields:
    try:
        pairs = parse_qsl(data.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise bad_request(f"the body is not {URLENCODED} ({error}); let a library write it") from None
    return dict(pairs)


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
