"""Private mode: what the page needs to find people in the browser, so that no picture leaves it.

/private/models/NAME.onnx   the bundled models, from the package, and the server's own where that is another ONNX file
/private/about.json         {"version", "models": [name], "default", "webgpu", "effects": [effect], "files": [path]}
/private/                   what is in page/private: the ES module standout.js, engine.js, live.html

onnxruntime-web is not part of the source: scripts/browser fetches it into page/private/ort, and wheels hold it. Without
it the server works, but for private mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standout.models.registry import DEFAULT, REGISTRY, find
from standout.serve import catalog
from standout.serve.settings import ServerSettings
from standout.serve.site import HEADERS, PAGE, PageFiles
from standout.support.version import __version__

PRIVATE = PAGE / "private"

CPU = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
WEBGPU = ("ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm")
"""The files of onnxruntime-web in page/private/ort, by build."""

LOCAL = ("cut", "blur", "color", "replace", "pixelate", "mask")
"""The effects that page/private/lib/render.js can do."""

CURE = "run scripts/browser in the checkout, which fetches onnxruntime-web from npm; wheels hold it already"


def is_available() -> bool:
    """Whether onnxruntime-web is in the package, so that private mode works. Its version is written last."""
    return all((PRIVATE / "ort" / name).is_file() for name in (*CPU, "VERSION"))


def models(model: str = DEFAULT) -> dict[str, Path]:
    """The models that the browser may use, by name, the default first. model: what the server uses.

    A model that is no ONNX file cannot run in the browser; the bundled one is the default then.
    """
    bundled = {name: find(name) for name in REGISTRY}
    if model in bundled:
        return {model: bundled[model]} | bundled
    own = Path(model)
    return ({own.stem: own} if own.suffix.lower() == ".onnx" else {}) | bundled


def about(known: dict[str, Path]) -> dict[str, Any]:
    """What the page must know of private mode. known: the models."""
    default = next(iter(known))
    return {
        "version": __version__,
        "models": list(known),
        "default": default,
        "webgpu": all((PRIVATE / "ort" / name).is_file() for name in WEBGPU),
        "effects": [one for one in catalog.listed() if one["name"] in LOCAL],
        "files": ["about.json", f"models/{default}.onnx", *_files()],
    }


def _files() -> Iterator[str]:
    """What photos need of page/private, for the browser to keep: paths in that folder."""
    for path in sorted(PRIVATE.rglob("*")):
        if path.suffix in (".js", ".html", ".css") or path.name in CPU:
            yield path.relative_to(PRIVATE).as_posix()


def add(app: FastAPI, settings: ServerSettings) -> None:
    """Adds the addresses of what is not in page/private itself; site.add must come after it.

    Files of the page need no key, so a server with keys gives the bundled models alone.
    """
    found: dict[str, Path] = {}

    def known() -> dict[str, Path]:
        if not found:  # their checksums are verified once, when the first page asks
            found.update(models(DEFAULT if settings.keys else settings.model))
        return found

    @app.api_route("/private/models/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    async def model(name: str, request: Request) -> Response:
        path = known().get(name.removesuffix(".onnx")) if name.endswith(".onnx") else None
        if path is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return await PageFiles(directory=path.parent).get_response(path.name, request.scope)

    @app.api_route("/private/about.json", methods=["GET", "HEAD"], include_in_schema=False)
    async def told() -> Response:
        return JSONResponse(about(known()), headers=HEADERS)
