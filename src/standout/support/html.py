"""HTML pages that need no other file: text, tables and pictures, without any script.

body   str   HTML, in which all text from outside has gone through html.escape
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from standout.support.draw import jpeg

if TYPE_CHECKING:
    from standout.types import Bytes

STYLE = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px; padding: 0 1rem;
  background: #fff; color: #222 }
h2 { margin-top: 2rem } .error, .worse { color: #b00020 } .warning { color: #9a5b00 } .note { color: #555 }
.better { color: #1b7a2f }
figure { display: inline-block; margin: 0 .6rem .9rem 0; vertical-align: top }
figcaption { font-size: 12px; contain: inline-size; overflow-wrap: anywhere }
img { display: block; border: 1px solid #ccc } table { border-collapse: collapse }
td, th { padding: .15rem .8rem .15rem 0; text-align: left } td.number { font-variant-numeric: tabular-nums }
td small { color: #777 } details { margin: .4rem 0 } svg { display: block; max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } .error, .worse { color: #ff8a80 }
  .warning { color: #ffb74d } .note { color: #aaa } .better { color: #81c784 } }"""


def page(title: str, body: str) -> bytes:
    """The whole page as bytes: the title as its heading, and the body below it."""
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    )
    start = f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head>'
    return f"{start}<body><h1>{html.escape(title)}</h1>{body}</body></html>".encode()


def figure(picture: Bytes, caption: str, *, alt: str, link: str = "") -> str:
    """A picture with its caption, as HTML.

    alt: what the picture shows, for people who cannot see it. link: the address that a click on it leads to.
    """
    text = base64.b64encode(jpeg(picture, quality=82)).decode()
    image = (
        f'<img width="{picture.shape[1]}" height="{picture.shape[0]}" alt="{html.escape(alt)}" '
        f'src="data:image/jpeg;base64,{text}">'
    )
    shown = f'<a href="{html.escape(link)}">{image}</a>' if link else image
    return f"<figure>{shown}<figcaption>{html.escape(caption)}</figcaption></figure>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as HTML. All columns but the first hold numbers."""
    cells = "".join(f"<th>{html.escape(text)}</th>" for text in head)
    lines = [f"<tr>{cells}</tr>"]
    for first, *rest in rows:
        numbers = "".join(f'<td class="number">{html.escape(text)}</td>' for text in rest)
        lines.append(f"<tr><td>{html.escape(first)}</td>{numbers}</tr>")
    return f"<table>{''.join(lines)}</table>"
