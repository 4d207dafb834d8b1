"""The documentation of the APIs as a page, made from the OpenAPI schema; it needs no script and nothing from elsewhere.

/docs           the page
/docs.css       what it looks like
/openapi.json   the schema itself, which FastAPI serves
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse, Response

CSS = Path(__file__).with_suffix(".css")


def router(app: FastAPI) -> APIRouter:
    """The page of the application's own schema."""
    made = APIRouter(include_in_schema=False)

    @made.get("/docs")
    async def documentation() -> Response:
        return HTMLResponse(page(app.openapi()))

    @made.get("/docs.css")
    async def style() -> Response:
        return Response(CSS.read_bytes(), media_type="text/css")

    return made


def page(schema: dict[str, Any]) -> str:
    """The schema as HTML."""
    about = schema["info"]
    title, version = escape(about["title"]), escape(about["version"])
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<title>{title} {version}</title><link rel="stylesheet" href="/docs.css"></head><body><main>',
            f"<h1>{title} <small>{version}</small></h1><p>{escape(about.get('description', ''))}</p>",
            '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>',
            *_operations(schema),
            "</main></body></html>",
        ]
    )


def _operations(schema: dict[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method, one in methods.items():
            yield f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(one.get('summary', ''))}.</p>"
            contents = one.get("requestBody", {}).get("content", {})
            if contents:
                yield f"<p>Body: {', '.join(f'<code>{escape(kind)}</code>' for kind in contents)}</p>"
            yield from _fields(contents)
            yield "</section>"


def _fields(contents: dict[str, Any]) -> Iterator[str]:
    """A table of the fields of the first kind of body, which has them all."""
    first: dict[str, Any] = next(iter(contents.values()), {})
    fields = first.get("schema", {}).get("properties", {})
    if not fields:
        return
    yield '<table><thead><tr><th scope="col">Field</th><th scope="col">What it is</th></tr></thead><tbody>'
    for name, about in fields.items():
        file = " (a file)" if about.get("format") == "binary" else ""
        choices = ", ".join(about.get("enum", ()))
        text = f"{about.get('description', '')}{f' One of {choices}.' if choices else ''}"
        yield f"<tr><td><code>{escape(name)}</code>{file}</td><td>{escape(text)}</td></tr>"
    yield "</tbody></table>"
