"""A multipart request -> files on the disk and text fields; no file is ever whole in memory.

file, background   a file each, written into the folder by number
edit, format       text
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from standout.serve.jobs.order import GivenFile
from standout.serve.jobs.settings import JobSettings
from standout.serve.refusals import Refusal, bad_request

FILE, BACKGROUND = "file", "background"
FIELDS = ("edit", "format")
MOST_TEXT = 2**16
"""Bytes of a text field."""

MOST_FIELDS = 10
"""Parts of a form beside its files."""

PIECE = 2**20
"""Bytes that are handed to the disk together."""

SLOWEST = 50_000
"""Bytes a second that an upload must reach, on average, after its first minute."""


@dataclass
class Uploaded:
    """What has come: the files, the background if one was sent, and the text fields."""

    files: list[GivenFile] = field(default_factory=list)
    background: GivenFile | None = None
    fields: dict[str, str] = field(default_factory=dict)


async def received(request: Request, folder: Path, limits: JobSettings, *, seconds: float) -> Uploaded:
    """The request's files, written into folder/upload, and its fields. seconds: how long a pause may be.

    Raises Refusal for a body that is no multipart form, or too large, too slow or incomplete; OSError where the disk
    cannot hold it.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise bad_request(f"the body's Content-Type is {kind.decode('latin-1')!r}; wanted multipart/form-data")
    most = limits.most_bytes + PIECE
    form = _Form(options[b"boundary"], folder, limits)
    waiting = bytearray()
    begun, come = time.monotonic(), 0
    try:
        stream = aiter(request.stream())
        while True:
            async with asyncio.timeout(seconds):
                chunk = await anext(stream, None)
            if chunk is None:
                break
            come += len(chunk)
            if come > most:
                raise too_large(f"more than {most:,}", limits.most_bytes)
            if time.monotonic() - begun > seconds + come / SLOWEST:
                raise TimeoutError
            waiting += chunk
            if len(waiting) >= PIECE:
                await asyncio.to_thread(form.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(form.write, bytes(waiting))
        return form.finished()
    except TimeoutError:
        detail = f"nothing came for {seconds:g} s, or less than {SLOWEST:,} bytes a second; send it over a faster line"
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", title="Request timeout", detail=detail) from None
    except FormParserError as error:
        raise bad_request(f"the body is not multipart/form-data ({error}); let a library write it") from None
    except ClientDisconnect:
        raise bad_request("the body ended before it was complete") from None
    finally:
        form.close()


def too_large(told: object, most: int) -> Refusal:
    """The refusal of an upload with more bytes than `most`."""
    detail = f"the upload has {told} bytes, wanted at most {most:,}; send fewer or smaller files"
    return Refusal(HTTPStatus.BAD_REQUEST, "file_too_large", title="File too large", detail=detail)


class _Form:
    """Writes the files of a multipart form as its bytes come."""

    def __init__(self, boundary: bytes, folder: Path, limits: JobSettings) -> None:
        self._folder, self._limits, self._left = folder, limits, limits.most_bytes
        self._uploaded = Uploaded()
        self._header, self._value, self._disposition = b"", b"", b""
        self._name, self._filename, self._text = "", None, bytearray()  # type: str, str | None, bytearray
        self._file: BinaryIO | None = None
        self._parts, self._count, self._is_whole = 0, 0, False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_comes,
                "on_header_value": self._value_comes,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data_comes,
                "on_part_end": self._part_ends,
                "on_end": self._ends,
            },
        )
        self.write: Callable[[bytes], int] = self._parser.write

    def finished(self) -> Uploaded:
        """What has come. Raises Refusal where the form did not end."""
        if not self._is_whole:
            raise bad_request("the body ended before the form did; send it again")
        return self._uploaded

    def close(self) -> None:
        """Closes the file that is being written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _part_begins(self) -> None:
        self._disposition, self._text, self._filename, self._name = b"", bytearray(), None, ""
        self._parts += 1
        if self._parts > self._limits.most_files + MOST_FIELDS:
            raise bad_request(f"the form has more than {self._limits.most_files:,} files; send them in several jobs")

    def _header_comes(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _value_comes(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self._filename = options[b"filename"].decode("utf-8", "replace")
            if self._name not in (FILE, BACKGROUND):
                raise bad_request(f"the form has a file {self._name[:50]!r}; wanted {FILE} or {BACKGROUND}")
            self._count += 1
            self._file = (self._folder / "upload" / str(self._count)).open("xb")
        elif self._name in (FILE, BACKGROUND):
            raise bad_request(f"{self._name} is text; send a file (curl -F {self._name}=@clip.mp4)")

    def _data_comes(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._left -= end - start
            if self._left < 0:
                raise too_large(f"more than {self._limits.most_bytes:,}", self._limits.most_bytes)
            self._file.write(memoryview(data)[start:end])
        elif self._name in FIELDS:
            self._text += data[start:end]
            if len(self._text) > MOST_TEXT:
                raise bad_request(f"{self._name} has more than {MOST_TEXT:,} bytes; make it shorter")

    def _part_ends(self) -> None:
        if self._file is None:
            if self._name in FIELDS:
                self._uploaded.fields[self._name] = self._text.decode("utf-8", "replace")
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        is_empty = self._file.tell() == 0
        self.close()
        given = GivenFile(f"upload/{self._count}", self._filename or "file")
        if is_empty and not self._filename:  # a browser sends an empty file where none was chosen
            return
        if self._name == FILE:
            self._uploaded.files.append(given)
        else:
            self._uploaded.background = given

    def _ends(self) -> None:
        self._is_whole = True
