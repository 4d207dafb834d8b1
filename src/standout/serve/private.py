"""Private mode: what the page needs to find people in the browser, so that no picture leaves it.

/private/models/NAME.onnx   the bundled models, from the package
/private/about.json         {"version", "models": [name], "default", "live", "webgpu", "effects": [effect]}
/private/                   what is in page/private: the ES module standout.js, engine.js, live.html

onnxruntime-web is not part of the source: scripts/browser fetches it into page/private/ort, and wheels hold it. Without
it the server works, but for private mode.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from standout.models.registry import DEFAULT, REGISTRY, WEIGHTS, find
from standout.serve import catalog
from standout.serve.site import HEADERS, PAGE, PageFiles
from standout.support.version import __version__

PRIVATE = PAGE / "private"

CPU = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
WEBGPU = ("ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm")
"""The files of onnxruntime-web in page/private/ort, by build."""

LIVE = "standout-tiny"
"""The model that live pictures begin with."""

LOCAL = ("cut", "blur", "color", "replace", "pixelate", "mask")
"""The effects that page/private/lib/render.js can do."""

CURE = "run scripts/browser in the checkout, which fetches onnxruntime-web from npm; wheels hold it already"


def is_available() -> bool:
    """Whether onnxruntime-web is in the package, so that private mode works."""
    return all((PRIVATE / "ort" / name).is_file() for name in CPU)


def about() -> dict[str, Any]:
    """What the page must know of private mode."""
    return {
        "version": __version__,
        "models": list(REGISTRY),
        "default": DEFAULT,
        "live": LIVE,
        "webgpu": all((PRIVATE / "ort" / name).is_file() for name in WEBGPU),
        "effects": [one for one in catalog.listed() if one["name"] in LOCAL],
    }


def models() -> dict[str, Path]:
    """The models that the browser may fetch, by their file names."""
    return {f"{name}.onnx": find(name) for name in REGISTRY}


def add(app: FastAPI) -> None:
    """Adds the addresses of what is not in page/private itself; site.add must come after it."""
    files = PageFiles(directory=WEIGHTS)
    found: dict[str, str] = {}

    @app.api_route("/private/models/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    async def model(name: str, request: Request) -> Response:
        if not found:
            found.update({name: path.name for name, path in models().items()})
        if name not in found:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return await files.get_response(found[name], request.scope)

    @app.api_route("/private/about.json", methods=["GET", "HEAD"], include_in_schema=False)
    async def known() -> Response:
        return JSONResponse(about(), headers=HEADERS)
