"""The page for people at /, as static files, and what it must know of the server.

/                        page/index.html
/js/ /img/ /private/     what is in these folders of page/
/config.json             {"server", "private", "version", "key", "most_bytes", "most_pixels", "jobs"}

The files are served as they are: there is no build step. Every answer has the headers that keep the page to itself. The
browser keeps the files, but asks each time whether they have changed (ETag), so that an update is seen at once.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from standout.serve.settings import ServerSettings
from standout.support.version import __version__

PAGE = Path(__file__).parent / "page"

FOLDERS = ("js", "img", "private")
"""Of these folders every file is served; beside them, only the files of FILES."""

FILES = {"": "index.html"} | {name: name for name in ("app.css", "sw.js", "manifest.webmanifest", "icon.svg")}
"""Address -> file of the page's own folder."""

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self' blob:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=()",
}
"""Of every file of the page. The two Cross-Origin policies let its scripts use threads with shared memory."""

MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
"""Suffix -> media type, where what the operating system says of it cannot be relied on."""


class PageFiles(StaticFiles):
    """Serves files with the page's headers."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """See StaticFiles: the file, or 304 where the browser has it already."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        kind = MEDIA_TYPES.get(PurePath(full_path).suffix)
        if kind and "content-type" in response.headers:
            response.headers["Content-Type"] = kind
        response.headers.update(HEADERS)
        return response


def add(app: FastAPI, settings: ServerSettings, *, private: bool) -> None:
    """Adds the page's addresses to the application, after all other routes have been added. private: see config."""
    files = PageFiles(directory=PAGE)
    for address, name in FILES.items():
        app.add_api_route(f"/{address}", _file(files, name), methods=["GET", "HEAD"], include_in_schema=False)
    for folder in FOLDERS:
        app.mount(f"/{folder}", PageFiles(directory=PAGE / folder))

    @app.api_route("/config.json", methods=["GET", "HEAD"], include_in_schema=False)
    async def configuration() -> Response:
        return JSONResponse(config(settings, jobs=app.state.jobs.are_on, private=private), headers=HEADERS)


def config(settings: ServerSettings, *, jobs: bool, private: bool) -> dict[str, Any]:
    """What the page must know of the server. jobs: whether clips are taken. private: whether private mode works."""
    return {
        "server": True,
        "private": private,
        "version": __version__,
        "key": bool(settings.keys),
        "most_bytes": settings.most_bytes,
        "most_pixels": settings.most_pixels,
        "jobs": jobs,
    }


def _file(files: StaticFiles, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await files.get_response(name, request.scope)

    return answer
